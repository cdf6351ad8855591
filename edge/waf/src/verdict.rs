//! What the engine says of a request.

use base::Fault;
use seclang::Phase;

/// What is to be done with the request instead of passing it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intervention {
    /// Rule that asked for it; 0 when a limit of the configuration did.
    pub rule: u64,
    /// Phase in which it was asked for.
    pub phase: Phase,
    /// How.
    pub kind: Refusal,
    /// HTTP status of the answer.
    pub status: u16,
}

/// How a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Answer with the status.
    Deny,
    /// Close the connection.
    Drop,
    /// Answer with a redirect to this address.
    Redirect(Vec<u8>),
}

/// A rule that held, whole chain.
#[derive(Debug, Clone, Default)]
pub struct Hit {
    /// Its number.
    pub id: u64,
    /// When it ran.
    pub phase: Phase,
    /// `msg`, expanded.
    pub message: Vec<u8>,
    /// `logdata`, expanded.
    pub data: Vec<u8>,
    /// 0 (emergency) to 7 (debug).
    pub severity: Option<u8>,
    /// `tag`, expanded.
    pub tags: Vec<String>,
    /// Variable of the last value that matched: `ARGS`. Empty for `SecAction`.
    pub variable: &'static str,
    /// Its key within a collection: the argument's name.
    pub key: Vec<u8>,
    /// The value as it was in the request, cut to [`crate::limits::SHOWN_BYTES`].
    pub value: Vec<u8>,
    /// The value as the operator saw it, cut likewise.
    pub transformed: Vec<u8>,
    /// File of the rule.
    pub file: std::sync::Arc<str>,
    /// Line of the rule.
    pub line: u32,
    /// False for `nolog` (such hits are recorded only when explaining).
    pub logged: bool,
    /// False for `noauditlog`.
    pub audited: bool,
    /// How the value became what the operator saw; only when explaining.
    pub steps: Vec<Step>,
    /// Inbound anomaly score after the rule; only when explaining.
    pub score: i64,
}

/// One transformation of an explained hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub transformation: &'static str,
    /// The value after it, cut to [`crate::limits::SHOWN_BYTES`].
    pub value: Vec<u8>,
}

/// Work done, for bounds and figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Rules looked at.
    pub rules: u64,
    /// Rules of these that were passed by with one bit.
    pub passed: u64,
    /// Strings that were not known from transactions before.
    pub strings: u64,
    /// Bytes of these strings.
    pub string_bytes: u64,
    /// Bytes of them, and of what transformations made of them, that were scanned for literals.
    pub scanned: u64,
    /// Transformations computed.
    pub transformed: u64,
    /// Tests run on a value; what is known of a string is not asked again.
    pub confirmed: u64,
    /// Bytes of these values.
    pub confirmed_bytes: u64,
}

/// The end of a transaction.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// Rules that held, in order.
    pub hits: Vec<Hit>,
    /// The first refusal, if any.
    pub intervention: Option<Intervention>,
    /// Anomaly score of the request (`tx.blocking_inbound_anomaly_score` of CRS 4, `tx.anomaly_score` of CRS 3).
    pub inbound: i64,
    /// Anomaly score of the response.
    pub outbound: i64,
    /// A bound of [`crate::limits`] was reached: a part of the request was not looked at.
    pub exceeded: bool,
    /// Values found inside of others and not shown to the rules, because there were too many of them: at least so many.
    pub left_out: usize,
    /// The engine could not judge the request; the caller fails open or closed.
    pub fault: Option<Fault>,
    /// Work done.
    pub work: Work,
}
