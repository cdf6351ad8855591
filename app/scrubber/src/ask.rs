//! Questions over the local socket, one JSON line each way: the operator's command line and the gateway of this machine ask.
//!
//! The socket has mode 0600 and only root or the scrubber's own user is answered (`SO_PEERCRED`).

use crate::fault;
use crate::status::Status;
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

/// A fault on its way through the socket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refusal {
    /// Its code.
    pub code: String,
    /// What it is about.
    pub object: String,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

impl Answer {
    /// Of what was asked for, or of a fault.
    pub fn of(result: Result<Value>) -> Answer {
        match result {
            Ok(value) => Answer { good: Some(value), fault: None },
            Err(fault) => Answer {
                good: None,
                fault: Some(Refusal {
                    code: fault.code().id.into(),
                    object: fault.named().into(),
                    expected: fault.wanted().into(),
                    found: fault.got().into(),
                }),
            },
        }
    }

    /// The value, or the fault that the scrubber told.
    fn read(self) -> Result<Value> {
        if let Some(refusal) = self.fault {
            let code = fault::ALL.iter().copied().find(|code| code.id == refusal.code).unwrap_or(&fault::QUESTION);
            return Err(Fault::new(code).object(refusal.object).expected(refusal.expected).found(refusal.found));
        }
        Ok(self.good.unwrap_or(Value::Null))
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
