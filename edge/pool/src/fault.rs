//! Faults of the pool.

use base::{Class, Code};

/// A text is no range of addresses.
pub const RANGE: Code = Code {
    id: "pool.range",
    class: Class::Invalid,
    title: "this is not a range of addresses",
    title_zh: "不是有效的地址范围",
    hint: "write 192.0.2.7, 192.0.2.0/24 or 192.0.2.5-192.0.2.9; IPv6 at least as long as /16",
    hint_zh: "请写成 192.0.2.7、192.0.2.0/24 或 192.0.2.5-192.0.2.9；IPv6 不短于 /16",
};
/// A holder's name cannot be used.
pub const NAME: Code = Code {
    id: "pool.name",
    class: Class::Invalid,
    title: "this cannot be the name of a holder",
    title_zh: "不能作为持有者名称",
    hint: "1 to 128 bytes of letters, digits and . _ - / @",
    hint_zh: "1 至 128 字节，可用字母、数字与 . _ - / @",
};
/// No holder has this name.
pub const HOLDER: Code = Code {
    id: "pool.no-holder",
    class: Class::Missing,
    title: "no holder has this name",
    title_zh: "没有此名称的持有者",
    hint: "add the customer or site first",
    hint_zh: "请先添加客户或站点",
};
/// A holder of this name is there, or still holds addresses.
pub const HOLDER_STANDS: Code = Code {
    id: "pool.holder-stands",
    class: Class::Conflict,
    title: "the holder is there already or still holds addresses",
    title_zh: "持有者已存在或仍持有地址",
    hint: "to remove a holder release or move its addresses first",
    hint_zh: "删除持有者前请先释放或转移其地址",
};
/// Addresses are not in the pool.
pub const ABSENT: Code = Code {
    id: "pool.absent",
    class: Class::Missing,
    title: "an address is not in the pool",
    title_zh: "地址不在地址池中",
    hint: "add its range to the pool first",
    hint_zh: "请先将其所在范围加入地址池",
};
/// Addresses are in the pool already.
pub const PRESENT: Code = Code {
    id: "pool.present",
    class: Class::Conflict,
    title: "an address is in the pool already",
    title_zh: "地址已在地址池中",
    hint: "add only what is new",
    hint_zh: "仅添加新的范围",
};
/// An address is held by somebody else than the call says.
pub const HELD: Code = Code {
    id: "pool.held",
    class: Class::Conflict,
    title: "an address is held by another than expected",
    title_zh: "地址的持有者与预期不符",
    hint: "nothing was changed; look who holds it and ask again",
    hint_zh: "未作任何更改；请查看当前持有者后重试",
};
/// Not enough free addresses.
pub const EXHAUSTED: Code = Code {
    id: "pool.exhausted",
    class: Class::Conflict,
    title: "the pool has not enough free addresses",
    title_zh: "地址池空闲地址不足",
    hint: "release addresses or add a range",
    hint_zh: "请释放地址或添加范围",
};
/// A limit of the pool.
pub const FULL: Code = Code {
    id: "pool.full",
    class: Class::TooLarge,
    title: "the pool is at its limit",
    title_zh: "地址池已达上限",
    hint: "raise the limit in the settings, or assign whole ranges rather than single addresses",
    hint_zh: "请调高设置中的上限，或按范围而非单个地址分配",
};
/// Stored rows do not fit together.
pub const ROWS: Code = Code {
    id: "pool.rows",
    class: Class::Corrupt,
    title: "stored rows of the pool do not fit together",
    title_zh: "地址池的存储数据不一致",
    hint: "restore the table from a backup; the row is named",
    hint_zh: "请从备份恢复该表；已指出所在行",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&RANGE, &NAME, &HOLDER, &HOLDER_STANDS, &ABSENT, &PRESENT, &HELD, &EXHAUSTED, &FULL, &ROWS];
