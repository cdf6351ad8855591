//! Faults of watching files and of the cross-view.

use base::{Class, Code};

/// The baseline does not read back.
pub const BASELINE: Code = Code {
    id: "integrity.baseline",
    class: Class::Corrupt,
    title: "the baseline of watched files does not read back",
    title_zh: "受监视文件的基线无法读回",
    hint: "someone changed it, or the disk did; a new baseline is made, compare what matters with a backup",
    hint_zh: "基线被人改动或磁盘损坏；将建立新基线，请将重要文件与备份比对",
};
/// The baseline or a text cannot be kept.
pub const STATE: Code = Code {
    id: "integrity.state",
    class: Class::Refused,
    title: "what is known of watched files cannot be kept",
    title_zh: "无法保存受监视文件的信息",
    hint: "correct owner, mode and free space of the agent's state directory",
    hint_zh: "请检查代理状态目录的属主、权限与剩余空间",
};
/// No baseline yet.
pub const NO_BASELINE: Code = Code {
    id: "integrity.no-baseline",
    class: Class::Missing,
    title: "there is no baseline of watched files yet",
    title_zh: "尚无受监视文件的基线",
    hint: "start the agent with `integrity.enabled`; the baseline is made in idle time",
    hint_zh: "请在启用 `integrity.enabled` 的情况下启动代理；基线在空闲时建立",
};
/// A path is not among the watched ones, or has no change that waits.
pub const NOT_WATCHED: Code = Code {
    id: "integrity.not-watched",
    class: Class::Missing,
    title: "no change of this path waits for a decision",
    title_zh: "该路径没有待确认的变更",
    hint: "`garrison-agent integrity status` lists the changes that wait",
    hint_zh: "`garrison-agent integrity status` 会列出待确认的变更",
};
/// A pattern of the configuration is wrong.
pub const PATTERN: Code = Code {
    id: "integrity.pattern",
    class: Class::Invalid,
    title: "a watched path is not absolute",
    title_zh: "监视路径不是绝对路径",
    hint: "write absolute paths or patterns such as /home/*/.ssh under `integrity.paths`",
    hint_zh: "请在 `integrity.paths` 下填写绝对路径或如 /home/*/.ssh 的模式",
};
/// A cross-view check cannot be made here.
pub const UNSEEN: Code = Code {
    id: "integrity.unseen",
    class: Class::Unavailable,
    title: "a cross-view check cannot be made on this host",
    title_zh: "本机无法执行该交叉视图检查",
    hint: "run the agent as root on a kernel that allows it; the other checks were made",
    hint_zh: "请以 root 身份并在支持的内核上运行代理；其他检查已完成",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&BASELINE, &STATE, &NO_BASELINE, &NOT_WATCHED, &PATTERN, &UNSEEN];
