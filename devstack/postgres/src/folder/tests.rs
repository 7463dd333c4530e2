use std::os::unix::fs::chown;

use super::*;

fn stranger() -> Account {
    Account { name: "stranger".to_owned(), uid: 4_000_001, gid: 4_000_001 }
}

/// A folder that nobody but us can enter.
fn private() -> tempfile::TempDir {
    let private = tempfile::tempdir().unwrap();
    fs::set_permissions(private.path(), fs::Permissions::from_mode(0o700)).unwrap();
    private
}

#[test]
fn data_out_of_the_accounts_reach_goes_to_the_same_place_each_time() {
    let private = private();
    let wanted = private.path().join("postgres");

    let first = place(&wanted, Some(&stranger())).unwrap();
    let second = place(&wanted, Some(&stranger())).unwrap();
    fs::remove_dir(&first).unwrap(); // As a cleaner of /var/tmp does.
    let third = place(&wanted, Some(&stranger())).unwrap();

    fs::remove_dir(&first).unwrap();
    assert!(first.starts_with("/var/tmp"), "{}", first.display());
    assert_eq!(fs::read_link(wanted).unwrap(), first);
    assert_eq!((&second, &third), (&first, &first));
}

#[test]
fn data_stays_where_it_is_wanted_when_the_server_is_run_by_ourselves() {
    let private = private();

    let placed = place(&private.path().join("deep/postgres"), None).unwrap();

    assert_eq!(placed, private.path().canonicalize().unwrap().join("deep/postgres"));
    assert_eq!(placed.metadata().unwrap().mode() & 0o777, 0o700);
}

#[test]
fn a_folder_that_someone_else_made_is_refused() {
    let private = private();
    let theirs = private.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    if chown(&theirs, Some(4_000_001), None).is_err() {
        return; // Only root can play someone else.
    }

    let error = own(&theirs, 0o711).unwrap_err().to_string();

    assert!(error.contains("its owner is user id 4000001"), "{error}");
}

#[test]
fn a_link_in_place_of_a_folder_is_refused() {
    let private = private();
    let link = private.path().join("link");
    let elsewhere = tempfile::tempdir().unwrap();
    fs::set_permissions(elsewhere.path(), fs::Permissions::from_mode(0o750)).unwrap();
    symlink(elsewhere.path(), &link).unwrap();

    let error = own(&link, 0o711).unwrap_err();

    assert!(matches!(error, Error::NotOurs { .. }), "{error}");
    assert_eq!(elsewhere.path().metadata().unwrap().mode() & 0o777, 0o750);
}

#[test]
fn a_folder_in_the_pointers_place_is_left_alone() {
    let private = private();
    let wanted = private.path().join("postgres");
    fs::create_dir(&wanted).unwrap();

    let error = place(&wanted, Some(&stranger())).unwrap_err();

    assert!(matches!(error, Error::Occupied { .. }), "{error}");
}
