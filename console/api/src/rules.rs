//! What the API asks of the rules of an installation, and the forms of its answers. Times are µs since the Unix epoch.

use async_trait::async_trait;
use base::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A file of rules.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// Its name in faults, without folders.
    pub name: String,
    /// Sigma: rules, correlations, filters; several documents are cut at `---`.
    pub text: String,
}

/// Which agents get a change first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RuleAudience {
    /// Groups of agents.
    pub groups: Vec<String>,
    /// Host names or agent ids.
    pub hosts: Vec<String>,
    /// Part of all agents, percent; always the same ones.
    pub percent: u8,
}

/// A field of an exception.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptionField {
    /// Name as rules know it: `Image`, `process.exe`.
    pub name: String,
    /// Values; one of them is enough.
    pub values: Vec<String>,
}

/// An exception: what rules find and people know to be harmless.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RuleException {
    /// UUID; given by the server.
    pub id: String,
    /// Ids of the rules.
    pub rules: Vec<String>,
    /// Fields that must all hold; without any the rules are off where the exception holds.
    pub fields: Vec<ExceptionField>,
    /// Host names or agent ids; every host when there are no groups either.
    pub hosts: Vec<String>,
    /// Groups of agents.
    pub groups: Vec<String>,
    /// When it ends by itself; 0 for never.
    pub until_us: i64,
    /// Who made it; the caller.
    pub author: String,
    /// Why.
    pub reason: String,
    /// When it was made.
    pub created_us: i64,
    /// The alert it was made from, empty for none.
    pub alert: String,
}

/// A change of the set of rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum RuleChange {
    /// Adds files; those whose rules they name take the place of the old ones.
    Enable {
        /// The files.
        files: Vec<RuleFile>,
    },
    /// Switches a rule on again.
    On {
        /// Its id.
        id: String,
    },
    /// Switches a rule off.
    Off {
        /// Its id.
        id: String,
    },
    /// Removes the file of its own that a rule stands in.
    Remove {
        /// Id of the rule.
        id: String,
    },
    /// Adds an exception.
    Except {
        /// The exception.
        exception: RuleException,
    },
    /// Removes an exception.
    Unexcept {
        /// Its id.
        id: String,
    },
    /// Goes back: ends what is on trial, or else publishes the set before the present one under a new version.
    Rollback,
    /// Gives to everyone what is on trial.
    Promote,
}

/// A change with its reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleChangeRequest {
    /// What changes.
    pub change: RuleChange,
    /// Why; goes into the ledger.
    pub reason: String,
    /// Who gets it first; everyone when absent.
    #[serde(default)]
    pub to: Option<RuleAudience>,
}

/// A text in both languages.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Told {
    /// English.
    pub text: String,
    /// Chinese.
    pub text_zh: String,
}

/// What became of a change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleChanged {
    /// Version of the set now.
    pub version: u64,
    /// Whether only its audience gets it.
    pub trial: bool,
    /// Ids that the change was about.
    pub ids: Vec<String>,
    /// What is missing or looks wrong; the change is made all the same.
    pub warnings: Vec<Told>,
}

/// A rule in the list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleRow {
    /// Id.
    pub id: String,
    /// Title.
    pub title: String,
    /// Title in Chinese, empty when it has none.
    pub title_zh: String,
    /// `informational`, `low`, `medium`, `high`, `critical`, `unknown`.
    pub level: String,
    /// `built-in` or `own`.
    pub source: String,
    /// `on`, `off`, or `unrouted` when nothing delivers its events.
    pub state: String,
    /// Why it does not run, empty when it does.
    pub why: String,
    /// File and line.
    pub place: String,
    /// First 16 hexadecimal digits of the SHA-256 of its text and its exceptions.
    pub version: String,
    /// Where its events come from: product, category, service.
    pub log_source: String,
    /// ATT&CK techniques.
    pub techniques: Vec<String>,
    /// Exceptions in force.
    pub exceptions: usize,
}

/// A rule whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleFull {
    /// As in the list.
    #[serde(flatten)]
    pub row: RuleRow,
    /// Description.
    pub description: String,
    /// Description in Chinese, empty when it has none.
    pub description_zh: String,
    /// Known harmless causes.
    pub falsepositives: Vec<String>,
    /// Links.
    pub references: Vec<String>,
    /// Who wrote it.
    pub author: String,
    /// Who enabled it, empty for a built-in one.
    pub by: String,
    /// What it asks for.
    pub responses: Vec<String>,
    /// Exceptions, also those that are over.
    pub exceptions: Vec<RuleException>,
    /// Its file.
    pub text: String,
}

/// How far an agent is with the rules.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleStanding {
    /// Agent id.
    pub agent: String,
    /// Host name.
    pub host: String,
    /// Whether its link stands.
    pub connected: bool,
    /// Version it holds; 0 for none.
    pub version: u64,
    /// Version it is to hold.
    pub wanted: u64,
    /// Since when it holds its version.
    pub since_us: i64,
    /// Version that it refused, 0 for none.
    pub refused: u64,
    /// Code of the fault, empty for none.
    pub code: String,
    /// The fault, in English as the agent said it.
    pub fault: String,
}

/// How far the agents are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleRollout {
    /// Version for everyone; 0 when nothing was ever published.
    pub version: u64,
    /// Version on trial; 0 for none.
    pub trial: u64,
    /// Who gets the trial.
    pub to: Option<RuleAudience>,
    /// Agents.
    pub agents: usize,
    /// Of them those that hold what they are to hold.
    pub hold: usize,
    /// Of them those that refused it.
    pub refused: usize,
    /// Each of them.
    pub standings: Vec<RuleStanding>,
}

/// A version of the set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleVersion {
    /// Its number.
    pub version: u64,
    /// `live`, `trial`, or empty for one of before.
    pub state: String,
    /// When it was made.
    pub time_us: i64,
    /// By whom.
    pub who: String,
    /// What was done: `enable`, `off`, `except` …
    pub what: String,
    /// Ids that it was about.
    pub ids: Vec<String>,
    /// Why.
    pub reason: String,
    /// Files of its own.
    pub rules: usize,
    /// Ids switched off.
    pub off: usize,
    /// Exceptions.
    pub exceptions: usize,
}

/// What to try on the past.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RuleTestRequest {
    /// Rules that are not in the set.
    pub files: Vec<RuleFile>,
    /// Ids of rules in the set.
    pub ids: Vec<String>,
    /// An exception whose effect is to be measured.
    pub exception: Option<RuleException>,
    /// How far back, seconds.
    pub since_s: u64,
    /// Most samples of each rule, 0 to 100.
    pub limit: usize,
}

/// A value and how often it was there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Share {
    /// The value.
    pub value: String,
    /// Hits with it.
    pub count: u64,
}

/// An event that a rule fits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleSample {
    /// Event id.
    pub event: String,
    /// When.
    pub time_us: i64,
    /// Host name.
    pub host: String,
    /// What matched.
    pub text: String,
}

/// What a rule would have found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleTried {
    /// Id.
    pub id: String,
    /// Title.
    pub title: String,
    /// Title in Chinese, empty when it has none.
    pub title_zh: String,
    /// Level.
    pub level: String,
    /// Version of its text.
    pub version: String,
    /// Whether it raises no alert of its own: only correlations count it.
    pub silent: bool,
    /// Events (for a correlation: groups) that it fits.
    pub hits: u64,
    /// Of them those that the exception would silence.
    pub silenced: u64,
    /// Hosts with hits, the most first.
    pub hosts: Vec<Share>,
    /// Hits a day (UTC), `2026-11-27`, the oldest first.
    pub days: Vec<Share>,
    /// Programs, the most first.
    pub processes: Vec<Share>,
    /// Users, the most first.
    pub users: Vec<Share>,
    /// Parent programs, the most first.
    pub parents: Vec<Share>,
    /// `silent`, `low`, `moderate`, `high`, `flood`.
    pub noise: String,
    /// Why.
    pub reason: Told,
    /// Some of the events, the first ones.
    pub samples: Vec<RuleSample>,
}

/// How a test is, or how it ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleTest {
    /// Its id.
    pub id: String,
    /// `running`, `done`, `cancelled`, `failed`.
    pub state: String,
    /// Events judged so far.
    pub judged: u64,
    /// Events in the window.
    pub events: u64,
    /// Begin of the window.
    pub since_us: i64,
    /// End of the window.
    pub until_us: i64,
    /// The oldest event that the lake holds in it; 0 for none.
    pub held_from_us: i64,
    /// Hosts with events of these kinds in the window.
    pub hosts: u64,
    /// Kinds of events that were read.
    pub kinds: Vec<String>,
    /// How long it took, ms.
    pub took_ms: u64,
    /// Events a second.
    pub events_per_s: u64,
    /// Per rule.
    pub rules: Vec<RuleTried>,
    /// What looks wrong.
    pub warnings: Vec<Told>,
    /// Why it failed.
    pub fault: Option<Told>,
}

/// What to make an exception from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RuleProposalRequest {
    /// Id of the alert.
    pub alert: String,
    /// Names of fields; the narrowest sensible ones when there are none.
    pub fields: Vec<String>,
    /// Host names or agent ids.
    pub hosts: Vec<String>,
    /// Groups.
    pub groups: Vec<String>,
    /// How long it holds, seconds; 0 for ever.
    pub for_s: u64,
    /// Why.
    pub reason: String,
}

/// A field that an exception could test.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    /// Name.
    pub name: String,
    /// Values of the event.
    pub values: Vec<String>,
    /// Whether it is in the proposal.
    pub chosen: bool,
}

/// A proposed exception.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleProposal {
    /// The exception.
    pub exception: RuleException,
    /// Title of the rule.
    pub title: String,
    /// Title in Chinese, empty when it has none.
    pub title_zh: String,
    /// What else it could test.
    pub candidates: Vec<Candidate>,
}

/// Rules of an installation, as the API needs them.
#[async_trait]
pub trait Rules: Send + Sync {
    /// Every rule, its own first.
    async fn list(&self) -> Result<Vec<RuleRow>>;
    /// A rule whole.
    async fn show(&self, id: &str) -> Result<RuleFull>;
    /// What a change would come to: what the ledger notes of it. A fault when it cannot be made.
    async fn check(&self, asked: &RuleChangeRequest) -> Result<serde_json::Value>;
    /// Makes a change, and publishes the set.
    async fn change(&self, asked: RuleChangeRequest, who: &str) -> Result<RuleChanged>;
    /// Versions, the newest first.
    async fn versions(&self) -> Result<Vec<RuleVersion>>;
    /// How far the agents are.
    async fn rollout(&self) -> Result<RuleRollout>;
    /// Exceptions of the present set.
    async fn exceptions(&self) -> Result<Vec<RuleException>>;
    /// An exception from an alert; changes nothing.
    async fn propose(&self, asked: RuleProposalRequest) -> Result<RuleProposal>;
    /// Begins a test on the past; changes nothing.
    async fn test(&self, asked: RuleTestRequest) -> Result<RuleTest>;
    /// A test.
    async fn tested(&self, id: &str) -> Result<RuleTest>;
    /// Ends a test.
    async fn cancel(&self, id: &str) -> Result<()>;
}
