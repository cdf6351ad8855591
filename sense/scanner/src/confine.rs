//! Gives up every right that looking at bytes does not need, before the first hostile byte is read.
//!
//! Files come in as open descriptors, answers go out over the socket that is there: no file is opened, nothing is
//! executed, nobody is called. What may be called is a list; anything else is refused with `EPERM`, so that a library
//! which asks for more goes on without it.

use base::{Fault, Result};
use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};
use scan::fault;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::collections::BTreeMap;

/// Memory for data, bytes: rules, one file, archives within archives.
const DATA_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// Descriptors: the three of the start, the socket, the file.
const DESCRIPTORS: u64 = 32;
/// Lowest nice value that is still allowed later: 20 minus this.
const NICE: u64 = 15;

/// Confines this process. Called while it has one thread.
///
/// # Errors
/// [`fault::CONFINE`]: it must not go on.
pub fn confine() -> Result<()> {
    let refused = |call: &str, cause: &dyn std::fmt::Display| Fault::new(&fault::CONFINE).object(call).because(cause);
    // A scanner that outlives the agent would have nobody to tell.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(|cause| refused("prctl", &cause))?;
    limit(Resource::Data, DATA_BYTES)?;
    limit(Resource::Nofile, DESCRIPTORS)?;
    // No image of what it looked at is left on the disk, and none is written to it.
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Nice, NICE)?;
    let nobody = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, nobody).map_err(|cause| refused("capset", &cause))?;
    rustix::thread::set_no_new_privs(true).map_err(|cause| refused("prctl", &cause))?;
    for filter in filters()? {
        seccompiler::apply_filter(&filter).map_err(|cause| refused("seccomp", &cause))?;
    }
    Ok(())
}

/// How nice it is to the rest of the host: files that someone waits for go before the walk, neither before the host's
/// own work.
pub fn niceness(urgent: bool) {
    // Where it is not allowed, it stays as it is.
    let _ = rustix::process::setpriority_process(None, if urgent { 5 } else { 19 });
}

fn limit(resource: Resource, most: u64) -> Result<()> {
    // What was lower already stays; more than the hard limit is not ours to ask for.
    let most = rustix::process::getrlimit(resource).maximum.map_or(most, |hard| hard.min(most));
    let limit = Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(resource, limit)
        .map_err(|cause| Fault::new(&fault::CONFINE).object(format!("limit {resource:?}")).because(cause))
}

/// What may be called: memory, the descriptors that are open, threads of its own, time.
const ALLOWED: &[i64] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_lseek,
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_getrusage,
    libc::SYS_setpriority,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// The list, and apart from it the one call that is answered as if the kernel did not know it: `clone3` hides its flags
/// in memory, and libraries fall back to `clone`, whose flags can be looked at.
fn filters() -> Result<[BpfProgram; 2]> {
    let refused = |cause: &dyn std::fmt::Display| Fault::new(&fault::CONFINE).object("seccomp").because(cause);
    let arch = std::env::consts::ARCH.try_into().map_err(|cause: seccompiler::BackendError| refused(&cause))?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    let thread = libc::CLONE_THREAD as u64;
    let condition = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(thread), thread);
    let rule = condition.and_then(|condition| SeccompRule::new(vec![condition])).map_err(|cause| refused(&cause))?;
    rules.insert(libc::SYS_clone, vec![rule]);
    rules.insert(libc::SYS_clone3, Vec::new());
    let list = SeccompFilter::new(rules, SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow, arch);
    let unknown = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let unknown = SeccompFilter::new(unknown, SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS as u32), arch);
    let program = |filter: std::result::Result<SeccompFilter, seccompiler::BackendError>| {
        filter.and_then(BpfProgram::try_from).map_err(|cause| refused(&cause))
    };
    // The list allows no further filter: it comes last.
    Ok([program(unknown)?, program(list)?])
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_filters_are_programs() {
        assert!(super::filters().unwrap().iter().all(|program| program.len() > 3));
    }
}
