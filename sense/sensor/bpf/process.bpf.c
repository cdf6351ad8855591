// Processes: exec, fork, exit, and signals to the process that we guard.
#include "place.h"

// Whether this file may not be executed.
static __always_inline bool is_denied(struct event_settings *set, struct event_place *place)
{
	struct event_file_key key = { .inode = place->inode, .device = place->device };
	return (set->options & OPTION_DENY) && bpf_map_lookup_elem(&denied, &key);
}

__noinline int append_cgroup(u64 address)
{
	struct scratch *s = scratch();
	bool legacy = false;
	if (!s)
		return 0;
	s->walk.dentry = task_cgroup_node((struct task_struct *)address, &legacy);
	s->walk.position = WALK_BYTES;
	s->walk.flags = 0;
	if (legacy)
		((struct event_header *)s->record)->flags |= EVENT_CGROUP_LEGACY;
#pragma clang loop unroll(disable)
	for (int step = 0; step < 32; step++) {
		if (!walk_up_kernfs(&s->walk))
			break;
	}
	walk_finish(&s->walk);
	return append_walk(s);
}

__noinline int append_arguments(u64 address)
{
	struct scratch *s = scratch();
	struct mm_struct *mm = BPF_CORE_READ((struct task_struct *)address, mm);
	if (!s || !mm)
		return 0;
	u64 from = BPF_CORE_READ(mm, arg_start);
	u64 length = BPF_CORE_READ(mm, arg_end) - from;
	u32 at = s->at;
	if (length > ARGUMENT_BYTES) {
		length = ARGUMENT_BYTES;
		((struct event_header *)s->record)->flags |= EVENT_ARGS_TRUNCATED;
	}
	if (at > RECORD_MASK)
		return 0;
	if (bpf_probe_read_user(s->record + (at & RECORD_MASK), length & (2 * ARGUMENT_BYTES - 1), (void *)from)) {
		((struct event_header *)s->record)->flags |= EVENT_NAME_UNREADABLE;
		return 0;
	}
	s->at = at + length;
	return length;
}

static __always_inline void fill_exec(struct event_exec *record, struct task_struct *task, struct linux_binprm *binprm)
{
	struct tty_struct *tty = task->signal->tty;
	record->parent_start = task->real_parent->group_leader->start_boottime;
	record->parent_tgid = task->real_parent->tgid;
	record->cgroup_id = bpf_get_current_cgroup_id();
	record->session = task_session(task);
	record->ns_pid = pid_inner(task->thread_pid, NULL);
	fill_typed_credentials(&record->credentials, task);
	fill_typed_namespaces(&record->namespaces, task);
	bpf_get_current_comm(record->comm, sizeof(record->comm));
	if (tty)
		bpf_core_read_str(record->tty, sizeof(record->tty), &tty->name);
	if (BPF_CORE_READ_BITFIELD_PROBED(binprm, secureexec))
		record->header.flags |= EVENT_ELEVATED;
	if (binprm->filename != binprm->interp)
		record->header.flags |= EVENT_SCRIPT;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_pid, struct linux_binprm *binprm)
{
	struct event_settings *set = current_settings();
	struct scratch *s = scratch();
	if (!set || !s)
		return 0;
	s->compat = 0;
	s->task = (u64)task;
	bool known = begin(set, KIND_EXEC, sizeof(struct event_exec), CALL_NONE, 0);
	if (!known && !(set->options & OPTION_DENY))
		return 0;
	struct event_exec *record = (void *)s->record;
	__builtin_memset(&record->parent_start, 0, sizeof(*record) - sizeof(record->header));
	describe_inode((u64)BPF_CORE_READ(binprm, file, f_inode)); // a number, as global functions want
	bool deny = is_denied(set, &s->place);
	if (deny)
		bpf_send_signal(9);
	if (!known)
		return 0;
	fill_exec(record, task, binprm);
	if (deny)
		record->header.flags |= EVENT_DENIED;
	append_path((u64)BPF_CORE_READ(binprm, file, f_path.mnt), (u64)BPF_CORE_READ(binprm, file, f_path.dentry));
	record->exe = s->place;
	append_working_directory(s->task);
	record->cwd = s->place;
	record->filename_length = append_kernel_text((u64)BPF_CORE_READ(binprm, filename));
	record->cgroup_length = append_cgroup(s->task);
	record->arguments_length = append_arguments(s->task);
	send_record(s, set, KIND_EXEC);
	return 0;
}

// The child's namespaces when they are not the parent's.
static __always_inline bool namespaces_differ(struct task_struct *parent, struct task_struct *child)
{
	return parent->nsproxy != child->nsproxy || parent->cred->user_ns != child->cred->user_ns ||
	       parent->thread_pid->level != child->thread_pid->level;
}

static __always_inline void report_clone(struct event_settings *set, struct task_struct *child)
{
	if (!(set->kinds & (1ull << KIND_NAMESPACE)))
		return;
	RESERVE(struct event_namespace, record, KIND_NAMESPACE, return)
	fill_header(&record->header, KIND_NAMESPACE, sizeof(*record), CALL_CLONE, BPF_CORE_READ(child, tgid));
	fill_namespaces(&record->after, child);
	submit_record(record, set, KIND_NAMESPACE);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	struct event_settings *set = current_settings();
	u32 tgid = child->tgid;
	if (!set || child->pid != tgid)
		return 0;
	if (set->options & OPTION_SCOPE_TREE) {
		u32 own = bpf_get_current_pid_tgid() >> 32;
		u8 one = 1;
		if (bpf_map_lookup_elem(&scope, &own))
			bpf_map_update_elem(&scope, &tgid, &one, BPF_ANY);
	}
	if (!wanted(set, KIND_FORK))
		return 0;
	RESERVE(struct event_fork, record, KIND_FORK, return 0)
	fill_header(&record->header, KIND_FORK, sizeof(*record), CALL_NONE, 0);
	record->child_start = child->start_boottime;
	record->child_parent_start = child->real_parent->group_leader->start_boottime;
	record->child_tgid = tgid;
	record->child_parent_tgid = child->real_parent->tgid;
	record->child_ns_pid = pid_inner(child->thread_pid, NULL);
	bool differ = namespaces_differ(parent, child);
	if (differ) {
		record->header.flags |= EVENT_NEW_NAMESPACES;
		fill_namespaces(&record->namespaces, child);
	}
	submit_record(record, set, KIND_FORK);
	if (differ)
		report_clone(set, child);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	struct event_settings *set = current_settings();
	if (!set || task->signal->live.counter != 0)
		return 0;
	bool known = wanted(set, KIND_EXIT);
	if (set->options & OPTION_SCOPE_TREE) {
		u32 tgid = BPF_CORE_READ(task, tgid);
		bpf_map_delete_elem(&scope, &tgid);
	}
	if (!known)
		return 0;
	RESERVE(struct event_exit, record, KIND_EXIT, return 0)
	u32 status = task->exit_code;
	fill_header(&record->header, KIND_EXIT, sizeof(*record), CALL_NONE, 0);
	record->code = status >> 8 & 255;
	record->signal = status & 127;
	submit_record(record, set, KIND_EXIT);
	return 0;
}

SEC("tp_btf/signal_generate")
int BPF_PROG(signal_generate, int number, struct kernel_siginfo *info, struct task_struct *task)
{
	struct event_settings *set = current_settings();
	if (!set || !set->guarded_tgid || task->tgid != set->guarded_tgid)
		return 0;
	if (!wanted(set, KIND_SIGNAL))
		return 0;
	RESERVE(struct event_signal, record, KIND_SIGNAL, return 0)
	fill_header(&record->header, KIND_SIGNAL, sizeof(*record), CALL_NONE, 0);
	record->signal = number;
	record->target_tgid = task->tgid;
	if ((u64)info > 2) // SEND_SIG_NOINFO, SEND_SIG_PRIV
		record->code = BPF_CORE_READ(info, si_code);
	submit_record(record, set, KIND_SIGNAL);
	return 0;
}
