// Where a packet goes and what is known of its source: protected prefixes, allowed and denied prefixes, bans, sources
// that have shown where they live.
#ifndef SCRUB_LISTS_H
#define SCRUB_LISTS_H

#include "hash.h"

static __always_inline struct place *look_up(const struct packet *p)
{
	if (p->six) {
		struct net6 net = { .bits = 128 };
		__builtin_memcpy(net.address, p->destination, 16);
		return bpf_map_lookup_elem(&places6, &net);
	}
	struct net4 net = { .bits = 32, .address = p->destination[0] };
	return bpf_map_lookup_elem(&places4, &net);
}

static __always_inline bool remembered(const struct packet *p, const struct known *k, __u32 generation)
{
	return k->generation == generation && k->address[0] == p->destination[0] && k->six == p->six &&
	       (!p->six || (k->address[1] == p->destination[1] && k->address[2] == p->destination[2] &&
			    k->address[3] == p->destination[3]));
}

static __always_inline struct place *place_of(const struct settings *s, const struct packet *p)
{
	__u32 mixed = p->destination[0] ^ p->destination[1] ^ p->destination[2] ^ p->destination[3];
	__u32 index = mixed * 0x9e3779b1u >> 24;
	struct known *k = bpf_map_lookup_elem(&known, &index);
	if (!k)
		return look_up(p);
	// Read before the tries are: what changes meanwhile is asked for again with the next packet.
	__u32 generation = *(volatile const __u32 *)&s->generation;
	if (!remembered(p, k, generation)) {
		struct place *place = look_up(p);
		__builtin_memcpy(k->address, p->destination, 16);
		k->six = p->six;
		k->found = place != NULL;
		if (place)
			k->place = *place;
		k->generation = generation;
	}
	return k->found ? &k->place : NULL;
}

static __always_inline enum says says4(const struct packet *p)
{
	__u32 source = bpf_ntohl(p->source[0]), first = source >> 24;
	struct heads *row = bpf_map_lookup_elem(&heads, &first);
	if (!row)
		return SAYS_ASK;
	__u32 says = row->head[source >> 16 & 255];
	if (says < SAYS_BLOCK)
		return says;
	__u32 number = says - SAYS_BLOCK;
	struct block *block = bpf_map_lookup_elem(&blocks, &number);
	return block ? block->says[source >> 8 & 255] : SAYS_ASK;
}

// SAYS_NOTHING, SAYS_DENY or SAYS_ALLOW.
static __always_inline enum says listed(const struct packet *p)
{
	__u32 *value;
	if (p->six) {
		struct net6 net = { .bits = 128 };
		__builtin_memcpy(net.address, p->source, 16);
		value = bpf_map_lookup_elem(&sources6, &net);
	} else {
		enum says says = says4(p);
		if (says != SAYS_ASK)
			return says;
		struct net4 net = { .bits = 32, .address = p->source[0] };
		value = bpf_map_lookup_elem(&sources4, &net);
	}
	if (!value)
		return SAYS_NOTHING;
	return *value ? SAYS_ALLOW : SAYS_DENY;
}

static __always_inline bool bucket4_has(const struct packet *p, __u32 index, __u64 now)
{
	struct bans4 *bucket = bpf_map_lookup_elem(&bans4, &index);
	if (!bucket)
		return false;
#pragma unroll
	for (int n = 0; n < WAYS; n++)
		if (bucket->address[n] == p->source[0] && now < bucket->until[n])
			return true;
	return false;
}

static __always_inline bool bucket6_has(const struct packet *p, __u32 index, __u64 now)
{
	struct bans6 *bucket = bpf_map_lookup_elem(&bans6, &index);
	if (!bucket)
		return false;
#pragma unroll
	for (int n = 0; n < WAYS; n++) {
		const __u32 *address = bucket->address[n];
		if (address[3] == p->source[3] && address[2] == p->source[2] && address[1] == p->source[1] &&
		    address[0] == p->source[0] && now < bucket->until[n])
			return true;
	}
	return false;
}

static __always_inline bool banned(const struct settings *s, const struct packet *p, __u64 hash, __u64 now)
{
	if (!marked(&ban_marks, hash, MARK_BITS))
		return false;
	__u32 first = hash >> 16 & s->ban_mask, second = hash >> 32 & s->ban_mask;
	if (p->six)
		return bucket6_has(p, first, now) || bucket6_has(p, second, now);
	return bucket4_has(p, first, now) || bucket4_has(p, second, now);
}

static __always_inline bool confirmed(const struct packet *p, __u64 hash, __u64 now)
{
	__u64 *until;
	if (!marked(&confirmed_marks, hash, MARK_BITS))
		return false;
	if (p->six)
		until = bpf_map_lookup_elem(&confirmed6, p->source);
	else
		until = bpf_map_lookup_elem(&confirmed4, p->source);
	return until && now < *until;
}

static __always_inline void confirm(const struct settings *s, const struct packet *p, __u64 now)
{
	__u64 until = now + s->confirmed_for, hash = hash_source(s, p);
	__u64 *marks = marks_of(&confirmed_marks, hash, MARK_BITS);
	if (marks)
		__sync_fetch_and_or(marks, mark_of(hash, MARK_BITS));
	if (p->six)
		bpf_map_update_elem(&confirmed6, p->source, &until, BPF_ANY);
	else
		bpf_map_update_elem(&confirmed4, p->source, &until, BPF_ANY);
}

// Whether a resolver or time server of ours speaks.
static __always_inline bool serves_us(const struct packet *p, __u64 hash)
{
	if (!marked(&service_marks, hash, SERVICE_BITS))
		return false;
	struct service service = { .port = p->source_port };
	__builtin_memcpy(service.address, p->source, 16);
	return bpf_map_lookup_elem(&services, &service) != NULL;
}

#endif
