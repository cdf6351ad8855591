// Texts of a record: paths of files, names given by programs, appended to the scratch memory one after another.
//
// All functions here are global, so that the verifier checks each once; they find the scratch memory by themselves.
// They return 1, or 0 when nothing was appended. The place that they describe is left in `scratch.place`.
#ifndef GARRISON_PLACE_H
#define GARRISON_PLACE_H

#include "garrison.h"

#define AT_FDCWD -100

// Moves the text of a finished walk behind the record. Returns its length.
static __always_inline u32 append_walk(struct scratch *s)
{
	u32 position = s->walk.position;
	u32 at = s->at;
	u32 length = WALK_BYTES - position;
	if (position >= WALK_BYTES || at > RECORD_MASK)
		return 0;
	if (length > WALK_BYTES)
		return 0;
	bpf_probe_read_kernel(s->record + (at & RECORD_MASK), length & (2 * WALK_BYTES - 1),
			      s->walk.text + (position & (WALK_BYTES - 1)));
	s->at = at + length;
	return length;
}

// Walks from (mount, dentry) to the top; the text is left in scratch.walk.
__noinline int walk_path(u64 vfsmount, u64 dentry)
{
	struct scratch *s = scratch();
	if (!s)
		return 0;
	walk_begin(&s->walk, vfsmount, dentry);
#pragma clang loop unroll(disable)
	for (int step = 0; step < WALK_STEPS; step++) {
		if (!walk_up(&s->walk))
			goto done;
	}
	s->walk.flags |= WALK_TRUNCATED;
done:
	walk_finish(&s->walk);
	return 1;
}

// Describes the file in scratch.place, without its path.
__noinline int describe_inode(u64 address)
{
	struct scratch *s = scratch();
	struct inode *inode = (void *)address;
	if (!s)
		return 0;
	__builtin_memset(&s->place, 0, sizeof(s->place));
	if (!inode)
		return 0;
	s->place.inode = BPF_CORE_READ(inode, i_ino);
	s->place.device = BPF_CORE_READ(inode, i_sb, s_dev);
	s->place.mode = BPF_CORE_READ(inode, i_mode);
	if (!BPF_CORE_READ(inode, i_nlink))
		s->place.flags = PLACE_UNLINKED;
	return 1;
}

// Appends the path of (mount, dentry) and leaves the identity in scratch.place as it is.
__noinline int append_bare_path(u64 vfsmount, u64 dentry)
{
	struct scratch *s = scratch();
	if (!s || !dentry)
		return 0;
	walk_path(vfsmount, dentry);
	s->place.path_length = append_walk(s);
	s->place.flags |= s->walk.flags & 0xffff;
	return 1;
}

// Appends path and identity of (mount, dentry).
__noinline int append_path(u64 vfsmount, u64 dentry)
{
	if (!dentry)
		return describe_inode(0);
	describe_inode((u64)BPF_CORE_READ((struct dentry *)dentry, d_inode));
	return append_bare_path(vfsmount, dentry);
}

__noinline int append_working_directory(u64 address)
{
	struct task_struct *task = (void *)address;
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct path at = {};
	bpf_core_read(&at, sizeof(at), &fs->pwd);
	return append_bare_path((u64)at.mnt, (u64)at.dentry);
}

// Appends the file behind a descriptor of the current task.
__noinline int append_descriptor(u32 fd)
{
	struct file *file = task_file(current_task(), (int)fd);
	if (!file)
		return describe_inode(0); // nothing; what was described before must not stay
	return append_path((u64)BPF_CORE_READ(file, f_path.mnt), (u64)BPF_CORE_READ(file, f_path.dentry));
}

// Appends a text of the program's memory. Returns its length without the zero byte.
__noinline int append_user_text(u64 pointer)
{
	struct scratch *s = scratch();
	if (!s || !pointer)
		return 0;
	u32 at = s->at;
	if (at > RECORD_MASK)
		return 0;
	long length = bpf_probe_read_user_str(s->record + (at & RECORD_MASK), NAME_BYTES, (void *)pointer);
	if (length < 1) {
		((struct event_header *)s->record)->flags |= EVENT_NAME_UNREADABLE;
		return 0;
	}
	s->at = at + (u32)length - 1;
	return (int)length - 1;
}

// The same for a text of the kernel's memory.
__noinline int append_kernel_text(u64 pointer)
{
	struct scratch *s = scratch();
	if (!s || !pointer)
		return 0;
	u32 at = s->at;
	if (at > RECORD_MASK)
		return 0;
	long length = bpf_probe_read_kernel_str(s->record + (at & RECORD_MASK), NAME_BYTES, (void *)pointer);
	if (length < 1)
		return 0;
	s->at = at + (u32)length - 1;
	return (int)length - 1;
}

// Appends the directory that a name is relative to (nothing for an absolute name). `first` is the name's first byte.
static __always_inline void append_base(int directory, char first)
{
	struct scratch *s = scratch();
	if (!s)
		return;
	__builtin_memset(&s->place, 0, sizeof(s->place));
	if (first == '/')
		return;
	if (directory == AT_FDCWD)
		append_working_directory((u64)current_task());
	else
		append_descriptor(directory);
	// The identity is that of the directory, not of the file named below it.
	s->place.inode = 0;
	s->place.device = 0;
	s->place.mode = 0;
}

// Appends a name given by the program, with the directory that it is relative to.
__noinline int append_user_name(u32 directory, u64 pointer)
{
	struct scratch *s = scratch();
	char first = 0;
	if (!s)
		return 0;
	bpf_probe_read_user(&first, 1, (void *)pointer);
	append_base((int)directory, first);
	s->place.name_length = append_user_text(pointer);
	return 1;
}

// The same for a name that the kernel holds.
__noinline int append_kernel_name(u32 directory, u64 pointer)
{
	struct scratch *s = scratch();
	char first = 0;
	if (!s)
		return 0;
	bpf_probe_read_kernel(&first, 1, (void *)pointer);
	append_base((int)directory, first);
	s->place.name_length = append_kernel_text(pointer);
	return 1;
}

// Whether the path of the last walk lies below an ignored prefix.
__noinline int ignored_path(u32 kind)
{
	struct scratch *s = scratch();
	struct event_prefix key = { .bits = PREFIX_BYTES * 8 };
	if (!s)
		return 0;
	u32 position = s->walk.position;
	if (position >= WALK_BYTES)
		return 0;
	bpf_probe_read_kernel(key.text, PREFIX_BYTES, s->walk.text + (position & (WALK_BYTES - 1)));
	if (!bpf_map_lookup_elem(&ignored_prefixes, &key))
		return 0;
	count_filtered(kind);
	return 1;
}

// Begins a record of a system call in the scratch memory. NULL when it is not wanted.
static __always_inline struct scratch *begin(struct event_settings *set, u32 kind, u32 size, u32 call, int result)
{
	struct scratch *s = scratch();
	if (!s || !wanted(set, kind))
		return NULL;
	fill_header((struct event_header *)s->record, kind, size, call, result);
	if (s->compat)
		((struct event_header *)s->record)->flags |= EVENT_COMPAT;
	s->at = size;
	return s;
}

// Which call this is, with its arguments in scratch.arguments.
static __always_inline u32 enter_call(struct scratch *s, struct pt_regs *regs)
{
	read_arguments(&s->arguments, regs, s->compat);
	return s->call;
}

#endif
