//! The files of Swagger UI. The binary has them compressed (`build.rs`): a quarter of what they are.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::{ACCEPT_ENCODING, HeaderMap};

/// A file, by gzip.
pub(super) struct Asset {
    name: &'static str,
    pub(super) media_type: &'static str,
    packed: &'static [u8],
}

macro_rules! asset {
    ($name:literal, $media_type:literal) => {
        Asset {
            name: $name,
            media_type: $media_type,
            packed: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")),
        }
    };
}

/// All that the page asks for, and the page.
static ASSETS: [Asset; 8] = [
    asset!("favicon-16x16.png", "image/png"),
    asset!("favicon-32x32.png", "image/png"),
    asset!("index.css", "text/css"),
    asset!("index.html", "text/html"),
    asset!("swagger-initializer.js", "text/javascript"),
    asset!("swagger-ui-bundle.js", "text/javascript"),
    asset!("swagger-ui-standalone-preset.js", "text/javascript"),
    asset!("swagger-ui.css", "text/css"),
];

impl Asset {
    /// `None` where there is no such file.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        ASSETS.iter().find(|asset| asset.name == name)
    }

    /// For who takes gzip.
    pub(super) fn packed(&self) -> Bytes {
        Bytes::from_static(self.packed)
    }

    /// For who does not.
    pub(super) fn unpacked(&self) -> io::Result<Bytes> {
        let mut unpacked = Vec::new();
        GzDecoder::new(self.packed).read_to_end(&mut unpacked)?;
        Ok(unpacked.into())
    }
}

/// Whether the client names gzip, and not to refuse it (RFC 9110 §12.5.3). One that takes anything
/// (`*`, or no such header) may be a program that unpacks nothing.
pub(super) fn takes_gzip(client: &HeaderMap) -> bool {
    let values =
        client.get_all(ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        name.trim().eq_ignore_ascii_case("gzip") && !is_zero(weight.trim())
    })
}

/// `q=0` to `q=0.000`.
fn is_zero(weight: &str) -> bool {
    let digits = weight.trim_start_matches(['q', 'Q', '=']);
    digits.starts_with('0') && digits.bytes().all(|byte| matches!(byte, b'0' | b'.'))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn every_file_unpacks() {
        for asset in &ASSETS {
            assert!(!asset.unpacked().unwrap().is_empty(), "{}", asset.name);
        }
    }

    #[test]
    fn a_client_gets_gzip_if_it_asks_for_it() {
        for (accepted, expected) in [
            ("gzip", true),
            ("gzip, deflate, br, zstd", true),
            ("br;q=1.0, GZIP;q=0.8, *;q=0.1", true),
            ("deflate,gzip ; q=0.001", true),
            ("gzip;q=0", false),
            ("br, gzip; Q=0.000", false),
            ("identity", false),
            ("*", false),
            ("gzipped", false),
            ("", false),
        ] {
            let accepted = HeaderValue::from_static(accepted);
            let client = HeaderMap::from_iter([(ACCEPT_ENCODING, accepted)]);
            assert_eq!(takes_gzip(&client), expected, "{client:?}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
