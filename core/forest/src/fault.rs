//! Faults of models.

use base::{Class, Code};

/// The text is not a model.
pub const MALFORMED: Code = Code {
    id: "forest.malformed",
    class: Class::Corrupt,
    title: "the model cannot be read",
    title_zh: "模型无法读取",
    hint: "write the model anew with LightGBM's save_model, or install the one that came with the release",
    hint_zh: "请用 LightGBM 的 save_model 重新写出模型，或改用随版本附带的模型",
};
/// The model uses what we do not evaluate.
pub const UNSUPPORTED: Code = Code {
    id: "forest.unsupported",
    class: Class::Invalid,
    title: "the model uses a form that is not evaluated here",
    title_zh: "模型使用了此处不支持的形式",
    hint: "train with numerical features, one class, constant leaves, and a binary, cross-entropy or plain regression objective",
    hint_zh: "请使用数值特征、单一类别、常数叶子，以及 binary、cross_entropy 或普通回归目标进行训练",
};
/// The model is bigger than a limit.
pub const TOO_LARGE: Code = Code {
    id: "forest.too-large",
    class: Class::TooLarge,
    title: "the model is too big",
    title_zh: "模型过大",
    hint: "train with fewer trees, leaves or features",
    hint_zh: "请减少树、叶子或特征的数量后重新训练",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&MALFORMED, &UNSUPPORTED, &TOO_LARGE];
