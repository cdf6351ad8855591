//! Faults of correlation rules, beside those that all rules share ([`crate::fault`]).

use base::{Class, Code};

/// A rule that a correlation names is not there.
pub const REFERENCE: Code = Code {
    id: "detect.correlation-reference",
    class: Class::Missing,
    title: "the correlation names a rule that does not run here",
    title_zh: "关联规则引用了未在此运行的规则",
    hint: "give the `id` or `name` of a loaded rule or correlation; correct that rule first when it was refused",
    hint_zh: "请填写已加载规则或关联规则的 `id` 或 `name`；若被引用的规则加载失败，请先修正它",
};
/// Two rules have one name.
pub const AMBIGUOUS: Code = Code {
    id: "detect.correlation-ambiguous",
    class: Class::Conflict,
    title: "the name stands for more than one rule",
    title_zh: "该名称对应多条规则",
    hint: "name the rule by its `id`, or give each rule a `name` of its own",
    hint_zh: "请改用规则的 `id`，或为每条规则设置不同的 `name`",
};
/// Correlations name each other in a circle.
pub const CYCLE: Code = Code {
    id: "detect.correlation-cycle",
    class: Class::Invalid,
    title: "correlations name each other in a circle",
    title_zh: "关联规则循环引用",
    hint: "a correlation may name only rules and correlations that do not depend on it",
    hint_zh: "关联规则只能引用不依赖于它自身的规则或关联规则",
};
/// The time span is absurd.
pub const TIMESPAN: Code = Code {
    id: "detect.correlation-timespan",
    class: Class::Invalid,
    title: "the time span of the correlation cannot be used",
    title_zh: "关联规则的时间窗口不可用",
    hint: "give a whole number and one of s, m, h, d, from 1s to 30d, such as 5m",
    hint_zh: "请填写整数加单位 s、m、h 或 d，范围 1s 至 30d，例如 5m",
};

/// Every fault that only correlations have.
pub const ALL: &[&Code] = &[&REFERENCE, &AMBIGUOUS, &CYCLE, &TIMESPAN];
