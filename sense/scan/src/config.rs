//! Configuration of scanning: every key with a default that is kind to a host in service.

use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The part `scan` of the agent's file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScanConfig {
    /// Whether files are scanned at all.
    pub enabled: bool,
    /// The scanner; when empty, `garrison-scanner` beside the agent's own program.
    pub program: PathBuf,
    /// Folders of YARA rules (`*.yar`, `*.yara`) beside the ones built in.
    pub rules: Vec<PathBuf>,
    /// Whether the rules built into the scanner are used.
    pub builtin_rules: bool,
    /// Whether files that were written are scanned.
    pub on_write: bool,
    /// Whether programs and scripts that were started are scanned.
    pub on_exec: bool,
    /// Trees that the walk visits; none switches it off.
    pub roots: Vec<PathBuf>,
    /// Folders that nothing below is scanned of.
    pub exclude: Vec<PathBuf>,
    /// Hours from the start of one walk to the start of the next.
    pub every_hours: u32,
    /// Bytes a second that the walk reads at most.
    pub bytes_per_second: u64,
    /// Processor time of the walk, percent of one core.
    pub cpu_percent: u32,
    /// Processor time for files that were written or started, percent of one core.
    pub urgent_cpu_percent: u32,
    /// The walk rests while more than this part of the cores is wanted, percent.
    pub rest_above_percent: u32,
    /// Milliseconds a written file must be left alone before it is scanned.
    pub settle_ms: u32,
    /// Bytes of a file that are looked at; a longer file is looked at up to here.
    pub file_bytes: u64,
}

impl Default for ScanConfig {
    fn default() -> Self {
        let paths = |list: &[&str]| list.iter().map(PathBuf::from).collect();
        ScanConfig {
            enabled: true,
            program: PathBuf::new(),
            rules: paths(&["/etc/garrison/yara"]),
            builtin_rules: true,
            on_write: true,
            on_exec: true,
            roots: paths(&["/"]),
            // Rules, quarantine and spool hold what they are about; the rest is no file system of files.
            exclude: paths(&[
                "/proc",
                "/sys",
                "/dev",
                "/run/user",
                "/etc/garrison",
                "/var/lib/garrison",
                "/var/lib/garrison-agent",
            ]),
            every_hours: 24,
            bytes_per_second: 16 * 1024 * 1024,
            cpu_percent: 15,
            urgent_cpu_percent: 50,
            rest_above_percent: 70,
            settle_ms: 1000,
            file_bytes: 64 * 1024 * 1024,
        }
    }
}

impl ScanConfig {
    /// Whether a path is below an excluded folder.
    pub fn excludes(&self, path: &Path) -> bool {
        self.exclude.iter().any(|folder| path.starts_with(folder))
    }

    /// The program to start.
    pub fn scanner(&self) -> PathBuf {
        if self.program.as_os_str().is_empty() {
            std::env::current_exe().unwrap_or_default().with_file_name("garrison-scanner")
        } else {
            self.program.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_excluded_with_what_is_below_and_nothing_beside() {
        let config = ScanConfig::default();
        assert!(config.excludes(Path::new("/proc")) && config.excludes(Path::new("/dev/x/y")));
        assert!(!config.excludes(Path::new("/process")) && !config.excludes(Path::new("/srv/proc")));
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(base::config::parse::<ScanConfig>("on_write: false", "t").is_ok_and(|config| !config.on_write));
        assert!(base::config::parse::<ScanConfig>("onwrite: false", "t").is_err());
    }
}
