//! Faults of the gateway's wiring.

use base::{Class, Code};

/// A thread did not start.
pub const THREAD: Code = Code {
    id: "gateway-program.thread",
    class: Class::Refused,
    title: "a thread could not be started",
    title_zh: "线程无法启动",
    hint: "the limit of processes for this user is reached",
    hint_zh: "已达到该用户的进程数上限",
};
/// No site of this name.
pub const NO_SITE: Code = Code {
    id: "gateway-program.no-site",
    class: Class::Missing,
    title: "the configuration has no site of this name",
    title_zh: "配置中没有该名称的站点",
    hint: "`garrison-gateway check` lists the sites",
    hint_zh: "`garrison-gateway check` 会列出站点",
};
/// No gateway has written its status here.
pub const NO_STATUS: Code = Code {
    id: "gateway-program.no-status",
    class: Class::Missing,
    title: "no gateway runs on this state directory",
    title_zh: "该状态目录上没有运行中的网关",
    hint: "name its directory with --state, or start it with `garrison-gateway run`",
    hint_zh: "请用 --state 指定其目录，或用 `garrison-gateway run` 启动",
};
/// A file of the state directory cannot be written.
pub const STATE_FILE: Code = Code {
    id: "gateway-program.state-file",
    class: Class::Refused,
    title: "a file of the state directory cannot be written or read",
    title_zh: "状态目录中的文件无法读写",
    hint: "look at free space, owner and mode (0700) of the directory",
    hint_zh: "请检查该目录的剩余空间、属主与权限 (0700)",
};
/// An option has a value that it cannot have.
pub const OPTION: Code = Code {
    id: "gateway-program.option",
    class: Class::Invalid,
    title: "this value of an option cannot be used",
    title_zh: "选项的取值无效",
    hint: "`garrison-gateway help` and the command name list what it takes",
    hint_zh: "用 `garrison-gateway help` 加命令名查看其取值",
};
/// A file of keys cannot be used.
pub const KEYS: Code = Code {
    id: "gateway-program.keys",
    class: Class::Invalid,
    title: "the file with keys of challenge cookies cannot be used",
    title_zh: "验证 Cookie 的密钥文件无法使用",
    hint: "put one key of 64 hexadecimal digits on each line, the first signs; mode 0600",
    hint_zh: "每行一个 64 位十六进制密钥，首行用于签名；权限 0600",
};
