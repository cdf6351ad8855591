//! Faults of the learned score.

use base::{Class, Code};

/// The model was trained on other features.
pub const FEATURES: Code = Code {
    id: "score.features",
    class: Class::Invalid,
    title: "the model was trained on other features than these",
    title_zh: "模型所用的特征与当前版本不一致",
    hint: "train it anew with `make train-waf`, or install the model that came with this release",
    hint_zh: "请用 `make train-waf` 重新训练，或安装随本版本附带的模型",
};
/// The model says nothing of how its sums become probabilities.
pub const CALIBRATION: Code = Code {
    id: "score.calibration",
    class: Class::Corrupt,
    title: "the model has no calibration",
    title_zh: "模型缺少校准数据",
    hint: "train it anew with `make train-waf`, or install the model that came with this release",
    hint_zh: "请用 `make train-waf` 重新训练，或安装随本版本附带的模型",
};
/// The policy is not one.
pub const POLICY: Code = Code {
    id: "score.policy",
    class: Class::Invalid,
    title: "the policy of the learned score is not valid",
    title_zh: "学习评分的策略无效",
    hint: "points are 0 to 100; probabilities 0 to 1, with lower_at below raise_at",
    hint_zh: "分数取 0 到 100；概率取 0 到 1，且 lower_at 小于 raise_at",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&FEATURES, &CALIBRATION, &POLICY];
