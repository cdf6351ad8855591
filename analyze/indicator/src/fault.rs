//! Faults of intelligence.

use base::{Class, Code};

/// The text is no value of this kind.
pub const VALUE: Code = Code {
    id: "intel.value",
    class: Class::Invalid,
    title: "this is not a value of the named kind",
    title_zh: "该值与所述类型不符",
    hint: "give an address, range, domain, URL, hash, JA3/JA4 fingerprint, e-mail address or file path; defanged forms are read",
    hint_zh: "请给出地址、网段、域名、URL、哈希、JA3/JA4 指纹、邮箱或文件路径；可识别去毒写法（如 hxxp、[.]）",
};
/// The word names no kind or marking.
pub const WORD: Code = Code {
    id: "intel.word",
    class: Class::Invalid,
    title: "the word is not known here",
    title_zh: "未知的词",
    hint: "kinds: ip cidr domain url md5 sha1 sha256 ja3 ja4 email path; markings: clear green amber amber+strict red",
    hint_zh: "类型：ip cidr domain url md5 sha1 sha256 ja3 ja4 email path；标记：clear green amber amber+strict red",
};
/// The range or suffix covers too much.
pub const TOO_WIDE: Code = Code {
    id: "intel.too-wide",
    class: Class::Invalid,
    title: "the indicator covers too much to mean anything",
    title_zh: "指标覆盖范围过大，没有意义",
    hint: "name narrower ranges (at least /8 for IPv4, /16 for IPv6) or domains below the public suffix",
    hint_zh: "请使用更窄的网段（IPv4 至少 /8，IPv6 至少 /16）或公共后缀以下的域名",
};
/// The value is too long.
pub const TOO_LONG: Code = Code {
    id: "intel.too-long",
    class: Class::TooLarge,
    title: "the value is too long",
    title_zh: "值过长",
    hint: "an indicator has at most 2048 bytes",
    hint_zh: "指标最长 2048 字节",
};
/// A stored or received index, filter or change does not check.
pub const CORRUPT: Code = Code {
    id: "intel.corrupt",
    class: Class::Corrupt,
    title: "the index or filter of indicators does not check",
    title_zh: "指标索引或过滤器校验失败",
    hint: "it is not used; the server builds it again from its indicators, an agent asks for the whole filter",
    hint_zh: "该文件不会被使用；服务器会根据指标重建，代理会重新获取完整过滤器",
};
/// A stored or received index, filter or change is of another version.
pub const VERSION: Code = Code {
    id: "intel.version",
    class: Class::Invalid,
    title: "this is no index or filter of a version known here",
    title_zh: "不是此版本支持的索引或过滤器",
    hint: "upgrade the older one of server and agent",
    hint_zh: "请升级服务器与代理中较旧的一方",
};
/// A change does not follow the state it is applied to.
pub const EPOCH: Code = Code {
    id: "intel.epoch",
    class: Class::Conflict,
    title: "the change does not follow the state it is meant for",
    title_zh: "该变更与当前状态不衔接",
    hint: "ask for the changes since your own number, or for the whole filter",
    hint_zh: "请按自身编号请求后续变更，或请求完整过滤器",
};
/// An index, filter or list is full.
pub const FULL: Code = Code {
    id: "intel.full",
    class: Class::TooLarge,
    title: "there are too many indicators",
    title_zh: "指标数量超出上限",
    hint: "remove feeds of little worth, or raise the least confidence that is taken",
    hint_zh: "请移除价值较低的情报源，或提高最低置信度",
};
/// The index cannot be written.
pub const OUTPUT: Code = Code {
    id: "intel.output",
    class: Class::Unavailable,
    title: "the index of indicators cannot be written",
    title_zh: "无法写入指标索引",
    hint: "see the log for the cause (disk full, permissions); the index in use stays",
    hint_zh: "原因见日志（磁盘已满、权限等）；正在使用的索引不受影响",
};
/// A warning list cannot be read.
pub const WARNING_LIST: Code = Code {
    id: "intel.warning-list",
    class: Class::Invalid,
    title: "the warning list cannot be read",
    title_zh: "无法读取警告列表",
    hint: "give MISP warning lists: one list, or an object of lists by name, each with name, type and list",
    hint_zh: "请提供 MISP 警告列表：单个列表，或以名称为键的对象，每个含 name、type 与 list",
};
/// Every fault of this crate's core; formats list theirs in their own module.
pub const ALL: &[&Code] =
    &[&VALUE, &WORD, &TOO_WIDE, &TOO_LONG, &CORRUPT, &VERSION, &EPOCH, &FULL, &OUTPUT, &WARNING_LIST];
