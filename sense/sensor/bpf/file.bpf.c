// Files: what was opened is read from the descriptor that the kernel gave out; what was removed or renamed has only
// the names left that the program gave.
#include "place.h"

#define O_ACCMODE 3
#define O_CREAT 0100
#define O_TRUNC 01000
#define FMODE_WRITE 2
#define FMODE_CREATED 0x100000
#define S_IFMT 0170000
#define S_IFCHR 0020000
#define S_IFREG 0100000
#define S_IFIFO 0010000
#define S_IFSOCK 0140000

// Devices that everything writes to and that keep nothing: null, zero, full, tty, pseudo terminals.
static __always_inline bool is_dull_device(u32 device)
{
	u32 major = device >> 20;
	u32 minor = device & 0xfffff;
	return (major == 1 && (minor == 3 || minor == 5 || minor == 7)) || (major == 5 && minor == 0) ||
	       (major >= 136 && major <= 143);
}

static __always_inline bool is_dull(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	u32 type = BPF_CORE_READ(inode, i_mode) & S_IFMT;
	if (type == S_IFCHR)
		return is_dull_device(BPF_CORE_READ(inode, i_rdev));
	return type == S_IFIFO || type == S_IFSOCK || !type;
}

// Flags of an open as the registers hold them; openat2 keeps them in memory, so there the file is asked.
static __always_inline u32 asked_flags(u32 call, struct call_arguments *arguments)
{
	if (call == CALL_OPEN)
		return arguments->at[1];
	if (call == CALL_OPENAT || call == CALL_OPEN_BY_HANDLE_AT)
		return arguments->at[2];
	return O_CREAT;
}

static __always_inline u32 asked_mode(u32 call, struct call_arguments *arguments)
{
	if (call == CALL_OPEN)
		return arguments->at[2];
	if (call == CALL_OPENAT)
		return arguments->at[3];
	return call == CALL_CREAT ? arguments->at[1] : 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_open, struct pt_regs *regs, long result)
{
	// Most opens only read: they leave before anything else is looked at.
	struct scratch *s = result < 0 ? NULL : scratch();
	if (!s)
		return 0;
	u32 call = enter_call(s, regs);
	u32 flags = asked_flags(call, &s->arguments);
	struct event_settings *set = current_settings();
	if (!set)
		return 0;
	bool reads = set->options & OPTION_READ_OPENS;
	if (!reads && !(flags & (O_ACCMODE | O_CREAT | O_TRUNC)))
		return 0;
	struct file *file = task_file(current_task(), result);
	if (!file)
		return 0;
	u32 mode = BPF_CORE_READ(file, f_mode);
	u32 op = mode & FMODE_CREATED ? FILE_CREATE : mode & FMODE_WRITE ? FILE_OPEN_WRITE : FILE_OPEN_READ;
	if ((op == FILE_OPEN_READ && !reads) || is_dull(file))
		return 0;
	if (!begin(set, KIND_FILE, sizeof(struct event_file), call, result))
		return 0;
	struct event_file *record = (void *)s->record;
	__builtin_memset(&record->op, 0, sizeof(*record) - sizeof(record->header));
	record->op = op;
	record->open_flags = call == CALL_OPENAT2 || call == CALL_CREAT ? BPF_CORE_READ(file, f_flags) : flags;
	record->mode = asked_mode(call, &s->arguments);
	append_path((u64)BPF_CORE_READ(file, f_path.mnt), (u64)BPF_CORE_READ(file, f_path.dentry));
	record->file = s->place;
	if (set->prefixes && ignored_path(KIND_FILE))
		return 0;
	send_record(s, set, KIND_FILE);
	return 0;
}

// Where a call with one name keeps its arguments. -1 for none.
struct shape {
	s32 directory;
	s32 name;
	s32 mode;
	s32 flags;
	s32 owner;
	s32 attribute;
};

static __always_inline u64 argument(struct scratch *s, int at)
{
	return at < 0 ? 0 : s->arguments.at[at & 3];
}

static __always_inline u32 shape_of(u32 call, struct shape *shape)
{
	*shape = (struct shape){ -1, 0, -1, -1, -1, 1 };
	switch (call) {
	case CALL_UNLINKAT:
		*shape = (struct shape){ 0, 1, -1, 2, -1, 1 };
		return FILE_UNLINK;
	case CALL_UNLINK:
		return FILE_UNLINK;
	case CALL_RMDIR:
		return FILE_RMDIR;
	case CALL_MKDIRAT:
		*shape = (struct shape){ 0, 1, 2, -1, -1, 1 };
		return FILE_MKDIR;
	case CALL_MKDIR:
		shape->mode = 1;
		return FILE_MKDIR;
	case CALL_MKNODAT:
		*shape = (struct shape){ 0, 1, 2, -1, -1, 1 };
		return FILE_CREATE;
	case CALL_MKNOD:
		shape->mode = 1;
		return FILE_CREATE;
	case CALL_FCHMODAT2:
	case CALL_FCHMODAT:
		*shape = (struct shape){ 0, 1, 2, -1, -1, 1 };
		return FILE_CHMOD;
	case CALL_CHMOD:
		shape->mode = 1;
		return FILE_CHMOD;
	case CALL_FCHOWNAT:
		*shape = (struct shape){ 0, 1, -1, -1, 2, 1 };
		return FILE_CHOWN;
	case CALL_CHOWN:
	case CALL_LCHOWN:
		shape->owner = 1;
		return FILE_CHOWN;
	case CALL_TRUNCATE:
		return FILE_TRUNCATE;
	case CALL_SETXATTRAT:
		*shape = (struct shape){ 0, 1, -1, 2, -1, 3 };
	}
	return FILE_SETXATTR;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_name, struct pt_regs *regs, long result)
{
	struct event_settings *set = current_settings();
	struct scratch *s = scratch();
	struct shape shape;
	if (result < 0 || !set || !s)
		return 0;
	u32 call = enter_call(s, regs);
	if (!begin(set, KIND_FILE, sizeof(struct event_file), call, result))
		return 0;
	struct event_file *record = (void *)s->record;
	__builtin_memset(&record->op, 0, sizeof(*record) - sizeof(record->header));
	record->op = shape_of(call, &shape);
	record->mode = argument(s, shape.mode);
	record->open_flags = argument(s, shape.flags);
	if (record->op == FILE_UNLINK && record->open_flags & 0x200) // AT_REMOVEDIR
		record->op = FILE_RMDIR;
	if (shape.owner >= 0) {
		record->uid = argument(s, shape.owner);
		record->gid = argument(s, shape.owner + 1);
	}
	append_user_name(shape.directory < 0 ? AT_FDCWD : (u32)argument(s, shape.directory), argument(s, shape.name));
	record->file = s->place;
	if (record->op == FILE_SETXATTR) {
		__builtin_memset(&s->place, 0, sizeof(s->place));
		s->place.name_length = append_user_text(argument(s, shape.attribute));
		record->target = s->place;
	}
	// A name may climb out of its directory, so user space compares it with the ignored paths when it is folded.
	send_record(s, set, KIND_FILE);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_names, struct pt_regs *regs, long result)
{
	struct event_settings *set = current_settings();
	struct scratch *s = scratch();
	if (result < 0 || !set || !s)
		return 0;
	u32 call = enter_call(s, regs);
	if (!begin(set, KIND_FILE, sizeof(struct event_file), call, result))
		return 0;
	struct event_file *record = (void *)s->record;
	struct call_arguments *arguments = &s->arguments;
	__builtin_memset(&record->op, 0, sizeof(*record) - sizeof(record->header));
	if (call == CALL_SYMLINK || call == CALL_SYMLINKAT) {
		bool at = call == CALL_SYMLINKAT;
		record->op = FILE_SYMLINK;
		append_user_name(at ? (u32)arguments->at[1] : AT_FDCWD, at ? arguments->at[2] : arguments->at[1]);
		record->file = s->place;
		__builtin_memset(&s->place, 0, sizeof(s->place));
		s->place.name_length = append_user_text(arguments->at[0]);
		record->target = s->place;
		send_record(s, set, KIND_FILE);
		return 0;
	}
	bool plain = call == CALL_RENAME || call == CALL_LINK;
	record->op = call == CALL_LINK || call == CALL_LINKAT ? FILE_LINK : FILE_RENAME;
	record->open_flags = call == CALL_LINKAT || call == CALL_RENAMEAT2 ? arguments->at[4] : 0;
	append_user_name(plain ? AT_FDCWD : (u32)arguments->at[0], plain ? arguments->at[0] : arguments->at[1]);
	record->file = s->place;
	append_user_name(plain ? AT_FDCWD : (u32)arguments->at[2], plain ? arguments->at[1] : arguments->at[3]);
	record->target = s->place;
	send_record(s, set, KIND_FILE);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_descriptor, struct pt_regs *regs, long result)
{
	struct event_settings *set = current_settings();
	struct scratch *s = scratch();
	if (result < 0 || !set || !s)
		return 0;
	u32 call = enter_call(s, regs);
	if (!begin(set, KIND_FILE, sizeof(struct event_file), call, result))
		return 0;
	struct event_file *record = (void *)s->record;
	__builtin_memset(&record->op, 0, sizeof(*record) - sizeof(record->header));
	append_descriptor(s->arguments.at[0]);
	record->file = s->place;
	if (set->prefixes && record->file.path_length && ignored_path(KIND_FILE))
		return 0;
	if (call == CALL_FCHMOD) {
		record->op = FILE_CHMOD;
		record->mode = s->arguments.at[1];
	} else if (call == CALL_FCHOWN) {
		record->op = FILE_CHOWN;
		record->uid = s->arguments.at[1];
		record->gid = s->arguments.at[2];
	} else if (call == CALL_FTRUNCATE) {
		record->op = FILE_TRUNCATE;
	} else {
		record->op = FILE_SETXATTR;
		__builtin_memset(&s->place, 0, sizeof(s->place));
		s->place.name_length = append_user_text(s->arguments.at[1]);
		record->target = s->place;
	}
	send_record(s, set, KIND_FILE);
	return 0;
}
