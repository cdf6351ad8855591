//! Faults of intelligence.

use base::{Class, Code};

/// The text is no value of this kind.
pub const VALUE: Code = Code {
    id: "intel.value",
    class: Class::Invalid,
    title: "this is not a value of the named kind",
    title_zh: "该值与所述类型不符",
    hint: "give an address, range, domain, URL, hash, JA3/JA4 fingerprint, e-mail address or file path; defanged forms are read",
    hint_zh: "请给出地址、网段、域名、URL、哈希、JA3/JA4 指纹、邮箱或文件路径；可识别去毒写法（如 hxxp、[.]）",
};
/// The word names no kind or marking.
pub const WORD: Code = Code {
    id: "intel.word",
    class: Class::Invalid,
    title: "the word is not known here",
    title_zh: "未知的词",
    hint: "kinds: ip cidr domain url md5 sha1 sha256 ja3 ja4 email path; markings: clear green amber amber+strict red",
    hint_zh: "类型：ip cidr domain url md5 sha1 sha256 ja3 ja4 email path；标记：clear green amber amber+strict red",
};
/// The range or suffix covers too much.
pub const TOO_WIDE: Code = Code {
    id: "intel.too-wide",
    class: Class::Invalid,
    title: "the indicator covers too much to mean anything",
    title_zh: "指标覆盖范围过大，没有意义",
    hint: "name narrower ranges (at least /8 for IPv4, /16 for IPv6) or domains below the public suffix",
    hint_zh: "请使用更窄的网段（IPv4 至少 /8，IPv6 至少 /16）或公共后缀以下的域名",
};
/// The value is too long.
pub const TOO_LONG: Code = Code {
    id: "intel.too-long",
    class: Class::TooLarge,
    title: "the value is too long",
    title_zh: "值过长",
    hint: "an indicator has at most 2048 bytes",
    hint_zh: "指标最长 2048 字节",
};
/// Every fault of this crate's core; formats list theirs in their own module.
pub const ALL: &[&Code] = &[&VALUE, &WORD, &TOO_WIDE, &TOO_LONG];
