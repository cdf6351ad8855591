//! Interfaces that take in what is not for them, and are no part of a bridge.

use super::{Check, Finding, unseen};
use base::Result;
use std::path::Path;

/// See the module.
pub const CHECK: Check = Check { name: "promiscuous-interfaces", look };

const CLASS: &str = "/sys/class/net";
/// `IFF_PROMISC` (`include/uapi/linux/if.h`).
const PROMISCUOUS: u32 = 0x100;

fn look() -> Result<Vec<Finding>> {
    let entries = std::fs::read_dir(CLASS).map_err(|cause| unseen(CLASS, cause))?;
    Ok(entries.flatten().filter_map(|entry| listens(&entry.path())).collect())
}

fn listens(folder: &Path) -> Option<Finding> {
    let text = std::fs::read_to_string(folder.join("flags")).ok()?;
    let flags = u32::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok()?;
    // Ports of bridges and bonds hear everything by their work.
    let joined = ["brport", "master", "bridge"].iter().any(|name| folder.join(name).exists());
    let name = folder.file_name()?.to_str()?.to_owned();
    (flags & PROMISCUOUS != 0 && !joined).then(|| Finding {
        key: name.clone(),
        name: "promiscuous-interface",
        score: 45,
        details: vec![("interface", name)],
        ..Finding::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_hears_everything_is_found_unless_it_is_a_bridges() {
        let folder = tempfile::tempdir().unwrap();
        let with = |flags: &str| std::fs::write(folder.path().join("flags"), flags).unwrap();
        with("0x1003\n");
        assert_eq!(listens(folder.path()), None);
        with("0x1103\n");
        assert_eq!(listens(folder.path()).map(|found| found.name), Some("promiscuous-interface"));
        std::fs::create_dir(folder.path().join("brport")).unwrap();
        assert_eq!(listens(folder.path()), None);
    }
}
