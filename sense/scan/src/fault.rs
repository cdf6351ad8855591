//! Faults of scanning.

use base::{Class, Code};

/// The scanner program is not there or does not start.
pub const NO_SCANNER: Code = Code {
    id: "scan.no-scanner",
    class: Class::Unavailable,
    title: "the scanner program does not start",
    title_zh: "扫描程序无法启动",
    hint: "install garrison-scanner beside the agent, or set `scan.program`; until then no file is scanned",
    hint_zh: "请将 garrison-scanner 安装在代理旁，或设置 `scan.program`；在此之前不扫描文件",
};
/// The scanner ended in the middle of a file.
pub const CRASHED: Code = Code {
    id: "scan.scanner-ended",
    class: Class::Unavailable,
    title: "the scanner ended while it looked at a file",
    title_zh: "扫描程序在检查文件时退出",
    hint: "the file is left out until it changes and the scanner is started again; keep the file and report this",
    hint_zh: "该文件在变化前不再扫描，扫描程序将重新启动；请保留该文件并报告此问题",
};
/// The scanner took too long.
pub const HUNG: Code = Code {
    id: "scan.scanner-hung",
    class: Class::Unavailable,
    title: "the scanner took too long over a file and was stopped",
    title_zh: "扫描程序处理文件超时，已被终止",
    hint: "the file is left out until it changes; a slow rule or a file system that hangs does this too",
    hint_zh: "该文件在变化前不再扫描；过慢的规则或无响应的文件系统也会导致此问题",
};
/// The scanner rests after crashes.
pub const RESTING: Code = Code {
    id: "scan.scanner-resting",
    class: Class::Busy,
    title: "the scanner is started again after a pause",
    title_zh: "扫描程序将在暂停后重新启动",
    hint: "nothing to do: pauses grow to a minute while it goes on ending",
    hint_zh: "无需处理：若持续退出，暂停会延长至一分钟",
};
/// A message does not read.
pub const BAD_MESSAGE: Code = Code {
    id: "scan.bad-message",
    class: Class::Bug,
    title: "a message between agent and scanner does not read",
    title_zh: "代理与扫描程序之间的消息无法读取",
    hint: "agent and scanner are of different builds; install them together",
    hint_zh: "代理与扫描程序版本不一致；请一同安装",
};
/// A file cannot be opened or read.
pub const NO_FILE: Code = Code {
    id: "scan.no-file",
    class: Class::Missing,
    title: "the file cannot be read",
    title_zh: "无法读取该文件",
    hint: "it was removed or is no regular file; a link is not followed",
    hint_zh: "文件已被删除或不是普通文件；不会跟随链接",
};
/// A limit of scanning was reached.
pub const LIMIT: Code = Code {
    id: "scan.limit",
    class: Class::TooLarge,
    title: "more than scanning takes",
    title_zh: "超过扫描允许的限度",
    hint: "name fewer or smaller files of rules",
    hint_zh: "请减少规则文件的数量或大小",
};
/// A rule file does not compile.
pub const BAD_RULE: Code = Code {
    id: "scan.bad-rule",
    class: Class::Invalid,
    title: "a YARA rule does not compile and was left out",
    title_zh: "YARA 规则无法编译，已跳过",
    hint: "correct the named line; the rules of other files are in force",
    hint_zh: "请修改所指的行；其他文件的规则仍然有效",
};
/// The engine failed on a file.
pub const ENGINE: Code = Code {
    id: "scan.engine",
    class: Class::Bug,
    title: "the engine failed on a file",
    title_zh: "引擎处理文件失败",
    hint: "the other checks of the file were made; keep the file and report this",
    hint_zh: "该文件的其他检查已完成；请保留该文件并报告此问题",
};
/// The scanner could not give up its rights.
pub const CONFINE: Code = Code {
    id: "scan.confine",
    class: Class::Refused,
    title: "the scanner could not give up its rights",
    title_zh: "扫描程序无法放弃其权限",
    hint: "it does not read hostile files with more rights than it needs; see the log for the call that was refused",
    hint_zh: "它不会以超出所需的权限读取可疑文件；被拒绝的调用见日志",
};
/// What was remembered does not read back.
pub const STATE: Code = Code {
    id: "scan.state",
    class: Class::Corrupt,
    title: "the memory of scanned files does not read back",
    title_zh: "已扫描文件的记录无法读回",
    hint: "nothing to do: every file is scanned once more",
    hint_zh: "无需处理：所有文件将重新扫描一次",
};

/// Every fault of this crate.
pub const ALL: &[&Code] =
    &[&NO_SCANNER, &CRASHED, &HUNG, &RESTING, &BAD_MESSAGE, &NO_FILE, &LIMIT, &BAD_RULE, &ENGINE, &CONFINE, &STATE];
