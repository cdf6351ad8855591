// Samples: the headers of one packet in N, with the verdict on it.
#ifndef SCRUB_SAMPLE_H
#define SCRUB_SAMPLE_H

#include "parse.h"

// Whether it is this packet's turn. Count and source are mixed with secret factors, so that nobody can send what is never
// sampled; a call for a random number would cost more than all the rest of it.
static __always_inline bool sampled(const struct settings *s, __u64 count, __u64 hash)
{
	__u64 mixed = (count ^ hash) * s->key[1];
	mixed = (mixed ^ mixed >> 32) * s->key[0];
	return (__u32)(mixed >> 32) < s->sample_below;
}

static __always_inline void take_sample(struct xdp_md *ctx, const struct packet *p, __u32 slot, __u32 reason)
{
	struct sample *sample = bpf_ringbuf_reserve(&samples, sizeof(*sample), 0);
	if (!sample) {
		__u32 zero = 0;
		__u64 *lost = bpf_map_lookup_elem(&unsampled, &zero);
		if (lost)
			(*lost)++;
		return;
	}
	void *at = (void *)(long)ctx->data + p->network;
	__u32 held = between(at, (void *)(long)ctx->data_end);
	if (held > p->length)
		held = p->length; // no padding of Ethernet
	if (held > SAMPLE_BYTES)
		held = SAMPLE_BYTES;
	sample->at = bpf_ktime_get_ns();
	sample->slot = slot;
	sample->length = p->length;
	sample->reason = reason;
	sample->captured = 0;
	if (held >= 1 && held <= SAMPLE_BYTES && !bpf_xdp_load_bytes(ctx, p->network, sample->header, held))
		sample->captured = held;
	// User space looks once a second; no packet wakes it.
	bpf_ringbuf_submit(sample, BPF_RB_NO_WAKEUP);
}

#endif
