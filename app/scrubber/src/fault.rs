//! Faults of the scrubber.

use base::{Class, Code};

/// A key of the configuration has a value that cannot be used.
pub const VALUE: Code = Code {
    id: "scrubber.config-value",
    class: Class::Invalid,
    title: "the configuration has a value that cannot be used",
    title_zh: "配置中的值无法使用",
    hint: "correct the named key; dist/sample/scrubber.yaml shows every key with its meaning",
    hint_zh: "请修改所指的键；dist/sample/scrubber.yaml 列出了所有键及其含义",
};
/// Two parts of the configuration claim the same.
pub const TWICE: Code = Code {
    id: "scrubber.config-twice",
    class: Class::Invalid,
    title: "two parts of the configuration claim the same",
    title_zh: "配置中有两处声明了同一对象",
    hint: "keep one of them",
    hint_zh: "请只保留其中一处",
};
/// A key was changed that is fixed while the scrubber runs.
pub const FIXED: Code = Code {
    id: "scrubber.config-fixed",
    class: Class::Conflict,
    title: "this key cannot change while the scrubber runs; nothing was changed",
    title_zh: "该键在流量清洗运行时不能更改；未作任何改动",
    hint: "put it back and reload, or stop the scrubber and start it anew",
    hint_zh: "请恢复该键后重新加载，或停止流量清洗后重新启动",
};
/// An interface that the configuration names is not there.
pub const NO_INTERFACE: Code = Code {
    id: "scrubber.no-interface",
    class: Class::Missing,
    title: "there is no such network interface",
    title_zh: "不存在该网卡",
    hint: "compare with `ip link`; the filter must run in the network namespace of the interface",
    hint_zh: "请与 `ip link` 的输出比对；过滤器须运行在该网卡所在的网络命名空间",
};
/// A secret's file cannot be used.
pub const SECRET: Code = Code {
    id: "scrubber.secret-file",
    class: Class::Invalid,
    title: "the file of a key or password cannot be used",
    title_zh: "密钥或口令文件无法使用",
    hint: "it must exist, hold one line, and be readable by its owner only (mode 0600)",
    hint_zh: "文件须存在、只含一行内容，且仅属主可读（权限 0600）",
};
/// The learned model cannot be used.
pub const MODEL: Code = Code {
    id: "scrubber.model",
    class: Class::Invalid,
    title: "the learned model cannot be used",
    title_zh: "学习模型无法使用",
    hint: "leave `model` out to judge by rules alone, or give a file made by `make train-ddos`",
    hint_zh: "可省略 `model` 仅用规则判定，或提供由 `make train-ddos` 生成的文件",
};
/// The local socket of the scrubber cannot be used.
pub const SOCKET: Code = Code {
    id: "scrubber.socket",
    class: Class::Unavailable,
    title: "the scrubber's local socket cannot be used",
    title_zh: "无法使用流量清洗的本机套接字",
    hint: "check that the scrubber runs (`garrison-gateway scrub run`), that the path is its `socket:`, and that you are root or its user",
    hint_zh: "请确认流量清洗正在运行（`garrison-gateway scrub run`）、路径与其 `socket:` 一致，且您是 root 或其运行用户",
};
/// A question to the scrubber that it does not understand.
pub const QUESTION: Code = Code {
    id: "scrubber.question",
    class: Class::Invalid,
    title: "the scrubber does not understand the question",
    title_zh: "流量清洗无法理解该请求",
    hint: "use the command line of the same version",
    hint_zh: "请使用相同版本的命令行",
};
/// A destination that is not protected.
pub const NOT_PROTECTED: Code = Code {
    id: "scrubber.not-protected",
    class: Class::Missing,
    title: "this destination is not protected here",
    title_zh: "该目标不在此处的保护范围内",
    hint: "give a name or prefix of the `protect:` list",
    hint_zh: "请给出 `protect:` 列表中的名称或网段",
};
/// An order's parameter that cannot be used.
pub const PARAMETER: Code = Code {
    id: "scrubber.parameter",
    class: Class::Invalid,
    title: "a parameter of the order cannot be used",
    title_zh: "指令参数无法使用",
    hint: "give the parameter in the form that is expected",
    hint_zh: "请按要求的格式给出参数",
};
/// Something that policy does not allow to be told upstream.
pub const GUARDED: Code = Code {
    id: "scrubber.guarded",
    class: Class::Refused,
    title: "policy does not allow this",
    title_zh: "策略不允许此操作",
    hint: "blackholes and FlowSpec rules must lie inside protected prefixes and `policy.blackhole_within`",
    hint_zh: "黑洞与 FlowSpec 规则须落在受保护网段与 `policy.blackhole_within` 之内",
};
/// What was done is not found when it is read back.
pub const NOT_IN_FORCE: Code = Code {
    id: "scrubber.not-in-force",
    class: Class::Unavailable,
    title: "what was ordered is not in force",
    title_zh: "指令内容未生效",
    hint: "look at `garrison-gateway scrub status` for the filter, the neighbours and the names",
    hint_zh: "请用 `garrison-gateway scrub status` 查看过滤器、邻居与域名的状态",
};
/// Something that nobody is asked.
pub const NOT_ASKED: Code = Code {
    id: "scrubber.not-asked",
    class: Class::Conflict,
    title: "nothing of this name waits for an answer",
    title_zh: "没有与此对应的待批准事项",
    hint: "`garrison-gateway scrub status` shows what waits, each with its id or name; it may be over",
    hint_zh: "`garrison-gateway scrub status` 会列出待批准事项及其编号或域名；该事项可能已结束",
};
/// A file of the state directory cannot be read or written.
pub const STATE_FILE: Code = Code {
    id: "scrubber.state-file",
    class: Class::Unavailable,
    title: "a file of the state directory cannot be used",
    title_zh: "状态目录中的文件无法使用",
    hint: "check free space and that the directory belongs to the scrubber",
    hint_zh: "请检查剩余空间，并确认该目录属于流量清洗",
};
/// An order was not answered in time.
pub const HANDS: Code = Code {
    id: "scrubber.hands",
    class: Class::Busy,
    title: "the order was not carried out in time",
    title_zh: "指令未能及时执行",
    hint: "it may still be carried out; `garrison-gateway scrub status` shows whether the filter, the neighbours and the names answer",
    hint_zh: "指令仍可能稍后执行；请用 `garrison-gateway scrub status` 查看过滤器、邻居与域名是否有响应",
};
/// A thread cannot be started.
pub const THREAD: Code = Code {
    id: "scrubber.thread",
    class: Class::Unavailable,
    title: "a thread cannot be started",
    title_zh: "无法启动线程",
    hint: "check the limits of the service on threads, files and memory",
    hint_zh: "请检查服务的线程、文件与内存限额",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[
    &VALUE,
    &TWICE,
    &FIXED,
    &NO_INTERFACE,
    &SECRET,
    &MODEL,
    &SOCKET,
    &QUESTION,
    &NOT_PROTECTED,
    &PARAMETER,
    &GUARDED,
    &NOT_IN_FORCE,
    &NOT_ASKED,
    &STATE_FILE,
    &HANDS,
    &THREAD,
];

/// Every fault that a scrubber may tell: its own, and those of the parts that it joins.
pub fn known() -> impl Iterator<Item = &'static Code> {
    let parts = [ALL, divert::fault::ALL, bgp::fault::ALL, action::fault::ALL, scrub::fault::ALL, ddos::fault::ALL];
    let ground = [bus::fault::ALL, record::fault::ALL, &[&base::config::INVALID, &base::config::UNREADABLE]];
    parts.into_iter().chain(ground).flatten().copied()
}
