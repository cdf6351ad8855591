//! Faults of this crate.

use base::{Class, Code};

/// The file is no recording of packets.
pub const FORMAT: Code = Code {
    id: "capture.format",
    class: Class::Invalid,
    title: "this is not a recording of packets",
    title_zh: "不是抓包文件",
    hint: "give a file of tcpdump or Wireshark (pcap or pcapng), unpacked",
    hint_zh: "请提供 tcpdump 或 Wireshark 的抓包文件（pcap 或 pcapng），压缩文件请先解压",
};
/// Packets of the recording's link type cannot be read.
pub const LINK: Code = Code {
    id: "capture.link",
    class: Class::Invalid,
    title: "packets of this link type cannot be read",
    title_zh: "不支持该链路类型的报文",
    hint: "record on an Ethernet interface or with `tcpdump -i any`, or convert the file to raw IP",
    hint_zh: "请在以太网接口上或用 `tcpdump -i any` 抓包，或将文件转换为裸 IP",
};
/// The recording cannot be read from its place.
pub const READ: Code = Code {
    id: "capture.read",
    class: Class::Unavailable,
    title: "the recording cannot be read",
    title_zh: "无法读取抓包文件",
    hint: "see that the file is there and may be read, and that its disk is well",
    hint_zh: "请确认文件存在、可读且磁盘正常",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&FORMAT, &LINK, &READ];
