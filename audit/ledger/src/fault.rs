//! Faults of the ledger: each says how it was tampered with.

use base::{Class, Code};

/// Numbers are missing.
pub const HOLE: Code = Code {
    id: "ledger.hole",
    class: Class::Corrupt,
    title: "entries are missing from the ledger",
    title_zh: "账本中缺少条目",
    hint: "restore the ledger from a backup and compare; treat it as evidence of tampering",
    hint_zh: "请从备份恢复账本并比对；应视为篡改证据",
};
/// An entry stands where it does not belong.
pub const ORDER: Code = Code {
    id: "ledger.order",
    class: Class::Corrupt,
    title: "a ledger entry is repeated or out of order",
    title_zh: "账本条目重复或顺序错误",
    hint: "restore the ledger from a backup and compare; treat it as evidence of tampering",
    hint_zh: "请从备份恢复账本并比对；应视为篡改证据",
};
/// An entry does not have the hash it claims.
pub const EDITED: Code = Code {
    id: "ledger.edited",
    class: Class::Corrupt,
    title: "a ledger entry was edited",
    title_zh: "账本条目被修改",
    hint: "compare this entry with a backup; treat it as evidence of tampering",
    hint_zh: "请将该条目与备份比对；应视为篡改证据",
};
/// An entry is not chained to the one before.
pub const BROKEN_LINK: Code = Code {
    id: "ledger.broken-link",
    class: Class::Corrupt,
    title: "a ledger entry does not follow from the one before",
    title_zh: "账本条目与前一条不衔接",
    hint: "the entry before was rewritten or another one put in; compare both with a backup",
    hint_zh: "前一条被重写或中间插入了条目；请将两条与备份比对",
};
/// The ledger ends before a head that was seen.
pub const CUT_OFF: Code = Code {
    id: "ledger.cut-off",
    class: Class::Corrupt,
    title: "the end of the ledger is missing",
    title_zh: "账本末尾被截断",
    hint: "an agent or checkpoint saw later entries; restore them from a backup",
    hint_zh: "代理或检查点见过更新的条目；请从备份恢复",
};
/// The chain is whole, but it is not the one that was seen.
pub const REWRITTEN: Code = Code {
    id: "ledger.rewritten",
    class: Class::Corrupt,
    title: "the ledger was rewritten after a checkpoint saw it",
    title_zh: "账本在检查点记录之后被整体重写",
    hint: "the chain is consistent in itself but not the one that was witnessed; restore a backup",
    hint_zh: "链本身自洽，但与见证过的不同；请恢复备份",
};
/// Details are not JSON.
pub const BAD_DETAILS: Code = Code {
    id: "ledger.bad-details",
    class: Class::Invalid,
    title: "the details of a ledger entry are not JSON",
    title_zh: "账本条目的详情不是有效的 JSON",
    hint: "pass a JSON value",
    hint_zh: "请传入 JSON 值",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&HOLE, &ORDER, &EDITED, &BROKEN_LINK, &CUT_OFF, &REWRITTEN, &BAD_DETAILS];
