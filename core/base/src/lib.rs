//! The ground every other crate stands on: faults, limits, clock and chance, configuration, address ranges.
//!
//! What it is not: a drawer for helpers. A thing belongs here only when every room needs it and it knows
//! nothing about security.
//!
//! Invariants
//! - A [`Fault`] has a code, names its object, says what was expected and hints what to do; how it shows
//!   outside (HTTP status, exit code, log level) is read from one table, [`Class::row`].
//! - A [`Prefix`] has one form: equal ranges are equal values, and IPv4 and IPv6 never meet.
//! - Time and chance are passed in ([`Clock`], [`Random`]); no pure crate asks the operating system for them.
//!
//! ```
//! use base::{Class, Code, Fault};
//! const TORN: Code = Code { id: "bus.torn-tail", class: Class::Corrupt, title: "the log ends in the middle of a record",
//!     title_zh: "日志在一条记录中间截断", hint: "the tail was cut back; nothing acknowledged was in it",
//!     hint_zh: "尾部已截去，其中没有已确认的数据" };
//! let fault = Fault::new(&TORN).object("segment 00017").expected("48 bytes").found("12 bytes");
//! assert_eq!(fault.exit_code(), 65);
//! ```

mod chance;
mod class;
mod clock;
pub mod config;
mod fault;
pub mod limits;
mod locale;
pub mod prefix;

pub use chance::{Random, SeededRandom, SystemRandom};
pub use class::{Blame, Class, LogLevel, Retry, Row};
pub use clock::{Clock, ManualClock, Micros, SystemClock};
pub use fault::{Code, Fault, Result};
pub use locale::Lang;
pub use prefix::Prefix;
