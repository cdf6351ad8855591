//! The one table that says how a class of fault shows outside.

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The person or program that asked.
    User,
    /// The other end of a connection, or data that came from outside.
    Peer,
    /// This machine: its kernel, disk, permissions.
    Host,
    /// Us.
    Bug,
}

/// Whether the same call may succeed later without a change by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same call fails again.
    Never,
    /// The same call may succeed later.
    Later,
}

/// The level a fault is logged at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Of use only to a developer.
    Debug,
    /// Normal in service.
    Info,
    /// Someone should look within the day.
    Warn,
    /// Someone should look now.
    Error,
}

/// A class of fault. Few on purpose: a class is part of the contract with clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The request or file is malformed.
    Invalid,
    /// Nobody is logged in, or the credential is wrong.
    Unauthenticated,
    /// Logged in, but not allowed.
    Denied,
    /// The object does not exist (also said where its existence is secret).
    Missing,
    /// The object is in a state that forbids the call.
    Conflict,
    /// A limit was reached: size, count, depth.
    TooLarge,
    /// Too many calls now.
    Busy,
    /// A service we need is not there.
    Unavailable,
    /// The kernel or the host refuses.
    Refused,
    /// Stored data does not check.
    Corrupt,
    /// The disk or a bounded store is full.
    Full,
    /// Our mistake.
    Bug,
}

/// What a class means outside.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// HTTP status of the API.
    pub http: u16,
    /// Exit code of the command line (BSD `sysexits.h` numbers).
    pub exit: u8,
    /// Log level.
    pub log: LogLevel,
    /// Whose fault it is unless the fault says otherwise.
    pub blame: Blame,
    /// Whether to try again.
    pub retry: Retry,
    /// Short machine word, used in problem+json.
    pub word: &'static str,
}

impl Class {
    /// Every class, in the order of the reference page.
    pub const ALL: &'static [Class] = &[
        Class::Invalid,
        Class::Unauthenticated,
        Class::Denied,
        Class::Missing,
        Class::Conflict,
        Class::TooLarge,
        Class::Busy,
        Class::Unavailable,
        Class::Refused,
        Class::Corrupt,
        Class::Full,
        Class::Bug,
    ];

    /// The table.
    pub const fn row(self) -> Row {
        use {Blame::*, LogLevel::*, Retry::*};
        let (http, exit, log, blame, retry, word) = match self {
            Class::Invalid => (400, 65, Info, User, Never, "invalid"),
            Class::Unauthenticated => (401, 77, Info, User, Never, "unauthenticated"),
            Class::Denied => (403, 77, Warn, User, Never, "denied"),
            Class::Missing => (404, 66, Info, User, Never, "missing"),
            Class::Conflict => (409, 75, Info, User, Never, "conflict"),
            Class::TooLarge => (413, 65, Info, User, Never, "too-large"),
            Class::Busy => (429, 75, Info, Host, Later, "busy"),
            Class::Unavailable => (503, 69, Warn, Host, Later, "unavailable"),
            Class::Refused => (409, 71, Warn, Host, Never, "refused"),
            Class::Corrupt => (500, 65, Error, Host, Never, "corrupt"),
            Class::Full => (507, 74, Error, Host, Later, "full"),
            Class::Bug => (500, 70, Error, Bug, Never, "bug"),
        };
        Row { http, exit, log, blame, retry, word }
    }
}
