// Processes: exec, fork, exit, and signals to the process that we guard.
#include "place.h"

// Control groups whose path user space was told.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, u8);
} cgroups_told SEC(".maps");

// Whether this file may not be executed.
static __always_inline bool is_denied(struct event_settings *set, struct event_place *place)
{
	struct event_file_key key = { .inode = place->inode, .device = place->device };
	return (set->options & OPTION_DENY) && bpf_map_lookup_elem(&denied, &key);
}

static __always_inline u64 told_key(struct event_exec *record)
{
	return record->cgroup_id | (record->header.flags & EVENT_CGROUP_LEGACY ? 1ull << 63 : 0);
}

// Appends the path of the record's control group when it is new.
__noinline int append_cgroup(u64 node)
{
	struct scratch *s = scratch();
	u8 one = 1;
	if (!s)
		return 0;
	u64 key = told_key((struct event_exec *)s->record);
	if (bpf_map_lookup_elem(&cgroups_told, &key))
		return 0;
	s->walk.dentry = node;
	s->walk.position = WALK_BYTES;
	s->walk.flags = 0;
#pragma clang loop unroll(disable)
	for (int step = 0; step < 32; step++) {
		if (!walk_up_kernfs(&s->walk))
			break;
	}
	walk_finish(&s->walk);
	bpf_map_update_elem(&cgroups_told, &key, &one, BPF_ANY);
	return append_walk(s);
}

// Appends the arguments, `from` to `to` in the program's memory. What is missing of them is flagged.
__noinline int append_arguments(u64 from, u64 to)
{
	struct scratch *s = scratch();
	if (!s || !from)
		return 0;
	u64 length = to - from;
	u32 at = s->at;
	if (length > ARGUMENT_BYTES) {
		length = ARGUMENT_BYTES;
		((struct event_header *)s->record)->flags |= EVENT_ARGS_TRUNCATED;
	}
	if (at > RECORD_MASK || bpf_probe_read_user(s->record + (at & RECORD_MASK), length & (2 * ARGUMENT_BYTES - 1), (void *)from)) {
		((struct event_header *)s->record)->flags |= EVENT_ARGS_TRUNCATED;
		return 0;
	}
	s->at = at + length;
	return length;
}

// The executable's identity, by plain loads.
static __always_inline void describe_executable(struct event_place *place, struct inode *inode)
{
	__builtin_memset(place, 0, sizeof(*place));
	place->inode = inode->i_ino;
	place->device = inode->i_sb->s_dev;
	place->mode = inode->i_mode;
	place->flags = inode->i_nlink ? 0 : PLACE_UNLINKED;
}

#define NANOSECONDS 1000000000ull
#define CHANGE_QUERIED 0x80000000u // a mark of 6.13 in the nanoseconds of the time of change

// What tells whether a file's content was hashed before. The times moved twice within struct inode.
static __always_inline void fill_stamp(struct event_exec *record, struct inode *inode)
{
	record->exe_size = inode->i_size;
	if (bpf_core_field_exists(((struct inode___split_times *)0)->i_mtime_sec)) {
		struct inode___split_times *split = (void *)inode;
		record->exe_modified = split->i_mtime_sec * NANOSECONDS + split->i_mtime_nsec;
		record->exe_changed = split->i_ctime_sec * NANOSECONDS + (split->i_ctime_nsec & ~CHANGE_QUERIED);
		return;
	}
	struct timespec64 modified = {}, changed = {};
	if (bpf_core_field_exists(((struct inode___hidden_times *)0)->__i_mtime))
		bpf_core_read(&modified, sizeof(modified), &((struct inode___hidden_times *)inode)->__i_mtime);
	else if (bpf_core_field_exists(((struct inode___plain_times *)0)->i_mtime))
		bpf_core_read(&modified, sizeof(modified), &((struct inode___plain_times *)inode)->i_mtime);
	if (bpf_core_field_exists(((struct inode___hidden_times *)0)->__i_ctime))
		bpf_core_read(&changed, sizeof(changed), &((struct inode___hidden_times *)inode)->__i_ctime);
	else if (bpf_core_field_exists(((struct inode___plain_times *)0)->i_ctime))
		bpf_core_read(&changed, sizeof(changed), &((struct inode___plain_times *)inode)->i_ctime);
	record->exe_modified = modified.tv_sec * NANOSECONDS + modified.tv_nsec;
	record->exe_changed = changed.tv_sec * NANOSECONDS + changed.tv_nsec;
}

static __always_inline void fill_exec(struct event_exec *record, struct task_struct *task, struct linux_binprm *binprm)
{
	struct tty_struct *tty = task->signal->tty;
	record->parent_start = task->real_parent->group_leader->start_boottime;
	record->parent_tgid = task->real_parent->tgid;
	record->session = task_session(task);
	fill_typed_credentials(&record->credentials, task);
	record->ns_pid = fill_typed_namespaces(&record->namespaces, task);
	fill_stamp(record, binprm->file->f_inode);
	bpf_get_current_comm(record->comm, sizeof(record->comm));
	if (tty)
		bpf_core_read_str(record->tty, sizeof(record->tty), &tty->name);
	if (BPF_CORE_READ_BITFIELD(binprm, secureexec))
		record->header.flags |= EVENT_ELEVATED;
	if (binprm->filename != binprm->interp)
		record->header.flags |= EVENT_SCRIPT;
}

// The texts, in the order of the tail.
static __always_inline void append_exec(struct scratch *s, struct event_exec *record, struct task_struct *task,
					struct linux_binprm *binprm)
{
	u64 mount = NUMBER(s, binprm->file->f_path.mnt);
	append_bare_path(mount, NUMBER(s, binprm->file->f_path.dentry));
	record->exe = s->place;
	__builtin_memset(&s->place, 0, sizeof(s->place));
	mount = NUMBER(s, task->fs->pwd.mnt);
	append_bare_path(mount, NUMBER(s, task->fs->pwd.dentry));
	record->cwd = s->place;
	record->filename_length = append_kernel_text(NUMBER(s, binprm->filename));
	bool legacy = false;
	struct kernfs_node *node = task_cgroup_node(task, &legacy);
	if (legacy)
		record->header.flags |= EVENT_CGROUP_LEGACY;
	record->cgroup_id = node->id;
	record->cgroup_length = append_cgroup(NUMBER(s, node));
	record->arguments_length = append_arguments(task->mm->arg_start, task->mm->arg_end);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_pid, struct linux_binprm *binprm)
{
	struct event_settings *set = current_settings();
	struct scratch *s = scratch();
	if (!set || !s)
		return 0;
	s->compat = 0;
	bool known = begin(set, KIND_EXEC, sizeof(struct event_exec), CALL_NONE, 0);
	if (!known && !(set->options & OPTION_DENY))
		return 0;
	struct event_exec *record = (void *)s->record;
	__builtin_memset(&record->parent_start, 0, sizeof(*record) - sizeof(record->header));
	describe_executable(&s->place, binprm->file->f_inode);
	bool deny = is_denied(set, &s->place);
	if (deny)
		bpf_send_signal(9);
	if (!known)
		return 0;
	fill_exec(record, task, binprm);
	if (deny)
		record->header.flags |= EVENT_DENIED;
	append_exec(s, record, task, binprm);
	if (!send_record(s, set, KIND_EXEC) && record->cgroup_length) {
		u64 key = told_key(record);
		bpf_map_delete_elem(&cgroups_told, &key);
	}
	return 0;
}

#define CLONE_NEWNS 0x00020000
#define CLONE_NEWCGROUP 0x02000000
#define CLONE_NEWUTS 0x04000000
#define CLONE_NEWIPC 0x08000000
#define CLONE_NEWUSER 0x10000000
#define CLONE_NEWPID 0x20000000
#define CLONE_NEWNET 0x40000000

// Which namespaces the child does not share with its parent, as the flags of clone that ask for them.
static __always_inline u64 moved_namespaces(struct task_struct *parent, struct task_struct *child)
{
	struct nsproxy *from = parent->nsproxy;
	struct nsproxy *to = child->nsproxy;
	u64 flags = 0;
	if (parent->cred->user_ns != child->cred->user_ns)
		flags |= CLONE_NEWUSER;
	if (parent->thread_pid->level != child->thread_pid->level)
		flags |= CLONE_NEWPID;
	if (from == to)
		return flags;
	if (from->mnt_ns != to->mnt_ns)
		flags |= CLONE_NEWNS;
	if (from->net_ns != to->net_ns)
		flags |= CLONE_NEWNET;
	if (from->uts_ns != to->uts_ns)
		flags |= CLONE_NEWUTS;
	if (from->ipc_ns != to->ipc_ns)
		flags |= CLONE_NEWIPC;
	if (bpf_core_field_exists(from->cgroup_ns) && from->cgroup_ns != to->cgroup_ns)
		flags |= CLONE_NEWCGROUP;
	return flags;
}

static __always_inline void report_clone(struct event_settings *set, struct task_struct *child, u64 flags)
{
	if (!(set->kinds & (1ull << KIND_NAMESPACE)))
		return;
	RESERVE(struct event_namespace, record, KIND_NAMESPACE, return)
	fill_header(&record->header, KIND_NAMESPACE, sizeof(*record), CALL_CLONE, BPF_CORE_READ(child, tgid));
	record->clone_flags = flags;
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
	u64 moved = moved_namespaces(parent, child);
	if (moved) {
		record->header.flags |= EVENT_NEW_NAMESPACES;
		fill_namespaces(&record->namespaces, child);
	}
	submit_record(record, set, KIND_FORK);
	if (moved)
		report_clone(set, child, moved);
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
