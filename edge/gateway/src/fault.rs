//! Faults of the gateway.

use base::{Class, Code};

/// A key of the configuration has a value that cannot be used.
pub const VALUE: Code = Code {
    id: "gateway.config-value",
    class: Class::Invalid,
    title: "the configuration has a value that cannot be used",
    title_zh: "配置中的值无法使用",
    hint: "correct the named key; dist/sample/gateway.yaml shows every key with its meaning",
    hint_zh: "请修改所指的键；dist/sample/gateway.yaml 列出了所有键及其含义",
};
/// The configuration names something that it does not define.
pub const UNKNOWN_NAME: Code = Code {
    id: "gateway.config-name",
    class: Class::Invalid,
    title: "the configuration names something that it does not define",
    title_zh: "配置引用了未定义的名称",
    hint: "define it or correct the spelling",
    hint_zh: "请定义该名称或改正拼写",
};
/// Two parts of the configuration claim the same.
pub const TWICE: Code = Code {
    id: "gateway.config-twice",
    class: Class::Invalid,
    title: "two parts of the configuration claim the same",
    title_zh: "配置中有两处声明了同一对象",
    hint: "keep one of them",
    hint_zh: "请只保留其中一处",
};
/// A certificate or its key cannot be used.
pub const CERTIFICATE: Code = Code {
    id: "gateway.certificate",
    class: Class::Invalid,
    title: "a certificate or its key cannot be used",
    title_zh: "证书或私钥无法使用",
    hint: "give a PEM chain, the server's certificate first, and the private key that belongs to it",
    hint_zh: "请提供 PEM 证书链（服务器证书在最前）及与之匹配的私钥",
};
/// The authorities of a pool cannot be used.
pub const AUTHORITY: Code = Code {
    id: "gateway.authority",
    class: Class::Invalid,
    title: "the authorities that a pool trusts cannot be used",
    title_zh: "无法使用源站池所信任的证书颁发机构",
    hint: "give a PEM file with the certificates that may have signed those of the origins",
    hint_zh: "请提供 PEM 文件，其中包含签发源站证书的颁发机构证书",
};
/// An address cannot be listened on.
pub const LISTEN: Code = Code {
    id: "gateway.listen",
    class: Class::Refused,
    title: "an address cannot be listened on",
    title_zh: "无法在该地址上监听",
    hint: "check that no other program has the port, and the right to bind ports below 1024 (CAP_NET_BIND_SERVICE)",
    hint_zh: "请检查端口是否被占用，以及绑定 1024 以下端口的权限（CAP_NET_BIND_SERVICE）",
};
/// A worker thread cannot be started.
pub const WORKER: Code = Code {
    id: "gateway.worker",
    class: Class::Unavailable,
    title: "a worker thread cannot be started",
    title_zh: "无法启动工作线程",
    hint: "check the limits of the service on threads, files and memory",
    hint_zh: "请检查服务的线程、文件与内存限额",
};
/// A site asks for rules, and none were compiled for it.
pub const NO_RULES: Code = Code {
    id: "gateway.no-rules",
    class: Class::Invalid,
    title: "the site asks for rules, and none were compiled for it",
    title_zh: "站点要求启用规则，但没有为其编译规则",
    hint: "name rule files under waf.rules, or set waf.mode to off",
    hint_zh: "请在 waf.rules 中指定规则文件，或将 waf.mode 设为 off",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&VALUE, &UNKNOWN_NAME, &TWICE, &CERTIFICATE, &AUTHORITY, &LISTEN, &WORKER, &NO_RULES];
