//! Files of the intelligence: the image of the index, warning lists, ATT&CK.

use base::{Fault, Result};
use intel::attack::Graph;
use intel::{Base, Warnings};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

const IMAGE: &str = "index.image";
const WARNINGS: &str = "warning-lists.json";
const GRAPH: &str = "attack.json";
/// Largest file read back, bytes: twice an image of ten million indicators.
const FILE_BYTES: u64 = 1 << 30;

fn unusable(path: &Path, cause: impl std::fmt::Display) -> Fault {
    Fault::new(&crate::fault::DATA_DIRECTORY).object(path.display()).because(cause)
}

/// Makes the folder.
pub fn make(folder: &Path) -> Result<()> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|cause| unusable(folder, cause))
}

/// Writes a file whole: it is there complete or as before.
fn store(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let (path, beside) = (folder.join(name), folder.join(format!("{name}.new")));
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)?;
        std::fs::File::open(folder)?.sync_all()
    };
    write().map_err(|cause| unusable(&path, cause))
}

fn read(folder: &Path, name: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(folder.join(name)).ok()?.take(FILE_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Says what is wrong with a stored file and goes on without it: it can be made or imported again.
fn kept<T>(name: &str, read: Result<T>) -> Option<T> {
    read.inspect_err(
        |fault| tracing::warn!(file = name, fault = %fault.inside(), "a file of the intelligence is left out"),
    )
    .ok()
}

/// Stores the image of the index.
pub fn store_image(folder: &Path, image: &[u8]) -> Result<()> {
    store(folder, IMAGE, image)
}

/// The stored image, `None` when there is none that is whole.
pub fn image(folder: &Path) -> Option<Base> {
    kept(IMAGE, Base::open(read(folder, IMAGE)?))
}

/// Checks and stores warning lists.
pub fn store_warnings(folder: &Path, bytes: &[u8]) -> Result<Warnings> {
    let warnings = Warnings::compile(&[bytes], &BTreeMap::new())?;
    store(folder, WARNINGS, bytes)?;
    Ok(warnings)
}

/// The stored warning lists.
pub fn warnings(folder: &Path) -> Warnings {
    let stored = read(folder, WARNINGS);
    stored.and_then(|bytes| kept(WARNINGS, Warnings::compile(&[&bytes], &BTreeMap::new()))).unwrap_or_default()
}

/// Stores techniques, software and actors.
pub fn store_graph(folder: &Path, graph: &Graph) -> Result<()> {
    store(folder, GRAPH, &serde_json::to_vec(graph).unwrap_or_default())
}

/// The stored techniques, software and actors.
pub fn graph(folder: &Path) -> Graph {
    read(folder, GRAPH).and_then(|bytes| kept(GRAPH, Graph::from_json(&bytes))).unwrap_or_default()
}
