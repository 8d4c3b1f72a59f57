//! Puts `web/dist` into the binary, if `make web` has built it: every file packed once, here, so that
//! serving it is handing out bytes. Nothing of the web is built from here.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// What packing must save at least, in percent; pictures and fonts are packed already.
const WORTH_PERCENT: usize = 10;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(variable("OUT_DIR")?);
    let web = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../../web");
    let files = if web.is_dir() {
        let dist = web.join("dist");
        // A path that is not there counts as changed at every build; an empty folder does not.
        fs::create_dir_all(&dist)?;
        println!("cargo::rerun-if-changed={}", dist.display());
        files_below(&dist)?
    } else {
        Vec::new()
    };
    let mut source = String::from("pub(super) static BUILT_IN: &[Asset] = &[\n");
    for (number, (path, file)) in files.iter().enumerate() {
        let bytes = fs::read(file)?;
        let held = held(&bytes, &out.join(format!("web-{number}")))?;
        let (media_type, etag) = (media_type(path), etag(&bytes));
        source += &format!(
            "Asset {{ path: {path:?}, media_type: {media_type:?}, etag: {etag:?}, held: {held} }},\n"
        );
    }
    source += "];\n";
    fs::write(out.join("web.rs"), source)
}

fn variable(name: &str) -> io::Result<String> {
    std::env::var(name).map_err(io::Error::other)
}

/// Every file with the path under which it is served, in order. Hidden ones are the bundler's own.
fn files_below(dist: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), dist.to_owned())];
    while let Some((prefix, folder)) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|name| {
                io::Error::other(format!("{} is no file of the web", name.display()))
            })?;
            let served = format!("{prefix}/{name}");
            match entry.file_type()? {
                _ if name.starts_with('.') => {}
                kind if kind.is_dir() => folders.push((served, entry.path())),
                _ => found.push((served, entry.path())),
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Packs a file, and says in Rust how it is held.
fn held(bytes: &[u8], into: &Path) -> io::Result<String> {
    let (plain, brotli, gzip) = (
        into.with_extension("plain"),
        into.with_extension("br"),
        into.with_extension("gz"),
    );
    let small = brotli_of(bytes)?;
    if small.len() * 100 > bytes.len() * (100 - WORTH_PERCENT) {
        fs::write(&plain, bytes)?;
        return Ok(format!("Held::Plain(include_bytes!({plain:?}))"));
    }
    fs::write(&brotli, small)?;
    let mut packer =
        flate2::write::GzEncoder::new(File::create(&gzip)?, flate2::Compression::best());
    packer.write_all(bytes)?;
    packer.finish()?;
    Ok(format!(
        "Held::Packed {{ brotli: include_bytes!({brotli:?}), gzip: include_bytes!({gzip:?}) }}"
    ))
}

fn brotli_of(bytes: &[u8]) -> io::Result<Vec<u8>> {
    const BUFFER_BYTES: usize = 64 * 1024;
    const QUALITY: u32 = 11;
    const WINDOW_BITS: u32 = 22;
    let mut small = Vec::new();
    brotli::CompressorReader::new(bytes, BUFFER_BYTES, QUALITY, WINDOW_BITS)
        .read_to_end(&mut small)?;
    Ok(small)
}

/// Says only whether a browser's copy is still good, so that another hash with another compiler
/// costs no more than a download. Weak, since all codings of a file share it.
fn etag(bytes: &[u8]) -> String {
    let mut hash = DefaultHasher::new();
    bytes.hash(&mut hash);
    format!("W/\"{:016x}\"", hash.finish())
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        _ => "application/octet-stream",
    }
}
