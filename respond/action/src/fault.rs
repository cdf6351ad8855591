//! Faults of actions.

use base::{Class, Code};

/// The order is not complete or not understood.
pub const BAD_ORDER: Code = Code {
    id: "action.bad-order",
    class: Class::Invalid,
    title: "the order cannot be carried out as written",
    title_zh: "指令内容不完整或无法理解",
    hint: "correct the named parameter; `garrison act --help` lists what each action needs",
    hint_zh: "请修改所指参数；`garrison act --help` 列出每个动作所需参数",
};
/// The lease is missing or out of range.
pub const BAD_LEASE: Code = Code {
    id: "action.bad-lease",
    class: Class::Invalid,
    title: "an action that can be undone needs a lease",
    title_zh: "可撤销的动作必须带有租期",
    hint: "give a lease between 1 second and 30 days",
    hint_zh: "请给出 1 秒到 30 天之间的租期",
};
/// The target is on the never-block list.
pub const NEVER: Code = Code {
    id: "action.never-list",
    class: Class::Denied,
    title: "the target is on the never-block list",
    title_zh: "目标在永不处置名单中",
    hint: "the entry keeps you from locking yourself out; change `never_block` in the agent's configuration if it is wrong",
    hint_zh: "该名单防止把自己锁在外面；如有误，请修改代理配置中的 `never_block`",
};
/// The process does not exist any more, or its pid belongs to another one now.
pub const GONE: Code = Code {
    id: "action.process-gone",
    class: Class::Missing,
    title: "the process is gone",
    title_zh: "进程已不存在",
    hint: "nothing was done; the pid may belong to another process by now",
    hint_zh: "未做任何操作；该 pid 可能已属于其他进程",
};
/// The file does not exist.
pub const MISSING: Code = Code {
    id: "action.file-missing",
    class: Class::Missing,
    title: "the file does not exist",
    title_zh: "文件不存在",
    hint: "nothing was done; check the path as the host sees it",
    hint_zh: "未做任何操作；请检查主机上的路径",
};
/// The path goes through a symbolic link, or is no regular file.
pub const UNSAFE_PATH: Code = Code {
    id: "action.unsafe-path",
    class: Class::Refused,
    title: "the path is not safe to act on",
    title_zh: "该路径不能安全处置",
    hint: "give the absolute path of a regular file without any symbolic link in it",
    hint_zh: "请给出不含符号链接的普通文件绝对路径",
};
/// The file is another one than the order meant, or changed all the time.
pub const CHANGED: Code = Code {
    id: "action.file-changed",
    class: Class::Conflict,
    title: "the file is not the one that was meant",
    title_zh: "文件与指令所指不一致",
    hint: "nothing was taken away; look at the file again and repeat the order",
    hint_zh: "未取走任何文件；请重新查看后再下指令",
};
/// Something else lies where the file has to go back to.
pub const OCCUPIED: Code = Code {
    id: "action.path-occupied",
    class: Class::Conflict,
    title: "another file lies at the place to restore to",
    title_zh: "恢复位置已有其他文件",
    hint: "move the other file away and repeat the undo",
    hint_zh: "请移开该文件后重新撤销",
};
/// The kernel refused a step.
pub const KERNEL: Code = Code {
    id: "action.kernel-refused",
    class: Class::Refused,
    title: "the kernel refused the action",
    title_zh: "内核拒绝了该动作",
    hint: "run `garrison-agent probe`; the agent needs root or the listed capabilities",
    hint_zh: "请运行 `garrison-agent probe`；代理需要 root 或所列权限",
};
/// What was read back is not what was ordered.
pub const UNVERIFIED: Code = Code {
    id: "action.not-verified",
    class: Class::Refused,
    title: "the effect could not be read back",
    title_zh: "未能从内核读回效果",
    hint: "what had been changed was taken back; see what was read back",
    hint_zh: "已改动的部分已撤回；请查看读回内容",
};
/// The action cannot be taken back.
pub const NOT_UNDOABLE: Code = Code {
    id: "action.not-undoable",
    class: Class::Conflict,
    title: "this action cannot be undone",
    title_zh: "该动作无法撤销",
    hint: "killing and exporting leave nothing to take back",
    hint_zh: "终止进程与导出证据没有可撤销的内容",
};
/// No such order is in force on this host.
pub const UNKNOWN_ORDER: Code = Code {
    id: "action.unknown-order",
    class: Class::Missing,
    title: "no such order is in force on this host",
    title_zh: "该主机上没有生效的此指令",
    hint: "`garrison act list` shows what is in force",
    hint_zh: "`garrison act list` 显示生效中的指令",
};
/// This program cannot carry out this kind of action.
pub const NO_HANDS: Code = Code {
    id: "action.no-hands",
    class: Class::Refused,
    title: "this program cannot carry out this kind of action",
    title_zh: "该程序无法执行这类动作",
    hint: "nothing was done; give the order to one that can: actions on processes and files are an agent's, those on traffic a gateway's",
    hint_zh: "未做任何操作；请将指令下达给能执行者：进程与文件类动作由代理执行，流量类动作由网关执行",
};
/// A file of the agent could not be read or written.
pub const STORE: Code = Code {
    id: "action.store-failed",
    class: Class::Unavailable,
    title: "the agent's store failed",
    title_zh: "代理的存储操作失败",
    hint: "check free space and permissions of the agent's state directory",
    hint_zh: "请检查代理状态目录的剩余空间与权限",
};
/// Stored data does not check.
pub const DAMAGED: Code = Code {
    id: "action.damaged",
    class: Class::Corrupt,
    title: "the stored data is damaged",
    title_zh: "存储的数据已损坏",
    hint: "the stored copy is kept; do not delete it before someone has looked",
    hint_zh: "存储副本已保留；请先查看再删除",
};
/// The target exceeds a limit.
pub const TOO_LARGE: Code = Code {
    id: "action.too-large",
    class: Class::TooLarge,
    title: "the target is larger than the limit",
    title_zh: "目标超过大小限制",
    hint: "raise the limit in the agent's configuration if this is right",
    hint_zh: "如确有需要，请在代理配置中提高限制",
};
/// This host has no means for the action.
pub const UNSUPPORTED: Code = Code {
    id: "action.unsupported",
    class: Class::Unavailable,
    title: "this host has no means for the action",
    title_zh: "该主机不具备执行该动作的条件",
    hint: "`garrison-agent probe` prints what the kernel allows",
    hint_zh: "`garrison-agent probe` 显示内核允许的能力",
};
/// The agent ended in the middle of the action.
pub const INTERRUPTED: Code = Code {
    id: "action.interrupted",
    class: Class::Unavailable,
    title: "the agent was interrupted during the action",
    title_zh: "动作执行中代理被中断",
    hint: "what had been changed was taken back at the next start; repeat the order if it is still wanted",
    hint_zh: "已在重新启动时撤回改动；如仍需要请重新下指令",
};

/// The order is for another agent.
pub const WRONG_AGENT: Code = Code {
    id: "action.wrong-agent",
    class: Class::Denied,
    title: "the order is for another agent",
    title_zh: "指令的对象是另一个代理",
    hint: "nothing was done; give the order to the host that it is meant for",
    hint_zh: "未做任何操作；请向目标主机下达指令",
};
/// The order was on its way for too long.
pub const STALE_ORDER: Code = Code {
    id: "action.stale-order",
    class: Class::Conflict,
    title: "the order is too old to be carried out",
    title_zh: "指令过旧，不再执行",
    hint: "nothing was done; look at the host as it is now and give the order again, and compare the clocks of host and server if it was just given",
    hint_zh: "未做任何操作；请查看主机现状后重新下指令；如指令刚下达，请核对主机与服务器的时钟",
};
/// An undo came before its order.
pub const OVERTAKEN: Code = Code {
    id: "action.overtaken",
    class: Class::Conflict,
    title: "the order was undone before it came",
    title_zh: "指令到达之前已被撤销",
    hint: "nothing was done; give a new order if the action is still wanted",
    hint_zh: "未做任何操作；如仍需要请下达新指令",
};
/// Isolation would cut off everybody who could end it.
pub const NO_WAY_BACK: Code = Code {
    id: "action.no-way-back",
    class: Class::Denied,
    title: "isolation would leave nobody who could take it back",
    title_zh: "隔离后将没有任何人能够解除",
    hint: "let the host have a server or an ssh session elsewhere, or order it with the parameter `without_management=yes`; then only its lease ends it",
    hint_zh: "请使主机连接其他机器上的服务器或存在 ssh 会话，或在指令中加参数 `without_management=yes`；此时仅在租期结束时解除",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[
    &BAD_ORDER,
    &BAD_LEASE,
    &NEVER,
    &GONE,
    &MISSING,
    &UNSAFE_PATH,
    &CHANGED,
    &OCCUPIED,
    &KERNEL,
    &UNVERIFIED,
    &NOT_UNDOABLE,
    &UNKNOWN_ORDER,
    &NO_HANDS,
    &STORE,
    &DAMAGED,
    &TOO_LARGE,
    &UNSUPPORTED,
    &INTERRUPTED,
    &WRONG_AGENT,
    &STALE_ORDER,
    &OVERTAKEN,
    &NO_WAY_BACK,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once_and_complete() {
        let mut ids: Vec<&str> = ALL.iter().map(|code| code.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
        assert!(
            ALL.iter()
                .all(|code| code.id.starts_with("action.") && !code.title_zh.is_empty() && !code.hint_zh.is_empty())
        );
    }
}
