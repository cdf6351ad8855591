// What a task is: credentials, namespaces, process ids, files, control groups.
#ifndef GARRISON_TASK_H
#define GARRISON_TASK_H

static __always_inline struct task_struct *current_task(void)
{
	return (struct task_struct *)bpf_get_current_task();
}

static __always_inline u64 task_start(struct task_struct *task)
{
	return BPF_CORE_READ(task, group_leader, start_boottime);
}

static __always_inline u64 current_start(void)
{
	if (HAS_TYPED_CURRENT) {
		struct task_struct *task = bpf_get_current_task_btf();
		return task->group_leader->start_boottime;
	}
	return task_start(current_task());
}

// Number of a pid in the innermost namespace that it lives in.
static __always_inline u32 pid_inner(struct pid *pid, struct pid_namespace **space)
{
	struct upid upid = {};
	u32 level = BPF_CORE_READ(pid, level);
	if (level > 32)
		return 0;
	bpf_probe_read_kernel(&upid, sizeof(upid),
			      (char *)pid + bpf_core_field_offset(struct pid, numbers) + level * sizeof(struct upid));
	if (space)
		*space = upid.ns;
	return upid.nr;
}

static __always_inline u32 task_session(struct task_struct *task)
{
	struct pid *session = BPF_CORE_READ(task, signal, pids[3]);
	return session ? BPF_CORE_READ(session, numbers[0].nr) : 0;
}

// The file behind a descriptor of the task, 0 when there is none.
static __always_inline struct file *task_file(struct task_struct *task, int fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;
	if (fd < 0 || (u32)fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return file;
}

// kernfs node of the control group that attributes containers: v1 memory (or pids) on hybrid hosts, else v2.
static __always_inline u64 task_cgroup_node(struct task_struct *task, bool *legacy)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup *unified = BPF_CORE_READ(set, dfl_cgrp);
	struct cgroup_subsys_state *state = NULL;
	u32 number = 0;
	*legacy = false;
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		number = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	else if (bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		number = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
	else
		return (u64)BPF_CORE_READ(unified, kn);
	bpf_probe_read_kernel(&state, sizeof(state),
			      (char *)set + bpf_core_field_offset(struct css_set, subsys) + number * 8);
	struct cgroup *group = BPF_CORE_READ(state, cgroup);
	if (group && BPF_CORE_READ(group, root) != BPF_CORE_READ(unified, root)) {
		*legacy = true;
		return (u64)BPF_CORE_READ(group, kn);
	}
	return (u64)BPF_CORE_READ(unified, kn);
}

#endif
