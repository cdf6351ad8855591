//! Faults of this crate.

use base::{Class, Code};

/// The model was trained on other figures.
pub const FEATURES: Code = Code {
    id: "ddos.features",
    class: Class::Invalid,
    title: "the model was trained on other figures than these",
    title_zh: "模型所用的特征与当前版本不一致",
    hint: "train it anew with `make train-ddos`, or install the model that came with this release",
    hint_zh: "请用 `make train-ddos` 重新训练，或安装随本版本附带的模型",
};
/// The model says nothing of where its bands begin.
pub const BANDS: Code = Code {
    id: "ddos.bands",
    class: Class::Corrupt,
    title: "the model does not say where its bands begin",
    title_zh: "模型缺少判定区间",
    hint: "train it anew with `make train-ddos`, or install the model that came with this release",
    hint_zh: "请用 `make train-ddos` 重新训练，或安装随本版本附带的模型",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&FEATURES, &BANDS];
