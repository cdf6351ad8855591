//! Programs that write through syslog or the journal: who wrote is told by the header, what by these readers.
//!
//! One file an item, one line in [`ALL`]. A reader gets the message without its header.

pub mod auth;
pub mod cron;
pub mod daemon;
pub mod guacamole;
pub mod pam;
pub mod sshd;
pub mod sudo;

use super::{Around, Fields, auditd, clamav, nginx, request, squid, vsftpd};
use base::Micros;

/// A reader of the messages of some programs.
pub trait App: Send + Sync {
    /// Source word of its records.
    fn word(&self) -> &'static str;
    /// Names of the programs, as in the header (`SYSLOG_IDENTIFIER`); a name may end in `*`.
    fn programs(&self) -> &'static [&'static str];
    /// Reads a message into fields. `false` where it is of no form that this reader knows. A time is given where the
    /// message has one of its own.
    fn read(&self, message: &str, around: &Around<'_>, fields: &mut Fields) -> Read;
}

/// What a reader made of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Read {
    /// Whether its form is known.
    pub known: bool,
    /// The time within the message, better than that of the header.
    pub time_us: Option<Micros>,
}

impl From<bool> for Read {
    fn from(known: bool) -> Read {
        Read { known, time_us: None }
    }
}

/// Every reader, in the order of the reference page.
pub const ALL: &[&dyn App] = &[
    &sshd::Sshd,
    &sudo::Sudo,
    &auth::Auth,
    &cron::Cron,
    &vsftpd::Vsftpd,
    &clamav::ClamAv,
    &guacamole::Guacamole,
    &nginx::Nginx,
    &request::ApacheApp,
    &squid::Squid,
    &auditd::Auditd,
];

/// The reader for a program, by the name in its header.
pub fn of(program: &str) -> Option<&'static dyn App> {
    let is = |pattern: &str| match pattern.strip_suffix('*') {
        Some(front) => program.starts_with(front),
        None => program == pattern,
    };
    ALL.iter().copied().find(|app| app.programs().iter().any(|pattern| is(pattern)))
}

/// `1.2.3.4 port 22` and what is behind it, as `src_ip`, `src_port` and the rest; a host name stays one.
pub(super) fn peer<'m>(text: &'m str, fields: &mut Fields) -> &'m str {
    let (address, rest) = text.split_once(' ').unwrap_or((text, ""));
    fields.some("src_ip", address.trim_end_matches([':', ',']));
    let Some(rest) = rest.strip_prefix("port ") else { return rest };
    let end = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    fields.some("src_port", &rest[..end]);
    rest[end..].trim_start_matches([' ', ':'])
}
