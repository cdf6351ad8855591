//! Faults of this crate.

use base::{Class, Code};

/// The address range cannot be read.
pub const PREFIX: Code = Code {
    id: "ddos.prefix",
    class: Class::Invalid,
    title: "this is not an address range",
    title_zh: "不是有效的地址段",
    hint: "write 192.0.2.0/24, 2001:db8::/32 or a single address",
    hint_zh: "请写成 192.0.2.0/24、2001:db8::/32 或单个地址",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&PREFIX];
