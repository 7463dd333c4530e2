//! Imports run one way: `proto ← chassis ← services ← devstack`; nobody knows the bench, which looks
//! at services from outside.

use std::path::{Path, PathBuf};

use devstack_testkit::architecture::forbids;

fn house(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

#[test]
fn the_contract_knows_neither_the_web_framework_nor_the_database() {
    let names = ["chassis", "auth-service", "shop-service", "warp", "tokio-postgres", "hyper"];

    assert_eq!(forbids(house("proto"), &names), [""; 0]);
}

#[test]
fn the_chassis_knows_no_service() {
    assert_eq!(
        forbids(house("chassis"), &["auth-service", "shop-service", "devstack", "bench"]),
        [""; 0]
    );
}

#[test]
fn the_services_do_not_know_each_other() {
    assert_eq!(forbids(house("auth-service"), &["shop-service", "devstack"]), [""; 0]);
    assert_eq!(forbids(house("shop-service"), &["auth-service", "devstack"]), [""; 0]);
}

#[test]
fn what_tests_share_knows_no_service() {
    let names = ["proto", "chassis", "auth-service", "shop-service"];

    assert_eq!(forbids(house("devstack/testkit"), &names), [""; 0]);
    assert_eq!(forbids(house("devstack/postgres"), &names), [""; 0]);
}

#[test]
fn the_bench_looks_at_services_from_outside() {
    let names = ["chassis", "auth-service", "shop-service", "devstack"];
    assert_eq!(forbids(house("bench"), &names), [""; 0]);

    for known in ["proto", "auth-service", "shop-service", "devstack"] {
        assert_eq!(forbids(house(known), &["bench"]), [""; 0], "{known}");
    }
}
