//! The download, from a mirror of the test's own.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what it missed")]

use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use aws_lc_rs::digest::{SHA256, digest};
use devstack_postgres::{
    Error, Options, Server, Step,
    archive::Archive,
    binaries::{self, Binaries},
};
use flate2::{Compression, write::GzEncoder};
use tar::EntryType;

const NAME: &str = "postgresql-17.99.0-this-machine.tar.gz";
const UNPACKED: &str = "postgresql-17.99.0";

/// Serves what it is given under a path, and 404 for all else.
struct Mirror {
    url: String,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
    requests: Arc<AtomicUsize>,
}

#[derive(Clone)]
enum Answer {
    Whole(Vec<u8>),
    /// Announces all, and ends after the number of bytes.
    BrokenOff(Vec<u8>, usize),
    Never,
}

impl Mirror {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}/{NAME}", listener.local_addr().unwrap());
        let mirror = Self { url, answers: Arc::default(), requests: Arc::default() };
        let (answers, requests) = (Arc::clone(&mirror.answers), Arc::clone(&mirror.requests));
        thread::spawn(move || {
            let mut unanswered = Vec::new();
            for stream in listener.incoming() {
                requests.fetch_add(1, Ordering::SeqCst);
                unanswered.extend(answer(stream.unwrap(), &answers.lock().unwrap()));
            }
        });
        mirror
    }

    fn with_archive(archive: Answer, checksum: &str) -> Self {
        let mirror = Self::start();
        mirror.serve(NAME, archive);
        let checksum = format!("{checksum}  {NAME}\n").into_bytes();
        mirror.serve(&format!("{NAME}.sha256"), Answer::Whole(checksum));
        mirror
    }

    fn serve(&self, name: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(format!("/{name}"), answer);
    }

    fn archive(&self, folder: &Path) -> Archive {
        Archive::new(&self.url, folder.join("cache"))
    }
}

/// Gives the connection back that is to stay open.
fn answer(mut stream: TcpStream, answers: &HashMap<String, Answer>) -> Option<TcpStream> {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
    let request = lines.next()?;
    lines.find(String::is_empty);
    let (status, body, sent) = match answers.get(request.split(' ').nth(1).unwrap()) {
        Some(Answer::Whole(body)) => ("200 OK", &body[..], body.len()),
        Some(Answer::BrokenOff(body, sent)) => ("200 OK", &body[..], *sent),
        Some(Answer::Never) => return Some(stream),
        None => ("404 Not Found", &[][..], 0),
    };
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body[..sent]));
    None
}

/// This machine's own PostgreSQL, below a folder as in the published archives.
fn real_archive() -> Vec<u8> {
    let installed = binaries::installed().unwrap().unwrap();
    // What stands in PATH may be a link.
    let postgres = installed.folder().join("postgres").canonicalize().unwrap();
    let root = postgres.ancestors().nth(2).unwrap();
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::none()));
    for part in ["bin", "lib", "share"].map(|part| root.join(part)) {
        if part.is_dir() {
            append(&mut tar, root, &part);
        }
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn append(tar: &mut tar::Builder<impl Write>, root: &Path, part: &Path) {
    let name = Path::new(UNPACKED).join(part.strip_prefix(root).unwrap());
    tar.append_path_with_name(part, name).unwrap();
    // For the just-in-time compiler, and most of it all.
    if part.is_dir() && !part.ends_with("bitcode") {
        fs::read_dir(part).unwrap().for_each(|entry| append(tar, root, &entry.unwrap().path()));
    }
}

/// Programs that say they are PostgreSQL, and after them much else.
fn small_archive() -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::none()));
    let mut add = |name: &str, kind, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o755);
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, format!("{UNPACKED}/{name}"), content).unwrap();
    };
    add("bin", EntryType::Directory, b"");
    for program in ["bin/initdb", "bin/postgres"] {
        add(program, EntryType::Regular, b"#!/bin/sh\necho 'postgres (PostgreSQL) 17.99'\n");
    }
    add("else", EntryType::Regular, &[0; 1_000_000]);
    tar.into_inner().unwrap().finish().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn failure(archive: &Archive) -> String {
    let error = archive.install(&|_| {}).await.unwrap_err();
    assert!(matches!(error, Error::Download { .. }), "{error}");
    error.to_string()
}

fn expect_advice(text: &str) {
    for advice in [
        "apt-get install postgresql",
        "brew install postgresql@17",
        "dnf install postgresql-server",
        "PG_BIN_DIR",
    ] {
        assert!(text.contains(advice), "{advice} is missing in: {text}");
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn a_downloaded_postgresql_runs_and_is_downloaded_once() {
    let bytes = real_archive();
    let checksum = sha256(&bytes);
    let mirror = Mirror::with_archive(Answer::Whole(bytes), &checksum);
    let folder = tempfile::tempdir().unwrap();
    let archive = mirror.archive(folder.path());

    let steps = Mutex::new(Vec::new());
    let tell = |step| steps.lock().unwrap().push(step);
    let (first, second) = tokio::join!(archive.install(&tell), archive.install(&tell));
    let (first, second): (Binaries, Binaries) = (first.unwrap(), second.unwrap());
    let bin_dir = Some(first.folder().to_owned());
    let options = Options { bin_dir, ..Options::throw_away(folder.path().join("data")) };
    let postgres = Server::start(options, |_| {}).await.unwrap();

    assert_eq!(first, second);
    assert_eq!(mirror.requests.load(Ordering::SeqCst), 2, "the checksum, the archive");
    assert!(first.folder().starts_with(folder.path()));
    assert_eq!(names_in(&folder.path().join("cache")), ["lock", UNPACKED]);
    assert_eq!(postgres.version(), first.version());
    assert_eq!(steps.into_inner().unwrap(), [Step::Downloading { version: "17".to_owned() }]);
}

#[tokio::test]
async fn a_download_that_was_broken_off_is_never_used() {
    let bytes = small_archive();
    let checksum = sha256(&bytes);
    // The programs are there; the rest is not.
    let sent = bytes.len() / 2;
    let mirror = Mirror::with_archive(Answer::BrokenOff(bytes.clone(), sent), &checksum);
    let folder = tempfile::tempdir().unwrap();
    let archive = mirror.archive(folder.path());

    let text = failure(&archive).await;
    let left = names_in(&folder.path().join("cache"));
    mirror.serve(NAME, Answer::Whole(bytes));
    let again = archive.install(&|_| {}).await;

    expect_advice(&text);
    assert!(text.contains("end of file before message length reached"), "{text}");
    assert_eq!(left, ["lock"]);
    again.unwrap();
    assert_eq!(mirror.requests.load(Ordering::SeqCst), 4, "all of it once more");
}

#[tokio::test]
async fn an_archive_with_a_wrong_checksum_is_not_used() {
    let archive = Answer::Whole(b"an archive".to_vec());
    let mirror = Mirror::with_archive(archive, &sha256(b"another one"));
    let folder = tempfile::tempdir().unwrap();

    let text = failure(&mirror.archive(folder.path())).await;

    expect_advice(&text);
    assert!(text.contains(&sha256(b"an archive")), "{text}");
    assert!(text.contains(&sha256(b"another one")), "{text}");
    assert_eq!(names_in(&folder.path().join("cache")), ["lock"]);
}

#[tokio::test]
async fn an_archive_without_a_checksum_is_not_asked_for() {
    let mirror = Mirror::start();
    mirror.serve(NAME, Answer::Whole(b"an archive".to_vec()));
    let folder = tempfile::tempdir().unwrap();

    let text = failure(&mirror.archive(folder.path())).await;

    expect_advice(&text);
    assert!(text.contains("404 Not Found") && text.contains(".sha256"), "{text}");
    assert_eq!(mirror.requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_empty_checksum_is_none() {
    let mirror = Mirror::with_archive(Answer::Whole(b"an archive".to_vec()), "");
    mirror.serve(&format!("{NAME}.sha256"), Answer::Whole(b"\n".to_vec()));
    let folder = tempfile::tempdir().unwrap();

    let text = failure(&mirror.archive(folder.path())).await;

    expect_advice(&text);
    assert!(text.contains("hash not found"), "{text}");
}

#[tokio::test]
async fn an_archive_that_is_no_archive_leaves_nothing_behind() {
    let archive = Answer::Whole(b"an archive".to_vec());
    let mirror = Mirror::with_archive(archive, &sha256(b"an archive"));
    let folder = tempfile::tempdir().unwrap();

    let text = failure(&mirror.archive(folder.path())).await;

    expect_advice(&text);
    assert!(text.contains("cannot be unpacked"), "{text}");
    assert_eq!(names_in(&folder.path().join("cache")), ["lock"]);
}

#[tokio::test]
async fn an_answer_of_404_is_said_with_what_to_install_instead() {
    let mirror = Mirror::with_archive(Answer::Never, &sha256(b"an archive"));
    mirror.answers.lock().unwrap().remove(&format!("/{NAME}"));
    let folder = tempfile::tempdir().unwrap();

    let text = failure(&mirror.archive(folder.path())).await;

    expect_advice(&text);
    assert!(text.contains(&format!("404 Not Found) for url ({})", mirror.url)), "{text}");
}

#[tokio::test]
async fn a_refused_connection_is_said_with_what_to_install_instead() {
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::new(format!("http://{nobody}/{NAME}"), folder.path().join("cache"));

    let text = failure(&archive).await;

    expect_advice(&text);
    assert!(text.contains("error sending request"), "{text}");
    assert!(text.contains("Connection refused") && !text.contains('\n'), "{text}");
}

// The clock jumps ahead as soon as nothing is left to do but wait.
#[tokio::test(start_paused = true)]
async fn a_mirror_that_never_answers_is_given_up() {
    let mirror = Mirror::with_archive(Answer::Never, &sha256(b"an archive"));
    mirror.serve(&format!("{NAME}.sha256"), Answer::Never);
    let folder = tempfile::tempdir().unwrap();

    let text = failure(&mirror.archive(folder.path())).await;

    expect_advice(&text);
    assert!(text.contains("after 300 seconds"), "{text}");
}

#[tokio::test]
async fn an_address_that_does_not_tell_a_fitting_version_is_not_asked() {
    let mirror = Mirror::start();
    let folder = tempfile::tempdir().unwrap();
    let at = |name| Archive::new(mirror.url.replace(NAME, name), folder.path().join("cache"));

    let other = failure(&at("postgresql-16.4.0-this-machine.tar.gz")).await;
    let none = failure(&at("postgresql.tar.gz")).await;
    let page = failure(&at("index.html")).await;

    assert!(other.contains("version not found for '^17'"), "{other}");
    assert!(none.contains("is not postgresql-<version>-<target>.tar.gz"), "{none}");
    assert!(page.contains("unsupported repository"), "{page}");
    assert_eq!(mirror.requests.load(Ordering::SeqCst), 0);
}
