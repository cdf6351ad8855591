//! A reader of folders, and where OWASP CRS of the system stands.

use base::Result;
use seclang::Reader;
use std::path::Path;

/// Folder of the rules that Debian's package modsecurity-crs brings.
pub const RULES: &str = "/usr/share/modsecurity-crs/rules";
/// Its settings.
pub const SETUP: &str = "/etc/modsecurity/crs/crs-setup.conf";

/// Reads the disk.
pub struct Disk;

impl Reader for Disk {
    fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        Ok(std::fs::read(name).ok())
    }

    fn list(&mut self, pattern: &str) -> Result<Vec<String>> {
        let folder = Path::new(pattern).parent().unwrap_or(Path::new("."));
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path().to_str()?.to_string()))
            .filter(|name| seclang::matches(pattern, name))
            .collect();
        names.sort();
        Ok(names)
    }
}

/// Whether CRS is here; says so when it is not.
pub fn crs() -> bool {
    let here = Path::new(RULES).exists() && Path::new(SETUP).exists();
    if !here {
        eprintln!("skipped: package modsecurity-crs is not installed");
    }
    here
}
