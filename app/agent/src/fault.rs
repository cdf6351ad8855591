//! Faults of the agent's wiring.

use base::{Class, Code};

/// A thread did not start.
pub const THREAD: Code = Code {
    id: "agent.thread",
    class: Class::Refused,
    title: "a thread could not be started",
    title_zh: "线程无法启动",
    hint: "the limit of processes for this user is reached",
    hint_zh: "已达到该用户的进程数上限",
};
/// A part of the agent ended.
pub const BROKEN: Code = Code {
    id: "agent.broken",
    class: Class::Bug,
    title: "a part of the agent ended by itself",
    title_zh: "代理的某个部分意外结束",
    hint: "the log says which; the service manager starts the agent again",
    hint_zh: "原因见日志；服务管理器会重新启动代理",
};
/// The file that says "ready" cannot be made.
pub const READY_FILE: Code = Code {
    id: "agent.ready-file",
    class: Class::Invalid,
    title: "the ready file cannot be written",
    title_zh: "无法写入就绪文件",
    hint: "name a file in a folder that exists",
    hint_zh: "请指定已存在目录中的文件",
};
/// An entry of `never_block` is no address.
pub const NEVER_BLOCK: Code = Code {
    id: "agent.never-block",
    class: Class::Invalid,
    title: "an entry of `never_block` is not an address or network",
    title_zh: "`never_block` 中有一项不是地址或网段",
    hint: "write addresses such as 192.0.2.7 or networks such as 10.0.0.0/8 under `never_block` in the agent's configuration; names are not resolved",
    hint_zh: "请在代理配置的 `never_block` 下填写地址（如 192.0.2.7）或网段（如 10.0.0.0/8）；不解析域名",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_an_id_of_its_own_and_speaks_both_languages() {
        let all = [&THREAD, &BROKEN, &READY_FILE, &NEVER_BLOCK, &crate::gate::SILENT];
        let ids: std::collections::BTreeSet<_> = all.iter().map(|code| code.id).collect();
        assert_eq!(ids.len(), all.len());
        for code in all {
            assert!(code.id.starts_with("agent."), "{}", code.id);
            assert!(
                [code.title, code.title_zh, code.hint, code.hint_zh].iter().all(|text| !text.is_empty()),
                "{}",
                code.id
            );
        }
    }
}
