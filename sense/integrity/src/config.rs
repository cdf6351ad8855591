//! Configuration of watching files and of the cross-view: every key with a default that is kind to a host in service.

use serde::Deserialize;
use std::path::PathBuf;

/// The part `integrity` of the agent's file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IntegrityConfig {
    /// Whether files are watched at all.
    pub enabled: bool,
    /// Paths that are watched with all that is below; `*` stands for one name or a part of one, and `~` for the home of
    /// every account of this host.
    pub paths: Vec<String>,
    /// Patterns of paths that are left out; `*` stands for anything here, slashes too.
    pub exclude: Vec<String>,
    /// Most files of the baseline.
    pub entries: usize,
    /// Bytes of a file that are hashed; a longer file is known by size, times and inode.
    pub file_bytes: u64,
    /// Bytes a second read for the baseline and for looks at everything.
    pub bytes_per_second: u64,
    /// Milliseconds a touched file is left alone before it is looked at.
    pub settle_ms: u32,
    /// Hours between looks at everything.
    pub every_hours: u32,
    /// Whether the differences of texts are told.
    pub texts: bool,
    /// Folders that a package database is below: `/`, and roots of containers that live in folders of this host.
    pub package_roots: Vec<PathBuf>,
    /// Minutes between cross-views; 0 switches them off.
    pub crossview_minutes: u32,
    /// Cross-view checks that are left out, by name.
    pub crossview_exclude: Vec<String>,
}

/// Programs, configuration, what is started, and who may come in.
const PATHS: &[&str] = &[
    "/etc",
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/lib/systemd",
    "/usr/lib/modules-load.d",
    "/boot",
    "/var/spool/cron",
    "~/.ssh",
    "~/.bashrc",
    "~/.bash_profile",
    "~/.bash_login",
    "~/.profile",
    "~/.zshrc",
    "~/.config/systemd",
    "~/.config/autostart",
];

/// What changes by itself.
const EXCLUDE: &[&str] = &[
    "/etc/mtab",
    "/etc/adjtime",
    "/etc/resolv.conf",
    "/etc/ld.so.cache",
    "/etc/.pwd.lock",
    "/etc/*.lock",
    "*/known_hosts",
    "*/known_hosts.old",
    "*.swp",
    "*.dpkg-new",
    "*.dpkg-tmp",
    "/etc/cups/subscriptions.conf*",
    "/boot/grub/grubenv",
    "/boot/grub2/grubenv",
];

impl Default for IntegrityConfig {
    fn default() -> Self {
        let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        IntegrityConfig {
            enabled: true,
            paths: texts(PATHS),
            exclude: texts(EXCLUDE),
            entries: 50_000,
            file_bytes: 256 * 1024 * 1024,
            bytes_per_second: 16 * 1024 * 1024,
            settle_ms: 500,
            every_hours: 24,
            texts: true,
            package_roots: vec![PathBuf::from("/")],
            crossview_minutes: 10,
            crossview_exclude: Vec::new(),
        }
    }
}
