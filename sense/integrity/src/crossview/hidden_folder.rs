//! Hidden folders: a folder's link count says how many folders are in it, and a list that was tampered with says fewer.

use super::{Check, Finding, unseen};
use base::Result;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// See the module.
pub const CHECK: Check = Check { name: "hidden-folders", look };

/// Where things are hidden, and where file systems count links.
const FOLDERS: &[&str] = &[
    "/",
    "/bin",
    "/dev",
    "/dev/shm",
    "/etc",
    "/home",
    "/lib",
    "/opt",
    "/srv",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib/modules",
    "/usr/local",
    "/usr/local/lib",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/lib",
    "/var/tmp",
];
/// The file system stops counting at this (`EXT4_LINK_MAX`).
const COUNTED: u64 = 65_000;

fn look() -> Result<Vec<Finding>> {
    let found = FOLDERS.iter().filter_map(|folder| hides(Path::new(folder)).transpose());
    found.collect()
}

fn hides(folder: &Path) -> Result<Option<Finding>> {
    let Ok(before) = std::fs::metadata(folder) else { return Ok(None) };
    let links = before.nlink();
    // Btrfs, overlayfs and others do not count.
    if !(2..COUNTED).contains(&links) {
        return Ok(None);
    }
    let entries = std::fs::read_dir(folder).map_err(|cause| unseen(folder.display(), cause))?;
    let listed = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).count() as u64;
    let same = std::fs::metadata(folder).is_ok_and(|after| after.nlink() == links);
    Ok((same && links > listed + 2).then(|| Finding {
        key: folder.display().to_string(),
        name: "hidden-folder",
        score: 80,
        path: folder.display().to_string(),
        details: vec![("folders_by_links", (links - 2).to_string()), ("folders_listed", listed.to_string())],
        ..Finding::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_lists_all_of_its_folders_hides_none() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        assert_eq!(hides(folder.path()).unwrap(), None);
        assert_eq!(hides(Path::new("/absent")).unwrap(), None);
    }
}
