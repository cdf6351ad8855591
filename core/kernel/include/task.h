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

// Number of a pid at a level of namespaces, and the namespace of that level.
static __always_inline u32 pid_at(struct pid *pid, u32 level, struct pid_namespace **space)
{
	struct upid upid = {};
	if (level > 32)
		return 0;
	bpf_probe_read_kernel(&upid, sizeof(upid),
			      (char *)pid + bpf_core_field_offset(struct pid, numbers) + level * sizeof(struct upid));
	if (space)
		*space = upid.ns;
	return upid.nr;
}

// Number of a pid in the innermost namespace that it lives in.
static __always_inline u32 pid_inner(struct pid *pid, struct pid_namespace **space)
{
	return pid_at(pid, BPF_CORE_READ(pid, level), space);
}

// The task must have a type.
static __always_inline u32 task_session(struct task_struct *task)
{
	struct pid *session = task->signal->pids[3];
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

// kernfs node of the control group that attributes containers: v1 memory (or pids) on hybrid hosts, else v2. The task
// must have a type: everything here is a plain load.
static __always_inline struct kernfs_node *task_cgroup_node(struct task_struct *task, bool *legacy)
{
	struct css_set *set = task->cgroups;
	struct cgroup *unified = set->dfl_cgrp;
	u32 number = 0;
	*legacy = false;
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		number = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	else if (bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		number = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
	else
		return unified->kn;
	struct cgroup_subsys_state **states = (void *)set + bpf_core_field_offset(struct css_set, subsys) + number * 8;
	struct cgroup *group = (*states)->cgroup;
	if (group && group->root != unified->root) {
		*legacy = true;
		return group->kn;
	}
	return unified->kn;
}

#endif
