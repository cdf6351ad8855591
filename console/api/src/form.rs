//! Bodies of requests and answers that belong to the API alone. Unknown fields of a request are refused.

use crate::access::{Role, Scope};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A login.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Account name.
    pub user: String,
    /// Password.
    pub password: String,
}

/// Who is logged in.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, ToSchema)]
pub struct Me {
    /// Account name.
    pub user: String,
    /// Its roles.
    pub roles: Vec<Role>,
    /// Whether the password must be changed before anything else.
    pub must_change: bool,
    /// Value for the header `x-csrf-token`.
    pub csrf: String,
    /// When the session ends, µs since the Unix epoch.
    pub expires_us: i64,
}

/// A change of one's own password.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The password now.
    pub old: String,
    /// The password from now on.
    pub new: String,
}

/// A SQL question.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// One SELECT.
    pub sql: String,
    /// Most rows, 1 to 10000; 1000 when absent.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// A table of the lake.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, ToSchema)]
pub struct LakeTable {
    /// Name.
    pub name: String,
    /// Columns.
    #[schema(value_type = Vec<crate::schema::ColumnForm>)]
    pub columns: Vec<port::Column>,
}

/// Why something is done.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Free text, 1 to 1000 characters; it goes into the ledger.
    pub reason: String,
}

/// An order wanted.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OrderRequest {
    /// Host name or agent id.
    pub host: String,
    /// `kill-tree`, `freeze`, `quarantine`, `isolate`, `block`, `deny-exec`, `export`; of a gateway `block`,
    /// `scrub-level`, `scrub-filter`, `flowspec`, `blackhole`, `switch-dns`.
    pub action: String,
    /// `dry-run` or `apply`; required.
    pub mode: String,
    /// `process` (ticks.pid), `path`, `address`, `sha256`, `destination`, `level`, `signature`, `rule`, `prefix`, `zone`,
    /// `name`, `from`, `to`, as the action takes them.
    pub parameters: BTreeMap<String, String>,
    /// Lease, seconds; required for what can be undone, 0 for the rest.
    pub lease_s: u64,
    /// Why; required to apply.
    pub reason: String,
    /// Alert that led to it, or empty.
    pub alert: String,
    /// Incident it belongs to, or empty.
    pub incident: String,
}

/// A token wanted.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// What to call it.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// How long it lives, seconds, at most 366 days.
    pub life_s: u64,
}

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, ToSchema)]
pub struct TokenView {
    /// Its id.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// The account whose roles bound it.
    pub owner: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// When it was made, µs since the Unix epoch.
    pub created_us: i64,
    /// When it ends, µs since the Unix epoch.
    pub expires_us: i64,
}

/// A token just made; the only time that its text is shown.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, ToSchema)]
pub struct NewToken {
    /// The token.
    pub token: String,
    /// What is kept of it.
    pub kept: TokenView,
}

/// An account wanted.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserRequest {
    /// Name: 1 to 64 of a-z, 0-9, `.`, `_`, `-`.
    pub name: String,
    /// Its roles: at least one; of system-admin, security-admin and audit-admin one at most.
    pub roles: Vec<Role>,
}

/// An account.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, ToSchema)]
pub struct UserView {
    /// Name.
    pub name: String,
    /// Its roles.
    pub roles: Vec<Role>,
    /// Whether the password must be changed at the next login.
    pub must_change: bool,
    /// When it was made, µs since the Unix epoch.
    pub created_us: i64,
}

/// The roles that an account is to have from now on.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RolesRequest {
    /// At least one; of system-admin, security-admin and audit-admin one at most.
    pub roles: Vec<Role>,
}

/// An account with a password just made; the only time that it is shown.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, ToSchema)]
pub struct NewUser {
    /// The account.
    pub user: UserView,
    /// Password for the first login.
    pub password: String,
}

/// An enrolment wanted.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EnrolmentRequest {
    /// Group of the new agents.
    pub group: String,
    /// How many agents may use the token, 1 to 10000.
    pub uses: u32,
    /// How long it is good, seconds, at most 30 days.
    pub ttl_s: u64,
}

impl Default for EnrolmentRequest {
    fn default() -> Self {
        EnrolmentRequest { group: "default".into(), uses: 1, ttl_s: 3600 }
    }
}

/// An enrolment token; the only time that it is shown.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, ToSchema)]
pub struct Enrolment {
    /// The token.
    pub token: String,
    /// When it ends, µs since the Unix epoch.
    pub expires_us: i64,
}

/// The server is alive.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, ToSchema)]
pub struct Health {
    /// Always true; a server that is not well answers with a problem.
    pub ok: bool,
}
