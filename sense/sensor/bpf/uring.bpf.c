// Operations submitted to an io_uring: they pass no system call of their own. One of the programs below fits a kernel:
// the tracepoint was renamed and its arguments changed; the wrong one does not load.
#include "place.h"

#define OP_ACCEPT 13
#define OP_CONNECT 16
#define OP_OPENAT 18
#define OP_OPENAT2 28
#define OP_RENAMEAT 35
#define OP_UNLINKAT 36
#define OP_MKDIRAT 37
#define OP_SYMLINKAT 38
#define OP_LINKAT 39
#define OP_SOCKET 45
#define OP_BIND 56
#define OP_LISTEN 57
#define SETUP_SQPOLL 2

// Operations that do what a watched system call does. Reads, writes and polls would be too many.
static __always_inline bool is_watched(u32 opcode)
{
	switch (opcode) {
	case OP_ACCEPT:
	case OP_CONNECT:
	case OP_OPENAT:
	case OP_OPENAT2:
	case OP_RENAMEAT:
	case OP_UNLINKAT:
	case OP_MKDIRAT:
	case OP_SYMLINKAT:
	case OP_LINKAT:
	case OP_SOCKET:
	case OP_BIND:
	case OP_LISTEN:
		return true;
	}
	return false;
}

// Every operation that names a file begins with the same three fields: file, directory, and (somewhere) the name.
static __always_inline void append_named(struct scratch *s, u32 opcode, u64 request)
{
	struct filename *name = NULL;
	int directory = 0;
	if (opcode == OP_OPENAT || opcode == OP_OPENAT2) {
		struct io_open *open = (void *)request;
		name = BPF_CORE_READ(open, filename);
		directory = BPF_CORE_READ(open, dfd);
	} else if (opcode == OP_UNLINKAT) {
		struct io_unlink *unlink = (void *)request;
		if (!bpf_core_type_exists(struct io_unlink))
			return;
		name = BPF_CORE_READ(unlink, filename);
		directory = BPF_CORE_READ(unlink, dfd);
	} else if (opcode == OP_RENAMEAT) {
		struct io_rename *rename = (void *)request;
		if (!bpf_core_type_exists(struct io_rename))
			return;
		name = BPF_CORE_READ(rename, oldpath);
		directory = BPF_CORE_READ(rename, old_dfd);
	}
	if (name)
		append_kernel_name(directory, (u64)BPF_CORE_READ(name, name));
}

static __always_inline int report_request(u64 request, u32 opcode, u64 user_data, bool polled)
{
	struct event_settings *set = current_settings();
	struct scratch *s = scratch();
	if (!is_watched(opcode) || !set || !s)
		return 0;
	s->compat = 0;
	if (!begin(set, KIND_IO_URING, sizeof(struct event_io_uring), CALL_NONE, 0))
		return 0;
	struct event_io_uring *record = (void *)s->record;
	__builtin_memset(&record->opcode, 0, sizeof(*record) - sizeof(record->header));
	record->opcode = opcode;
	record->fd = -1;
	record->user_data = user_data;
	if (polled)
		record->header.flags |= EVENT_POLLED;
	if (request) {
		__builtin_memset(&s->place, 0, sizeof(s->place));
		append_named(s, opcode, request);
		record->file = s->place;
	}
	send_record(s, set, KIND_IO_URING);
	return 0;
}

static __always_inline int report_io(struct io_kiocb *request)
{
	u32 flags = BPF_CORE_READ(request, ctx, flags);
	u64 mark = bpf_core_field_exists(request->cqe) ? BPF_CORE_READ(request, cqe.user_data) : 0;
	return report_request((u64)request, BPF_CORE_READ(request, opcode), mark, flags & SETUP_SQPOLL);
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(uring_request, struct io_kiocb *request)
{
	return request->opcode == 255 ? 0 : report_io(request);
}

// 5.19 to 6.2. The direct read makes the verifier refuse it where the first argument is no request.
SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(uring_entry, struct io_kiocb *request)
{
	return request->opcode == 255 ? 0 : report_io(request);
}

// 5.15 to 5.18: context, request, opcode, mark, flags, ...
SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(uring_entry_middle, void *context, void *request, u8 opcode, u64 user_data, u32 flags, bool nonblocking,
	     bool polled)
{
	// The seventh argument makes the verifier refuse it on older kernels, which have five.
	return report_request((u64)request, opcode, user_data, polled);
}

// Before: context, opcode, mark, whether it may not block, whether a kernel thread submits.
SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(uring_entry_old, void *context, u8 opcode, u64 user_data, bool nonblocking, bool polled)
{
	return report_request(0, opcode, user_data, polled);
}
