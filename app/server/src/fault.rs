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
/// The agent does not answer and too many orders wait for it.
pub const AGENT_AWAY: Code = Code {
    id: "server.agent-away",
    class: Class::Unavailable,
    title: "too many orders wait for this agent's answer",
    title_zh: "等待该代理响应的指令过多",
    hint: "look at the host; the agent connects again by itself, and orders expire after ten minutes",
    hint_zh: "请检查主机；代理会自行重连，指令十分钟后失效",
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
/// A program beside the server did not start.
pub const AGENT_START: Code = Code {
    id: "server.agent-start",
    class: Class::Refused,
    title: "a program of this machine could not be started",
    title_zh: "本机程序无法启动",
    hint: "the agent needs root; the server goes on without it",
    hint_zh: "代理需要 root 权限；服务端将继续运行",
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
/// The newest entry of the ledger, or one that was asked for, does not decode.
pub const LEDGER_DAMAGED: Code = Code {
    id: "server.ledger-damaged",
    class: Class::Corrupt,
    title: "a ledger entry does not decode",
    title_zh: "账本条目无法解码",
    hint: "restore the state database from a backup and compare; treat it as evidence of tampering",
    hint_zh: "请从备份恢复状态库并比对；应视为篡改证据",
};
/// A receipt is about an order that is not its sender's.
pub const FORGED_RECEIPT: Code = Code {
    id: "server.forged-receipt",
    class: Class::Denied,
    title: "a receipt does not belong to an order of this agent",
    title_zh: "回执与该代理的指令不符",
    hint: "the host may be taken over: look at it; a system administrator can shut its agent out (POST /api/v1/agents/ID/deny)",
    hint_zh: "主机可能已被控制：请检查；系统管理员可禁止其代理接入（POST /api/v1/agents/ID/deny）",
};
/// No host answered an order in time.
pub const ORDER_EXPIRED: Code = Code {
    id: api::story::NO_ANSWER,
    class: Class::Unavailable,
    title: "the host did not answer the order in time; it will not be sent any more",
    title_zh: "主机未在时限内响应该指令；不再发送",
    hint: "look at the host, then give the order again",
    hint_zh: "请检查主机，然后重新下达指令",
};
/// The write-ahead log holds too much that the lake has not taken.
pub const LOG_FULL: Code = Code {
    id: "server.log-full",
    class: Class::Busy,
    title: "the write-ahead log is full because the event store does not keep up",
    title_zh: "事件存储跟不上，预写日志已满",
    hint: "nothing is lost: agents keep their records and send them again; look at the disk and at the log of the server",
    hint_zh: "数据不会丢失：代理会保留记录并重新发送；请检查磁盘与服务端日志",
};

/// The set of rules would grow too large.
pub const RULES_LIMIT: Code = Code {
    id: "server.rules-limit",
    class: Class::Refused,
    title: "the set of rules would grow too large",
    title_zh: "规则集将过大",
    hint: "remove rules or exceptions that are not needed; `garrison rules list --source own` and `garrison rules exceptions` show them",
    hint_zh: "请删除不再需要的规则或例外；`garrison rules list --source own` 与 `garrison rules exceptions` 可列出",
};
/// Too many tests of rules wait.
pub const RULE_TESTS: Code = Code {
    id: "server.rule-tests",
    class: Class::Busy,
    title: "too many tests of rules are waiting",
    title_zh: "等待中的规则回测过多",
    hint: "one runs at a time: wait for it, or end it with Ctrl-C where it was begun",
    hint_zh: "每次只运行一个：请等待，或在发起处按 Ctrl-C 结束",
};

/// Every fault of the server.
pub const ALL: &[&Code] = &[
    &UNKNOWN_AGENT,
    &AGENT_AWAY,
    &DATA_DIRECTORY,
    &LISTEN,
    &AGENT_START,
    &STOPPED,
    &LEDGER_DAMAGED,
    &FORGED_RECEIPT,
    &ORDER_EXPIRED,
    &LOG_FULL,
    &RULES_LIMIT,
    &RULE_TESTS,
];
