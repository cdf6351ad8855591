// What all program groups share: the maps, the filters at the start of a record and its way into the ring.
//
// Every object declares the maps below; user space creates them with the first object and lends them to the others.
#ifndef GARRISON_H
#define GARRISON_H

#include "kernel_types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include "arguments.h"
#include "walk.h"
#include "task.h"
#include "event.h"

char LICENSE[] SEC("license") = "GPL";

#define RECORD_BYTES 32768
#define RECORD_MASK 16383 // where an append may begin: less than RECORD_BYTES minus the longest text

// Memory of one processor. Programs that use it run in process context with preemption off; those that may run inside
// an interrupt (signals, packets) or sleep (lsm.s) must not.
struct scratch {
	struct walk walk;
	struct call_arguments arguments;
	struct event_place place;
	u64 number; // see NUMBER
	u32 at;
	u32 call; // of the system call that ends, set by the dispatcher
	u32 compat;
	u32 reserved;
	char prefix_space[8];
	char record[RECORD_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct event_settings);
} settings SEC(".maps");

// One entry a processor: larger than a per-CPU map allows. User space sets the size.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, KIND_COUNT);
	__type(key, u32);
	__type(value, struct event_counter);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct event_bell);
} bell SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 128);
	__type(key, u32);
	__type(value, u32);
} handlers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct event_prefix);
	__type(value, u8);
} ignored_prefixes SEC(".maps");

struct comm_key {
	char text[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct comm_key);
	__type(value, u8);
} ignored_comms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, u8);
} scope SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct event_file_key);
	__type(value, u8);
} denied SEC(".maps");

static __always_inline struct scratch *scratch(void)
{
	u32 cpu = bpf_get_smp_processor_id();
	return bpf_map_lookup_elem(&scratches, &cpu);
}

static __always_inline struct event_settings *current_settings(void)
{
	u32 zero = 0;
	return bpf_map_lookup_elem(&settings, &zero);
}

static __always_inline struct event_counter *counter_of(u32 kind)
{
	return bpf_map_lookup_elem(&counters, &kind);
}

static __always_inline void count_filtered(u32 kind)
{
	struct event_counter *counter = counter_of(kind);
	if (counter)
		__sync_fetch_and_add(&counter->filtered, 1); // an interrupt on this processor may count as well
}

// A pointer as the number that global functions want: the verifier forgets its type on the way through memory.
#define NUMBER(scratch, pointer)                                   \
	({                                                         \
		*(volatile u64 *)&(scratch)->number = (u64)(pointer); \
		*(volatile u64 *)&(scratch)->number;               \
	})

// Kinds that come in floods. They give way to the others in a ring that runs full.
#define BULK_KINDS (1ull << KIND_FILE | 1ull << KIND_NET | 1ull << KIND_DNS | 1ull << KIND_IO_URING)
// Kinds that the names of programs filter. Not the others: ancestry needs execs, forks and exits, and a name is easily
// taken on by a program that reaches for more.
#define COMM_KINDS (BULK_KINDS | 1ull << KIND_MEMORY | 1ull << KIND_MOUNT)

static __always_inline bool is_own(struct event_settings *set, u32 tgid)
{
#pragma clang loop unroll(full)
	for (int at = 0; at < OWN_PROCESSES; at++) {
		if (set->own[at].tgid == tgid)
			return set->own[at].ticks == current_start() / TICK_NS;
	}
	return false;
}

// Whether the current process may be reported at all under this kind. An exec in a process of ours is no work of ours.
static __always_inline bool wanted(struct event_settings *set, u32 kind)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	if (!(set->kinds & (1ull << kind)) || (kind != KIND_EXEC && is_own(set, tgid)))
		return false;
	if (set->options & OPTION_SCOPE_TREE) {
		if (!bpf_map_lookup_elem(&scope, &tgid))
			return false;
	}
	if (set->scope_cgroup && bpf_get_current_cgroup_id() != set->scope_cgroup)
		return false;
	if (COMM_KINDS & (1ull << kind) && set->options & OPTION_IGNORE_COMM) {
		struct comm_key key = {};
		bpf_get_current_comm(&key, sizeof(key));
		if (bpf_map_lookup_elem(&ignored_comms, &key)) {
			count_filtered(kind);
			return false;
		}
	}
	return true;
}

static __always_inline void fill_header(struct event_header *header, u32 kind, u32 size, u32 call, int result)
{
	u64 ids = bpf_get_current_pid_tgid();
	header->size = size;
	header->kind = kind;
	header->flags = 0;
	header->time = bpf_ktime_get_boot_ns();
	header->start = current_start();
	header->tgid = ids >> 32;
	header->tid = (u32)ids;
	header->result = result;
	header->call = call;
	header->hook = HOOK_TRACEPOINT;
}

// Wakes the reader at most once for each time that it went to sleep: every wake-up is an interrupt and a switch.
static __always_inline u64 wake_flags(struct event_settings *set, u32 kind)
{
	u32 zero = 0;
	struct event_bell *at = bpf_map_lookup_elem(&bell, &zero);
	bool urgent = set->urgent & (1ull << kind);
	if (!at)
		return BPF_RB_FORCE_WAKEUP;
	if (urgent)
		at->urgent = 1;
	if (!at->waiting)
		return BPF_RB_NO_WAKEUP;
	if (!urgent && bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) < set->wake_bytes)
		return BPF_RB_NO_WAKEUP;
	at->waiting = 0;
	return BPF_RB_FORCE_WAKEUP;
}

static __always_inline void count_result(u32 kind, bool lost)
{
	struct event_counter *counter = counter_of(kind);
	if (!counter)
		return;
	if (lost)
		__sync_fetch_and_add(&counter->lost, 1);
	else
		__sync_fetch_and_add(&counter->produced, 1);
}

// Whether the ring has room for this kind; else the record is counted as lost.
static __always_inline bool has_room(struct event_settings *set, u32 kind)
{
	if (!(BULK_KINDS & (1ull << kind)) || bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) <= set->bulk_bytes)
		return true;
	count_result(kind, true);
	return false;
}

// Sends the record that was put together in the scratch memory; false when it was lost.
static __always_inline bool send_record(struct scratch *s, struct event_settings *set, u32 kind)
{
	struct event_header *header = (void *)s->record;
	u32 size = s->at;
	if (size > RECORD_BYTES - 1 || !has_room(set, kind))
		return false;
	header->size = size;
	long failed = bpf_ringbuf_output(&ring, s->record, size & (RECORD_BYTES - 1), wake_flags(set, kind));
	count_result(kind, failed);
	return !failed;
}

// For records of fixed size: `name` points into the ring, or the function is left with `leave` (counted as lost).
// The pointer is asked once only: older verifiers forget that it is not null.
#define RESERVE(type, name, kind, leave)                                           \
	type *name = bpf_ringbuf_reserve(&ring, sizeof(type), 0);                  \
	if (!name) {                                                               \
		count_result(kind, true);                                          \
		leave;                                                             \
	}                                                                          \
	__builtin_memset(name, 0, sizeof(type));

// Sends a reserved record.
static __always_inline void submit_record(void *record, struct event_settings *set, u32 kind)
{
	count_result(kind, false);
	bpf_ringbuf_submit(record, wake_flags(set, kind));
}

static __always_inline void fill_capabilities(struct event_credentials *out, const struct cred *cred)
{
	// The three follow each other in every kernel; compared at load time before one read replaces three.
	u64 sets[3] = {};
	if (bpf_core_field_offset(struct cred, cap_permitted) == bpf_core_field_offset(struct cred, cap_inheritable) + 8 &&
	    bpf_core_field_offset(struct cred, cap_effective) == bpf_core_field_offset(struct cred, cap_inheritable) + 16) {
		bpf_core_read(sets, sizeof(sets), &cred->cap_inheritable);
	} else {
		bpf_core_read(&sets[0], 8, &cred->cap_inheritable);
		bpf_core_read(&sets[1], 8, &cred->cap_permitted);
		bpf_core_read(&sets[2], 8, &cred->cap_effective);
	}
	out->inheritable = sets[0];
	out->permitted = sets[1];
	out->effective = sets[2];
}

static __always_inline void fill_credentials(struct event_credentials *out, struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);
	out->uid = BPF_CORE_READ(cred, uid.val);
	out->gid = BPF_CORE_READ(cred, gid.val);
	out->euid = BPF_CORE_READ(cred, euid.val);
	out->egid = BPF_CORE_READ(cred, egid.val);
	out->suid = BPF_CORE_READ(cred, suid.val);
	out->fsuid = BPF_CORE_READ(cred, fsuid.val);
	out->loginuid = bpf_core_field_exists(task->loginuid) ? BPF_CORE_READ(task, loginuid.val) : ~0u;
	fill_capabilities(out, cred);
}

// The same for a task with a type: plain loads instead of a call for each field.
static __always_inline void fill_typed_credentials(struct event_credentials *out, struct task_struct *task)
{
	const struct cred *cred = task->cred;
	out->uid = cred->uid.val;
	out->gid = cred->gid.val;
	out->euid = cred->euid.val;
	out->egid = cred->egid.val;
	out->suid = cred->suid.val;
	out->fsuid = cred->fsuid.val;
	out->loginuid = bpf_core_field_exists(task->loginuid) ? task->loginuid.val : ~0u;
	fill_capabilities(out, cred);
}

static __always_inline void fill_namespaces(struct event_namespaces *out, struct task_struct *task)
{
	struct nsproxy *proxy = BPF_CORE_READ(task, nsproxy);
	struct pid_namespace *space = NULL;
	pid_inner(BPF_CORE_READ(task, thread_pid), &space);
	out->mnt = BPF_CORE_READ(proxy, mnt_ns, ns.inum);
	out->pid = BPF_CORE_READ(space, ns.inum);
	out->net = BPF_CORE_READ(proxy, net_ns, ns.inum);
	out->user = BPF_CORE_READ(task, cred, user_ns, ns.inum);
	out->uts = BPF_CORE_READ(proxy, uts_ns, ns.inum);
	out->ipc = BPF_CORE_READ(proxy, ipc_ns, ns.inum);
	if (bpf_core_field_exists(proxy->cgroup_ns))
		out->cgroup = BPF_CORE_READ(proxy, cgroup_ns, ns.inum);
}

// The same for a task with a type. Returns its pid in its own namespace.
static __always_inline u32 fill_typed_namespaces(struct event_namespaces *out, struct task_struct *task)
{
	struct nsproxy *proxy = task->nsproxy;
	struct pid_namespace *space = NULL;
	u32 inner = pid_at(task->thread_pid, task->thread_pid->level, &space);
	out->pid = BPF_CORE_READ(space, ns.inum);
	out->user = task->cred->user_ns->ns.inum;
	out->mnt = BPF_CORE_READ(proxy->mnt_ns, ns.inum);
	out->net = proxy->net_ns->ns.inum;
	out->uts = proxy->uts_ns->ns.inum;
	out->ipc = proxy->ipc_ns->ns.inum;
	if (bpf_core_field_exists(proxy->cgroup_ns))
		out->cgroup = proxy->cgroup_ns->ns.inum;
	return inner;
}

#endif
