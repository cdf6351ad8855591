//! Faults of the door to the kernel.

use base::{Class, Code};

/// libbpf does not accept the object.
pub const BAD_OBJECT: Code = Code {
    id: "kernel.bad-object",
    class: Class::Bug,
    title: "the kernel object does not open",
    title_zh: "内核程序对象无法打开",
    hint: "the agent was built wrongly; build it again and report this",
    hint_zh: "代理构建有误；请重新构建并报告",
};
/// The kernel refuses every program of an object, or a map of it.
pub const LOAD_REFUSED: Code = Code {
    id: "kernel.load-refused",
    class: Class::Refused,
    title: "the kernel refuses the program",
    title_zh: "内核拒绝加载程序",
    hint: "run as root with CAP_BPF and CAP_PERFMON on a kernel 5.8 or newer with BTF; the log has the verifier's text",
    hint_zh: "请以 root（CAP_BPF、CAP_PERFMON）在带 BTF 的 5.8 以上内核运行；校验器输出见日志",
};
/// The kernel refuses to attach a program.
pub const ATTACH_REFUSED: Code = Code {
    id: "kernel.attach-refused",
    class: Class::Refused,
    title: "the kernel refuses to attach the program",
    title_zh: "内核拒绝挂接程序",
    hint: "`garrison-agent probe` shows which hook is used instead and what is lost",
    hint_zh: "`garrison-agent probe` 显示替代的挂接点及损失",
};
/// A map call failed.
pub const MAP: Code = Code {
    id: "kernel.map",
    class: Class::Refused,
    title: "a table shared with the kernel cannot be changed",
    title_zh: "无法修改与内核共享的表",
    hint: "the table may be full; the log has the cause",
    hint_zh: "该表可能已满；原因见日志",
};
/// The ring cannot be read.
pub const RING: Code = Code {
    id: "kernel.ring",
    class: Class::Refused,
    title: "the event ring cannot be read",
    title_zh: "无法读取事件环",
    hint: "memory may be short; a smaller ring can be configured",
    hint_zh: "内存可能不足；可配置更小的事件环",
};
/// Whoever received a record panicked.
pub const RECEIVER: Code = Code {
    id: "kernel.receiver",
    class: Class::Bug,
    title: "an event could not be handled",
    title_zh: "无法处理某个事件",
    hint: "the agent has a defect; please report this with its log",
    hint_zh: "代理存在缺陷；请附日志报告",
};
/// The canary could not be started.
pub const CANARY: Code = Code {
    id: "kernel.canary",
    class: Class::Unavailable,
    title: "the canary process cannot be started",
    title_zh: "无法启动金丝雀进程",
    hint: "the host may be out of processes or temporary space",
    hint_zh: "主机可能缺少进程数或临时空间",
};
/// The kernel lists no programs.
pub const PROGRAMS: Code = Code {
    id: "kernel.programs",
    class: Class::Refused,
    title: "the kernel does not list its BPF programs",
    title_zh: "内核未列出其 BPF 程序",
    hint: "it takes CAP_SYS_ADMIN to ask; without one nothing is known of foreign programs",
    hint_zh: "查询需要 CAP_SYS_ADMIN；否则无法得知外来程序",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[&BAD_OBJECT, &LOAD_REFUSED, &ATTACH_REFUSED, &MAP, &RING, &RECEIVER, &CANARY, &PROGRAMS];
