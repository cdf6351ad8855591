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

/// There is no room for another ban.
pub const BANS_FULL: Code = Code {
    id: "flood.bans-full",
    class: Class::TooLarge,
    title: "no more bans can be kept",
    title_zh: "封禁数量已达上限",
    hint: "ban networks in place of single addresses, or take bans back that are no longer needed",
    hint_zh: "请以网段代替单个地址，或撤销不再需要的封禁",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&SETTINGS, &BANS_FULL];
