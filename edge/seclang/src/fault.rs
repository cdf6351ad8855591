//! Faults of the rule language. Each names file and line.

use base::{Class, Code};

/// A directive nobody knows.
pub const DIRECTIVE: Code = Code {
    id: "seclang.directive",
    class: Class::Invalid,
    title: "unknown directive",
    title_zh: "未知的指令",
    hint: "correct the name or remove the line; a misspelt directive that was passed by would switch a protection off in silence",
    hint_zh: "请更正名称或删除该行；拼写错误的指令若被忽略，防护会在无声中失效",
};
/// Something of the language that this engine does not do.
pub const UNSUPPORTED: Code = Code {
    id: "seclang.unsupported",
    class: Class::Invalid,
    title: "this part of the rule language is not done here",
    title_zh: "不支持规则语言的这一部分",
    hint: "scripts, remote rules and content injection are left out on purpose; remove the line",
    hint_zh: "有意不支持脚本、远程规则和内容注入；请删除该行",
};
/// Words and quotes of a directive.
pub const SYNTAX: Code = Code {
    id: "seclang.syntax",
    class: Class::Invalid,
    title: "the directive cannot be read",
    title_zh: "无法读取该指令",
    hint: "close every quote, and end a line that goes on with a backslash and nothing behind it",
    hint_zh: "请闭合所有引号；续行的反斜杠之后不能有任何字符",
};
/// The file is not UTF-8.
pub const ENCODING: Code = Code {
    id: "seclang.encoding",
    class: Class::Invalid,
    title: "the file of rules is not UTF-8",
    title_zh: "规则文件不是 UTF-8 编码",
    hint: "write bytes as \\xhh within an expression",
    hint_zh: "请在表达式中用 \\xhh 书写字节",
};
/// A variable nobody knows, or a target that cannot be read.
pub const VARIABLE: Code = Code {
    id: "seclang.variable",
    class: Class::Invalid,
    title: "unknown variable",
    title_zh: "未知的变量",
    hint: "targets are VARIABLE, VARIABLE:name, VARIABLE:'/expression/', !… to leave out, &… to count, joined by |",
    hint_zh: "目标的写法为 VARIABLE、VARIABLE:name、VARIABLE:'/表达式/'，! 表示排除，& 表示计数，以 | 连接",
};
/// An operator nobody knows.
pub const OPERATOR: Code = Code {
    id: "seclang.operator",
    class: Class::Invalid,
    title: "unknown operator",
    title_zh: "未知的操作符",
    hint: "an operator is @name and its argument; without @ the text is a regular expression",
    hint_zh: "操作符写作 @名称 加参数；不带 @ 时整段文本为正则表达式",
};
/// A transformation nobody knows.
pub const TRANSFORMATION: Code = Code {
    id: "seclang.transformation",
    class: Class::Invalid,
    title: "unknown transformation",
    title_zh: "未知的转换函数",
    hint: "write one of ModSecurity 3's transformations, without regard to case",
    hint_zh: "请使用 ModSecurity 3 的转换函数之一，不区分大小写",
};
/// An action nobody knows.
pub const ACTION: Code = Code {
    id: "seclang.action",
    class: Class::Invalid,
    title: "unknown action",
    title_zh: "未知的动作",
    hint: "actions are joined by commas; a value with a comma in it stands in single quotes",
    hint_zh: "动作以逗号连接；含逗号的值须放在单引号中",
};
/// An action or a setting with a value it cannot have.
pub const VALUE: Code = Code {
    id: "seclang.value",
    class: Class::Invalid,
    title: "this value cannot stand here",
    title_zh: "此处不能使用该值",
    hint: "write a value of the form that is expected",
    hint_zh: "请按所要求的形式书写该值",
};
/// `%{…}` that cannot be read.
pub const MACRO: Code = Code {
    id: "seclang.macro",
    class: Class::Invalid,
    title: "the macro cannot be read",
    title_zh: "无法读取该宏",
    hint: "a macro is %{VARIABLE} or %{collection.key}",
    hint_zh: "宏写作 %{VARIABLE} 或 %{collection.key}",
};
/// A chain that is not whole, or an action that only its head may have.
pub const CHAIN: Code = Code {
    id: "seclang.chain",
    class: Class::Invalid,
    title: "the chain of rules is not right",
    title_zh: "规则链不正确",
    hint: "a chain is one rule after another in one file; id, phase and what happens to the request stand in its first rule",
    hint_zh: "规则链须在同一文件中连续书写；id、phase 和处置动作只写在第一条规则中",
};
/// A rule without number.
pub const ID: Code = Code {
    id: "seclang.id",
    class: Class::Invalid,
    title: "the rule has no id",
    title_zh: "规则没有 id",
    hint: "give it id:NUMBER; 1 to 99999 are for your own rules",
    hint_zh: "请加上 id:编号；1 至 99999 供您自己的规则使用",
};
/// Two rules of one number.
pub const DUPLICATE: Code = Code {
    id: "seclang.duplicate-id",
    class: Class::Conflict,
    title: "two rules have the same id",
    title_zh: "两条规则的 id 相同",
    hint: "give one of them another number; is a file included twice?",
    hint_zh: "请更换其中一条的编号；是否重复包含了同一文件？",
};
/// Default actions given twice for one phase, or that cannot be defaults.
pub const DEFAULT: Code = Code {
    id: "seclang.default-action",
    class: Class::Invalid,
    title: "these cannot be default actions",
    title_zh: "不能作为默认动作",
    hint: "one SecDefaultAction a phase, with pass, deny, drop or redirect, and no id, chain or t:none",
    hint_zh: "每个阶段只能有一条 SecDefaultAction，须含 pass、deny、drop 或 redirect，且不含 id、chain 或 t:none",
};
/// An item of a tuning that cannot be.
pub const TUNING: Code = Code {
    id: "seclang.tuning",
    class: Class::Invalid,
    title: "the tuning cannot be made into rules",
    title_zh: "无法由该调整项生成规则",
    hint: "correct the named item; every item says who made it, when and why",
    hint_zh: "请修改所指的条目；每个条目都须写明由谁、何时、为何而设",
};
/// A file that is not there.
pub const FILE: Code = Code {
    id: "seclang.file",
    class: Class::Missing,
    title: "the file is not there",
    title_zh: "文件不存在",
    hint: "paths are relative to the folder of the file that names them",
    hint_zh: "路径相对于引用它的文件所在的目录",
};
/// A limit of [`crate::limits`].
pub const SIZE: Code = Code {
    id: "seclang.size",
    class: Class::TooLarge,
    title: "the rules are too big",
    title_zh: "规则过大",
    hint: "does a file include itself?",
    hint_zh: "是否有文件包含了自身？",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[
    &DIRECTIVE,
    &UNSUPPORTED,
    &SYNTAX,
    &ENCODING,
    &VARIABLE,
    &OPERATOR,
    &TRANSFORMATION,
    &ACTION,
    &VALUE,
    &MACRO,
    &CHAIN,
    &ID,
    &DUPLICATE,
    &DEFAULT,
    &TUNING,
    &FILE,
    &SIZE,
];
