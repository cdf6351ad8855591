//! Faults of rules. Each names `file:line`; none of them stops another rule from loading.

use base::{Class, Code};

/// The text is not YAML.
pub const YAML: Code = Code {
    id: "detect.yaml",
    class: Class::Invalid,
    title: "the rule is not valid YAML",
    title_zh: "规则不是有效的 YAML",
    hint: "correct the named line; quote values that hold `: `, ` #`, or begin with a special character",
    hint_zh: "请修改所指的行；含 `: `、` #` 或以特殊字符开头的值需加引号",
};
/// A part of the rule is missing or of the wrong form.
pub const FORM: Code = Code {
    id: "detect.form",
    class: Class::Invalid,
    title: "a part of the rule is missing or has the wrong form",
    title_zh: "规则的某部分缺失或格式不正确",
    hint: "a rule needs title, logsource, and detection with a condition; see the Sigma rules specification 2.1",
    hint_zh: "规则需要 title、logsource 以及带 condition 的 detection；见 Sigma 规则规范 2.1",
};
/// The modifier is unknown or does not fit.
pub const MODIFIER: Code = Code {
    id: "detect.modifier",
    class: Class::Invalid,
    title: "the modifier is unknown or does not fit here",
    title_zh: "修饰符未知或不适用于此处",
    hint: "known: contains startswith endswith all re(i,m,s) cidr base64 base64offset wide utf16 utf16le utf16be windash fieldref exists cased lt lte gt gte neq expand minute hour day week month year",
    hint_zh: "可用：contains startswith endswith all re(i,m,s) cidr base64 base64offset wide utf16 utf16le utf16be windash fieldref exists cased lt lte gt gte neq expand minute hour day week month year",
};
/// The value does not fit its field or modifier.
pub const VALUE: Code = Code {
    id: "detect.value",
    class: Class::Invalid,
    title: "the value does not fit its field or modifier",
    title_zh: "值与其字段或修饰符不符",
    hint: "give a value of the expected form",
    hint_zh: "请填写所要求格式的值",
};
/// The condition cannot be read.
pub const CONDITION: Code = Code {
    id: "detect.condition",
    class: Class::Invalid,
    title: "the condition cannot be understood",
    title_zh: "无法理解条件表达式",
    hint: "use names of the detection, `and`, `or`, `not`, brackets, `1 of name*`, `all of name*`, `1 of them`",
    hint_zh: "可用：检测项名称、and、or、not、括号、`1 of 名称*`、`all of 名称*`、`1 of them`",
};
/// The field is not in the map.
pub const FIELD: Code = Code {
    id: "detect.field",
    class: Class::Invalid,
    title: "no sensor delivers this field in this log source",
    title_zh: "该日志源中没有此字段",
    hint: "use a name of the field map or a word such as process.exe",
    hint_zh: "请使用字段表中的名称或 process.exe 之类的词",
};
/// A placeholder has no value.
pub const PLACEHOLDER: Code = Code {
    id: "detect.placeholder",
    class: Class::Invalid,
    title: "the placeholder has no value",
    title_zh: "占位符没有取值",
    hint: "give the placeholder values in the configuration, or remove `expand`",
    hint_zh: "请在配置中为占位符赋值，或去掉 `expand`",
};
/// A part of Sigma that this engine does not run.
pub const UNSUPPORTED: Code = Code {
    id: "detect.unsupported",
    class: Class::Invalid,
    title: "this part of Sigma is not run here",
    title_zh: "此处不支持 Sigma 的这一部分",
    hint: "aggregations (`| count()`) were removed from Sigma 2: write a correlation rule; rule collections with `action:` become single documents",
    hint_zh: "Sigma 2 已移除聚合（`| count()`）：请改写为关联规则；带 `action:` 的规则集请拆为单独文档",
};
/// Two rules have one id.
pub const DUPLICATE: Code = Code {
    id: "detect.duplicate-id",
    class: Class::Conflict,
    title: "another rule has the same id",
    title_zh: "已有规则使用同一 id",
    hint: "give the later rule its own UUID; the earlier one stays loaded",
    hint_zh: "请为后一条规则设置新的 UUID；前一条仍然有效",
};
/// The rule can never match.
pub const NEVER: Code = Code {
    id: "detect.never",
    class: Class::Invalid,
    title: "the rule can never match",
    title_zh: "规则永远不会匹配",
    hint: "its condition is false whatever happens: only SHA-256 hashes are measured; give one",
    hint_zh: "条件恒为假：仅计算 SHA-256 哈希，请提供该值",
};
/// A part of the rule looks wrong; the rule runs all the same.
pub const DOUBT: Code = Code {
    id: "detect.doubt",
    class: Class::Invalid,
    title: "a part of the rule looks like a mistake",
    title_zh: "规则的某部分疑似有误",
    hint: "the rule runs; correct the named line, for what it says is not what was meant",
    hint_zh: "规则仍会运行；请修正所指的行，其内容可能并非本意",
};
/// A limit was reached.
pub const LIMIT: Code = Code {
    id: "detect.limit",
    class: Class::TooLarge,
    title: "the rule is too big",
    title_zh: "规则过大",
    hint: "split the rule; long lists of indicators belong into a feed of indicators",
    hint_zh: "请拆分规则；长指标列表应放入情报源",
};
/// A case cannot be read or built.
pub const CASE: Code = Code {
    id: "detect.case",
    class: Class::Invalid,
    title: "the case beside the rule cannot be run",
    title_zh: "无法运行规则旁的用例",
    hint: "a case has name, match, kind or log, and fields; fields are words such as process.exe that the kind carries, or the names that a log gives",
    hint_zh: "用例需有 name、match、kind 或 log，以及 fields；字段为该类事件所带的词（如 process.exe），或日志所用的名称",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[
    &YAML,
    &FORM,
    &MODIFIER,
    &VALUE,
    &CONDITION,
    &FIELD,
    &PLACEHOLDER,
    &UNSUPPORTED,
    &DUPLICATE,
    &NEVER,
    &DOUBT,
    &LIMIT,
    &CASE,
];
