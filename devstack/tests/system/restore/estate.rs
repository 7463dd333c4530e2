//! Both services on databases of their own roles, and an operator who has what the runbook needs:
//! PostgreSQL's programs, the services' binaries, and curl.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use devstack_testkit::eventually;
use devstack_testkit::process::Program;
use tempfile::TempDir;
use tokio_postgres::Client;
use uuid::Uuid;

use super::doors::Doors;
use crate::config::{CLIENT_SECRET, SECRET, patient};
use crate::machine::{Postgres, Service};
use crate::site::PRODUCT;
use crate::system::count;
use crate::wire::Wire;

/// The roles' password, from the time before the restore and after it.
const ROLE_PASSWORD: &str = "0123456789abcdef";

const COMPARE: &str = include_str!("compare.sh");
const SETTLE: &str = include_str!("settle.sh");

pub(super) struct Estate {
    // In the order in which they end.
    pub(super) doors: Doors,
    shop: Service,
    auth: Service,
    pub(super) wire: Wire,
    postgres: Postgres,
    /// Where the operator works.
    desk: TempDir,
    _data: TempDir,
}

impl Estate {
    /// Both services, ready, on new databases.
    pub(super) async fn start() -> Self {
        let [data, desk] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let postgres = Postgres::start(data.path()).await;
        let roles = format!(
            "CREATE ROLE auth LOGIN PASSWORD '{ROLE_PASSWORD}';
            CREATE ROLE shop LOGIN PASSWORD '{ROLE_PASSWORD}'"
        );
        postgres.connect("postgres").await.batch_execute(&roles).await.unwrap();
        let hashing = [("ARGON2_MEMORY_KIB", "64".to_owned()), ("ARGON2_ITERATIONS", "1".into())];
        let auth = Service::new(["auth-service", "auth"], url(&postgres, "auth"), hashing.into());
        let wire = Wire::to(auth.api.addr()).await;
        let shop = shop(&postgres, &wire, &[]);
        let doors = Doors { auth: auth.api.clone(), shop: shop.api.clone() };
        let estate = Self { doors, auth, shop, wire, postgres, desk, _data: data };
        estate.equip();
        estate.empty_databases().await;
        estate.up().await;
        estate
    }

    /// The services' names become commands, each on its database.
    fn equip(&self) {
        for name in ["auth-service", "shop-service"] {
            let url = url(&self.postgres, &name[..4]);
            let binary = env!("CARGO_BIN_EXE_devstack");
            let command =
                format!("#!/bin/sh\nDATABASE_URL='{url}' exec '{binary}' {name} \"$@\"\n");
            let file = self.desk.path().join(name);
            fs::write(&file, command).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
        }
        let passwords = self.desk.path().join("passwords");
        fs::write(&passwords, format!("*:*:*:*:{ROLE_PASSWORD}\n")).unwrap();
        fs::set_permissions(&passwords, Permissions::from_mode(0o600)).unwrap();
    }

    /// Loses all that there is, and gives each role an empty database.
    pub(super) async fn empty_databases(&self) {
        let db = self.postgres.connect("postgres").await;
        for name in ["auth", "shop"] {
            db.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
            db.batch_execute(&format!("CREATE DATABASE {name} OWNER {name}")).await.unwrap();
        }
    }

    /// Starts both services.
    pub(super) async fn up(&self) {
        tokio::join!(self.auth.start(), self.shop.start());
    }

    /// Kills both services, and loses their databases.
    pub(super) async fn destroy(&self) {
        tokio::join!(self.auth.kill(), self.shop.kill());
        self.empty_databases().await;
    }

    /// The operator pastes these lines; what they say.
    pub(super) async fn paste(&self, lines: &str) -> String {
        let desk = self.desk.path().display();
        let programs = self.postgres.programs().display();
        let [auth_db, shop_db] = ["auth", "shop"].map(|name| {
            format!("host=127.0.0.1 port={} user={name} dbname={name}", port(&self.postgres))
        });
        let [auth, shop] =
            [&self.auth, &self.shop].map(|service| format!("http://{}", service.api.addr()));
        let lines = format!("cd '{desk}'\n{lines}");
        let ended = Program::new("/bin/bash")
            .args(&["-euo", "pipefail", "-c", &lines])
            .env("PATH", &format!("{desk}:{programs}:/usr/bin:/bin"))
            .env("PGPASSFILE", &format!("{desk}/passwords"))
            .env("AUTH_DB", &auth_db)
            .env("SHOP_DB", &shop_db)
            .env("AUTH", &auth)
            .env("SHOP", &shop)
            .env("TOKEN_SECRETS", SECRET)
            .env("REGISTRATION_CLIENT_SECRET", CLIENT_SECRET)
            .run()
            .await;
        assert_eq!(ended.code, Some(0), "{lines}\n{ended:?}");
        ended.stdout
    }

    /// What the runbook says of two databases that are of two moments; there are such people.
    pub(super) async fn compare_and_settle(&self) {
        self.paste(COMPARE).await;
        let only_in_auth = fs::read_to_string(self.desk.path().join("only-in-auth")).unwrap();
        assert_ne!(only_in_auth, "");
        // Whoever had a job in hand is gone with its lease.
        let end_leases = "UPDATE outbox SET next_attempt_at = clock_timestamp()";
        self.db("shop").await.batch_execute(end_leases).await.unwrap();
        self.up().await;
        self.paste(SETTLE).await;
        until_unregistered(&self.db("shop").await).await;
    }

    /// That all that was restored is its role's, as a later migration needs it.
    pub(super) async fn expect_owned_by_its_roles(&self) {
        for name in ["auth", "shop"] {
            let others = format!(
                "(SELECT relowner AS owner FROM pg_class WHERE relnamespace = 'public'::regnamespace
                    UNION ALL
                    SELECT proowner FROM pg_proc WHERE pronamespace = 'public'::regnamespace) AS all_
                WHERE pg_get_userbyid(owner) <> '{name}'"
            );
            assert_eq!(count(&self.db(name).await, &others).await, 0, "{name}");
        }
    }

    /// A product of which there is plenty.
    pub(super) async fn product(&self) -> Uuid {
        let product = Uuid::now_v7();
        self.db("shop").await.execute(PRODUCT, &[&product]).await.unwrap();
        product
    }

    /// Another shop in the place of the one that was, which puts mail here.
    pub(super) fn mail_to(&mut self, folder: &Path) {
        let url = format!("file://{}", folder.display());
        self.shop = shop(&self.postgres, &self.wire, &[("MAIL_URL", url)]);
        self.doors.shop = self.shop.api.clone();
    }

    /// A connection to a service's database, with all rights.
    pub(super) async fn db(&self, name: &str) -> Client {
        self.postgres.connect(name).await
    }
}

/// Waits until no job to unregister somebody is left.
pub(super) async fn until_unregistered(shop_db: &Client) {
    eventually("auth has been told", async || {
        let jobs = count(shop_db, "outbox WHERE done_at IS NULL AND kind = 'unregister'").await;
        (jobs == 0).then_some(())
    })
    .await;
}

fn shop(postgres: &Postgres, wire: &Wire, more: &[(&'static str, String)]) -> Service {
    let own = [("AUTH_URL", wire.url()), ("AUTH_TIMEOUT", "25s".to_owned())];
    let own = own.into_iter().chain(more.iter().cloned()).collect();
    Service::new(["shop-service", "shop"], url(postgres, "shop"), own)
}

/// A service's database, as its own role.
fn url(postgres: &Postgres, name: &str) -> String {
    let port = port(postgres);
    patient(&format!("postgres://{name}:{ROLE_PASSWORD}@127.0.0.1:{port}/{name}"))
}

fn port(postgres: &Postgres) -> u16 {
    let config: tokio_postgres::Config = postgres.url("postgres").parse().unwrap();
    config.get_ports()[0]
}
