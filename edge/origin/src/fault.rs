//! Faults of origin databases.

use base::{Class, Code};

/// The file cannot be read.
pub const FILE: Code = Code {
    id: "origin.file",
    class: Class::Invalid,
    title: "the database of origins cannot be read",
    title_zh: "无法读取来源归属数据库",
    hint: "name a readable .mmdb file; reports go on without it, and it is looked at again every minute",
    hint_zh: "请指定可读的 .mmdb 文件；报告照常生成，但缺少来源归属；每分钟会重新检查该文件",
};
/// The file is no database that can be used.
pub const DATABASE: Code = Code {
    id: "origin.database",
    class: Class::Invalid,
    title: "the file is no usable database of origins",
    title_zh: "该文件不是可用的来源归属数据库",
    hint: "download it again: GeoLite2, DB-IP, IPinfo and IPLocate offer files of the MaxMind DB format",
    hint_zh: "请重新下载：GeoLite2、DB-IP、IPinfo、IPLocate 均提供 MaxMind DB 格式的文件",
};
