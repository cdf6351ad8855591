//! Who may call what: one table, endpoint × role × scope. A route that is missing here is refused and fails a test.

/// A role of an account. The first three are kept apart: an account holds one of them at most, so that nobody both acts
/// and audits the act. Only the account of the first run begins with all three, see [`crate::first_run`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Accounts, enrolment, the installation itself.
    SystemAdmin,
    /// Alerts, incidents, orders to hosts.
    SecurityAdmin,
    /// The ledger.
    AuditAdmin,
    /// Reads telemetry, alerts and incidents.
    Viewer,
    /// A partner's account: the collections of the TAXII server that name it, and nothing else.
    Partner,
}

impl Role {
    /// The roles of which an account holds one at most.
    pub const APART: &'static [Role] = &[Role::SystemAdmin, Role::SecurityAdmin, Role::AuditAdmin];

    /// Every role.
    pub const ALL: &'static [Role] =
        &[Role::SystemAdmin, Role::SecurityAdmin, Role::AuditAdmin, Role::Viewer, Role::Partner];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Role::SystemAdmin => "system-admin",
            Role::SecurityAdmin => "security-admin",
            Role::AuditAdmin => "audit-admin",
            Role::Viewer => "viewer",
            Role::Partner => "partner",
        }
    }
}

/// What an API token may be used for, on top of its owner's roles.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Reading telemetry, alerts, incidents, orders, status.
    Read,
    /// Giving and undoing orders, closing incidents.
    Act,
    /// Reading and verifying the ledger.
    Audit,
    /// Accounts, tokens, enrolment.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: &'static [Scope] = &[Scope::Read, Scope::Act, Scope::Audit, Scope::Admin];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Act => "act",
            Scope::Audit => "audit",
            Scope::Admin => "admin",
        }
    }
}

/// Who may call an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Anybody, without a credential.
    Open,
    /// Any account, even one that must change its password first; sessions only.
    Self_,
    /// One of these roles; a token needs the scope as well.
    Roles(&'static [Role], Scope),
}

/// One endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    /// Method.
    pub method: &'static str,
    /// Path as the router writes it.
    pub path: &'static str,
    /// Who.
    pub door: Door,
    /// Word of the ledger line that the call seals, empty for calls that change nothing.
    pub seals: &'static str,
}

const fn row(method: &'static str, path: &'static str, door: Door, seals: &'static str) -> Endpoint {
    Endpoint { method, path, door, seals }
}

const fn roles(roles: &'static [Role], scope: Scope) -> Door {
    Door::Roles(roles, scope)
}

const EVERYONE: &[Role] = &[Role::SystemAdmin, Role::SecurityAdmin, Role::AuditAdmin, Role::Viewer];
const PARTNERS: &[Role] = &[Role::SecurityAdmin, Role::Partner];
const WATCHERS: &[Role] = &[Role::SecurityAdmin, Role::Viewer];
const ACTORS: &[Role] = &[Role::SecurityAdmin];
const SYSTEM: &[Role] = &[Role::SystemAdmin];
const AUDIT: &[Role] = &[Role::AuditAdmin];

/// The table.
pub const ENDPOINTS: &[Endpoint] = &[
    row("GET", "/api/v1/healthz", Door::Open, ""),
    row("GET", "/api/v1/openapi.json", Door::Open, ""),
    row("POST", "/api/v1/login", Door::Open, "login"),
    row("POST", "/api/v1/logout", Door::Self_, "logout"),
    row("GET", "/api/v1/me", Door::Self_, ""),
    row("POST", "/api/v1/password", Door::Self_, "password.change"),
    row("GET", "/api/v1/status", roles(EVERYONE, Scope::Read), ""),
    row("GET", "/api/v1/agents", roles(EVERYONE, Scope::Read), ""),
    row("POST", "/api/v1/agents/{id}/deny", roles(SYSTEM, Scope::Admin), "agent.deny"),
    row("GET", "/api/v1/events", roles(WATCHERS, Scope::Read), ""),
    row("POST", "/api/v1/events/query", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/events/tables", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/alerts", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/alerts/{id}", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/incidents", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/incidents/{id}", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/incidents/{id}/chain", roles(WATCHERS, Scope::Read), ""),
    row("POST", "/api/v1/incidents/{id}/close", roles(ACTORS, Scope::Act), "incident.close"),
    row("GET", "/api/v1/orders", roles(WATCHERS, Scope::Read), ""),
    row("POST", "/api/v1/orders", roles(ACTORS, Scope::Act), "order.intent"),
    row("GET", "/api/v1/orders/{id}", roles(WATCHERS, Scope::Read), ""),
    row("POST", "/api/v1/orders/{id}/undo", roles(ACTORS, Scope::Act), "order.intent"),
    row("GET", "/api/v1/ledger", roles(AUDIT, Scope::Audit), ""),
    row("GET", "/api/v1/ledger/verify", roles(AUDIT, Scope::Audit), ""),
    row("GET", "/api/v1/tokens", roles(Role::ALL, Scope::Admin), ""),
    row("POST", "/api/v1/tokens", roles(Role::ALL, Scope::Admin), "token.create"),
    row("DELETE", "/api/v1/tokens/{id}", roles(Role::ALL, Scope::Admin), "token.revoke"),
    row("GET", "/api/v1/users", roles(SYSTEM, Scope::Admin), ""),
    row("POST", "/api/v1/users", roles(SYSTEM, Scope::Admin), "user.create"),
    row("DELETE", "/api/v1/users/{name}", roles(SYSTEM, Scope::Admin), "user.delete"),
    row("PUT", "/api/v1/users/{name}/roles", roles(SYSTEM, Scope::Admin), "user.roles"),
    row("POST", "/api/v1/users/{name}/password", roles(SYSTEM, Scope::Admin), "user.password-reset"),
    row("POST", "/api/v1/enrolments", roles(SYSTEM, Scope::Admin), "enrolment.create"),
    row("GET", "/api/v1/intel", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/intel/lookup", roles(WATCHERS, Scope::Read), ""),
    row("POST", "/api/v1/intel/indicators", roles(ACTORS, Scope::Act), "intel.add"),
    row("DELETE", "/api/v1/intel/indicators", roles(ACTORS, Scope::Act), "intel.withdraw"),
    row("POST", "/api/v1/intel/import", roles(ACTORS, Scope::Act), "intel.import"),
    row("GET", "/api/v1/intel/imports/{id}", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/intel/export/{format}", roles(ACTORS, Scope::Read), ""),
    row("POST", "/api/v1/intel/hunt", roles(ACTORS, Scope::Act), "intel.hunt"),
    row("GET", "/api/v1/incidents/{id}/attribution", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/intel/feeds", roles(WATCHERS, Scope::Read), ""),
    row("POST", "/api/v1/intel/feeds", roles(ACTORS, Scope::Act), "intel.feed"),
    row("DELETE", "/api/v1/intel/feeds/{id}", roles(ACTORS, Scope::Act), "intel.feed-remove"),
    row("POST", "/api/v1/intel/feeds/{id}/run", roles(ACTORS, Scope::Act), "intel.feed-run"),
    row("GET", "/api/v1/intel/shares", roles(WATCHERS, Scope::Read), ""),
    row("POST", "/api/v1/intel/shares", roles(ACTORS, Scope::Act), "intel.share"),
    row("DELETE", "/api/v1/intel/shares/{id}", roles(ACTORS, Scope::Act), "intel.share-end"),
    row("GET", "/api/v1/rules", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/rules/{id}", roles(WATCHERS, Scope::Read), ""),
    row("POST", "/api/v1/rules/changes", roles(ACTORS, Scope::Act), "rules.change"),
    row("GET", "/api/v1/rules/changes", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/rules/rollout", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/rules/exceptions", roles(WATCHERS, Scope::Read), ""),
    row("POST", "/api/v1/rules/proposals", roles(WATCHERS, Scope::Read), ""),
    row("POST", "/api/v1/rules/tests", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/rules/tests/{id}", roles(WATCHERS, Scope::Read), ""),
    row("DELETE", "/api/v1/rules/tests/{id}", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/assets", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/assets/hosts", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/assets/history", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/vulnerabilities", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/vulnerabilities/{name}", roles(WATCHERS, Scope::Read), ""),
    row("POST", "/api/v1/vulnerabilities/import", roles(ACTORS, Scope::Act), "vulnerabilities.import"),
    row("GET", "/api/v1/vulnerabilities/imports/{id}", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/vulnerabilities/sources", roles(WATCHERS, Scope::Read), ""),
    row("DELETE", "/api/v1/vulnerabilities/sources/{source}", roles(ACTORS, Scope::Act), "vulnerabilities.forget"),
    row("GET", "/api/v1/scrubbers", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/scrubbers/{agent}", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/pool", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/pool/addresses/{address}", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/pool/holders", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/pool/ranges", roles(WATCHERS, Scope::Read), ""),
    row("POST", "/api/v1/pool/changes", roles(ACTORS, Scope::Act), "pool.change"),
    row("POST", "/api/v1/pool/allocations", roles(ACTORS, Scope::Act), "pool.allocate"),
    row("GET", "/api/v1/web/traffic", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/web/tuning", roles(WATCHERS, Scope::Read), ""),
    row("GET", "/api/v1/web/tuning/{site}", roles(WATCHERS, Scope::Read), ""),
    row("PUT", "/api/v1/web/tuning/{site}", roles(ACTORS, Scope::Act), "web.tune"),
    row("DELETE", "/api/v1/web/tuning/{site}/{id}", roles(ACTORS, Scope::Act), "web.tune"),
    row("POST", "/api/v1/web/exclusions", roles(ACTORS, Scope::Act), "web.exclude"),
    row("GET", "/taxii2/", roles(PARTNERS, Scope::Read), ""),
    row("GET", "/taxii2/{*rest}", roles(PARTNERS, Scope::Read), ""),
    row("POST", "/taxii2/{*rest}", roles(PARTNERS, Scope::Read), "intel.taxii-add"),
    row("DELETE", "/taxii2/{*rest}", roles(PARTNERS, Scope::Read), "intel.taxii-delete"),
    row("GET", "/api/v1/stream", roles(WATCHERS, Scope::Read), ""),
];

/// The row of a method and a path pattern. `HEAD` counts as `GET`.
pub fn endpoint(method: &str, path: &str) -> Option<&'static Endpoint> {
    let method = if method == "HEAD" { "GET" } else { method };
    ENDPOINTS.iter().find(|endpoint| endpoint.method == method && endpoint.path == path)
}

/// Whether these roles, and the scopes if it is a token, open the door.
pub fn allows(door: Door, held: &[Role], scopes: Option<&[Scope]>) -> bool {
    match door {
        Door::Open => true,
        Door::Self_ => scopes.is_none(),
        Door::Roles(wanted, scope) => {
            wanted.iter().any(|role| held.contains(role)) && scopes.is_none_or(|scopes| scopes.contains(&scope))
        }
    }
}
