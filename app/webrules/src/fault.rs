//! Faults of loading rules from disk and of reading requests.

use base::{Class, Code};

/// A file or folder of rules cannot be read.
pub const UNREADABLE: Code = Code {
    id: "webrules.unreadable",
    class: Class::Refused,
    title: "the file or folder of rules cannot be read",
    title_zh: "无法读取规则文件或目录",
    hint: "check the path and its mode; OWASP CRS comes with Debian's package modsecurity-crs",
    hint_zh: "请检查路径与权限；OWASP CRS 由 Debian 软件包 modsecurity-crs 提供",
};
/// A file of rules is too big.
pub const TOO_BIG: Code = Code {
    id: "webrules.too-big",
    class: Class::TooLarge,
    title: "the file of rules is too big",
    title_zh: "规则文件过大",
    hint: "split it, or look whether it is a file of rules",
    hint_zh: "请拆分文件，或确认它确为规则文件",
};
/// A request as text cannot be read.
pub const REQUEST: Code = Code {
    id: "webrules.request",
    class: Class::Invalid,
    title: "this is no request",
    title_zh: "不是有效的请求",
    hint: "begin with `GET /path HTTP/1.1`, then fields, an empty line and the body; or give a method and a URL",
    hint_zh: "首行写 `GET /path HTTP/1.1`，随后是请求头、空行与请求体；也可只给出方法与网址",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&UNREADABLE, &TOO_BIG, &REQUEST];
