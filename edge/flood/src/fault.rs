//! Faults of flood defence.

use base::{Class, Code};

/// A setting is out of its bounds.
pub const SETTINGS: Code = Code {
    id: "flood.settings",
    class: Class::Invalid,
    title: "a setting of flood defence is out of its bounds",
    title_zh: "洪水防护的某项设置超出范围",
    hint: "correct the named key; the guide lists the bounds",
    hint_zh: "请修改所指的键；手册列出了取值范围",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&SETTINGS];
