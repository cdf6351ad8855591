//! What the language says, typed: the form that the reader makes and the engine compiles.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Where something was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// File as the reader named it.
    pub file: Arc<str>,
    /// Line of the directive's first line, from 1.
    pub line: u32,
}

/// Names the engine knows, lower case for operators and transformations, upper case for variables. An alias is listed
/// as (alias, name).
#[derive(Debug, Clone, Copy)]
pub struct Vocabulary<'v> {
    /// Operators without `@`, lower case: `rx`, `detectsqli`.
    pub operators: &'v [&'static str],
    /// Transformations without `t:`, lower case: `urldecodeuni`.
    pub transformations: &'v [&'static str],
    /// Variables and collections, upper case: `ARGS`, `REQUEST_HEADERS`.
    pub variables: &'v [&'static str],
    /// Other spellings of operators, transformations and variables: (`normalisepath`, `normalizepath`).
    pub aliases: &'v [(&'static str, &'static str)],
}

/// A whole configuration.
#[derive(Debug, Clone, Default)]
pub struct Ruleset {
    /// Rules and markers in the order they were read, after removals and updates.
    pub items: Vec<Item>,
    /// Engine settings.
    pub settings: Settings,
}

/// One step of the list that a phase walks.
#[derive(Debug, Clone)]
pub enum Item {
    /// `SecRule` or `SecAction` with its chain.
    Rule(Arc<Rule>),
    /// `SecMarker`: where `skipAfter` lands.
    Marker(Marker),
}

/// A place to skip to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// Its name.
    pub name: Arc<str>,
    /// Where it was written.
    pub place: Place,
}

/// When a rule runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Phase {
    /// 1: request line and headers are known.
    RequestHeaders,
    /// 2: the request's body is known.
    #[default]
    RequestBody,
    /// 3: status and headers of the response are known.
    ResponseHeaders,
    /// 4: the response's body is known.
    ResponseBody,
    /// 5: after the answer, for the log.
    Logging,
}

/// A rule: if the operator holds of a target, and so down the chain, its actions are done.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Number; 0 for links of a chain that have none.
    pub id: u64,
    /// When.
    pub phase: Phase,
    /// Where it was written.
    pub place: Place,
    /// What is looked at; empty for `SecAction`.
    pub targets: Vec<Target>,
    /// The test; `None` for `SecAction`, which always holds.
    pub operator: Option<Operator>,
    /// Canonical names of transformations, in order, after defaults and `t:none` were applied.
    pub transformations: Vec<&'static str>,
    /// What is done.
    pub actions: Actions,
    /// The next link of the chain, if `chain` was given.
    pub next: Option<Arc<Rule>>,
}

/// One of `ARGS:name|!ARGS:/re/|&ARGS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Canonical name: `ARGS`.
    pub variable: &'static str,
    /// Which of a collection.
    pub selector: Selector,
    /// `&`: the number of values instead of the values.
    pub count: bool,
    /// `!`: these are taken away.
    pub exclude: bool,
}

/// Which entries of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// All.
    All,
    /// With this name (ASCII case aside), or an XPath for `XML`.
    Name(Text),
    /// Whose name matches.
    Pattern(String),
}

/// `@name argument`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Canonical name, lower case, without `@`.
    pub name: &'static str,
    /// `!` before it.
    pub negated: bool,
    /// The argument, with its macros.
    pub argument: Text,
    /// Lines of the files that `pmFromFile`, `ipMatchFromFile` … name, comments and blank lines left out.
    pub data: Arc<[Vec<u8>]>,
}

/// Text with `%{collection.key}` in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text(pub Vec<Piece>);

/// A part of a [`Text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it stands.
    Literal(Vec<u8>),
    /// The value of a variable at run time.
    Macro {
        /// Upper case: `TX`, `MATCHED_VAR`, `REQUEST_HEADERS`.
        variable: String,
        /// Key within a collection, as written; empty when none.
        key: String,
    },
}

impl Text {
    /// A text without macros.
    pub fn literal(text: &[u8]) -> Text {
        if text.is_empty() { Text(Vec::new()) } else { Text(vec![Piece::Literal(text.to_vec())]) }
    }

    /// The bytes, if there is no macro in them.
    pub fn fixed(&self) -> Option<&[u8]> {
        match self.0.as_slice() {
            [] => Some(b""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }
}

/// Everything behind the operator.
#[derive(Debug, Clone, Default)]
pub struct Actions {
    /// What happens to the request; `block` is already replaced by what the phase's default says.
    pub disruptive: Disruptive,
    /// Whether the rule itself named a disruptive action (links of a chain must not).
    pub disruptive_given: bool,
    /// Status of a refusal; 403 when none was given.
    pub status: Option<u16>,
    /// `msg`.
    pub message: Option<Text>,
    /// `logdata`.
    pub log_data: Option<Text>,
    /// 0 (emergency) to 7 (debug).
    pub severity: Option<u8>,
    /// `tag`, in order.
    pub tags: Vec<Text>,
    /// `ver`.
    pub version: Option<String>,
    /// `rev`.
    pub revision: Option<String>,
    /// `maturity` and `accuracy`.
    pub maturity: Option<u8>,
    /// See `maturity`.
    pub accuracy: Option<u8>,
    /// `log` (true) or `nolog` (false); `None` takes the default, true.
    pub log: Option<bool>,
    /// `auditlog` or `noauditlog`.
    pub audit_log: Option<bool>,
    /// `capture`.
    pub capture: bool,
    /// `multiMatch`.
    pub multi_match: bool,
    /// `skip:n`.
    pub skip: u32,
    /// `skipAfter`.
    pub skip_after: Option<Arc<str>>,
    /// `setvar`, in order.
    pub set_vars: Vec<SetVar>,
    /// `expirevar` and `deprecatevar`: seconds.
    pub expire_vars: Vec<TtlVar>,
    /// `initcol`.
    pub init_collections: Vec<(Collection, Text)>,
    /// `ctl`, in order.
    pub ctls: Vec<Ctl>,
    /// `sanitiseArg`, `sanitiseMatched`, …: names whose values never go into a record.
    pub sanitise: Vec<String>,
}

/// What happens to the request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Disruptive {
    /// On to the next rule.
    #[default]
    Pass,
    /// Refuse with a status.
    Deny,
    /// Close the connection.
    Drop,
    /// Leave: all rules, the rest of this phase, or all request phases.
    Allow,
    /// See `Allow`.
    AllowPhase,
    /// See `Allow`.
    AllowRequest,
    /// Answer with a redirect.
    Redirect(Text),
}

/// Collections that a rule may write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Collection {
    /// Of the transaction.
    Tx,
    /// Of the client's address.
    Ip,
    /// Of everything.
    Global,
    /// Of a session.
    Session,
    /// Of a user.
    User,
    /// Of a resource.
    Resource,
    /// Variables for the log (`ENV`).
    Env,
}

/// `setvar:tx.score=+%{tx.critical}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetVar {
    /// Which collection.
    pub collection: Collection,
    /// Key, may hold macros.
    pub key: Text,
    /// How.
    pub op: SetOp,
    /// With what; `1` when none was given.
    pub value: Text,
}

/// How a variable is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOp {
    /// `=`.
    Set,
    /// `=+`.
    Add,
    /// `=-`.
    Sub,
    /// `!`.
    Unset,
}

/// `expirevar:ip.blocked=60`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TtlVar {
    /// Which collection.
    pub collection: Collection,
    /// Key.
    pub key: Text,
    /// Seconds.
    pub seconds: Text,
}

/// `ctl:name=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ctl {
    /// What is changed for this transaction.
    pub kind: CtlKind,
}

/// What `ctl` changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CtlKind {
    /// `ruleEngine`.
    RuleEngine(EngineMode),
    /// `ruleRemoveById`: ranges, both ends included.
    RemoveById(Vec<(u64, u64)>),
    /// `ruleRemoveByTag`: a regular expression on tags.
    RemoveByTag(String),
    /// `ruleRemoveByMsg`.
    RemoveByMsg(String),
    /// `ruleRemoveTargetById`.
    RemoveTargetById(Vec<(u64, u64)>, Target),
    /// `ruleRemoveTargetByTag`.
    RemoveTargetByTag(String, Target),
    /// `ruleRemoveTargetByMsg`.
    RemoveTargetByMsg(String, Target),
    /// `requestBodyProcessor`, upper case: `JSON`.
    BodyProcessor(String),
    /// `requestBodyAccess`.
    BodyAccess(bool),
    /// `responseBodyAccess`.
    ResponseBodyAccess(bool),
    /// `requestBodyLimit`, bytes.
    BodyLimit(u64),
    /// `forceRequestBodyVariable`.
    ForceBodyVariable(bool),
    /// `auditEngine`, `auditLogParts`, `debugLogLevel`: for the log only.
    Log(String, String),
}

/// Whether rules act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EngineMode {
    /// Rules run and act.
    #[default]
    On,
    /// Rules do not run.
    Off,
    /// Rules run and do not act.
    DetectionOnly,
}

/// What directives beside rules say.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `SecRuleEngine`.
    pub engine: EngineMode,
    /// `SecRequestBodyAccess`.
    pub request_body: bool,
    /// `SecResponseBodyAccess`.
    pub response_body: bool,
    /// `SecRequestBodyLimit`, bytes.
    pub request_body_limit: u64,
    /// `SecRequestBodyNoFilesLimit`, bytes.
    pub request_body_no_files_limit: u64,
    /// `SecRequestBodyLimitAction ProcessPartial` instead of `Reject`.
    pub request_body_partial: bool,
    /// `SecRequestBodyJsonDepthLimit`.
    pub json_depth: u32,
    /// `SecArgumentsLimit`.
    pub arguments_limit: u32,
    /// `SecResponseBodyLimit`, bytes.
    pub response_body_limit: u64,
    /// `SecResponseBodyMimeType`, lower case.
    pub response_mime_types: Vec<String>,
    /// `SecArgumentSeparator`.
    pub argument_separator: u8,
    /// `SecCookieFormat`: 0 Netscape, 1 version 1.
    pub cookie_format: u8,
    /// `SecCollectionTimeout`, seconds.
    pub collection_timeout: u64,
    /// `SecComponentSignature`.
    pub components: Vec<String>,
    /// `SecUnicodeMapFile`: code page and the map of its code points to bytes, for `urlDecodeUni`.
    pub unicode_map: BTreeMap<u32, u8>,
    /// `SecWebAppId`, `SecServerSignature` and others kept as written: name, value.
    pub other: Vec<(String, String)>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            engine: EngineMode::On,
            request_body: true,
            response_body: false,
            request_body_limit: 13_107_200,
            request_body_no_files_limit: 131_072,
            request_body_partial: false,
            json_depth: 512,
            arguments_limit: 1000,
            response_body_limit: 524_288,
            response_mime_types: vec!["text/plain".into(), "text/html".into(), "text/xml".into()],
            argument_separator: b'&',
            cookie_format: 0,
            collection_timeout: 3600,
            components: Vec::new(),
            unicode_map: BTreeMap::new(),
            other: Vec::new(),
        }
    }
}
