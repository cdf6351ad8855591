//! Faults of this crate.

use base::{Class, Code};

/// The address range cannot be read.
pub const PREFIX: Code = Code {
    id: "ddos.prefix",
    class: Class::Invalid,
    title: "this is not an address range",
    title_zh: "不是有效的地址段",
    hint: "write 192.0.2.0/24, 2001:db8::/32 or a single address",
    hint_zh: "请写成 192.0.2.0/24、2001:db8::/32 或单个地址",
};
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
pub const ALL: &[&Code] = &[&PREFIX, &FEATURES, &BANDS];
