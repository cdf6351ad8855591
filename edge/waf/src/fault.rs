//! Faults of the engine.

use base::{Class, Code};

/// A name that the engine does not have.
pub const UNKNOWN: Code = Code {
    id: "waf.unknown",
    class: Class::Invalid,
    title: "the engine has no such operator, transformation or variable",
    title_zh: "引擎没有该运算符、转换或变量",
    hint: "load rules with the vocabulary of this engine",
    hint_zh: "请使用本引擎的词汇表加载规则",
};
/// A selector that cannot be compiled.
pub const SELECTOR: Code = Code {
    id: "waf.selector",
    class: Class::Invalid,
    title: "the selector of a target cannot be used",
    title_zh: "目标的选择器无法使用",
    hint: "names, regular expressions between slashes, and for XML the paths /* and //@* are understood",
    hint_zh: "支持名称、斜杠之间的正则表达式，XML 支持路径 /* 与 //@*",
};
/// The rules need more than the engine numbers.
pub const TOO_MANY: Code = Code {
    id: "waf.too-many",
    class: Class::TooLarge,
    title: "the rules hold too many texts for one automaton",
    title_zh: "规则中的文本过多，无法放入一个自动机",
    hint: "split the phrase files",
    hint_zh: "请拆分短语文件",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&UNKNOWN, &SELECTOR, &TOO_MANY];
