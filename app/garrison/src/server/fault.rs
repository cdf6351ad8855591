//! Faults of the server's wiring.

use base::{Class, Code};

/// No agent of this id.
pub const UNKNOWN_AGENT: Code = Code {
    id: "server.unknown-agent",
    class: Class::Missing,
    title: "no agent of this id is enrolled",
    title_zh: "没有该标识的已注册代理",
    hint: "`garrison agents` lists them",
    hint_zh: "`garrison agents` 列出全部代理",
};
/// The agent is not connected and too many orders wait for it.
pub const AGENT_AWAY: Code = Code {
    id: "server.agent-away",
    class: Class::Unavailable,
    title: "the agent is away and too many orders wait for it",
    title_zh: "代理离线且等待的指令过多",
    hint: "look at the host; the agent connects again by itself",
    hint_zh: "请检查主机；代理会自行重连",
};
/// The data directory cannot be used.
pub const DATA_DIRECTORY: Code = Code {
    id: "server.data-directory",
    class: Class::Refused,
    title: "the data directory cannot be used",
    title_zh: "数据目录不可用",
    hint: "choose another with --data, or correct owner and mode (0700)",
    hint_zh: "请用 --data 另选目录，或修正属主与权限 (0700)",
};
/// A port is taken.
pub const LISTEN: Code = Code {
    id: "server.listen",
    class: Class::Conflict,
    title: "the address cannot be listened on",
    title_zh: "无法监听该地址",
    hint: "another server may run already; `garrison status` tells, or choose other ports",
    hint_zh: "可能已有服务在运行；请用 `garrison status` 查看，或更换端口",
};
/// The agent program did not start.
pub const AGENT_START: Code = Code {
    id: "server.agent-start",
    class: Class::Refused,
    title: "the local agent could not be started",
    title_zh: "本机代理无法启动",
    hint: "it needs root; the server goes on without it",
    hint_zh: "需要 root 权限；服务端将继续运行",
};
/// The pipeline has stopped.
pub const STOPPED: Code = Code {
    id: "server.stopped",
    class: Class::Unavailable,
    title: "the server is shutting down",
    title_zh: "服务端正在关闭",
    hint: "nothing acknowledged is lost; try again after the restart",
    hint_zh: "已确认的数据不会丢失；请在重启后重试",
};

/// Every fault of the server.
pub const ALL: &[&Code] = &[&UNKNOWN_AGENT, &AGENT_AWAY, &DATA_DIRECTORY, &LISTEN, &AGENT_START, &STOPPED];
