//! What is observed past the kernel: lines of logs, findings of scans, changes of watched files and of the inventory.

/// A name and its text; names are those of the source's own schema (`cs-uri-query`, `requestParameters.userName`).
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Pair {
    /// The name. Names of nested objects are joined by dots; elements of a list share their name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The value as text.
    #[prost(string, tag = "2")]
    pub value: String,
}

impl Pair {
    /// A name and its text.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Pair {
        Pair { name: name.into(), value: value.into() }
    }
}

/// One record of a log, decoded.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Log {
    /// Word of the decoder that read it: `sshd`, `nginx`, `auditd`, `cloudtrail`, `kubernetes.audit`, `syslog`.
    #[prost(string, tag = "1")]
    pub source: String,
    /// Where it came from: path of the file, unit of the journal, or address of the sender.
    #[prost(string, tag = "2")]
    pub origin: String,
    /// Host as the record names it, empty for this host.
    #[prost(string, tag = "3")]
    pub host: String,
    /// The record as it stood in the log, at most [`base::limits::LOG_LINE_BYTES`].
    #[prost(string, tag = "4")]
    pub message: String,
    /// Whether `message` was cut.
    #[prost(bool, tag = "5")]
    pub truncated: bool,
    /// What the decoder found, in the order of the record. A name may stand more than once.
    #[prost(message, repeated, tag = "6")]
    pub fields: Vec<Pair>,
}

impl Log {
    /// The first value of a name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|pair| pair.name == name).map(|pair| pair.value.as_str())
    }
}

/// A scan found something in a file, in a process or in how the host shows itself.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Scan {
    /// What looked: `yara`, `webshell`, `packer`, `archive`, `rootkit`.
    #[prost(string, tag = "1")]
    pub engine: String,
    /// What it found: the name of the YARA rule, of the heuristic or of the check.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Family or class, empty when it names none.
    #[prost(string, tag = "3")]
    pub family: String,
    /// The file, default when it is none.
    #[prost(message, required, tag = "4")]
    pub file: crate::FileId,
    /// Path inside an archive, empty when it is the file itself.
    #[prost(string, tag = "5")]
    pub member: String,
    /// How sure, 0–100.
    #[prost(uint32, tag = "6")]
    pub score: u32,
    /// The process it is about, 0 when none.
    #[prost(uint32, tag = "7")]
    pub pid: u32,
    /// Why: tags, matched identifiers, measured values.
    #[prost(message, repeated, tag = "8")]
    pub details: Vec<Pair>,
    /// What made it look: `write`, `exec`, `schedule`, `order`.
    #[prost(string, tag = "9")]
    pub cause: String,
}

/// State of a watched file.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FileState {
    /// SHA-256 of the content, 32 bytes, or empty (a directory, a file that is too big).
    #[prost(bytes = "vec", tag = "1")]
    pub sha256: Vec<u8>,
    /// Type and permissions (`st_mode`).
    #[prost(uint32, tag = "2")]
    pub mode: u32,
    /// Owner.
    #[prost(uint32, tag = "3")]
    pub uid: u32,
    /// Group.
    #[prost(uint32, tag = "4")]
    pub gid: u32,
    /// Bytes.
    #[prost(uint64, tag = "5")]
    pub size: u64,
    /// Last change of the content, µs.
    #[prost(int64, tag = "6")]
    pub modified_us: i64,
}

/// A watched file is not what it was. The event's process is who did it, where that is known.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Integrity {
    /// `created`, `modified`, `deleted`, `attributes`.
    #[prost(string, tag = "1")]
    pub change: String,
    /// The file, as it is now.
    #[prost(message, required, tag = "2")]
    pub file: crate::FileId,
    /// Before; none for `created`.
    #[prost(message, optional, tag = "3")]
    pub before: Option<FileState>,
    /// After; none for `deleted`.
    #[prost(message, optional, tag = "4")]
    pub after: Option<FileState>,
    /// Unified difference of a text, at most [`base::limits::DIFF_BYTES`]; empty for what is no text or is secret. Of a
    /// package's work: the files it changed, one a line.
    #[prost(string, tag = "5")]
    pub diff: String,
    /// Package whose installation, removal or upgrade changed it, empty otherwise. `unlisted:` and the manager's word when
    /// a package manager's tree did it and no package lists the file.
    #[prost(string, tag = "6")]
    pub package: String,
}

/// A part of the inventory appeared, went or changed.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Asset {
    /// Its kind: `host`, `package`, `port`, `user`, `group`, `sudo`, `service`, `cron`, `module`, `container`, `web-app`,
    /// `key`.
    #[prost(string, tag = "1")]
    pub kind: String,
    /// `present` (a whole inventory: the first, and again from time to time), `added`, `removed`, `changed`.
    #[prost(string, tag = "2")]
    pub change: String,
    /// Key within its kind: a package's `dpkg:openssl:amd64`, a port's `tcp/0.0.0.0:22`.
    #[prost(string, tag = "3")]
    pub key: String,
    /// Name for people.
    #[prost(string, tag = "4")]
    pub name: String,
    /// Version, empty for what has none.
    #[prost(string, tag = "5")]
    pub version: String,
    /// Everything else, each named.
    #[prost(message, repeated, tag = "6")]
    pub details: Vec<Pair>,
    /// For `changed`: what it was, `version` and the details that differ.
    #[prost(message, repeated, tag = "7")]
    pub before: Vec<Pair>,
}
