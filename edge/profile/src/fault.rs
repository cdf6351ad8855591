//! Faults of profiles.

use base::{Class, Code};

/// The document is not an OpenAPI document.
pub const OPENAPI: Code = Code {
    id: "profile.openapi",
    class: Class::Invalid,
    title: "this is not an OpenAPI document",
    title_zh: "不是有效的 OpenAPI 文档",
    hint: "give a document of OpenAPI 3.0 or 3.1 as JSON; convert YAML first",
    hint_zh: "请提供 JSON 格式的 OpenAPI 3.0 或 3.1 文档；YAML 请先转换",
};
/// The document is too big.
pub const SIZE: Code = Code {
    id: "profile.size",
    class: Class::TooLarge,
    title: "the OpenAPI document is too big",
    title_zh: "OpenAPI 文档过大",
    hint: "split it by site or leave out what the gateway does not serve",
    hint_zh: "请按站点拆分，或去掉网关不提供的部分",
};
/// What was learned cannot be read back.
pub const STORE: Code = Code {
    id: "profile.store",
    class: Class::Corrupt,
    title: "what was learned of the site cannot be read",
    title_zh: "无法读取已学习的站点数据",
    hint: "learning begins anew; profiles already exported stay valid",
    hint_zh: "将重新开始学习；已导出的模型仍然有效",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&OPENAPI, &SIZE, &STORE];
