//! Packs the rules of `content/yara` into the program. Compressed, so that the program is not what its rules look for.

use std::io::Write;
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../content/yara");
    println!("cargo:rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    walk(&root, &mut files)?;
    files.sort();
    let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    for file in files {
        let name = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
        let text = std::fs::read(&file)?;
        // One file: length of the name, the name, length of the text, the text.
        for part in [name.as_bytes(), text.as_slice()] {
            packed.write_all(&(part.len() as u32).to_le_bytes())?;
            packed.write_all(part)?;
        }
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default()).join("rules.bin");
    std::fs::write(out, packed.finish()?)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "yar") {
            files.push(path);
        }
    }
    Ok(())
}
