//! Faults of the inventory.

use base::{Class, Code};

/// What was remembered does not read back or cannot be kept.
pub const STATE: Code = Code {
    id: "inventory.state",
    class: Class::Corrupt,
    title: "the remembered inventory does not read back or cannot be kept",
    title_zh: "资产清单的记录无法读回或无法保存",
    hint: "nothing to do: the whole inventory is told anew; free the disk if it is full",
    hint_zh: "无需处理：资产清单将重新完整上报；若磁盘已满请清理",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&STATE];
