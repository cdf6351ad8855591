//! What an alert leaves behind for joins over hosts: where it stood in its host's processes, and as whom.

use crate::hub;
use record::{Activity, Alert, Event, Host, Proc};
use std::net::IpAddr;

/// Most processes of an ancestry kept.
pub(crate) const LINEAGE: usize = 12;
/// Most account names kept.
const ACCOUNTS: usize = 3;

/// What a process is to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Below the first hub: its relatives belong together.
    Own,
    /// A daemon that lets people in: its child is a session.
    Door,
    /// A scheduler: what hangs below it was started by the clock.
    Clock,
    /// Anything else at or above the first hub.
    Other,
}

/// One process of an ancestry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Ancestor {
    /// [`record::ProcessKey`].
    pub key: u64,
    /// Start, µs; 0 when unknown.
    pub started_us: i64,
    pub role: Role,
    /// Whether it leads its session (a daemon, a login shell).
    pub leads: bool,
}

/// An alert, as joins over hosts see it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Print {
    pub alert: String,
    pub drill: String,
    pub agent: String,
    pub boot: String,
    pub time_us: i64,
    /// The process and its ancestors, nearest first.
    pub lineage: Vec<Ancestor>,
    /// User name and login name.
    pub accounts: Vec<String>,
    /// Where a login that the alert is about came from.
    pub login_from: Option<IpAddr>,
}

impl Print {
    pub fn of(id: &str, alert: &Alert, host: &Host, event: Option<&Event>) -> Print {
        let mut print = Print {
            alert: id.to_owned(),
            drill: alert.drill.clone(),
            agent: alert.agent.clone(),
            boot: host.boot_id.clone(),
            time_us: alert.time_us,
            lineage: Vec::new(),
            accounts: Vec::new(),
            login_from: None,
        };
        let Some(event) = event else { return print };
        if let Some(proc) = event.process.as_deref() {
            print.lineage = lineage(proc);
            let user = &proc.info.user.name;
            print.accounts.extend((!user.is_empty()).then(|| user.clone()));
        }
        if let Activity::Log(log) = &event.activity {
            print.login_from = log.field("src_ip").and_then(|text| text.parse::<IpAddr>().ok());
            print.accounts.extend(log.field("user").filter(|user| user.len() <= 64).map(str::to_owned));
        }
        print.accounts.truncate(ACCOUNTS);
        print
    }

    /// Processes whose relatives belong together.
    pub fn own(&self) -> impl Iterator<Item = &Ancestor> {
        self.lineage.iter().filter(|ancestor| ancestor.role == Role::Own)
    }

    /// The process of the login session, with its start.
    pub fn session(&self) -> Option<&Ancestor> {
        self.lineage.iter().find(|ancestor| ancestor.role != Role::Own).filter(|first| first.role == Role::Door)
    }

    /// Whether the clock started it, rather than a person or a request.
    pub fn scheduled(&self) -> bool {
        self.lineage.iter().find(|ancestor| ancestor.role != Role::Own).is_some_and(|first| first.role == Role::Clock)
    }
}

/// A process and its ancestors with their roles, nearest first. Nothing above the first hub but its own kind is kept:
/// the per-session daemon and the one that listens both are doors.
pub(crate) fn lineage(proc: &Proc) -> Vec<Ancestor> {
    let mut below = true;
    let all = std::iter::once(&proc.info).chain(proc.ancestors().map(|ancestor| &ancestor.info));
    let one = |process: &record::Process| {
        below &= !hub::is_hub(process);
        let role = match (below, hub::kind(process)) {
            (true, _) => Role::Own,
            (false, hub::Hub::Door) => Role::Door,
            (false, hub::Hub::Clock) => Role::Clock,
            (false, _) => Role::Other,
        };
        Ancestor { key: process.key, started_us: process.started_us, role, leads: hub::leads(process) }
    };
    all.take(LINEAGE).map(one).collect()
}
