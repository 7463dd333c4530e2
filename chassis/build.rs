//! Takes what the page at `/docs/` needs of Swagger UI out of its archive, and compresses it. The
//! archive has the same program four times, for four kinds of bundlers.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

/// Below `dist/`; `src/docs/asset.rs` includes each.
const NEEDED: [&str; 7] = [
    "favicon-16x16.png",
    "favicon-32x32.png",
    "index.css",
    "index.html",
    "swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js",
    "swagger-ui.css",
];

/// Ours, in the place of the archive's, which shows somebody's pet store.
const INITIALIZER: &str = "src/docs/swagger-initializer.js";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={INITIALIZER}");
    pack("swagger-initializer.js", &mut fs::read(INITIALIZER)?.as_slice())?;
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    for index in 0..archive.len() {
        let mut file = archive.by_index(index)?;
        let name = file.name()?.into_owned();
        let name = name.split_once('/').and_then(|(_release, name)| name.strip_prefix("dist/"));
        if let Some(name) = name.filter(|name| NEEDED.contains(name)) {
            pack(name, &mut file)?;
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "Cargo says it so, and it is no configuration")]
fn pack(name: &str, content: &mut impl Read) -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::var("OUT_DIR")?);
    let file = File::create(folder.join(format!("{name}.gz")))?;
    let mut packed = GzEncoder::new(file, Compression::best());
    io::copy(content, &mut packed)?;
    packed.finish()?;
    Ok(())
}
