// The system: mounts, other processes' memory, executable memory, credentials, namespaces, modules, bpf.
#include "place.h"

// First only what the registers say, for most of these calls are of no interest ...
#define ARGUMENTS                                               \
	struct scratch *s = scratch();                          \
	if (!s)                                                 \
		return 0;                                       \
	u32 call = enter_call(s, regs);                         \
	struct call_arguments *arguments = &s->arguments;

// ... then the filters and the record.
#define RECORD(type, kind)                                                                     \
	struct event_settings *set = current_settings();                                       \
	if (!set || !begin(set, kind, sizeof(type), call, result))                             \
		return 0;                                                                      \
	type *record = (void *)s->record;                                                      \
	__builtin_memset((char *)record + sizeof(struct event_header), 0,                      \
			 sizeof(type) - sizeof(struct event_header));

SEC("tp_btf/sys_exit")
int BPF_PROG(system_mount, struct pt_regs *regs, long result)
{
	if (result < 0)
		return 0;
	ARGUMENTS
	RECORD(struct event_mount, KIND_MOUNT)
	if (call == CALL_UMOUNT) {
		record->removed = 1;
		record->mount_flags = arguments->at[1];
		append_user_name(AT_FDCWD, arguments->at[0]);
		record->target = s->place;
	} else if (call == CALL_MOUNT_SETATTR) {
		append_user_name(arguments->at[0], arguments->at[1]);
		record->target = s->place;
		bpf_probe_read_user(&record->mount_flags, sizeof(record->mount_flags), (void *)arguments->at[3]); // attributes set
	} else if (call == CALL_MOVE_MOUNT) {
		append_user_name(arguments->at[0], arguments->at[1]);
		record->source = s->place;
		append_user_name(arguments->at[2], arguments->at[3]);
		record->target = s->place;
	} else {
		__builtin_memset(&s->place, 0, sizeof(s->place));
		s->place.name_length = append_user_text(arguments->at[0]);
		record->source = s->place;
		append_user_name(AT_FDCWD, arguments->at[1]);
		record->target = s->place;
		record->type_length = append_user_text(arguments->at[2]);
		record->mount_flags = arguments->at[3];
	}
	send_record(s, set, KIND_MOUNT);
	return 0;
}

// Requests that take another process over or change it; the many that only look are left out.
static __always_inline bool is_strong_request(u64 request)
{
	switch (request) {
	case 0:      // TRACEME
	case 4:      // POKETEXT
	case 5:      // POKEDATA
	case 6:      // POKEUSR
	case 13:     // SETREGS
	case 15:     // SETFPREGS
	case 16:     // ATTACH
	case 0x4205: // SETREGSET
	case 0x4206: // SEIZE
		return true;
	}
	return false;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(system_access, struct pt_regs *regs, long result)
{
	ARGUMENTS
	if (call == CALL_PTRACE && !is_strong_request(arguments->at[0]))
		return 0;
	RECORD(struct event_access, KIND_ACCESS)
	struct task_struct *task = current_task();
	if (call == CALL_PTRACE) {
		record->request = arguments->at[0];
		record->target_given = arguments->at[1];
		record->address = arguments->at[2];
	} else {
		record->target_given = arguments->at[0];
	}
	// A number means the same to us and to the caller only in the initial namespace.
	if (BPF_CORE_READ(task, thread_pid, level) == 0)
		record->target_tgid = record->target_given;
	if (call == CALL_PTRACE && record->request == 0) {
		record->target_tgid = record->header.tgid; // TRACEME: traced by the parent from now on
		record->target_start = record->header.start;
	}
	send_record(s, set, KIND_ACCESS);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(system_memory, struct pt_regs *regs, long result)
{
	ARGUMENTS
	if (call != CALL_MEMFD_CREATE && (result < 0 || !(arguments->at[2] & 4))) // PROT_EXEC
		return 0;
	if (call == CALL_MMAP && !(arguments->at[3] & 0x20)) // MAP_ANONYMOUS
		return 0;
	RECORD(struct event_memory, KIND_MEMORY)
	if (call == CALL_MEMFD_CREATE) {
		record->flags = arguments->at[1];
		record->name_length = append_user_text(arguments->at[0]);
	} else {
		record->address = arguments->at[0];
		record->length = arguments->at[1];
		record->flags = arguments->at[2];
	}
	send_record(s, set, KIND_MEMORY);
	return 0;
}

// prctl options that change what a process may do; names, timers and death signals are left out.
static __always_inline bool is_strong_option(u64 option)
{
	switch (option) {
	case 4:          // SET_DUMPABLE
	case 8:          // SET_KEEPCAPS
	case 22:         // SET_SECCOMP
	case 24:         // CAPBSET_DROP
	case 28:         // SET_SECUREBITS
	case 35:         // SET_MM
	case 38:         // SET_NO_NEW_PRIVS
	case 47:         // CAP_AMBIENT
	case 0x59616d61: // SET_PTRACER
		return true;
	}
	return false;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(system_privilege, struct pt_regs *regs, long result)
{
	ARGUMENTS
	if (call == CALL_PRCTL && !is_strong_option(arguments->at[0]))
		return 0;
	RECORD(struct event_privilege, KIND_PRIVILEGE)
	record->arguments[0] = arguments->at[0];
	record->arguments[1] = arguments->at[1];
	record->arguments[2] = arguments->at[2];
	fill_credentials(&record->after, current_task());
	send_record(s, set, KIND_PRIVILEGE);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(system_namespace, struct pt_regs *regs, long result)
{
	ARGUMENTS
	RECORD(struct event_namespace, KIND_NAMESPACE)
	if (call == CALL_UNSHARE)
		record->clone_flags = arguments->at[0];
	else if (call == CALL_SETNS)
		record->clone_flags = arguments->at[1];
	else
		append_user_name(AT_FDCWD, arguments->at[0]), record->root = s->place;
	fill_namespaces(&record->after, current_task());
	send_record(s, set, KIND_NAMESPACE);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(system_module, struct pt_regs *regs, long result)
{
	ARGUMENTS
	RECORD(struct event_module, KIND_MODULE)
	if (call == CALL_FINIT_MODULE) {
		append_descriptor(arguments->at[0]);
		record->file = s->place;
	} else if (call == CALL_DELETE_MODULE) {
		__builtin_memset(&s->place, 0, sizeof(s->place));
		s->place.name_length = append_user_text(arguments->at[0]);
		record->file = s->place;
	}
	send_record(s, set, KIND_MODULE);
	return 0;
}

// Commands that make, attach, pin or take hold of programs and maps. Reading and writing of elements is left out.
static __always_inline bool is_strong_command(u64 command)
{
	return command == 0 || (command >= 5 && command <= 10) || command == 13 || command == 14 || command == 17 ||
	       (command >= 28 && command <= 30) || command == 34 || command == 35;
}

// Type and name of a loaded program or made map, from the kernel's own object behind the new descriptor.
static __always_inline void fill_object(struct event_bpf *record, u32 command, int fd)
{
	struct file *file = task_file(current_task(), fd);
	void *object = file ? BPF_CORE_READ(file, private_data) : NULL;
	if (!object)
		return;
	if (command == 5) {
		struct bpf_prog *program = object;
		record->program_type = BPF_CORE_READ(program, type);
		record->attach_type = BPF_CORE_READ(program, expected_attach_type);
		record->object_id = BPF_CORE_READ(program, aux, id);
		bpf_probe_read_kernel_str(record->name, 16, BPF_CORE_READ(program, aux)->name);
	} else {
		struct bpf_map *map = object;
		record->program_type = BPF_CORE_READ(map, map_type);
		record->object_id = BPF_CORE_READ(map, id);
		bpf_probe_read_kernel_str(record->name, 16, map->name);
	}
}

SEC("tp_btf/sys_exit")
int BPF_PROG(system_bpf, struct pt_regs *regs, long result)
{
	ARGUMENTS
	u64 command = arguments->at[0];
	if (!is_strong_command(command))
		return 0;
	RECORD(struct event_bpf, KIND_BPF)
	record->command = command;
	if (result >= 0 && (command == 5 || command == 0)) {
		fill_object(record, command, result);
	} else if (command == 5) {
		bpf_probe_read_user(&record->program_type, 4, (void *)arguments->at[1]);
		bpf_probe_read_user_str(record->name, 16, (void *)(arguments->at[1] + 48));
	}
	send_record(s, set, KIND_BPF);
	return 0;
}
