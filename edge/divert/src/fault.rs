//! Faults of switching names.

use base::{Class, Code};

/// A set of addresses is not one that a name may have.
pub const ADDRESSES: Code = Code {
    id: "divert.addresses",
    class: Class::Invalid,
    title: "a name cannot have this set of addresses",
    title_zh: "域名不能使用这组地址",
    hint: "give one to 64 unicast addresses, IPv6 ones not as IPv4-mapped",
    hint_zh: "请给出 1 到 64 个单播地址，IPv6 地址不可写成 IPv4 映射形式",
};
/// A protected name cannot be used as it is written.
pub const NAME: Code = Code {
    id: "divert.name",
    class: Class::Invalid,
    title: "this name cannot be protected",
    title_zh: "无法保护该域名",
    hint: "write zone and name as in DNS, the name inside the zone",
    hint_zh: "请按 DNS 写法填写区域与域名，域名须在该区域内",
};
/// The TTL of a protected name is out of bounds.
pub const TTL: Code = Code {
    id: "divert.ttl",
    class: Class::Invalid,
    title: "the TTL of a protected name is out of bounds",
    title_zh: "受保护域名的 TTL 超出范围",
    hint: "resolvers keep an address as long as its TTL says: take 1 to 5 seconds",
    hint_zh: "解析器按 TTL 保留地址：请取 1 至 5 秒",
};
/// The file of the TSIG key cannot be used.
pub const KEY_FILE: Code = Code {
    id: "divert.key-file",
    class: Class::Invalid,
    title: "the file of the TSIG key cannot be used",
    title_zh: "TSIG 密钥文件不可用",
    hint: "write it with tsig-keygen or keymgr -t, hmac-sha256, hmac-sha384 or hmac-sha512, and take away what others may do with it (chmod o=)",
    hint_zh: "请用 tsig-keygen 或 keymgr -t 生成（hmac-sha256、hmac-sha384 或 hmac-sha512），并去除其他用户的权限（chmod o=）",
};
/// The name server knows the key, but the signature is not of it.
pub const KEY_WRONG: Code = Code {
    id: "divert.key-wrong",
    class: Class::Unauthenticated,
    title: "the name server says that the signature is wrong (BADSIG)",
    title_zh: "域名服务器称签名错误（BADSIG）",
    hint: "the key has the right name and another secret: copy the file of the name server again",
    hint_zh: "密钥名称正确但密值不同：请重新复制域名服务器上的密钥文件",
};
/// The name server does not know the key.
pub const KEY_UNKNOWN: Code = Code {
    id: "divert.key-unknown",
    class: Class::Unauthenticated,
    title: "the name server does not know the key (BADKEY)",
    title_zh: "域名服务器不认识该密钥（BADKEY）",
    hint: "name and algorithm of the key must be the same on both sides; Knot says the same of a key that no acl of the zone lets update",
    hint_zh: "双方的密钥名称与算法必须一致；若该区域没有 acl 允许此密钥更新，Knot 也会如此应答",
};
/// The clocks are too far apart.
pub const CLOCK: Code = Code {
    id: "divert.clock",
    class: Class::Refused,
    title: "the clocks of this machine and of the name server are too far apart (BADTIME)",
    title_zh: "本机与域名服务器的时钟相差过大（BADTIME）",
    hint: "keep both clocks by NTP; TSIG allows 300 seconds",
    hint_zh: "请用 NTP 校准双方时钟；TSIG 允许 300 秒误差",
};
/// The answer is not signed as it must be.
pub const UNSIGNED: Code = Code {
    id: "divert.unsigned",
    class: Class::Unavailable,
    title: "an answer came that is not signed by the key",
    title_zh: "收到未用该密钥签名的应答",
    hint: "somebody may be answering in the name server's place, or it does not sign: nothing was believed",
    hint_zh: "可能有人冒充域名服务器应答，或服务器未签名：该应答未被采信",
};
/// The server is not the one of this zone.
pub const NOT_AUTHORITATIVE: Code = Code {
    id: "divert.not-authoritative",
    class: Class::Invalid,
    title: "the name server does not hold this zone",
    title_zh: "域名服务器不负责该区域",
    hint: "give the primary server of the zone and the zone as the server names it",
    hint_zh: "请填写该区域的主服务器，以及服务器上的区域名",
};
/// The key may not change the name.
pub const REFUSED: Code = Code {
    id: "divert.refused",
    class: Class::Denied,
    title: "the name server refuses the change",
    title_zh: "域名服务器拒绝修改",
    hint: "let the key change this name: update-policy or allow-update in BIND, acl with action update in Knot",
    hint_zh: "请允许该密钥修改此域名：BIND 用 update-policy 或 allow-update，Knot 用 action 为 update 的 acl",
};
/// The server could not do it.
pub const SERVER_FAILED: Code = Code {
    id: "divert.server-failed",
    class: Class::Unavailable,
    title: "the name server failed",
    title_zh: "域名服务器出错",
    hint: "its own log says why; it will be tried again",
    hint_zh: "原因见服务器日志；将会重试",
};
/// An answer that makes no sense here.
pub const ANSWER: Code = Code {
    id: "divert.answer",
    class: Class::Unavailable,
    title: "the name server's answer cannot be used",
    title_zh: "域名服务器的应答不可用",
    hint: "the server must speak RFC 2136 and RFC 8945",
    hint_zh: "服务器须支持 RFC 2136 与 RFC 8945",
};
/// Somebody else changed the name.
pub const CHANGED: Code = Code {
    id: "divert.changed",
    class: Class::Conflict,
    title: "somebody else changed the name; it was left as it is",
    title_zh: "该域名已被他人修改，未作变更",
    hint: "if it is at one of its places, that is taken over; if not, put it back to one of them when it may be moved again",
    hint_zh: "若其地址属于已知地点之一，则予以接管；否则请在允许再次切换时将其改回某一地点",
};
/// The name is an alias.
pub const ALIAS: Code = Code {
    id: "divert.alias",
    class: Class::Conflict,
    title: "the name is an alias (CNAME) and has no addresses of its own",
    title_zh: "该域名是别名（CNAME），自身没有地址",
    hint: "protect the name that the alias leads to",
    hint_zh: "请保护该别名指向的域名",
};
/// No answer in time.
pub const TIMEOUT: Code = Code {
    id: "divert.timeout",
    class: Class::Unavailable,
    title: "the name server does not answer",
    title_zh: "域名服务器没有应答",
    hint: "check its address and that UDP and TCP port 53 are open to this machine",
    hint_zh: "请检查其地址，并确认本机可访问其 UDP 与 TCP 53 端口",
};
/// The server cannot be reached.
pub const UNREACHABLE: Code = Code {
    id: "divert.unreachable",
    class: Class::Unavailable,
    title: "the name server cannot be reached",
    title_zh: "无法连接域名服务器",
    hint: "check its address and that UDP and TCP port 53 are open to this machine",
    hint_zh: "请检查其地址，并确认本机可访问其 UDP 与 TCP 53 端口",
};
/// A probe's settings cannot be used.
pub const PROBE: Code = Code {
    id: "divert.probe",
    class: Class::Invalid,
    title: "this probe cannot be made",
    title_zh: "无法建立该探测",
    hint: "see the guide for kinds of probes and their settings",
    hint_zh: "探测种类及其参数见手册",
};
/// The rules of health or of switching contradict themselves.
pub const RULES: Code = Code {
    id: "divert.rules",
    class: Class::Invalid,
    title: "these rules of switching contradict themselves",
    title_zh: "切换规则自相矛盾",
    hint: "every count at least one, no count above its window, two places at least",
    hint_zh: "各计数至少为一，且不超过其窗口；至少要有两个地点",
};
/// A vote that does not count.
pub const VOTE: Code = Code {
    id: "divert.vote",
    class: Class::Unauthenticated,
    title: "a vote of a prober does not count",
    title_zh: "探测点的投票无效",
    hint: "prober and controller need the same key file and clocks at most 30 seconds apart",
    hint_zh: "探测点与控制器须使用相同的密钥文件，且时钟相差不超过 30 秒",
};
/// No provider of this name.
pub const PROVIDER: Code = Code {
    id: "divert.provider",
    class: Class::Invalid,
    title: "there is no such provider of names",
    title_zh: "没有这种域名提供方",
    hint: "known: rfc2136",
    hint_zh: "已支持：rfc2136",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[
    &ADDRESSES,
    &NAME,
    &TTL,
    &KEY_FILE,
    &KEY_WRONG,
    &KEY_UNKNOWN,
    &CLOCK,
    &UNSIGNED,
    &NOT_AUTHORITATIVE,
    &REFUSED,
    &SERVER_FAILED,
    &ANSWER,
    &CHANGED,
    &ALIAS,
    &TIMEOUT,
    &UNREACHABLE,
    &PROBE,
    &RULES,
    &VOTE,
    &PROVIDER,
];
