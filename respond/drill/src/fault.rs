//! Faults of drills.

use base::{Class, Code};

/// No drill of this name.
pub const UNKNOWN: Code = Code {
    id: "drill.unknown",
    class: Class::Missing,
    title: "there is no such drill",
    title_zh: "没有这个演练",
    hint: "`garrison drill list` shows them all",
    hint_zh: "`garrison drill list` 列出全部演练",
};
/// The drill could not be started.
pub const NOT_STARTED: Code = Code {
    id: "drill.not-started",
    class: Class::Refused,
    title: "the drill could not be started",
    title_zh: "演练无法启动",
    hint: "bash and a writable temporary directory are needed",
    hint_zh: "需要 bash 与可写的临时目录",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&UNKNOWN, &NOT_STARTED];
