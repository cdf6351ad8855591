//! Faults of state, and how SQLite's and the file system's errors become them.

use base::{Class, Code, Fault};
use sqlx::migrate::MigrateError;
use std::fmt::Display;
use std::path::Path;

/// The database is damaged, or is no database.
pub const CORRUPT: Code = Code {
    id: "store.corrupt",
    class: Class::Corrupt,
    title: "the state database is damaged",
    title_zh: "状态数据库已损坏",
    hint: "stop the server, keep the file, and restore the last backup (`garrison doctor` lists them)",
    hint_zh: "请停止服务、保留该文件，并恢复最近的备份（`garrison doctor` 可列出）",
};
/// Someone else holds the database.
pub const LOCKED: Code = Code {
    id: "store.locked",
    class: Class::Busy,
    title: "another program holds the state database",
    title_zh: "状态数据库被其他程序占用",
    hint: "find the program with `fuser` on the file; the call can be repeated",
    hint_zh: "请用 `fuser` 查找占用该文件的程序；可以重试",
};
/// No room.
pub const FULL: Code = Code {
    id: "store.full",
    class: Class::Full,
    title: "the disk under the state is full",
    title_zh: "状态所在磁盘已满",
    hint: "make room; nothing that was acknowledged is lost, and work goes on by itself afterwards",
    hint_zh: "请释放空间；已确认的数据不会丢失，之后会自动继续",
};
/// The file cannot be opened or created.
pub const UNOPENABLE: Code = Code {
    id: "store.unopenable",
    class: Class::Unavailable,
    title: "the state cannot be opened",
    title_zh: "无法打开状态存储",
    hint: "check that the directory exists and that this account may write to it",
    hint_zh: "请检查目录是否存在以及当前账户是否可写",
};
/// The database was made by a newer program, or its migrations were changed.
pub const OTHER_VERSION: Code = Code {
    id: "store.other-version",
    class: Class::Conflict,
    title: "the state database belongs to another version of this program",
    title_zh: "状态数据库属于本程序的其他版本",
    hint: "start the version that wrote it, or restore the backup made before the upgrade",
    hint_zh: "请使用写入它的版本启动，或恢复升级前的备份",
};
/// A name that could leave the directory.
pub const BAD_NAME: Code = Code {
    id: "store.bad-name",
    class: Class::Invalid,
    title: "this is not a name of an object",
    title_zh: "这不是有效的对象名称",
    hint: "a name is a relative path without `.`, `..`, empty parts or control characters",
    hint_zh: "名称须为相对路径，且不含 `.`、`..`、空段或控制字符",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&CORRUPT, &LOCKED, &FULL, &UNOPENABLE, &OTHER_VERSION, &BAD_NAME];

/// Low byte of SQLite's extended result codes (sqlite.org/rescode.html).
const RESULT_BUSY: i64 = 5;
const RESULT_LOCKED: i64 = 6;
const RESULT_READONLY: i64 = 8;
const RESULT_CORRUPT: i64 = 11;
const RESULT_FULL: i64 = 13;
const RESULT_CANTOPEN: i64 = 14;
const RESULT_NOTADB: i64 = 26;

/// The fault that an error of SQLite means, named after the database file.
pub(crate) fn of_sqlite(path: &Path, error: &sqlx::Error) -> Fault {
    let result = error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<i64>().ok());
    let code = match result.map(|code| code & 0xff) {
        Some(RESULT_BUSY | RESULT_LOCKED) => &LOCKED,
        Some(RESULT_CORRUPT | RESULT_NOTADB) => &CORRUPT,
        Some(RESULT_FULL) => &FULL,
        Some(RESULT_READONLY | RESULT_CANTOPEN) => &UNOPENABLE,
        _ if matches!(error, sqlx::Error::PoolTimedOut) => &LOCKED,
        _ => &port::fault::FAILED,
    };
    Fault::new(code).object(path.display()).because(error)
}

/// The fault that an error of the migrations means.
pub(crate) fn of_migration(path: &Path, error: &MigrateError) -> Fault {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => of_sqlite(path, error),
        MigrateError::VersionMissing(version) | MigrateError::VersionMismatch(version) => {
            let fault = Fault::new(&OTHER_VERSION).object(path.display());
            fault.expected("the migrations of this program").found(format!("migration {version}"))
        }
        other => Fault::new(&port::fault::FAILED).object(path.display()).because(other),
    }
}

/// The fault that an error of the file system means.
pub(crate) fn of_file(name: impl Display, error: &std::io::Error) -> Fault {
    let code = match error.kind() {
        std::io::ErrorKind::NotFound => &port::fault::MISSING,
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => &FULL,
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => &UNOPENABLE,
        _ => &port::fault::FAILED,
    };
    Fault::new(code).object(name).because(error)
}
