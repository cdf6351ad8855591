//! Faults of the packet filter.

use base::{Class, Code};

/// The folder of the pins is not on a BPF file system.
pub const NOT_BPFFS: Code = Code {
    id: "scrub.not-bpffs",
    class: Class::Refused,
    title: "the folder for pins is not on a BPF file system",
    title_zh: "固定目录不在 BPF 文件系统上",
    hint: "mount one: `mount -t bpf bpf /sys/fs/bpf`",
    hint_zh: "请挂载：`mount -t bpf bpf /sys/fs/bpf`",
};
/// A filter is already there.
pub const ALREADY: Code = Code {
    id: "scrub.already-attached",
    class: Class::Conflict,
    title: "a filter of an earlier start is attached and its lease runs",
    title_zh: "先前启动的过滤器仍在运行且租约未到期",
    hint: "adopt it, or wait until its lease is over",
    hint_zh: "请接管它，或等待租约到期",
};
/// Another process controls the filter.
pub const OWNED: Code = Code {
    id: "scrub.owned",
    class: Class::Conflict,
    title: "another process controls the filter of this interface",
    title_zh: "该接口的过滤器由另一进程控制",
    hint: "stop that process first, or give this one another folder (`pins:`) and other interfaces",
    hint_zh: "请先停止该进程，或为本进程指定其他固定目录（`pins:`）与其他接口",
};
/// The kernel does not attach the program to the interface.
pub const ATTACH: Code = Code {
    id: "scrub.attach-refused",
    class: Class::Refused,
    title: "the kernel does not attach the filter to the interface",
    title_zh: "内核拒绝将过滤器挂接到接口",
    hint: "needs CAP_BPF and CAP_NET_ADMIN; another XDP program may be attached (`bpftool net`), or the driver knows no native mode: choose `auto` or `generic`",
    hint_zh: "需要 CAP_BPF 与 CAP_NET_ADMIN；可能已挂接其他 XDP 程序（`bpftool net`），或驱动不支持原生模式：请选 `auto` 或 `generic`",
};
/// A pin cannot be made, read or removed.
pub const PIN: Code = Code {
    id: "scrub.pin",
    class: Class::Refused,
    title: "a pinned object cannot be made, read or removed",
    title_zh: "无法创建、读取或删除固定对象",
    hint: "the folder must be writable for this user and on a BPF file system",
    hint_zh: "目录须可由当前用户写入，且位于 BPF 文件系统上",
};
/// The kernel refuses an operation on a map.
pub const MAP: Code = Code {
    id: "scrub.map",
    class: Class::Refused,
    title: "the kernel refuses an operation on a map of the filter",
    title_zh: "内核拒绝对过滤器映射表的操作",
    hint: "see the cause in the log",
    hint_zh: "原因见日志",
};
/// A table of the filter has no room left.
pub const FULL: Code = Code {
    id: "scrub.full",
    class: Class::TooLarge,
    title: "the table of the filter is full",
    title_zh: "过滤器的表已满",
    hint: "remove entries, or start the filter with a larger table",
    hint_zh: "请删除条目，或以更大的表启动过滤器",
};
/// The destination is none that is protected.
pub const NOT_PROTECTED: Code = Code {
    id: "scrub.not-protected",
    class: Class::Missing,
    title: "this destination is not protected by the filter",
    title_zh: "该目的地址不在保护范围内",
    hint: "add it to the protected ranges",
    hint_zh: "请将其加入保护地址段",
};
/// The signature fixes nothing, or too much.
pub const SIGNATURE: Code = Code {
    id: "scrub.signature",
    class: Class::Invalid,
    title: "the filter cannot hold this signature",
    title_zh: "过滤器无法装载该特征",
    hint: "a signature has 1 to 8 terms and ends in the future",
    hint_zh: "特征须有 1 至 8 个条件，且到期时间在将来",
};
/// The program does not run on the frame.
pub const TRIAL: Code = Code {
    id: "scrub.trial",
    class: Class::Refused,
    title: "the kernel does not run the filter on this frame",
    title_zh: "内核无法对该帧试运行过滤器",
    hint: "a frame has 14 to 3000 bytes",
    hint_zh: "帧长须为 14 至 3000 字节",
};

/// Every fault of this crate.
pub const ALL: &[&Code] =
    &[&NOT_BPFFS, &ALREADY, &OWNED, &ATTACH, &PIN, &MAP, &FULL, &NOT_PROTECTED, &SIGNATURE, &TRIAL];
