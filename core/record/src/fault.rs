//! Faults of records.

use base::{Class, Code};

/// A frame or batch does not decode.
pub const MALFORMED: Code = Code {
    id: "record.malformed",
    class: Class::Invalid,
    title: "the record does not decode",
    title_zh: "记录无法解码",
    hint: "the sender runs another version or the bytes were damaged; see the sender's log",
    hint_zh: "发送方版本不同或数据已损坏；请查看发送方日志",
};
/// A frame or batch is larger than the limits allow.
pub const OVERSIZE: Code = Code {
    id: "record.oversize",
    class: Class::TooLarge,
    title: "the record is larger than the limit",
    title_zh: "记录超过大小限制",
    hint: "the limit stops compression bombs; an honest agent never reaches it",
    hint_zh: "该限制用于阻止压缩炸弹；正常代理不会触及",
};
/// A checksum does not match.
pub const CHECKSUM: Code = Code {
    id: "record.checksum",
    class: Class::Corrupt,
    title: "the checksum does not match",
    title_zh: "校验和不匹配",
    hint: "the bytes changed on disk or on the way; the sender keeps its copy until an acknowledgement and sends again",
    hint_zh: "数据在磁盘或传输中被改变；发送方在确认前保留副本并会重发",
};
/// An identifier does not parse.
pub const BAD_ID: Code = Code {
    id: "record.bad-id",
    class: Class::Invalid,
    title: "this is not an identifier",
    title_zh: "这不是有效的标识符",
    hint: "copy the identifier from a list command",
    hint_zh: "请从列表命令复制标识符",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&MALFORMED, &OVERSIZE, &CHECKSUM, &BAD_ID];
