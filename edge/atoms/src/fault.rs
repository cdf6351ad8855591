//! Faults of transformations and operators.

use base::{Class, Code};

/// An operator's argument is not one of this operator.
pub const ARGUMENT: Code = Code {
    id: "waf.argument",
    class: Class::Invalid,
    title: "the argument does not fit the operator",
    title_zh: "参数与运算符不符",
    hint: "see the ModSecurity reference manual for what the operator takes",
    hint_zh: "请参阅 ModSecurity 参考手册中该运算符的参数说明",
};
/// A regular expression that cannot be run.
pub const EXPRESSION: Code = Code {
    id: "waf.expression",
    class: Class::Invalid,
    title: "the regular expression cannot be run",
    title_zh: "正则表达式无法运行",
    hint: "PCRE's syntax without recursion, conditions, verbs and Unicode properties is understood",
    hint_zh: "支持 PCRE 语法，但不含递归、条件、控制动词与 Unicode 属性",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&ARGUMENT, &EXPRESSION];
