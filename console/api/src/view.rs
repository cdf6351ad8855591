//! What the server says of itself: plain data that the app fills and that API, console and command line show.

use std::collections::BTreeMap;

/// The whole installation at one moment.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Status {
    /// Version of the server.
    pub version: String,
    /// When the server started, µs since the Unix epoch.
    pub started_us: i64,
    /// The server's clock now, µs since the Unix epoch.
    pub time_us: i64,
    /// When the server's certificate ends, µs since the Unix epoch; 0 when unknown.
    pub tls_expires_us: i64,
    /// Programs that the server started or knows of.
    pub programs: Vec<Program>,
    /// Every enrolled agent.
    pub agents: Vec<Agent>,
    /// The event store.
    pub lake: Lake,
    /// The disk under the data directory.
    pub disk: Disk,
    /// Stages of the pipeline in the order a record walks through them.
    pub pipeline: Vec<Stage>,
}

/// One program of the installation.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Program {
    /// `garrison`, `garrison-agent`, `garrison-gateway`.
    pub name: String,
    /// Process id, 0 when it does not run on this machine.
    pub pid: u32,
    /// `running`, `starting`, `stopped`, `failed`.
    pub state: String,
    /// When it reached this state, µs since the Unix epoch.
    pub since_us: i64,
    /// Resident memory, bytes; 0 when unknown.
    pub memory_bytes: u64,
    /// Why, when it is not running; empty otherwise.
    pub message: String,
}

/// One enrolled agent.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Agent {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Host name.
    pub host: String,
    /// Operating system, `PRETTY_NAME` of os-release.
    pub os: String,
    /// Kernel release.
    pub kernel: String,
    /// Addresses, textual.
    pub addresses: Vec<String>,
    /// Group it was enrolled into.
    pub group: String,
    /// Version of the agent.
    pub version: String,
    /// Whether its stream stands now.
    pub connected: bool,
    /// When it was enrolled, µs since the Unix epoch.
    pub enrolled_us: i64,
    /// When it last said anything, µs since the Unix epoch; 0 for never.
    pub last_seen_us: i64,
    /// Time of the newest record it delivered until the server had it durable, µs.
    pub lag_us: i64,
    /// Records received since the server started.
    pub records: u64,
    /// Records lost or shed since the agent started, by kind.
    pub dropped: BTreeMap<String, u64>,
    /// Bytes waiting in its spool.
    pub spool_bytes: u64,
    /// Largest size of its spool, bytes; 0 when unknown.
    pub spool_limit_bytes: u64,
    /// Rules it runs.
    pub rules: u64,
    /// Which hook carries which event.
    pub probes: Vec<Probe>,
}

/// A packet filter at the edge, as it showed itself last.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Scrubber {
    /// 32 hexadecimal digits: orders go here.
    pub agent: String,
    /// Host name.
    pub host: String,
    /// Whether its stream stands now.
    pub connected: bool,
    /// When it showed this, µs since the Unix epoch; it shows itself anew each second.
    pub time_us: i64,
    /// Interfaces, destinations with level and rates, drops by reason, neighbours, names, recent attacks.
    #[schema(value_type = Object)]
    pub status: serde_json::Value,
}

/// One row of an agent's probe table.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Probe {
    /// The event.
    pub event: String,
    /// The hook chosen, empty when there is none.
    pub hook: String,
    /// Whether the canary that the agent fired came through.
    pub fired: bool,
    /// What is lost without a better hook, empty when nothing.
    pub lost: String,
}

/// The event store.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Lake {
    /// Rows.
    pub rows: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Files.
    pub files: u64,
}

/// A disk.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Disk {
    /// Directory that was asked about.
    pub path: String,
    /// Size, bytes.
    pub total_bytes: u64,
    /// Free for the server, bytes.
    pub free_bytes: u64,
}

/// One stage of the pipeline.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = PipelineStage)]
pub struct Stage {
    /// Name: `ingest`, `wal`, `lake`, `correlate` …
    pub name: String,
    /// Records that came in since start.
    pub received: u64,
    /// Records that went out since start.
    pub handled: u64,
    /// Records given up since start; anything but 0 needs a look.
    pub dropped: u64,
    /// Records waiting.
    pub queued: u64,
    /// How many may wait; 0 when it has no queue.
    pub capacity: u64,
}

/// Result of reading the whole ledger.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct LedgerReport {
    /// Entries read.
    pub entries: u64,
    /// Whether every hash and every link is right.
    pub intact: bool,
    /// Hash of the last good entry, 64 hexadecimal digits.
    pub head: String,
    /// Number of the first entry that is wrong, 0 when intact.
    pub broken_at: u64,
    /// What is wrong with it, empty when intact.
    pub reason: String,
}

/// Something that just happened, for those who watch.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// `event`, `alert`, `incident`, `order`, `receipt`, `agent`.
    pub kind: String,
    /// The record as the API shows it elsewhere (events as OCSF).
    pub json: serde_json::Value,
}

/// A line to be sealed in the ledger; number, time and hashes are the ledger's.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Who: `user:alice`, `rule:<id>`, `agent:<id>`, `system`.
    pub who: String,
    /// What: `order.intent`, `login`, `token.create` …
    pub what: String,
    /// The object: order id, account, incident id.
    pub object: String,
    /// Details without secrets.
    pub details: serde_json::Value,
}
