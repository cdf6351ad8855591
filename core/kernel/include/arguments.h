// Arguments of a system call as they lie in the saved registers, native and 32-bit.
#ifndef GARRISON_ARGUMENTS_H
#define GARRISON_ARGUMENTS_H

// Whether the kernel hands out the current task with its type, so that its fields are read by plain loads. The verifier
// sees a constant and skips the other branch.
#define HAS_TYPED_CURRENT bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)

struct call_arguments {
	u64 at[6];
};

#if defined(__TARGET_ARCH_x86)
#define TS_COMPAT 2 // thread_info.status: this system call came through the 32-bit table

static __always_inline u64 call_number(struct pt_regs *regs)
{
	return regs->orig_ax & ~0x40000000ull; // without the mark of the x32 table
}

// Asked at the end of many calls, so it must be cheap: one load where the kernel gives the task a type.
static __always_inline bool call_is_compat(void)
{
	if (HAS_TYPED_CURRENT) {
		struct task_struct *task = bpf_get_current_task_btf();
		return task->thread_info.status & TS_COMPAT;
	}
	return BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), thread_info.status) & TS_COMPAT;
}

static __always_inline void read_arguments(struct call_arguments *arguments, struct pt_regs *regs, bool compat)
{
	if (compat) {
		arguments->at[0] = (u32)regs->bx;
		arguments->at[1] = (u32)regs->cx;
		arguments->at[2] = (u32)regs->dx;
		arguments->at[3] = (u32)regs->si;
		arguments->at[4] = (u32)regs->di;
		arguments->at[5] = (u32)regs->bp;
	} else {
		arguments->at[0] = regs->di;
		arguments->at[1] = regs->si;
		arguments->at[2] = regs->dx;
		arguments->at[3] = regs->r10;
		arguments->at[4] = regs->r8;
		arguments->at[5] = regs->r9;
	}
}
#elif defined(__TARGET_ARCH_arm64)
static __always_inline u64 call_number(struct pt_regs *regs)
{
	return (u32)regs->syscallno;
}

static __always_inline bool call_is_compat(void)
{
	return false;
}

static __always_inline void read_arguments(struct call_arguments *arguments, struct pt_regs *regs, bool compat)
{
	arguments->at[0] = regs->orig_x0;
	arguments->at[1] = regs->regs[1];
	arguments->at[2] = regs->regs[2];
	arguments->at[3] = regs->regs[3];
	arguments->at[4] = regs->regs[4];
	arguments->at[5] = regs->regs[5];
}
#endif

#endif
