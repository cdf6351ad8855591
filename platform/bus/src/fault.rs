//! Faults of the bus.

use base::{Class, Code};

/// A log ended in the middle of a record.
pub const TORN_TAIL: Code = Code {
    id: "bus.torn-tail",
    class: Class::Corrupt,
    title: "the log ended in the middle of a record and was cut back",
    title_zh: "日志在一条记录中间截断，尾部已被截去",
    hint: "nothing to do: a record is acknowledged only after it is complete on disk, so this one never was",
    hint_zh: "无需处理：记录完整写入磁盘后才会被确认，此记录从未被确认",
};
/// A segment is damaged.
pub const CORRUPT_SEGMENT: Code = Code {
    id: "bus.corrupt-segment",
    class: Class::Corrupt,
    title: "a log segment is damaged and was set aside",
    title_zh: "日志段已损坏并被隔离",
    hint: "check the disk; the damaged file is kept beside the log under the name *.corrupt",
    hint_zh: "请检查磁盘；损坏的文件以 *.corrupt 为名保留在日志旁",
};
/// A segment is not there although a later one is.
pub const MISSING_SEGMENT: Code = Code {
    id: "bus.missing-segment",
    class: Class::Corrupt,
    title: "records are missing between two log segments",
    title_zh: "两个日志段之间缺少记录",
    hint: "a file of the log was removed by hand or by a failed disk; the records named are gone",
    hint_zh: "日志文件被手工删除或因磁盘故障丢失；所指记录已丢失",
};
/// The disk has no room.
pub const FULL: Code = Code {
    id: "bus.disk-full",
    class: Class::Full,
    title: "the disk is full",
    title_zh: "磁盘已满",
    hint: "free space on the file system of this directory; records wait in memory meanwhile and telemetry is shed first",
    hint_zh: "请释放该目录所在文件系统的空间；期间记录保存在内存中，先舍弃遥测",
};
/// The disk failed a call.
pub const DISK: Code = Code {
    id: "bus.disk-failed",
    class: Class::Unavailable,
    title: "the disk failed a call",
    title_zh: "磁盘调用失败",
    hint: "see the log for the cause and check the disk and the permissions of the directory",
    hint_zh: "原因见日志；请检查磁盘与目录权限",
};
/// The log ends before what was committed from it.
pub const BEHIND: Code = Code {
    id: "bus.log-behind",
    class: Class::Corrupt,
    title: "the log ends before what was already taken from it",
    title_zh: "日志的末尾早于已提交的位置",
    hint: "the log was lost or restored from an older copy; numbering goes on after what was committed, and agents send again what they still hold",
    hint_zh: "日志已丢失或由旧副本恢复；编号从已提交位置之后继续，代理会重发其仍保留的数据",
};
/// A record is larger than a log takes.
pub const OVERSIZE: Code = Code {
    id: "bus.record-too-large",
    class: Class::TooLarge,
    title: "the record is larger than the log takes",
    title_zh: "记录超过日志允许的大小",
    hint: "this is a fault of the program that wrote it: it should have split the batch",
    hint_zh: "这是写入程序的错误：应先拆分批次",
};
/// A record does not read back.
pub const UNREADABLE: Code = Code {
    id: "bus.unreadable-record",
    class: Class::Corrupt,
    title: "a stored record does not read back",
    title_zh: "已存储的记录无法读回",
    hint: "check the disk; the record is skipped and reported as lost",
    hint_zh: "请检查磁盘；该记录将被跳过并报告为丢失",
};
/// The start counter is unreadable.
pub const BOOT_COUNTER: Code = Code {
    id: "bus.boot-counter",
    class: Class::Corrupt,
    title: "the start counter cannot be kept on disk",
    title_zh: "启动计数器无法保存在磁盘上",
    hint: "numbers go on from the clock, so nothing is numbered twice; check the disk",
    hint_zh: "编号改由时钟继续，不会重复；请检查磁盘",
};
/// Records were shed.
pub const SHED: Code = Code {
    id: "bus.shed",
    class: Class::Full,
    title: "records were shed because the spool has no room",
    title_zh: "缓存空间不足，已舍弃部分记录",
    hint: "the server was away too long or the budget is too small; the count travels to the server as an event",
    hint_zh: "服务器离线过久或预算过小；舍弃数量会作为事件上报服务器",
};
/// The log's thread is gone.
pub const CLOSED: Code = Code {
    id: "bus.closed",
    class: Class::Unavailable,
    title: "the log is closed",
    title_zh: "日志已关闭",
    hint: "the program is ending; send again to the next one",
    hint_zh: "程序正在退出；请稍后重新发送",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[
    &TORN_TAIL,
    &CORRUPT_SEGMENT,
    &MISSING_SEGMENT,
    &FULL,
    &DISK,
    &BEHIND,
    &OVERSIZE,
    &UNREADABLE,
    &BOOT_COUNTER,
    &SHED,
    &CLOSED,
];
