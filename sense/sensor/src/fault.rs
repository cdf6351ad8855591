//! Faults of the sensor.

use base::{Class, Code};

/// A ring record does not read.
pub const BAD_RECORD: Code = Code {
    id: "sensor.bad-record",
    class: Class::Bug,
    title: "a record of the kernel programs does not read",
    title_zh: "内核程序的记录无法读取",
    hint: "kernel programs and agent are of different builds; install them together and report this",
    hint_zh: "内核程序与代理版本不一致；请一同安装并报告此问题",
};

/// A file to deny is not there.
pub const NO_FILE: Code = Code {
    id: "sensor.no-file",
    class: Class::Missing,
    title: "the file cannot be opened",
    title_zh: "无法打开该文件",
    hint: "give the path of a file that exists on this host",
    hint_zh: "请给出本机存在的文件路径",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&BAD_RECORD, &NO_FILE];
