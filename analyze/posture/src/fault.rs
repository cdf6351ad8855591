//! Faults of advisories.

use base::{Class, Code};

/// An entry does not read.
pub const BAD_ENTRY: Code = Code {
    id: "posture.bad-entry",
    class: Class::Invalid,
    title: "an advisory does not read and was left out",
    title_zh: "漏洞公告无法读取，已跳过",
    hint: "the other entries are taken; report the named one to who publishes it",
    hint_zh: "其他条目已导入；请向发布方报告所指条目",
};
/// A file is of no known form.
pub const BAD_FORMAT: Code = Code {
    id: "posture.bad-format",
    class: Class::Invalid,
    title: "the file is no list of advisories",
    title_zh: "该文件不是漏洞公告",
    hint: "import OSV JSON (one, an array or a line each), Debian's security tracker JSON or the KEV catalogue; xz, gzip and ZIP are unpacked",
    hint_zh: "请导入 OSV JSON（单个、数组或逐行）、Debian 安全追踪 JSON 或 KEV 目录；自动解压 xz、gzip 与 ZIP",
};
/// Reading failed in the middle.
pub const BROKEN: Code = Code {
    id: "posture.broken",
    class: Class::Invalid,
    title: "the file of advisories ends early or is damaged",
    title_zh: "漏洞公告文件不完整或已损坏",
    hint: "fetch it again; what was known before stays in force",
    hint_zh: "请重新获取；此前的公告继续有效",
};
/// A vector of CVSS does not read.
pub const BAD_VECTOR: Code = Code {
    id: "posture.bad-vector",
    class: Class::Invalid,
    title: "the CVSS vector does not read",
    title_zh: "CVSS 向量无法读取",
    hint: "vectors of CVSS 3.0 and 3.1 look like CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
    hint_zh: "CVSS 3.0 与 3.1 向量形如 CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&BAD_ENTRY, &BAD_FORMAT, &BROKEN, &BAD_VECTOR];
