//! Reading configuration: one YAML file, unknown keys refused, every fault with file and line.

mod place;
pub mod units;

pub use place::Places;

use crate::{Class, Code, Fault, Result, limits};
use serde::de::DeserializeOwned;
use std::path::Path;

/// The file cannot be read.
pub const UNREADABLE: Code = Code {
    id: "config.unreadable",
    class: Class::Missing,
    title: "the configuration file cannot be read",
    title_zh: "无法读取配置文件",
    hint: "check the path and its permissions",
    hint_zh: "请检查路径及其权限",
};
/// The text is not what was expected.
pub const INVALID: Code = Code {
    id: "config.invalid",
    class: Class::Invalid,
    title: "the configuration is not valid",
    title_zh: "配置内容无效",
    hint: "correct the named line; the guide lists every key",
    hint_zh: "请修改所指的行；手册列出了所有键",
};

/// Reads a YAML file into `T`. A missing file is a fault; pass defaults explicitly where one may be absent.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let unreadable = |cause: std::io::Error| Fault::new(&UNREADABLE).object(path.display()).because(cause);
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > limits::CONFIG_BYTES {
        let fault = Fault::new(&INVALID).object(path.display());
        return Err(fault.expected(format!("at most {} bytes", limits::CONFIG_BYTES)).found(format!("{size} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    parse(&text, &path.display().to_string())
}

/// Parses YAML text; `name` stands for the file in a fault.
pub fn parse<T: DeserializeOwned>(text: &str, name: &str) -> Result<T> {
    serde_saphyr::from_str(text).map_err(|cause| Fault::new(&INVALID).object(name).found(cause))
}
