//! Faults of patterns.

use base::{Class, Code};

/// The regular expression is not one we run.
pub const EXPRESSION: Code = Code {
    id: "pattern.expression",
    class: Class::Invalid,
    title: "the regular expression is not valid",
    title_zh: "正则表达式无效",
    hint: "look-around and back-references are not part of the language; the syntax is that of the Rust regex crate",
    hint_zh: "不支持环视与反向引用；语法与 Rust regex 库相同",
};
/// The regular expression is too big.
pub const EXPRESSION_SIZE: Code = Code {
    id: "pattern.expression-size",
    class: Class::TooLarge,
    title: "the regular expression is too big",
    title_zh: "正则表达式过大",
    hint: "lower the counts in {n,m} or split the expression",
    hint_zh: "请减小 {n,m} 中的次数或拆分表达式",
};
/// A set has more needles than an automaton can number.
pub const TOO_MANY: Code = Code {
    id: "pattern.too-many",
    class: Class::TooLarge,
    title: "the set of texts is too big for one automaton",
    title_zh: "文本集合过大，无法放入一个自动机",
    hint: "split the set",
    hint_zh: "请拆分集合",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&EXPRESSION, &EXPRESSION_SIZE, &TOO_MANY];
