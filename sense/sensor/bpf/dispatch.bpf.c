// The one program at the end of every system call: looks the number up and leaves, or jumps to the handler.
#include "garrison.h"

// System call number to call: low byte native table, high byte 32-bit table. Memory of the program itself and not a
// map, because nearly every system call of the host ends here and most are none of ours.
u16 calls[512];

SEC("tp_btf/sys_exit")
int BPF_PROG(dispatch, struct pt_regs *regs, long result)
{
	u64 number = call_number(regs);
	if (number >= 512)
		return 0;
	u32 call = calls[number];
	if (!call)
		return 0;
	bool compat = call_is_compat();
	call = compat ? call >> 8 : call & 255;
	if (!call)
		return 0;
	struct scratch *s = scratch();
	if (!s)
		return 0;
	s->call = call;
	s->compat = compat;
	bpf_tail_call(ctx, &handlers, call);
	return 0;
}
