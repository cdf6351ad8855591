//! Faults of feeds, exports, TAXII and ATT&CK data.

use base::{Class, Code};

/// Nothing in the table reads this.
pub const UNKNOWN: Code = Code {
    id: "intel.format-unknown",
    class: Class::Invalid,
    title: "the format of the feed is not recognised",
    title_zh: "无法识别情报源的格式",
    hint: "name the format: stix misp csv json lines ipsum hosts maltrail suricata plain",
    hint_zh: "请指定格式：stix misp csv json lines ipsum hosts maltrail suricata plain",
};
/// Reading failed.
pub const READ: Code = Code {
    id: "intel.read",
    class: Class::Unavailable,
    title: "the feed broke off while it was read",
    title_zh: "读取情报源时中断",
    hint: "what came before it was taken; import it again",
    hint_zh: "此前的内容已导入；请重新导入",
};
/// Writing failed.
pub const WRITE: Code = Code {
    id: "intel.write",
    class: Class::Unavailable,
    title: "the export cannot be written",
    title_zh: "无法写出导出内容",
    hint: "check space and permissions of the place it is written to",
    hint_zh: "请检查目标位置的空间与权限",
};
/// The structure is broken: nothing behind this point can be found.
pub const SYNTAX: Code = Code {
    id: "intel.syntax",
    class: Class::Invalid,
    title: "the structure of the feed is broken",
    title_zh: "情报源的结构已损坏",
    hint: "what came before it was taken; fetch the feed again or tell its publisher",
    hint_zh: "此前的内容已导入；请重新获取或联系发布方",
};
/// One record cannot be used.
pub const RECORD: Code = Code {
    id: "intel.record",
    class: Class::Invalid,
    title: "a record of the feed cannot be used",
    title_zh: "情报源中的一条记录无法使用",
    hint: "the others were taken; correct the record at its source",
    hint_zh: "其余记录已导入；请在来源处修正该记录",
};
/// A limit of the import was reached.
pub const LIMIT: Code = Code {
    id: "intel.import-limit",
    class: Class::TooLarge,
    title: "the feed is larger than one import may be",
    title_zh: "情报源超过单次导入的上限",
    hint: "what came before it was taken; split the feed",
    hint_zh: "此前的内容已导入；请拆分情报源",
};
/// A STIX pattern makes no sense.
pub const PATTERN: Code = Code {
    id: "intel.pattern",
    class: Class::Invalid,
    title: "the STIX pattern cannot be understood",
    title_zh: "无法理解该 STIX 模式",
    hint: "write it as STIX 2.1 part 9 says, such as [ipv4-addr:value = '192.0.2.1']",
    hint_zh: "请按 STIX 2.1 第 9 部分书写，例如 [ipv4-addr:value = '192.0.2.1']",
};
/// The server of a TAXII feed answers something else.
pub const ANSWER: Code = Code {
    id: "intel.taxii-answer",
    class: Class::Unavailable,
    title: "the TAXII server gave an answer that cannot be used",
    title_zh: "TAXII 服务器的应答无法使用",
    hint: "check the address, the account and whether the server speaks TAXII 2.1",
    hint_zh: "请检查地址、账户以及服务器是否支持 TAXII 2.1",
};
/// A TAXII server is busy or down.
pub const LATER: Code = Code {
    id: "intel.taxii-later",
    class: Class::Busy,
    title: "the TAXII server asks to come back later",
    title_zh: "TAXII 服务器要求稍后再试",
    hint: "nothing to do: it is tried again at the next time of its schedule",
    hint_zh: "无需处理：将按计划重试",
};
/// ATT&CK or galaxy data cannot be used.
pub const ATTACK: Code = Code {
    id: "intel.attack-data",
    class: Class::Invalid,
    title: "this is no ATT&CK or galaxy data",
    title_zh: "这不是 ATT&CK 或 galaxy 数据",
    hint: "give the enterprise STIX bundle, the compact table or a MISP galaxy cluster",
    hint_zh: "请提供 enterprise STIX 包、紧凑表或 MISP galaxy 聚类文件",
};

/// Every fault of this module.
pub const ALL: &[&Code] = &[&UNKNOWN, &READ, &WRITE, &SYNTAX, &RECORD, &LIMIT, &PATTERN, &ANSWER, &LATER, &ATTACK];
