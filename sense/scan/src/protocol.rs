//! What agent and scanner say to each other, in order: one [`Reply`] for each [`Request`].
//!
//! A frame is the length of its body (4 bytes, little-endian) and the body. The descriptor of the file to look at travels
//! with the first byte of its frame (`SCM_RIGHTS`). The scanner ends when its socket does.

use crate::fault;
use base::{Fault, Result};
use prost::Message;

/// One file of YARA rules.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct RuleFile {
    /// Its path, for faults and as namespace.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its text.
    #[prost(bytes = "vec", tag = "2")]
    pub text: Vec<u8>,
}

/// The rules to use from now on.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct RuleSet {
    /// Whether the rules built into the scanner are used too.
    #[prost(bool, tag = "1")]
    pub builtin: bool,
    /// Files beside them.
    #[prost(message, repeated, tag = "2")]
    pub files: Vec<RuleFile>,
}

/// Look at a file, or at bytes where no descriptor comes along.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Look {
    /// Path as known, a hint for kinds of files only.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The content, where no descriptor comes along.
    #[prost(bytes = "vec", tag = "2")]
    pub content: Vec<u8>,
    /// Bytes read at most.
    #[prost(uint64, tag = "3")]
    pub most_bytes: u64,
    /// Whether someone waits for the answer: the scanner is nicer to the host otherwise.
    #[prost(bool, tag = "4")]
    pub urgent: bool,
}

/// What is asked.
#[derive(Clone, PartialEq, Eq, prost::Oneof)]
pub enum Ask {
    /// Load rules.
    #[prost(message, tag = "2")]
    Rules(RuleSet),
    /// Look.
    #[prost(message, tag = "3")]
    Look(Look),
}

/// A request.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Request {
    /// Its number, given back in the reply.
    #[prost(uint64, tag = "1")]
    pub number: u64,
    /// What is asked.
    #[prost(oneof = "Ask", tags = "2, 3")]
    pub ask: Option<Ask>,
}

/// A fault on its way: its code by id, the rest as text.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct FaultText {
    /// Id of the code.
    #[prost(string, tag = "1")]
    pub code: String,
    /// What it is about.
    #[prost(string, tag = "2")]
    pub object: String,
    /// What would have been right.
    #[prost(string, tag = "3")]
    pub expected: String,
    /// What was there.
    #[prost(string, tag = "4")]
    pub found: String,
    /// The whole of it with its causes, for the log.
    #[prost(string, tag = "5")]
    pub inside: String,
}

/// Rules are in force.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Loaded {
    /// How many.
    #[prost(uint32, tag = "1")]
    pub rules: u32,
    /// Name of this set: rules and heuristics that look at files in another way have another.
    #[prost(string, tag = "2")]
    pub version: String,
    /// What was left out, one a rule.
    #[prost(message, repeated, tag = "3")]
    pub faults: Vec<FaultText>,
}

/// A file was looked at.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Done {
    /// What was found. `file` holds the hash alone; the rest is the agent's to fill in.
    #[prost(message, repeated, tag = "1")]
    pub findings: Vec<record::Scan>,
    /// Bytes of the file that were read.
    #[prost(uint64, tag = "2")]
    pub bytes: u64,
    /// Bytes looked at: those and what came out of archives.
    #[prost(uint64, tag = "3")]
    pub unpacked_bytes: u64,
    /// Processor time, µs.
    #[prost(uint64, tag = "4")]
    pub cpu_us: u64,
    /// Whether the file is longer than what was read.
    #[prost(bool, tag = "5")]
    pub truncated: bool,
    /// Members of archives that were left out: encrypted, damaged, of unknown method, over a limit.
    #[prost(uint32, tag = "6")]
    pub members_left_out: u32,
    /// What went wrong beside; the findings stand.
    #[prost(message, repeated, tag = "7")]
    pub faults: Vec<FaultText>,
}

/// What is answered.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Answer {
    /// Rules are in force.
    #[prost(message, tag = "2")]
    Loaded(Loaded),
    /// A file was looked at.
    #[prost(message, tag = "3")]
    Done(Done),
    /// It was not possible.
    #[prost(message, tag = "4")]
    Fault(FaultText),
}

/// A reply.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Reply {
    /// Number of the request.
    #[prost(uint64, tag = "1")]
    pub number: u64,
    /// What is answered.
    #[prost(oneof = "Answer", tags = "2, 3, 4")]
    pub answer: Option<Answer>,
}

impl FaultText {
    /// A fault for the way.
    pub fn of(fault: &Fault) -> FaultText {
        FaultText {
            code: fault.code().id.to_owned(),
            object: fault.named().to_owned(),
            expected: fault.wanted().to_owned(),
            found: fault.got().to_owned(),
            inside: fault.inside(),
        }
    }

    /// The fault that arrived; one of unknown code is the engine's.
    pub fn fault(&self) -> Fault {
        let code = fault::ALL.iter().find(|code| code.id == self.code).copied().unwrap_or(&fault::ENGINE);
        let fault = Fault::new(code).object(&self.object).expected(&self.expected).found(&self.found);
        fault.because(&self.inside)
    }
}

/// Reads a message.
///
/// # Errors
/// [`fault::BAD_MESSAGE`] for what is none.
pub fn read<M: Message + Default>(body: &[u8]) -> Result<M> {
    M::decode(body).map_err(|cause| Fault::new(&fault::BAD_MESSAGE).object("message").found(cause))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_fault_keeps_its_code_on_the_way() {
        let sent = Fault::new(&fault::BAD_RULE).object("a.yar:3").expected("a string").found("`}`");
        let arrived = FaultText::of(&sent).fault();
        assert_eq!(arrived.to_string(), sent.to_string());
        let unknown = FaultText { code: "scan.of-tomorrow".into(), ..FaultText::of(&sent) };
        assert!(unknown.fault().is(&fault::ENGINE));
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read::<Request>(&bytes);
            let _ = read::<Reply>(&bytes);
        }
    }
}
