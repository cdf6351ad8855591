// Where a packet goes and what is known of its source: protected prefixes, allowed and denied prefixes, bans, sources
// that have shown where they live.
#ifndef SCRUB_LISTS_H
#define SCRUB_LISTS_H

#include "parse.h"

static __always_inline struct place *place_of(const struct packet *p)
{
	if (p->six) {
		struct net6 net = { .bits = 128 };
		__builtin_memcpy(net.address, p->destination, 16);
		return bpf_map_lookup_elem(&places6, &net);
	}
	struct net4 net = { .bits = 32, .address = p->destination[0] };
	return bpf_map_lookup_elem(&places4, &net);
}

// 0 denied, 1 allowed, NULL: nothing is said.
static __always_inline __u32 *listed(const struct packet *p)
{
	if (p->six) {
		struct net6 net = { .bits = 128 };
		__builtin_memcpy(net.address, p->source, 16);
		return bpf_map_lookup_elem(&sources6, &net);
	}
	struct net4 net = { .bits = 32, .address = p->source[0] };
	return bpf_map_lookup_elem(&sources4, &net);
}

static __always_inline bool banned(const struct packet *p, __u64 now)
{
	struct ban *ban;
	if (p->six)
		ban = bpf_map_lookup_elem(&bans6, p->source);
	else
		ban = bpf_map_lookup_elem(&bans4, p->source);
	return ban && now < ban->until;
}

static __always_inline bool confirmed(const struct packet *p, __u64 now)
{
	__u64 *until;
	if (p->six)
		until = bpf_map_lookup_elem(&confirmed6, p->source);
	else
		until = bpf_map_lookup_elem(&confirmed4, p->source);
	return until && now < *until;
}

static __always_inline void confirm(const struct settings *s, const struct packet *p, __u64 now)
{
	__u64 until = now + s->confirmed_for;
	if (p->six)
		bpf_map_update_elem(&confirmed6, p->source, &until, BPF_ANY);
	else
		bpf_map_update_elem(&confirmed4, p->source, &until, BPF_ANY);
}

// Whether a resolver or time server of ours speaks.
static __always_inline bool serves_us(const struct packet *p)
{
	struct service service = { .port = p->source_port };
	__builtin_memcpy(service.address, p->source, 16);
	return bpf_map_lookup_elem(&services, &service) != NULL;
}

#endif
