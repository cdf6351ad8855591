// Refuses to execute denied files where the kernel lets a program say no. One of these is loaded at most; without any,
// process_exec kills the process before its first instruction.
#include "garrison.h"

#define EPERM 1
#define DENIED_NAME 256

struct denial {
	struct event_exec head;
	char filename[DENIED_NAME];
};

static __always_inline void report_denial(struct event_settings *set, struct event_file_key *key, struct linux_binprm *binprm,
					  u32 hook)
{
	if (!wanted(set, KIND_EXEC))
		return;
	RESERVE(struct denial, record, KIND_EXEC, return)
	fill_header(&record->head.header, KIND_EXEC, sizeof(*record), CALL_NONE, -EPERM);
	record->head.header.hook = hook;
	record->head.header.flags = EVENT_DENIED;
	struct task_struct *task = current_task();
	fill_credentials(&record->head.credentials, task);
	fill_namespaces(&record->head.namespaces, task);
	record->head.parent_tgid = BPF_CORE_READ(task, real_parent, tgid);
	record->head.parent_start = BPF_CORE_READ(task, real_parent, group_leader, start_boottime);
	record->head.ns_pid = pid_inner(BPF_CORE_READ(task, thread_pid), NULL);
	record->head.exe.inode = key->inode;
	record->head.exe.device = key->device;
	bpf_get_current_comm(record->head.comm, sizeof(record->head.comm));
	long length = bpf_probe_read_kernel_str(record->filename, DENIED_NAME, BPF_CORE_READ(binprm, filename));
	record->head.filename_length = length > 0 ? length - 1 : 0;
	submit_record(record, set, KIND_EXEC);
}

static __always_inline int judge(struct linux_binprm *binprm, u32 hook)
{
	struct event_settings *set = current_settings();
	struct inode *inode = BPF_CORE_READ(binprm, file, f_inode);
	if (!set || !(set->options & OPTION_DENY))
		return 0;
	struct event_file_key key = {
		.inode = BPF_CORE_READ(inode, i_ino),
		.device = BPF_CORE_READ(inode, i_sb, s_dev),
	};
	if (!bpf_map_lookup_elem(&denied, &key))
		return 0;
	report_denial(set, &key, binprm, hook);
	return -EPERM;
}

SEC("lsm.s/bprm_check_security")
int BPF_PROG(deny_lsm_sleepable, struct linux_binprm *binprm)
{
	return judge(binprm, HOOK_LSM_SLEEPABLE);
}

SEC("lsm/bprm_check_security")
int BPF_PROG(deny_lsm, struct linux_binprm *binprm)
{
	return judge(binprm, HOOK_LSM);
}

SEC("fmod_ret/security_bprm_check")
int BPF_PROG(deny_modify_return, struct linux_binprm *binprm, int result)
{
	return result ? result : judge(binprm, HOOK_MODIFY_RETURN);
}
