//! A server's life: first start, stop, second start, and who may disturb it.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what it missed")]

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    pin::pin,
    thread,
    time::Duration,
};

use devstack_postgres::{Error, Options, Server, Step, erase};
use tokio_postgres::{Client, NoTls};

async fn start(data: &Path) -> Server {
    Server::start(Options::throw_away(data), |_| {}).await.unwrap()
}

async fn connect(server: &Server, database: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(&server.url(database), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn one(client: &Client, query: &str) -> String {
    client.query_one(query, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn data_is_kept_between_two_starts() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("postgres");

    let (steps, told) = std::sync::mpsc::channel();
    let tell = move |step: Step| steps.send(step).unwrap();
    let first = Server::start(Options::durable(&data), tell).await.unwrap();
    first.create_database_if_absent("shop").await.unwrap();
    connect(&first, "shop").await.batch_execute("CREATE TABLE kept ()").await.unwrap();
    drop(first);
    let second = Server::start(Options::durable(&data), |_| {}).await.unwrap();
    second.create_database_if_absent("shop").await.unwrap();

    let client = connect(&second, "shop").await;
    assert_eq!(
        one(&client, "SELECT relname::text FROM pg_class WHERE relname = 'kept'").await,
        "kept"
    );
    assert_eq!(one(&client, "SHOW fsync").await, "on");
    let steps: Vec<_> = told.iter().collect();
    assert!(matches!(steps[..], [Step::Creating { .. }, Step::Starting { .. }]), "{steps:?}");
}

#[tokio::test]
async fn erased_data_is_gone_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path()).await;
    first.create_database_if_absent("shop").await.unwrap();
    let in_use = erase(folder.path()).unwrap_err();
    drop(first);

    erase(folder.path()).unwrap();
    let second = start(folder.path()).await;

    let client = connect(&second, "postgres").await;
    let shops = "SELECT count(*)::text FROM pg_database WHERE datname = 'shop'";
    assert_eq!(one(&client, shops).await, "0");
    assert!(matches!(in_use, Error::InUse { .. }), "{in_use}");
}

#[tokio::test]
async fn only_the_owner_can_read_the_data_and_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;

    let mode = |name: &str| folder.path().join(name).metadata().unwrap().mode() & 0o777;
    let listed = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name());
    let mut listed: Vec<_> = listed.map(|name| name.into_string().unwrap()).collect();
    listed.sort_unstable();

    assert_eq!((mode("data"), mode("password"), mode("server.log")), (0o700, 0o600, 0o600));
    assert_eq!(listed, ["data", "lock", "password", "server.log"]);
    let password = fs::read_to_string(folder.path().join("password")).unwrap();
    assert!(!format!("{server:?}").contains(&password));
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let password = fs::read_to_string(folder.path().join("password")).unwrap();

    let url = server.url("postgres").replace(&password, "guessed");
    let refused = tokio_postgres::connect(&url, NoTls).await.err().unwrap();

    let code = refused.code().map(tokio_postgres::error::SqlState::code);
    assert_eq!(code, Some("28P01"), "{refused}");
}

#[tokio::test]
async fn a_folder_below_a_private_one_works() {
    let private = tempfile::tempdir().unwrap();
    fs::set_permissions(private.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let data = private.path().join("dev/postgres");

    let first = start(&data).await;
    let real = first.folder().to_owned();
    first.create_database_if_absent("kept").await.unwrap();
    drop(first);
    let second = start(&data).await;

    assert_eq!(real.canonicalize().unwrap(), data.canonicalize().unwrap());
    assert_eq!(
        one(&connect(&second, "kept").await, "SELECT current_database()::text").await,
        "kept"
    );
    if rustix::process::geteuid().is_root() {
        assert!(real.starts_with("/var/tmp"), "{}", real.display());
        assert!(data.is_symlink());
        drop(second);
        fs::remove_dir_all(real).unwrap();
    }
}

#[tokio::test]
async fn a_second_start_on_a_folder_in_use_names_the_process_and_the_port() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path()).await;

    let second = Server::start(Options::throw_away(folder.path()), |_| {}).await.unwrap_err();

    let Error::InUse { pid, port, .. } = second else { panic!("{second}") };
    assert_eq!((Some(pid), port), (first.pid(), first.port()));
}

#[tokio::test]
async fn of_two_starts_at_once_on_a_new_folder_one_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Server::start(Options::throw_away(folder.path()), |_| {});

    let (one, other) = tokio::join!(start(), start());

    let (started, refused) = match (one, other) {
        (Ok(started), Err(refused)) | (Err(refused), Ok(started)) => (started, refused),
        both => panic!("{both:?}"),
    };
    assert!(matches!(refused, Error::Busy { .. } | Error::InUse { .. }), "{refused}");
    assert!(started.pid().is_some());
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_start_waits_for_the_server_of_a_dead_process_to_shut_down() {
    let folder = tempfile::tempdir().unwrap();
    let orphan = start(folder.path()).await;
    fs::remove_file(folder.path().join("lock")).unwrap(); // As if its process were dead.

    let mut next = pin!(start(folder.path()));
    // That nothing happens can only be seen over a time.
    let too_early = tokio::time::timeout(Duration::from_millis(500), &mut next).await;
    assert!(too_early.is_err(), "two servers on one folder: {orphan:?}, {too_early:?}");
    orphan.stop().await.unwrap();
    let next = next.await;

    assert_eq!(one(&connect(&next, "postgres").await, "SELECT 'there'").await, "there");
}

#[tokio::test]
async fn a_port_in_use_is_said_by_number() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = start(one.path()).await;

    let options = Options { port: Some(first.port()), ..Options::throw_away(other.path()) };
    let second = Server::start(options, |_| {}).await.unwrap_err().to_string();

    assert!(second.contains(&format!("port {} ", first.port())), "{second}");
}

#[tokio::test]
async fn a_stopped_server_starts_again_on_its_port() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    server.create_database_if_absent("kept").await.unwrap();
    let client = connect(&server, "kept").await;

    server.stop().await.unwrap();
    let while_stopped = tokio_postgres::connect(&server.url("kept"), NoTls).await.err();
    server.start_again().await.unwrap();

    assert!(client.is_closed());
    assert!(while_stopped.is_some());
    assert_eq!(one(&connect(&server, "kept").await, "SHOW fsync").await, "off");
}

#[tokio::test]
async fn the_server_outlives_the_thread_that_asked_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_owned();

    let server = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(start(&data))
    })
    .join()
    .unwrap();

    assert_eq!(one(&connect(&server, "postgres").await, "SELECT 'there'").await, "there");
}

#[tokio::test]
async fn a_pid_file_whose_number_went_to_another_process_is_no_obstacle() {
    let (folder, others) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let other = start(others.path()).await;
    let killed = start(folder.path()).await;
    let file = folder.path().join("data/postmaster.pid");
    let left = fs::read_to_string(&file).unwrap();
    let left =
        left.replacen(&killed.pid().unwrap().to_string(), &other.pid().unwrap().to_string(), 1);
    let owner = folder.path().join("data").metadata().unwrap();
    drop(killed);
    fs::write(&file, left).unwrap();
    std::os::unix::fs::chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();

    let again = start(folder.path()).await;

    assert_eq!(one(&connect(&again, "postgres").await, "SELECT 'there'").await, "there");
}

#[tokio::test]
async fn a_start_that_fails_shows_the_end_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    drop(start(folder.path()).await);
    let settings = folder.path().join("data/postgresql.auto.conf");
    fs::write(settings, "work_mem = 'plenty'\n").unwrap();

    let error = Server::start(Options::throw_away(folder.path()), |_| {}).await.unwrap_err();

    let text = error.to_string();
    assert!(text.contains("work_mem") && text.contains("server.log"), "{text}");
}
