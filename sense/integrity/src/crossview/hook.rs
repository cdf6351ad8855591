//! Hooked system calls: functions of the kernel that lists of files, processes and sockets pass through, and into which
//! something has put itself (`enabled_functions` of the function tracer, Documentation/trace/ftrace.rst).

use super::{Check, Finding, unseen};
use base::Result;

/// See the module.
pub const CHECK: Check = Check { name: "hooked-calls", look };

const PLACES: [&str; 2] = ["/sys/kernel/tracing/enabled_functions", "/sys/kernel/debug/tracing/enabled_functions"];
/// Functions that rootkits hook to hide; beginnings, behind the architecture's prefix.
const TARGETS: &[&str] = &[
    "sys_getdents",
    "sys_kill",
    "sys_read",
    "sys_openat",
    "sys_execve",
    "sys_delete_module",
    "sys_init_module",
    "sys_finit_module",
    "tcp4_seq_show",
    "tcp6_seq_show",
    "udp4_seq_show",
    "udp6_seq_show",
    "tpacket_rcv",
    "packet_rcv",
    "filldir",
    "proc_readdir",
    "iterate_dir",
    "audit_log_start",
    "random_read",
    "find_task_by_vpid",
];
const PREFIXES: &[&str] = &["__x64_", "__ia32_", "__arm64_", "__do_", "__se_"];

fn look() -> Result<Vec<Finding>> {
    let text = PLACES.iter().find_map(|path| std::fs::read_to_string(path).ok());
    let text = text.ok_or_else(|| unseen(PLACES[0], "not readable: no function tracer, or locked down"))?;
    Ok(text.lines().filter_map(hooked).collect())
}

/// `function (1) R I M  tramp: … ->callback`: `I` changes where the function returns to, `M` was ever modified.
fn hooked(line: &str) -> Option<Finding> {
    let (function, rest) = line.split_once(' ')?;
    let bare = PREFIXES.iter().find_map(|prefix| function.strip_prefix(prefix)).unwrap_or(function);
    let target = TARGETS.iter().any(|target| bare.starts_with(target));
    // Programs of BPF are another check's matter, and live patches say so by their taint.
    let known = ["bpf_trampoline", "bpf_", "klp_"].iter().any(|word| rest.contains(word));
    let redirects = rest.split_whitespace().any(|word| word == "I");
    (target && !known).then(|| Finding {
        key: function.to_owned(),
        name: "hooked-call",
        score: if redirects { 85 } else { 50 },
        details: vec![("function", function.to_owned()), ("hook", rest.trim().to_owned())],
        ..Finding::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirected_call_is_found_and_a_traced_one_weighs_less() {
        let score = |line: &str| hooked(line).map(|found| found.score);
        assert_eq!(score("__x64_sys_getdents64 (1) R I     \ttramp: 0xffff (fh_ftrace_thunk+0x0/0x40) ->x"), Some(85));
        assert_eq!(score("tcp4_seq_show (1)            \ttramp: 0xffff (kprobe_ftrace_handler)"), Some(50));
        assert_eq!(score("__x64_sys_execve (1) R I D \tdirect: bpf_trampoline_6442"), None);
        assert_eq!(score("vfs_read (1) R I"), None);
    }
}
