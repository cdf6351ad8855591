// The one program at the end of every system call: looks the number up and leaves, or jumps to the handler.
#include "garrison.h"

SEC("tp_btf/sys_exit")
int BPF_PROG(dispatch, struct pt_regs *regs, long result)
{
	u64 number = call_number(regs);
	u32 key = number;
	if (number >= 512)
		return 0;
	u16 *entry = bpf_map_lookup_elem(&calls, &key);
	if (!entry || !*entry)
		return 0;
	u32 call = *entry;
	call = call_is_compat() ? call >> 8 : call & 255;
	if (call)
		bpf_tail_call(ctx, &handlers, call);
	return 0;
}
