// Records of the ring: a fixed head per kind, then a tail of texts in the order that each head declares.
//
// The Rust twins are in src/raw.rs; tests/it.rs compares both field by field through the BTF of the compiled objects.
// All numbers are in the byte order of the machine. Times are nanoseconds of CLOCK_BOOTTIME. Process ids are those of
// the initial pid namespace. Every head is a multiple of 8 bytes and has no hidden padding.
#ifndef GARRISON_EVENT_H
#define GARRISON_EVENT_H

enum event_kind {
	KIND_NONE = 0,
	KIND_EXEC = 1,
	KIND_FORK = 2,
	KIND_EXIT = 3,
	KIND_FILE = 4,
	KIND_MOUNT = 5,
	KIND_NET = 6,
	KIND_DNS = 7,
	KIND_ACCESS = 8,
	KIND_MEMORY = 9,
	KIND_PRIVILEGE = 10,
	KIND_NAMESPACE = 11,
	KIND_MODULE = 12,
	KIND_BPF = 13,
	KIND_IO_URING = 14,
	KIND_SIGNAL = 15,
	KIND_COUNT = 16,
};

// Which system call (or other door) a record came through. The same on every processor.
enum event_call {
	CALL_NONE = 0,
	CALL_OPEN = 1,
	CALL_OPENAT = 2,
	CALL_OPENAT2 = 3,
	CALL_CREAT = 4,
	CALL_RENAME = 5,
	CALL_RENAMEAT = 6,
	CALL_RENAMEAT2 = 7,
	CALL_UNLINK = 8,
	CALL_UNLINKAT = 9,
	CALL_RMDIR = 10,
	CALL_MKDIR = 11,
	CALL_MKDIRAT = 12,
	CALL_LINK = 13,
	CALL_LINKAT = 14,
	CALL_SYMLINK = 15,
	CALL_SYMLINKAT = 16,
	CALL_MKNOD = 17,
	CALL_MKNODAT = 18,
	CALL_CHMOD = 19,
	CALL_FCHMOD = 20,
	CALL_FCHMODAT = 21,
	CALL_FCHMODAT2 = 22,
	CALL_CHOWN = 23,
	CALL_LCHOWN = 24,
	CALL_FCHOWN = 25,
	CALL_FCHOWNAT = 26,
	CALL_TRUNCATE = 27,
	CALL_FTRUNCATE = 28,
	CALL_SETXATTR = 29,
	CALL_LSETXATTR = 30,
	CALL_FSETXATTR = 31,
	CALL_MOUNT = 32,
	CALL_UMOUNT = 33,
	CALL_MOVE_MOUNT = 34,
	CALL_CONNECT = 35,
	CALL_ACCEPT = 36,
	CALL_BIND = 37,
	CALL_LISTEN = 38,
	CALL_PTRACE = 39,
	CALL_PROCESS_VM_READV = 40,
	CALL_PROCESS_VM_WRITEV = 41,
	CALL_MEMFD_CREATE = 42,
	CALL_MPROTECT = 43,
	CALL_MMAP = 44,
	CALL_SETUID = 45,
	CALL_SETGID = 46,
	CALL_SETREUID = 47,
	CALL_SETREGID = 48,
	CALL_SETRESUID = 49,
	CALL_SETRESGID = 50,
	CALL_SETFSUID = 51,
	CALL_SETFSGID = 52,
	CALL_SETGROUPS = 53,
	CALL_CAPSET = 54,
	CALL_PRCTL = 55,
	CALL_SETNS = 56,
	CALL_UNSHARE = 57,
	CALL_CLONE = 58,
	CALL_PIVOT_ROOT = 59,
	CALL_CHROOT = 60,
	CALL_INIT_MODULE = 61,
	CALL_FINIT_MODULE = 62,
	CALL_DELETE_MODULE = 63,
	CALL_BPF = 64,
	CALL_SEND = 65,
	CALL_OPEN_BY_HANDLE_AT = 66,
	CALL_SOCKETCALL = 67, // never in a record: it becomes the call that it carries
	CALL_SETXATTRAT = 68,
	CALL_MOUNT_SETATTR = 69,
	CALL_COUNT = 70,
};

// Which kind of hook delivered the record; the canary reads it.
enum event_hook {
	HOOK_NONE = 0,
	HOOK_TRACEPOINT = 1,
	HOOK_LSM_SLEEPABLE = 2,
	HOOK_LSM = 3,
	HOOK_MODIFY_RETURN = 4,
};

// Bits of event_header.flags.
#define EVENT_ARGS_TRUNCATED 1 // exec: more argument bytes than fit
#define EVENT_ELEVATED 2       // exec: credentials rose (set-user-id, file capabilities)
#define EVENT_SCRIPT 4         // exec: `filename` is a script, exe is its interpreter
#define EVENT_DENIED 8         // exec: refused or killed at once by a deny rule
#define EVENT_NEW_NAMESPACES 16 // fork: the child is in other namespaces than the parent
#define EVENT_POLLED 32        // io_uring: a kernel thread submits (SQPOLL)
#define EVENT_COMPAT 64        // made through the 32-bit system call table
#define EVENT_NAME_UNREADABLE 128 // a name given by the program could not be read any more
#define EVENT_CGROUP_LEGACY 256 // exec: the cgroup path is of a v1 hierarchy (memory, else pids)
#define EVENT_RECEIVED 512     // dns: came from the network, so the process named has nothing to do with it

// Bits of event_place.flags.
#define PLACE_TRUNCATED 1 // deeper or longer than the walk goes; the text is the end of the path
#define PLACE_UNLINKED 2  // the file has no name in any directory (deleted, memfd)
#define PLACE_DETACHED 4  // the walk ended at a mount outside the namespace tree (memfd, pipes, detached mounts)

// A file: identity, then in the tail `path_length` bytes of absolute path resolved by the kernel, then `name_length`
// bytes of a name as the program gave it, relative to that path (or absolute). Either may be empty.
struct event_place {
	__u64 inode;
	__u32 device; // kernel encoding: major << 20 | minor
	__u32 mode;   // type and permission bits of the inode
	__u16 path_length;
	__u16 name_length;
	__u16 flags;
	__u16 reserved;
};

struct event_header {
	__u32 size; // of the whole record with its tail
	__u16 kind;
	__u16 flags;
	__u64 time;  // CLOCK_BOOTTIME, ns
	__u64 start; // of the process (group leader), CLOCK_BOOTTIME, ns
	__u32 tgid;
	__u32 tid;
	__s32 result; // of the system call; 0 where there is none
	__u16 call;
	__u16 hook;
};

struct event_credentials {
	__u32 uid;
	__u32 gid;
	__u32 euid;
	__u32 egid;
	__u32 suid;
	__u32 fsuid;
	__u32 loginuid;
	__u32 reserved;
	__u64 effective;
	__u64 permitted;
	__u64 inheritable;
};

struct event_namespaces {
	__u32 mnt;
	__u32 pid;
	__u32 net;
	__u32 user;
	__u32 uts;
	__u32 ipc;
	__u32 cgroup;
	__u32 reserved;
};

// Tail: exe, cwd, filename, cgroup, arguments (each ended by a zero byte). The cgroup path is left out when the group
// of this id was told before.
struct event_exec {
	struct event_header header;
	__u64 parent_start;
	__u64 cgroup_id; // of the group that attributes containers, unique together with EVENT_CGROUP_LEGACY
	__u64 exe_size;
	__u64 exe_modified; // ns since 1970, as stat shows it
	__u64 exe_changed;
	struct event_credentials credentials;
	struct event_namespaces namespaces;
	struct event_place exe;
	struct event_place cwd;
	__u32 parent_tgid;
	__u32 session;
	__u32 ns_pid;
	__u16 filename_length;
	__u16 cgroup_length;
	__u16 arguments_length;
	__u16 reserved;
	__u32 reserved2;
	char comm[16];
	char tty[16];
};

struct event_fork {
	struct event_header header; // the parent
	__u64 child_start;
	__u64 child_parent_start; // the child's parent: differs from the header with CLONE_PARENT
	__u32 child_tgid;
	__u32 child_parent_tgid;
	__u32 child_ns_pid;
	__u32 reserved;
	struct event_namespaces namespaces; // of the child, only with EVENT_NEW_NAMESPACES
};

struct event_exit {
	struct event_header header;
	__u32 code;
	__u32 signal;
};

enum event_file_op {
	FILE_CREATE = 1,
	FILE_OPEN_WRITE = 2,
	FILE_OPEN_READ = 3,
	FILE_RENAME = 4,
	FILE_UNLINK = 5,
	FILE_LINK = 6,
	FILE_SYMLINK = 7,
	FILE_CHMOD = 8,
	FILE_CHOWN = 9,
	FILE_MKDIR = 10,
	FILE_RMDIR = 11,
	FILE_TRUNCATE = 12,
	FILE_SETXATTR = 13,
};

// Tail: file, target. For rename and link `file` is the old name and `target` the new one; for symlink `file` is the
// link and `target` its content (a name without a path). For setxattr `target` is the attribute's name.
struct event_file {
	struct event_header header;
	__u32 op;
	__u32 open_flags;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 reserved;
	struct event_place file;
	struct event_place target;
};

// Tail: source, target, file system type.
struct event_mount {
	struct event_header header;
	__u64 mount_flags;
	struct event_place source; // name only
	struct event_place target;
	__u16 type_length;
	__u16 removed; // 1 for umount
	__u32 reserved;
};

enum event_net_op {
	NET_CONNECT = 1,
	NET_ACCEPT = 2,
	NET_LISTEN = 3,
	NET_BIND = 4,
	NET_SEND = 5,
};

struct event_net {
	struct event_header header;
	__u32 op;
	__u16 family; // 2 or 10
	__u16 protocol;
	__u8 local[16]; // network order; the first 4 bytes for family 2
	__u8 remote[16];
	__u16 local_port; // machine order
	__u16 remote_port;
	__u32 socket_type;
};

// Tail: the payload of the datagram, at most 512 bytes.
struct event_dns {
	struct event_header header;
	__u16 family;
	__u16 local_port;
	__u16 remote_port;
	__u16 payload_length;
	__u8 local[16];
	__u8 remote[16];
};

struct event_access {
	struct event_header header;
	__u64 request; // ptrace
	__u64 address;
	__u64 target_start; // 0 when the target was not found
	__u32 target_tgid;  // initial namespace, 0 when not found
	__u32 target_given; // as given to the call
};

// Tail: name.
struct event_memory {
	struct event_header header;
	__u64 address;
	__u64 length;
	__u32 flags; // of memfd_create, or the protection asked for
	__u16 name_length;
	__u16 reserved;
};

struct event_privilege {
	struct event_header header;
	__u64 arguments[3];
	struct event_credentials after;
};

// Tail: the new root for chroot and pivot_root.
struct event_namespace {
	struct event_header header;
	__u64 clone_flags;
	struct event_namespaces after;
	struct event_place root;
};

// Tail: the file (finit_module), or a name (delete_module, and init_module where the kernel tells it).
struct event_module {
	struct event_header header;
	struct event_place file;
};

struct event_bpf {
	struct event_header header;
	__u32 command;
	__u32 program_type;
	__u32 attach_type;
	__u32 object_id;
	char name[16];
};

// Tail: file.
struct event_io_uring {
	struct event_header header;
	__u32 opcode;
	__s32 fd;
	__u64 user_data;
	struct event_place file;
};

struct event_signal {
	struct event_header header; // the sender
	__u32 signal;
	__u32 target_tgid;
	__s32 code;
	__u32 reserved;
};

// One row of the counters, per kind and per processor.
struct event_counter {
	__u64 produced;
	__u64 lost;
	__u64 filtered;
};

// A process of our own: only its execs are reported. A process that took its pid later has another start.
#define OWN_PROCESSES 4
#define TICK_NS 10000000 // of /proc/PID/stat
struct event_own {
	__u64 ticks; // start since boot
	__u32 tgid;  // ~0 for none
	__u32 reserved;
};

// How the programs behave; one entry, changed at run time by user space.
struct event_settings {
	__u64 kinds;        // bit per event_kind
	__u64 urgent;       // bit per event_kind: wake the reader at once
	__u64 wake_bytes;   // wake the reader when so many bytes wait
	__u64 bulk_bytes;   // with more bytes waiting, kinds that come in floods are dropped, so that others find room
	__u64 scope_cgroup; // only this v2 cgroup, 0 for all
	struct event_own own[OWN_PROCESSES];
	__u32 guarded_tgid; // signals to it are reported
	__u32 options;
	__u32 prefixes; // number of ignored path prefixes
	__u32 reserved;
};

// How reader and programs agree on waking up; mapped into the reader's memory.
struct event_bell {
	__u32 waiting; // set by the reader before it sleeps, cleared by the program that wakes it
	__u32 urgent;  // set by programs with an urgent record, cleared by the reader
};

#define OPTION_READ_OPENS 1 // report opens for reading
#define OPTION_SCOPE_TREE 4 // only processes in the `scope` map and their children
#define OPTION_IGNORE_COMM 8 // look up the `ignored_comms` map
#define OPTION_DENY 16      // the `denied` map is not empty

// Key of the `ignored_prefixes` trie: bits, then the front of a path.
#define PREFIX_BYTES 64
struct event_prefix {
	__u32 bits;
	char text[PREFIX_BYTES];
};

// Key of the `denied` map.
struct event_file_key {
	__u64 inode;
	__u64 device;
};

#define ARGUMENT_BYTES 8192
#define PATH_BYTES 4096
#define NAME_BYTES 4096
#define CGROUP_BYTES 1024
#define DNS_BYTES 512

#endif
