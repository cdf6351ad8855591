//! Configuration: which logs are read, and how.

use crate::{decode, fault};
use base::{Fault, Result};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Configuration of the log reader.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whether the usual logs of Debian and RHEL hosts are read besides `inputs` ([`Config::usual`]).
    pub usual: bool,
    /// Whether a log that stands at the very first start is read from its beginning; otherwise from its end.
    pub backlog: bool,
    /// How long a rotated file is still read after its last line, seconds: servers write to the old file until they
    /// reopen their log.
    pub rotated_s: u32,
    /// Further inputs.
    pub inputs: Vec<Input>,
}

impl Default for Config {
    fn default() -> Self {
        Config { usual: true, backlog: false, rotated_s: 60, inputs: Vec::new() }
    }
}

/// One input.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Input {
    /// Files, followed over rotation.
    File(FileInput),
    /// The journal of systemd, through `journalctl`.
    Journal(JournalInput),
    /// syslog from other hosts.
    Syslog(SyslogInput),
}

/// Files, followed over rotation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileInput {
    /// Absolute paths; `*` and `?` stand for any characters within a name.
    pub paths: Vec<String>,
    /// Word of the decoder.
    #[serde(default = "syslog")]
    pub decoder: String,
    /// Source word of the records instead of the decoder's, such as `azure.activitylogs`.
    #[serde(default)]
    pub source: String,
    /// Whether symbolic links are followed. Off, since who may write in a log folder could otherwise have any file
    /// of the host read.
    #[serde(default)]
    pub follow_links: bool,
}

/// The journal of systemd.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournalInput {
    /// Folder of the journal, empty for this host's.
    pub directory: String,
    /// Units to read, all when empty.
    pub units: Vec<String>,
}

/// How syslog comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// RFC 5426, one message a datagram.
    Udp,
    /// RFC 6587, octet counting or line feeds, told apart by the first byte.
    Tcp,
    /// RFC 5425.
    Tls,
}

/// syslog from other hosts.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyslogInput {
    /// Address and port; nothing is bound unless it is named here.
    pub listen: SocketAddr,
    /// How it comes in.
    pub transport: Transport,
    /// Word of the decoder of the messages.
    #[serde(default = "syslog")]
    pub decoder: String,
    /// Source word of the records instead of the decoder's.
    #[serde(default)]
    pub source: String,
    /// TLS: PEM file with our certificate chain.
    #[serde(default)]
    pub certificate: PathBuf,
    /// TLS: PEM file with its key.
    #[serde(default)]
    pub key: PathBuf,
    /// TLS: PEM file with the authorities whose clients may send; without it anyone who connects may.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
    /// Most connections at once.
    #[serde(default = "connections")]
    pub connections: usize,
    /// Most connections of one address.
    #[serde(default = "connections_each")]
    pub connections_each: usize,
    /// Most messages a second of one sender; a second's worth may come at once. 0 for no limit.
    #[serde(default = "rate_each")]
    pub rate_each: u32,
    /// Seconds without a byte after which a connection is closed.
    #[serde(default = "idle_s")]
    pub idle_s: u32,
}

fn syslog() -> String {
    "syslog".to_owned()
}

const fn connections() -> usize {
    256
}

const fn connections_each() -> usize {
    16
}

const fn rate_each() -> u32 {
    20_000
}

const fn idle_s() -> u32 {
    600
}

/// The usual logs and their decoders.
const USUAL: &[(&str, &[&str])] = &[
    (
        "syslog",
        &[
            "/var/log/auth.log",
            "/var/log/secure",
            "/var/log/syslog",
            "/var/log/messages",
            "/var/log/cron",
            "/var/log/cron.log",
        ],
    ),
    ("nginx", &["/var/log/nginx/*access.log", "/var/log/nginx/*error.log"]),
    (
        "apache",
        &[
            "/var/log/apache2/*access*.log",
            "/var/log/apache2/*error*.log",
            "/var/log/httpd/*access_log",
            "/var/log/httpd/*error_log",
        ],
    ),
    ("auditd", &["/var/log/audit/audit.log"]),
    (
        "kubernetes.audit",
        &["/var/log/kubernetes/audit.log", "/var/log/kubernetes/audit/audit.log", "/var/log/kube-apiserver/audit.log"],
    ),
    ("squid", &["/var/log/squid/access.log"]),
    ("vsftpd", &["/var/log/vsftpd.log"]),
    ("clamav", &["/var/log/clamav/clamav.log", "/var/log/clamav/freshclam.log"]),
];

impl Config {
    /// The usual inputs of a host. `root` is `/`; the journal is one of them where no syslog daemon writes files, so
    /// that no login is counted twice.
    pub fn usual(root: &Path) -> Vec<Input> {
        let files = USUAL.iter().map(|(decoder, paths)| {
            let paths = paths.iter().map(|path| (*path).to_owned()).collect();
            Input::File(FileInput { paths, decoder: (*decoder).to_owned(), source: String::new(), follow_links: false })
        });
        let mut inputs: Vec<Input> = files.collect();
        let daemon = ["auth.log", "secure", "syslog", "messages"];
        let has_journal = ["var/log/journal", "run/log/journal"].iter().any(|folder| root.join(folder).is_dir());
        if has_journal && !daemon.iter().any(|file| root.join("var/log").join(file).exists()) {
            inputs.push(Input::Journal(JournalInput::default()));
        }
        inputs
    }

    /// Every input: the usual ones if asked for, then the configured. Checks each.
    pub fn all(&self, root: &Path) -> Result<Vec<Input>> {
        let mut inputs = if self.usual { Config::usual(root) } else { Vec::new() };
        inputs.extend(self.inputs.iter().cloned());
        inputs.iter().try_for_each(Input::check)?;
        Ok(inputs)
    }
}

impl Input {
    /// Its name in counts and faults.
    pub fn name(&self) -> String {
        match self {
            Input::File(file) => file.paths.join(" "),
            Input::Journal(journal) if journal.directory.is_empty() => "journal".to_owned(),
            Input::Journal(journal) => format!("journal {}", journal.directory),
            Input::Syslog(syslog) => format!("{:?} {}", syslog.transport, syslog.listen).to_lowercase(),
        }
    }

    fn check(&self) -> Result<()> {
        let wrong = |expected: &str, found: &str| {
            Err(Fault::new(&fault::CONFIG).object(self.name()).expected(expected).found(found))
        };
        let known = |word: &str| decode::of(word).is_some();
        match self {
            Input::File(file) if !known(&file.decoder) => wrong("a decoder", &file.decoder),
            Input::File(file) if file.paths.is_empty() => wrong("paths", "none"),
            Input::File(file) => match file.paths.iter().find(|path| !path.starts_with('/')) {
                Some(path) => wrong("an absolute path", path),
                None => Ok(()),
            },
            Input::Journal(journal) => match journal.units.iter().find(|unit| unit.starts_with('-')) {
                Some(unit) => wrong("the name of a unit", unit),
                None => Ok(()),
            },
            Input::Syslog(syslog) if !known(&syslog.decoder) => wrong("a decoder", &syslog.decoder),
            Input::Syslog(syslog) if syslog.transport == Transport::Tls => {
                let given = !syslog.certificate.as_os_str().is_empty() && !syslog.key.as_os_str().is_empty();
                if given { Ok(()) } else { wrong("certificate and key for tls", "none") }
            }
            Input::Syslog(syslog) if syslog.client_ca.is_some() => {
                wrong("client_ca with tls only", "another transport")
            }
            Input::Syslog(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_read_and_mistakes_are_named() {
        let text = "
usual: false
inputs:
  - {kind: file, paths: [/var/log/app/*.json], decoder: json, source: azure.activitylogs}
  - {kind: journal, units: [ssh.service]}
  - {kind: syslog, listen: '127.0.0.1:6514', transport: tls, certificate: /c.pem, key: /k.pem}
";
        let config: Config = base::config::parse(text, "logs").unwrap();
        assert_eq!(config.all(Path::new("/")).unwrap().len(), 3);
        for (input, named) in [
            ("{kind: file, paths: [relative]}", "absolute"),
            ("{kind: file, paths: [/x], decoder: none}", "decoder"),
            ("{kind: syslog, listen: '127.0.0.1:1', transport: tls}", "certificate"),
            ("{kind: syslog, listen: '127.0.0.1:1', transport: udp, client_ca: /x}", "client_ca"),
            ("{kind: journal, units: ['--file=x']}", "unit"),
        ] {
            let config: Config = base::config::parse(&format!("inputs: [{input}]"), "logs").unwrap();
            let fault = config.all(Path::new("/nowhere")).unwrap_err();
            assert!(fault.is(&fault::CONFIG) && fault.to_string().contains(named), "{fault}");
        }
        for text in ["inputs: [{kind: file, paths: [/x], colour: red}]", "inputs: [{kind: pigeon}]", "speed: 1"] {
            assert!(base::config::parse::<Config>(text, "logs").is_err(), "{text}");
        }
    }

    #[test]
    fn the_journal_is_usual_only_without_a_syslog_daemon() {
        let root = tempfile::tempdir().unwrap();
        let has_journal = || Config::usual(root.path()).iter().any(|input| matches!(input, Input::Journal(_)));
        std::fs::create_dir_all(root.path().join("var/log/journal")).unwrap();
        assert!(has_journal());
        std::fs::write(root.path().join("var/log/auth.log"), "").unwrap();
        assert!(!has_journal());
    }
}
