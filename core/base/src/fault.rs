//! A fault that a person can act on.

use crate::{Blame, Class, Lang, LogLevel, Retry};
use std::fmt;

/// The result of everything that may fail.
pub type Result<T> = std::result::Result<T, Fault>;

/// One kind of fault. Each crate lists its own in `fault.rs` as `pub const ALL: &[&Code]`.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// `area.words-with-dashes`; part of the contract, never reused.
    pub id: &'static str,
    /// How it shows outside.
    pub class: Class,
    /// One sentence without a full stop, no secret in it.
    pub title: &'static str,
    /// The same in Chinese.
    pub title_zh: &'static str,
    /// What the reader can do.
    pub hint: &'static str,
    /// The same in Chinese.
    pub hint_zh: &'static str,
}

/// A fault: which kind, of which object, what was expected and found, and (inside only) the cause.
#[derive(Clone)]
pub struct Fault(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: &'static Code,
    object: String,
    expected: String,
    found: String,
    inside: Vec<String>,
    blame: Option<Blame>,
    retry: Option<Retry>,
}

impl Fault {
    /// A fault of this kind, about no object yet.
    pub fn new(code: &'static Code) -> Fault {
        Fault(Box::new(Inner {
            code,
            object: String::new(),
            expected: String::new(),
            found: String::new(),
            inside: Vec::new(),
            blame: None,
            retry: None,
        }))
    }

    /// Names the object: a file and line, a host, an id.
    pub fn object(mut self, object: impl fmt::Display) -> Fault {
        self.0.object = object.to_string();
        self
    }

    /// What would have been right.
    pub fn expected(mut self, expected: impl fmt::Display) -> Fault {
        self.0.expected = expected.to_string();
        self
    }

    /// What was there instead. Shown outside: put no secret here.
    pub fn found(mut self, found: impl fmt::Display) -> Fault {
        self.0.found = found.to_string();
        self
    }

    /// The cause, kept inside (logs), never shown to a client of the API.
    pub fn because(mut self, cause: impl fmt::Display) -> Fault {
        self.0.inside.push(cause.to_string());
        self
    }

    /// Overrides whose fault it is.
    pub fn blame(mut self, blame: Blame) -> Fault {
        self.0.blame = Some(blame);
        self
    }

    /// Overrides whether to try again.
    pub fn retry(mut self, retry: Retry) -> Fault {
        self.0.retry = Some(retry);
        self
    }

    /// Its kind.
    pub fn code(&self) -> &'static Code {
        self.0.code
    }

    /// Whether it is of this kind.
    pub fn is(&self, code: &Code) -> bool {
        self.0.code.id == code.id
    }

    /// The object it names, or an empty string.
    pub fn named(&self) -> &str {
        &self.0.object
    }

    /// What would have been right, or an empty string.
    pub fn wanted(&self) -> &str {
        &self.0.expected
    }

    /// What was there instead, or an empty string.
    pub fn got(&self) -> &str {
        &self.0.found
    }

    /// HTTP status of the API.
    pub fn http_status(&self) -> u16 {
        self.0.code.class.row().http
    }

    /// Exit code of the command line.
    pub fn exit_code(&self) -> u8 {
        self.0.code.class.row().exit
    }

    /// Log level.
    pub fn log_level(&self) -> LogLevel {
        self.0.code.class.row().log
    }

    /// Whose fault.
    pub fn blamed(&self) -> Blame {
        self.0.blame.unwrap_or(self.0.code.class.row().blame)
    }

    /// Whether the same call may succeed later.
    pub fn retryable(&self) -> bool {
        self.0.retry.unwrap_or(self.0.code.class.row().retry) == Retry::Later
    }

    /// The text for people outside: title, object, expected and found. No cause, no secret.
    pub fn outside(&self, lang: Lang) -> String {
        let code = self.0.code;
        let (title, wanted, got) = match lang {
            Lang::En => (code.title, "expected", "found"),
            Lang::Zh => (code.title_zh, "应为", "实为"),
        };
        let mut text = String::new();
        if !self.0.object.is_empty() {
            text.push_str(&self.0.object);
            text.push_str(": ");
        }
        text.push_str(title);
        let details = [(wanted, &self.0.expected), (got, &self.0.found)];
        for (word, detail) in details.iter().filter(|(_, detail)| !detail.is_empty()) {
            text.push_str(&format!("; {word} {detail}"));
        }
        text
    }

    /// What the reader can do.
    pub fn hint(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.0.code.hint,
            Lang::Zh => self.0.code.hint_zh,
        }
    }

    /// The text for the log: code, outside text and the chain of causes.
    pub fn inside(&self) -> String {
        let mut text = format!("[{}] {}", self.0.code.id, self.outside(Lang::En));
        for cause in &self.0.inside {
            text.push_str(" <- ");
            text.push_str(cause);
        }
        text
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.outside(Lang::En), self.0.code.id)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inside())
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    const TORN: Code = Code {
        id: "test.torn",
        class: Class::Corrupt,
        title: "the log ends in the middle of a record",
        title_zh: "日志在一条记录中间截断",
        hint: "nothing to do",
        hint_zh: "无需处理",
    };

    #[test]
    fn outside_text_names_object_and_hides_the_cause() {
        let fault =
            Fault::new(&TORN).object("segment 17").expected("48 bytes").found("12 bytes").because("secret 0xdead");
        assert_eq!(
            fault.outside(Lang::En),
            "segment 17: the log ends in the middle of a record; expected 48 bytes; found 12 bytes"
        );
        assert!(fault.outside(Lang::Zh).contains("应为 48 bytes"));
        assert!(!fault.to_string().contains("secret"));
        assert!(fault.inside().contains("secret"));
    }

    #[test]
    fn every_class_has_a_plausible_row() {
        for class in Class::ALL {
            let row = class.row();
            assert!((400..600).contains(&row.http) && row.exit != 0, "{class:?}");
            assert_eq!(row.http >= 500, row.blame != Blame::User && row.http != 429 && row.http != 409, "{class:?}");
        }
    }
}
