//! Faults of the speaker.

use base::{Class, Code};

/// Bytes of a peer end in the middle of a field.
pub const TRUNCATED: Code = Code {
    id: "bgp.truncated",
    class: Class::Invalid,
    title: "a BGP message ends in the middle of a field",
    title_zh: "BGP 报文在字段中间截断",
    hint: "the neighbour is broken or is no BGP speaker; look at its log",
    hint_zh: "邻居有故障或不是 BGP 设备；请查看其日志",
};
/// The header is wrong: marker, length or type.
pub const HEADER: Code = Code {
    id: "bgp.header",
    class: Class::Invalid,
    title: "a BGP message has a wrong header",
    title_zh: "BGP 报文头有误",
    hint: "the two ends lost their place in the stream or the peer is no BGP speaker; the session starts again by itself",
    hint_zh: "两端失去同步，或对方不是 BGP 设备；会话将自动重建",
};
/// An OPEN that we do not take.
pub const OPEN: Code = Code {
    id: "bgp.open",
    class: Class::Invalid,
    title: "the neighbour's OPEN is not acceptable",
    title_zh: "邻居的 OPEN 报文不可接受",
    hint: "compare AS numbers, router ids and hold times at both ends",
    hint_zh: "请核对两端的 AS 号、路由器标识与保持时间",
};
/// An UPDATE that does not decode.
pub const UPDATE: Code = Code {
    id: "bgp.update",
    class: Class::Invalid,
    title: "an UPDATE does not decode",
    title_zh: "UPDATE 报文无法解码",
    hint: "it is counted and left out; the speaker uses no route of a neighbour",
    hint_zh: "已计数并忽略；本端不使用邻居的任何路由",
};
/// A message that is not due in this state.
pub const ORDER: Code = Code {
    id: "bgp.order",
    class: Class::Invalid,
    title: "the neighbour sent a message that is not due now",
    title_zh: "邻居在不当的时刻发送了报文",
    hint: "the session starts again by itself; look at the neighbour's log if it repeats",
    hint_zh: "会话将自动重建；若反复出现请查看邻居日志",
};
/// A text is no community.
pub const COMMUNITY: Code = Code {
    id: "bgp.community",
    class: Class::Invalid,
    title: "this is not a community",
    title_zh: "不是有效的团体属性",
    hint: "write two numbers below 65536, as in 65535:666",
    hint_zh: "请写成两个小于 65536 的数，例如 65535:666",
};
/// A rule that FlowSpec cannot say.
pub const RULE: Code = Code {
    id: "bgp.rule",
    class: Class::Invalid,
    title: "this is not a FlowSpec rule",
    title_zh: "不是有效的 FlowSpec 规则",
    hint: "a rule has at least one component, each type once, prefixes of one family, values in their width (RFC 8955, 8956)",
    hint_zh: "规则至少含一个组件，每类一次，地址族一致，取值不超出位宽（RFC 8955、8956）",
};
/// The settings of a neighbour do not fit together.
pub const NEIGHBOUR: Code = Code {
    id: "bgp.neighbour",
    class: Class::Invalid,
    title: "a setting of the neighbour is out of its bounds",
    title_zh: "邻居的某项设置超出范围",
    hint: "correct the named key; the guide lists the bounds",
    hint_zh: "请修改所指的键；手册列出了取值范围",
};
/// An announcement outside what may be announced.
pub const GUARDED: Code = Code {
    id: "bgp.guarded",
    class: Class::Denied,
    title: "this may not be announced",
    title_zh: "不允许通告该内容",
    hint: "only protected prefixes, no shorter than the configured length, for a limited time and with the approval that the policy wants",
    hint_zh: "只能通告受保护且不短于配置长度的前缀，须有期限并符合审批策略",
};
/// Too many announcements stand.
pub const TOO_MANY: Code = Code {
    id: "bgp.too-many",
    class: Class::Busy,
    title: "too many announcements stand",
    title_zh: "当前通告数量过多",
    hint: "withdraw some, or raise max_announcements at both ends",
    hint_zh: "请撤销部分通告，或在两端调高 max_announcements",
};
/// The same thing is announced already.
pub const STANDS: Code = Code {
    id: "bgp.announced-already",
    class: Class::Conflict,
    title: "the same is announced already",
    title_zh: "相同内容已在通告中",
    hint: "renew the lease of the announcement that stands, or withdraw it first",
    hint_zh: "请续期现有通告，或先将其撤销",
};
/// No announcement of this id.
pub const MISSING: Code = Code {
    id: "bgp.no-announcement",
    class: Class::Missing,
    title: "no announcement has this id",
    title_zh: "没有此编号的通告",
    hint: "its lease is over or it was withdrawn",
    hint_zh: "其租期已到或已被撤销",
};
/// The neighbour cannot be reached.
pub const CONNECT: Code = Code {
    id: "bgp.connect",
    class: Class::Unavailable,
    title: "the neighbour cannot be reached",
    title_zh: "无法连接邻居",
    hint: "check address, port, password and TTL security at both ends; the speaker tries again by itself",
    hint_zh: "请核对两端的地址、端口、口令与 TTL 安全设置；将自动重试",
};
/// The neighbour ended the session.
pub const ENDED: Code = Code {
    id: "bgp.ended",
    class: Class::Unavailable,
    title: "the neighbour ended the session",
    title_zh: "邻居结束了会话",
    hint: "the reason is that of the neighbour; the speaker tries again by itself",
    hint_zh: "原因由邻居给出；将自动重试",
};
/// Nothing was heard, or nothing could be said, within the hold time.
pub const SILENT: Code = Code {
    id: "bgp.hold",
    class: Class::Unavailable,
    title: "the neighbour was silent for the hold time",
    title_zh: "邻居在保持时间内没有响应",
    hint: "the path or the neighbour is down; the speaker tries again by itself",
    hint_zh: "链路或邻居中断；将自动重试",
};
/// The neighbour takes nothing of what it is told.
pub const STUCK: Code = Code {
    id: "bgp.send-hold",
    class: Class::Unavailable,
    title: "the neighbour reads nothing of what it is told",
    title_zh: "邻居不读取发给它的报文",
    hint: "what was announced may stand there although it was taken back here; look at the neighbour, the speaker connects again by itself",
    hint_zh: "已撤销的通告可能仍在对端生效；请检查邻居，将自动重新连接",
};
/// The neighbour tells too many routes.
pub const FLOODED: Code = Code {
    id: "bgp.received-too-many",
    class: Class::Unavailable,
    title: "the neighbour tells too many routes",
    title_zh: "邻居通告的路由过多",
    hint: "let the neighbour export nothing to this speaker; it uses no route",
    hint_zh: "请让邻居不向本端导出路由；本端不使用任何路由",
};
/// The speaker has stopped.
pub const STOPPED: Code = Code {
    id: "bgp.stopped",
    class: Class::Conflict,
    title: "the speaker has stopped",
    title_zh: "通告程序已停止",
    hint: "start it again; everything it announced is withdrawn",
    hint_zh: "请重新启动；其全部通告均已撤销",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[
    &TRUNCATED, &HEADER, &OPEN, &UPDATE, &ORDER, &COMMUNITY, &RULE, &NEIGHBOUR, &GUARDED, &TOO_MANY, &STANDS, &MISSING,
    &CONNECT, &ENDED, &SILENT, &STUCK, &FLOODED, &STOPPED,
];
