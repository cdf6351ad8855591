//! Questions over the local socket, one JSON line each way: the operator's command line and the gateway of this machine ask.
//!
//! The socket has mode 0600 and only root or the scrubber's own user is answered (`SO_PEERCRED`).

use crate::fault;
use crate::status::{Said, Status};
use base::{Fault, Result};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Longest question, bytes.
pub const QUESTION_BYTES: usize = 64 << 10;
/// Longest answer, bytes.
const ANSWER_BYTES: u64 = 16 << 20;
/// How long either side waits for the other.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Most samples of one answer.
pub const SAMPLES: usize = 4096;

/// A question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Question {
    /// What the scrubber does now.
    Status,
    /// Why a destination is treated as it is.
    Explain {
        /// Name or prefix of the `protect:` list.
        destination: String,
    },
    /// The newest header samples of a destination.
    Capture {
        /// Name or prefix of the `protect:` list.
        destination: String,
        /// How many, at most [`SAMPLES`].
        count: usize,
    },
    /// The finished attacks, newest first.
    Attacks,
    /// Drop everything from a source for a time.
    Ban {
        /// The source.
        address: IpAddr,
        /// For how long, seconds.
        seconds: u64,
        /// Why, for the ledger.
        reason: String,
    },
    /// Take a ban back.
    Unban {
        /// The source.
        address: IpAddr,
    },
    /// Agree to what is asked for.
    Approve {
        /// The id in the status' `asked`, or the name that would move.
        what: String,
    },
    /// What the gateway saw in the last second.
    Http {
        /// Protected address that the site is served on.
        destination: IpAddr,
        /// The load.
        load: ddos::HttpLoad,
    },
}

/// An answer: one of the two is set.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Answer {
    /// What was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<Value>,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Refusal>,
}

/// A fault on its way through the socket: whole, so that whoever asked can show it in either language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Refusal {
    /// Its code.
    pub code: String,
    /// What it is about.
    pub object: String,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// What kind of fault it is.
    pub title: Said,
    /// What the reader can do.
    pub hint: Said,
}

impl From<&Fault> for Refusal {
    fn from(fault: &Fault) -> Refusal {
        let code = fault.code();
        Refusal {
            code: code.id.into(),
            object: fault.named().into(),
            expected: fault.wanted().into(),
            found: fault.got().into(),
            title: Said { en: code.title.into(), zh: code.title_zh.into() },
            hint: Said { en: code.hint.into(), zh: code.hint_zh.into() },
        }
    }
}

impl From<Refusal> for Fault {
    /// One whose code another version knows shows as a question that was not understood, with the title it came with.
    fn from(refusal: Refusal) -> Fault {
        let known = fault::known().find(|code| code.id == refusal.code);
        let fault = Fault::new(known.unwrap_or(&fault::QUESTION)).object(refusal.object).expected(refusal.expected);
        match known {
            Some(_) => fault.found(refusal.found),
            None => {
                let Refusal { code, title, hint, found, .. } = refusal;
                fault.found(format!("[{code}] {} / {}; {found}; {} / {}", title.en, title.zh, hint.en, hint.zh))
            }
        }
    }
}

impl Answer {
    /// Of what was asked for, or of a fault.
    pub fn of(result: Result<Value>) -> Answer {
        match result {
            Ok(value) => Answer { good: Some(value), fault: None },
            Err(fault) => Answer { good: None, fault: Some(Refusal::from(&fault)) },
        }
    }

    /// The value, or the fault that the scrubber told.
    fn read(self) -> Result<Value> {
        match self.fault {
            Some(refusal) => Err(refusal.into()),
            None => Ok(self.good.unwrap_or(Value::Null)),
        }
    }
}

/// Asks the scrubber behind a socket.
///
/// # Errors
/// [`fault::SOCKET`] when nobody answers, or what the scrubber says against it.
pub fn ask<T: DeserializeOwned>(socket: &Path, question: &Question) -> Result<T> {
    let failed = |cause: &dyn std::fmt::Display| Fault::new(&fault::SOCKET).object(socket.display()).because(cause);
    let mut stream = UnixStream::connect(socket).map_err(|cause| failed(&cause))?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(|cause| failed(&cause))?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(|cause| failed(&cause))?;
    let mut line = serde_json::to_vec(question).map_err(|cause| failed(&cause))?;
    line.push(b'\n');
    stream.write_all(&line).map_err(|cause| failed(&cause))?;
    let mut answer = Vec::new();
    BufReader::new(stream.take(ANSWER_BYTES)).read_until(b'\n', &mut answer).map_err(|cause| failed(&cause))?;
    let answer: Answer = serde_json::from_slice(&answer).map_err(|cause| failed(&cause))?;
    serde_json::from_value(answer.read()?).map_err(|cause| failed(&cause))
}

/// The status of the scrubber behind a socket.
///
/// # Errors
/// As [`ask`].
pub fn status(socket: &Path) -> Result<Status> {
    ask(socket, &Question::Status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Lang;

    #[test]
    fn a_fault_of_any_crate_comes_through_the_socket_whole() {
        let codes = [&fault::NOT_ASKED, &divert::fault::CHANGED, &bgp::fault::GUARDED, &action::fault::BAD_LEASE];
        for code in codes.into_iter().chain(fault::known()) {
            let fault = Fault::new(code).object("shop").expected("a").found("b").because("a cause");
            let line = serde_json::to_string(&Answer::of(Err(fault.clone()))).unwrap();
            assert!(!line.contains("a cause") && line.contains(code.hint_zh), "{line}");
            let read = serde_json::from_str::<Answer>(&line).unwrap().read().unwrap_err();
            for lang in [Lang::En, Lang::Zh] {
                assert_eq!((read.outside(lang), read.hint(lang)), (fault.outside(lang), fault.hint(lang)));
            }
            assert_eq!((read.code(), read.exit_code()), (code, fault.exit_code()));
        }
    }

    #[test]
    fn a_fault_of_another_version_keeps_its_words() {
        let line = r#"{"fault":{"code":"new.thing","object":"shop","title":{"en":"a new thing","zh":"新情况"},"hint":{"en":"look","zh":"查看"}}}"#;
        let read = serde_json::from_str::<Answer>(line).unwrap().read().unwrap_err();
        assert!(read.is(&fault::QUESTION));
        assert_eq!(read.got(), "[new.thing] a new thing / 新情况; ; look / 查看");
        let old = r#"{"fault":{"code":"scrubber.not-asked","object":"shop","expected":"","found":""}}"#;
        assert!(serde_json::from_str::<Answer>(old).unwrap().read().unwrap_err().is(&fault::NOT_ASKED));
    }
}
