//! Faults of inventory and vulnerabilities at the server.

use base::{Class, Code};

/// The folder of imports cannot be used.
pub const FOLDER: Code = Code {
    id: "holdings.folder",
    class: Class::Refused,
    title: "the folder of imports cannot be used",
    title_zh: "导入目录不可用",
    hint: "look at free space, owner and mode of the data directory",
    hint_zh: "请检查数据目录的剩余空间、属主与权限",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&FOLDER];
