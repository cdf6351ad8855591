//! Faults of the lake.

use base::{Class, Code, Fault};
use std::fmt::Display;

/// A file of the lake does not read.
pub const CORRUPT: Code = Code {
    id: "lake.corrupt",
    class: Class::Corrupt,
    title: "a file of the event lake is damaged and was set aside",
    title_zh: "事件湖的一个文件已损坏并被移出",
    hint: "the other files answer as before; the file lies in the folder `aside` of the lake, restore it from a backup",
    hint_zh: "其余文件照常可查；该文件位于湖目录的 `aside` 下，请从备份恢复",
};
/// No room.
pub const FULL: Code = Code {
    id: "lake.full",
    class: Class::Full,
    title: "the disk under the event lake is full",
    title_zh: "事件湖所在磁盘已满",
    hint: "make room or lower the retention; what was acknowledged stays in the write-ahead log and is written later",
    hint_zh: "请释放空间或缩短保留期；已确认的数据仍在预写日志中，稍后写入",
};
/// Writing does not keep up.
pub const BEHIND: Code = Code {
    id: "lake.behind",
    class: Class::Busy,
    title: "the event lake does not keep up with what arrives",
    title_zh: "事件湖的写入跟不上到达速度",
    hint: "the sender waits and repeats; see the log for why flushing fails or is slow",
    hint_zh: "发送方会等待并重试；刷写失败或缓慢的原因见日志",
};
/// Another process has the lake open.
pub const IN_USE: Code = Code {
    id: "lake.in-use",
    class: Class::Conflict,
    title: "another process has this event lake open",
    title_zh: "另一个进程正在使用该事件湖",
    hint: "stop the other server, or give this one its own data directory",
    hint_zh: "请停止另一个服务，或为本服务指定独立的数据目录",
};
/// The disk or the file system refused.
pub const STORAGE: Code = Code {
    id: "lake.storage",
    class: Class::Unavailable,
    title: "the disk under the event lake refused",
    title_zh: "事件湖所在磁盘拒绝操作",
    hint: "check the directory's permissions and the kernel log; nothing acknowledged is lost",
    hint_zh: "请检查目录权限与内核日志；已确认的数据不会丢失",
};
/// Files that the manifest does not know.
pub const UNKNOWN_FILES: Code = Code {
    id: "lake.unknown-files",
    class: Class::Corrupt,
    title: "the lake holds files that its manifest does not know; they were set aside",
    title_zh: "湖中存在清单未登记的文件，已被移出",
    hint: "after a crash this is normal and costs nothing: the write-ahead log holds their rows; if the state database was lost or restored, keep the folder `aside`: it holds the only copy",
    hint_zh: "崩溃后出现属正常且无损失：其数据仍在预写日志中；若状态数据库丢失或由备份恢复，请保留 `aside` 目录，其中是唯一副本",
};
/// Telemetry was dropped for want of room.
pub const RETIRED: Code = Code {
    id: "lake.retired",
    class: Class::Full,
    title: "the oldest telemetry was dropped to make room",
    title_zh: "为腾出空间已删除最旧的遥测数据",
    hint: "give the lake more room or a longer budget, or lower the retention in days so that it is your decision",
    hint_zh: "请为湖提供更多空间或更大的字节预算，或缩短保留天数以自行决定",
};
/// Other files fill the disk.
pub const CROWDED: Code = Code {
    id: "lake.crowded",
    class: Class::Full,
    title: "other files fill the disk under the event lake",
    title_zh: "事件湖所在磁盘被其他文件占满",
    hint: "make room; the lake drops nothing because its own share is small",
    hint_zh: "请释放空间；湖自身占用很小，因此不会删除数据",
};
/// Too many queries at once.
pub const BUSY: Code = Code {
    id: "lake.query-busy",
    class: Class::Busy,
    title: "too many queries run at once",
    title_zh: "同时运行的查询过多",
    hint: "wait until one has ended and ask again",
    hint_zh: "请等待其他查询结束后重试",
};
/// A query ran too long.
pub const TOO_LONG: Code = Code {
    id: "lake.query-too-long",
    class: Class::TooLarge,
    title: "the query ran longer than its limit",
    title_zh: "查询超过时间限制",
    hint: "narrow the time range (`time >= now() - interval '1 hour'`) or raise the limit",
    hint_zh: "请缩小时间范围（`time >= now() - interval '1 hour'`）或提高限制",
};
/// A query needed too much memory.
pub const TOO_MUCH_MEMORY: Code = Code {
    id: "lake.query-memory",
    class: Class::TooLarge,
    title: "the query needs more memory than it may use",
    title_zh: "查询所需内存超过上限",
    hint: "narrow the time range, select fewer columns, or group by fewer values",
    hint_zh: "请缩小时间范围、减少列数，或减少分组值",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[
    &CORRUPT,
    &FULL,
    &BEHIND,
    &IN_USE,
    &STORAGE,
    &UNKNOWN_FILES,
    &RETIRED,
    &CROWDED,
    &BUSY,
    &TOO_LONG,
    &TOO_MUCH_MEMORY,
];

/// The fault that an error of the file system means.
pub(crate) fn of_file(name: impl Display, error: &std::io::Error) -> Fault {
    let full = matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
    Fault::new(if full { &FULL } else { &STORAGE }).object(name).because(error)
}

/// The fault that an error of reading a file of the manifest means: only one that is not there is damage. A machine that is
/// short of file handles, or forbids, has lost nothing, and the file must stay in the manifest.
pub(crate) fn of_reading(name: impl Display, error: &std::io::Error) -> Fault {
    match error.kind() {
        std::io::ErrorKind::NotFound => Fault::new(&CORRUPT).object(name).because(error),
        _ => of_file(name, error),
    }
}

/// Our own mistake, or a library's: never expected, never silent.
pub(crate) fn of_bug(what: &str, cause: impl Display) -> Fault {
    Fault::new(&port::fault::FAILED).object(what).because(cause).blame(base::Blame::Bug)
}
