//! Faults of the wire.

use base::{Class, Code};

/// The first bytes are not a TLS ClientHello.
pub const HELLO: Code = Code {
    id: "wire.hello",
    class: Class::Invalid,
    title: "the connection does not begin with a TLS ClientHello",
    title_zh: "连接不是以 TLS ClientHello 开头",
    hint: "the client speaks another protocol on this port, or its hello is not sound",
    hint_zh: "客户端在此端口使用了其他协议，或其握手报文不合规",
};
/// The PROXY header is missing or wrong.
pub const PROXY: Code = Code {
    id: "wire.proxy-header",
    class: Class::Invalid,
    title: "the connection does not begin with a valid PROXY header",
    title_zh: "连接不是以有效的 PROXY 头开头",
    hint: "enable the PROXY protocol on the balancer in front, or switch it off for this listener",
    hint_zh: "请在前置负载均衡器上启用 PROXY 协议，或在此监听上关闭它",
};
/// The HTTP/2 client preface is wrong.
pub const PREFACE: Code = Code {
    id: "wire.http2-preface",
    class: Class::Invalid,
    title: "the connection does not begin as HTTP/2 does",
    title_zh: "连接不符合 HTTP/2 的开头",
    hint: "the client speaks another protocol, or its first frames are not sound",
    hint_zh: "客户端使用了其他协议，或其首批帧不合规",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&HELLO, &PROXY, &PREFACE];
