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

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&BAD_RECORD];
