// Paths of files and control groups, walked from the leaf to the top and written from the end of a buffer backwards.
//
// The state of a walk lives in map memory and not in registers, so that the verifier sees the same state in every
// round and a plain bounded loop loads on 5.10 as well as on 6.18 (bpf_loop is not needed). Functions that walk are
// global (`__noinline`, numbers only as arguments), so that the verifier checks each of them once.
#ifndef GARRISON_WALK_H
#define GARRISON_WALK_H

#define WALK_BYTES 4096
#define WALK_STEPS 100
#define WALK_NAME 256

struct walk {
	u64 dentry;
	u64 mount; // struct mount, 0 for none
	u64 root;  // dentry at which this mount begins
	u32 position; // the text is text[position .. WALK_BYTES)
	u32 flags;
	char text[WALK_BYTES + WALK_NAME];
	char name[WALK_NAME];
};

#define WALK_TRUNCATED 1
#define WALK_DETACHED 4

// What a dentry says about itself; d_parent, d_name and d_inode follow each other in every kernel since 3.x, and the
// three offsets are compared at load time before one read replaces two.
struct walk_step {
	u64 parent;
	u32 hash;
	u32 length;
	u64 name;
};

static __always_inline void walk_read_step(struct walk_step *step, struct dentry *dentry)
{
	if (bpf_core_field_offset(struct dentry, d_name) == bpf_core_field_offset(struct dentry, d_parent) + 8) {
		bpf_probe_read_kernel(step, sizeof(*step), (char *)dentry + bpf_core_field_offset(struct dentry, d_parent));
	} else {
		step->parent = (u64)BPF_CORE_READ(dentry, d_parent);
		step->length = BPF_CORE_READ(dentry, d_name.len);
		step->name = (u64)BPF_CORE_READ(dentry, d_name.name);
	}
}

// Puts `length` bytes of kernel memory, after a slash, in front of the text.
static __always_inline bool walk_put(struct walk *walk, u64 name, u32 length)
{
	u32 position = walk->position;
	if (length >= WALK_NAME || position < length + 1 || position > WALK_BYTES) {
		walk->flags |= WALK_TRUNCATED;
		return false;
	}
	position -= length;
	bpf_probe_read_kernel(walk->text + (position & (WALK_BYTES - 1)), length & (WALK_NAME - 1), (void *)name);
	position -= 1;
	walk->text[position & (WALK_BYTES - 1)] = '/';
	walk->position = position;
	return true;
}

static __always_inline void walk_begin(struct walk *walk, u64 vfsmount, u64 dentry)
{
	u64 mount = vfsmount ? vfsmount - bpf_core_field_offset(struct mount, mnt) : 0;
	walk->dentry = dentry;
	walk->mount = mount;
	walk->root = mount ? (u64)BPF_CORE_READ((struct mount *)mount, mnt.mnt_root) : 0;
	walk->position = WALK_BYTES;
	walk->flags = 0;
}

// One step up. Returns whether there is a further one.
static __always_inline bool walk_up(struct walk *walk)
{
	struct dentry *dentry = (void *)walk->dentry;
	struct walk_step step = {};
	if (walk->dentry == walk->root) {
		struct mount *mount = (void *)walk->mount;
		u64 parent = (u64)BPF_CORE_READ(mount, mnt_parent);
		if (parent == walk->mount || !parent) {
			u64 space = (u64)BPF_CORE_READ(mount, mnt_ns);
			if (!space || space > (u64)-4096)
				walk->flags |= WALK_DETACHED;
			return false;
		}
		walk->dentry = (u64)BPF_CORE_READ(mount, mnt_mountpoint);
		walk->mount = parent;
		walk->root = (u64)BPF_CORE_READ((struct mount *)parent, mnt.mnt_root);
		return true;
	}
	walk_read_step(&step, dentry);
	if (step.parent == walk->dentry || !step.parent) {
		// A file that never lay in a directory (memfd): its own name is all there is.
		walk->flags |= WALK_DETACHED;
		if (walk->position == WALK_BYTES && step.length > 1)
			walk_put(walk, step.name, step.length);
		return false;
	}
	if (!walk_put(walk, step.name, step.length))
		return false;
	walk->dentry = step.parent;
	return true;
}

static __always_inline void walk_finish(struct walk *walk)
{
	if (walk->position == WALK_BYTES) {
		walk->position = WALK_BYTES - 1;
		walk->text[WALK_BYTES - 1] = '/';
	}
}

static __always_inline u64 kernfs_parent(u64 node)
{
	if (bpf_core_field_exists(((struct kernfs_node___renamed *)0)->__parent))
		return (u64)BPF_CORE_READ((struct kernfs_node___renamed *)node, __parent);
	return (u64)BPF_CORE_READ((struct kernfs_node *)node, parent);
}

// One step up from a kernfs node held in walk->dentry.
static __always_inline bool walk_up_kernfs(struct walk *walk)
{
	u64 node = walk->dentry;
	u64 parent = kernfs_parent(node);
	if (!parent)
		return false;
	long length = bpf_probe_read_kernel_str(walk->name, WALK_NAME, BPF_CORE_READ((struct kernfs_node *)node, name));
	if (length < 1 || !walk_put(walk, (u64)walk->name, (u32)length - 1))
		return false;
	walk->dentry = parent;
	return true;
}

#endif
