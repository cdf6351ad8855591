//! Faults of the log reader.

use base::{Class, Code};

/// The configuration names something that there is not, or that contradicts itself.
pub const CONFIG: Code = Code {
    id: "logs.config",
    class: Class::Invalid,
    title: "an input of the log reader is not valid",
    title_zh: "日志读取器的一个输入配置无效",
    hint: "correct the named input; the guide lists kinds, decoders and transports",
    hint_zh: "请修改所指的输入；手册列出了类型、解码器与传输方式",
};

/// The state folder does not take the positions.
pub const STATE: Code = Code {
    id: "logs.state",
    class: Class::Refused,
    title: "the positions of the log reader cannot be kept",
    title_zh: "无法保存日志读取位置",
    hint: "make the state directory writable; after a restart lines since the last kept position come again",
    hint_zh: "请使状态目录可写；重启后，自上次保存的位置起的行会再次出现",
};

/// The kept positions do not read.
pub const POSITIONS: Code = Code {
    id: "logs.positions",
    class: Class::Corrupt,
    title: "the kept positions of the log reader do not read",
    title_zh: "已保存的日志读取位置无法读取",
    hint: "they were put aside; every log is read from its beginning, so records may come twice",
    hint_zh: "该文件已另存；所有日志从头读取，记录可能重复",
};

/// A log file cannot be read.
pub const UNREADABLE: Code = Code {
    id: "logs.unreadable",
    class: Class::Refused,
    title: "a log file cannot be read",
    title_zh: "无法读取日志文件",
    hint: "check its permissions; a symbolic link needs follow_links in its input",
    hint_zh: "请检查权限；符号链接需在其输入中设置 follow_links",
};

/// An address for syslog cannot be bound.
pub const LISTEN: Code = Code {
    id: "logs.listen",
    class: Class::Refused,
    title: "the address for syslog cannot be listened on",
    title_zh: "无法监听 syslog 地址",
    hint: "another program may hold the port, or the address is not of this host",
    hint_zh: "端口可能被其他程序占用，或该地址不属于本机",
};

/// Certificates for syslog over TLS do not read.
pub const TLS: Code = Code {
    id: "logs.tls",
    class: Class::Invalid,
    title: "certificate or key for syslog over TLS is not valid",
    title_zh: "TLS syslog 的证书或私钥无效",
    hint: "give PEM files: a chain with the leaf first, and its private key",
    hint_zh: "请提供 PEM 文件：以叶证书开头的证书链及其私钥",
};

/// The journal cannot be followed.
pub const JOURNAL: Code = Code {
    id: "logs.journal",
    class: Class::Unavailable,
    title: "the journal cannot be followed",
    title_zh: "无法跟踪系统日志（journal）",
    hint: "it is tried again; check that journalctl is installed and may read the journal",
    hint_zh: "将自动重试；请检查是否已安装 journalctl 且有权读取",
};

/// Text in the journal export format does not read.
pub const EXPORT: Code = Code {
    id: "logs.journal-export",
    class: Class::Corrupt,
    title: "the export of the journal does not read",
    title_zh: "journal 导出内容无法读取",
    hint: "the entry is skipped and counted; run journalctl --verify",
    hint_zh: "该条目已跳过并计数；请运行 journalctl --verify",
};

/// A sender of syslog does not keep to its framing.
pub const FRAME: Code = Code {
    id: "logs.syslog-frame",
    class: Class::Invalid,
    title: "a sender of syslog does not keep to the framing",
    title_zh: "syslog 发送方不遵守分帧规则",
    hint: "RFC 6587: a length in decimal digits and a space before each message, or a line feed behind it",
    hint_zh: "RFC 6587：每条消息前为十进制长度加空格，或以换行结尾",
};

/// A thread cannot be started.
pub const THREAD: Code = Code {
    id: "logs.thread",
    class: Class::Unavailable,
    title: "a thread of the log reader cannot be started",
    title_zh: "无法启动日志读取线程",
    hint: "the host is out of threads or memory",
    hint_zh: "主机线程或内存不足",
};

/// Every fault of this crate.
pub const ALL: &[&Code] =
    &[&CONFIG, &STATE, &POSITIONS, &UNREADABLE, &LISTEN, &TLS, &JOURNAL, &EXPORT, &FRAME, &THREAD];
