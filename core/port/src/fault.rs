//! Faults of ports.

use base::{Class, Code};

/// The object is not there.
pub const MISSING: Code = Code {
    id: "port.missing",
    class: Class::Missing,
    title: "there is no such object",
    title_zh: "对象不存在",
    hint: "list the objects and copy the name",
    hint_zh: "请列出对象并复制名称",
};
/// Another writer was first.
pub const CONFLICT: Code = Code {
    id: "port.conflict",
    class: Class::Conflict,
    title: "the object changed in the meantime",
    title_zh: "对象已被其他写入者修改",
    hint: "read it again and repeat the change",
    hint_zh: "请重新读取后再次修改",
};
/// The machinery behind the port failed.
pub const FAILED: Code = Code {
    id: "port.failed",
    class: Class::Unavailable,
    title: "the storage behind this call failed",
    title_zh: "该调用背后的存储失败",
    hint: "see the log for the cause; the call can be repeated",
    hint_zh: "原因见日志；可以重试",
};
/// The query is not acceptable.
pub const BAD_QUERY: Code = Code {
    id: "port.bad-query",
    class: Class::Invalid,
    title: "the query is not valid",
    title_zh: "查询语句无效",
    hint: "only one SELECT is allowed; `garrison events tables` lists tables and columns",
    hint_zh: "仅允许一条 SELECT；`garrison events tables` 列出表与列",
};

/// A server of others does not answer.
pub const UNREACHABLE: Code = Code {
    id: "port.unreachable",
    class: Class::Unavailable,
    title: "the server does not answer",
    title_zh: "服务器没有响应",
    hint: "check the address, the network and the certificate; the call is repeated by itself",
    hint_zh: "请检查地址、网络和证书；会自动重试",
};
/// A server of others answers what it should not.
pub const ANSWER: Code = Code {
    id: "port.answer",
    class: Class::Unavailable,
    title: "the server's answer is not acceptable",
    title_zh: "服务器的应答不可接受",
    hint: "see what was expected; a larger answer needs a higher limit in the configuration",
    hint_zh: "请查看期望值；更大的应答需要提高配置中的上限",
};
/// The address cannot be asked.
pub const ADDRESS: Code = Code {
    id: "port.address",
    class: Class::Invalid,
    title: "the address is not one that can be asked",
    title_zh: "地址无法访问",
    hint: "write an absolute https:// address; plain http:// has to be allowed for the source",
    hint_zh: "请填写完整的 https:// 地址；明文 http:// 须在该来源中明确允许",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&MISSING, &CONFLICT, &FAILED, &BAD_QUERY, &UNREACHABLE, &ANSWER, &ADDRESS];
