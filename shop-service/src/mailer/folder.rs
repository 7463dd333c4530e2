//! Mail into a folder, an `.eml` a letter: for development, and for a look at what would be sent.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

/// Tells apart what this process writes at the same time.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// Writes a letter; the same one again replaces itself. It appears under its name when all of it
/// is there, so that whoever looks, even after a crash, sees no torn one.
pub(super) async fn put(folder: &Path, id: Uuid, message: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder).await?;
    let (process, count) = (std::process::id(), WRITTEN.fetch_add(1, Ordering::Relaxed));
    let torn = folder.join(format!(".{id}.{process}.{count}"));
    let put = async {
        write(&torn, message).await?;
        fs::rename(&torn, folder.join(format!("{id}.eml"))).await
    };
    let put = put.await;
    if put.is_err() {
        let _ = fs::remove_file(&torn).await;
    }
    put
}

async fn write(path: &Path, message: &[u8]) -> io::Result<()> {
    let mut file = File::create(path).await?;
    file.write_all(message).await?;
    file.sync_all().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[tokio::test]
    async fn a_letter_is_one_file_however_often_it_is_put() {
        let above = tempfile::tempdir().unwrap();
        let (folder, id) = (above.path().join("not/there yet"), Uuid::now_v7());

        put(&folder, id, b"a first try that is longer").await.unwrap();
        put(&folder, id, b"the second").await.unwrap();

        assert_eq!(names(&folder), [format!("{id}.eml")]);
        let written = std::fs::read(folder.join(format!("{id}.eml"))).unwrap();
        assert_eq!(written, b"the second");
    }

    #[tokio::test]
    async fn what_cannot_be_put_in_place_leaves_nothing_torn() {
        let folder = tempfile::tempdir().unwrap();
        let id = Uuid::now_v7();
        std::fs::create_dir(folder.path().join(format!("{id}.eml"))).unwrap();

        put(folder.path(), id, b"a letter").await.expect_err("a folder is in the way");

        assert_eq!(names(folder.path()), [format!("{id}.eml")]);
    }
}
