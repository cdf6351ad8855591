//! What of a request is not as the profile says.

use crate::request::Place;
use base::Lang;
use std::fmt;

/// One kind of violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ViolationKind {
    /// No such path.
    Path,
    /// The path has no such method.
    Method,
    /// The body is of another media type.
    MediaType,
    /// No such parameter.
    Unknown,
    /// A parameter that must be there is missing.
    Missing,
    /// A parameter stands more than once.
    Repeated,
    /// A value is of another kind.
    Type,
    /// A value is shorter than any.
    Short,
    /// A value is longer than any.
    Long,
    /// A number is outside its bounds.
    Range,
    /// A value holds characters that none has.
    Characters,
    /// A value is none of those it may be.
    Value,
}

impl ViolationKind {
    /// Every kind.
    pub const ALL: &[ViolationKind] = &[
        ViolationKind::Path,
        ViolationKind::Method,
        ViolationKind::MediaType,
        ViolationKind::Unknown,
        ViolationKind::Missing,
        ViolationKind::Repeated,
        ViolationKind::Type,
        ViolationKind::Short,
        ViolationKind::Long,
        ViolationKind::Range,
        ViolationKind::Characters,
        ViolationKind::Value,
    ];

    /// Its name in records and configuration.
    pub fn id(self) -> &'static str {
        match self {
            ViolationKind::Path => "path",
            ViolationKind::Method => "method",
            ViolationKind::MediaType => "media-type",
            ViolationKind::Unknown => "unknown-parameter",
            ViolationKind::Missing => "missing-parameter",
            ViolationKind::Repeated => "repeated-parameter",
            ViolationKind::Type => "type",
            ViolationKind::Short => "too-short",
            ViolationKind::Long => "too-long",
            ViolationKind::Range => "range",
            ViolationKind::Characters => "characters",
            ViolationKind::Value => "value",
        }
    }

    /// Its name for people.
    pub fn title(self, lang: Lang) -> &'static str {
        let (en, zh) = match self {
            ViolationKind::Path => ("the site has no such path", "站点没有此路径"),
            ViolationKind::Method => ("the path has no such method", "此路径不支持该方法"),
            ViolationKind::MediaType => ("the body is of another media type", "请求体媒体类型不符"),
            ViolationKind::Unknown => ("an unknown parameter", "未知参数"),
            ViolationKind::Missing => ("a parameter is missing", "缺少必需参数"),
            ViolationKind::Repeated => ("a parameter stands more than once", "参数重复出现"),
            ViolationKind::Type => ("a value is of another type", "参数值类型不符"),
            ViolationKind::Short => ("a value is too short", "参数值过短"),
            ViolationKind::Long => ("a value is too long", "参数值过长"),
            ViolationKind::Range => ("a number is out of its range", "数值超出范围"),
            ViolationKind::Characters => ("a value holds characters that are not expected", "参数值含有意外字符"),
            ViolationKind::Value => ("a value is none of those expected", "参数值不在允许范围内"),
        };
        lang.pick(en, zh)
    }
}

/// One violation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What is wrong.
    pub kind: ViolationKind,
    /// Where.
    pub place: Option<Place>,
    /// Of which parameter; empty for path, method and media type.
    pub name: String,
    /// What would have been right.
    pub expected: String,
    /// The shape of what was there, never the value.
    pub found: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(self.kind.id())?;
        if let Some(place) = self.place {
            write!(out, " {} {}", place.name(), self.name)?;
        }
        for (word, text) in [("expected", &self.expected), ("found", &self.found)] {
            if !text.is_empty() {
                write!(out, ", {word} {text}")?;
            }
        }
        Ok(())
    }
}
