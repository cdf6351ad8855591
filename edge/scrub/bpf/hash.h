// Hashes of a source, and marks that are found by them.
#ifndef SCRUB_HASH_H
#define SCRUB_HASH_H

#include "parse.h"

// Multiplications with secret random factors and a fold between them: which sources share a place cannot be computed from
// outside, and every bit from the 16th on is fit for use.
static __always_inline __u64 mixed(const struct settings *s, __u64 sum)
{
	return (sum ^ sum >> 32) * s->key[1];
}

static __always_inline __u64 hash_source(const struct settings *s, const struct packet *p)
{
	if (!p->six)
		return mixed(s, (__u64)p->source[0] * s->key[0] + s->key[2]);
	__u64 high = (__u64)p->source[0] << 32 | p->source[1], low = (__u64)p->source[2] << 32 | p->source[3];
	return mixed(s, (high ^ high >> 29) * s->key[0] + (low ^ low >> 31) * s->key[1] + s->key[2]);
}

// Of its /24 or /64.
static __always_inline __u64 hash_net(const struct settings *s, const struct packet *p)
{
	if (!p->six)
		return mixed(s, (__u64)(p->source[0] & bpf_htonl(0xffffff00)) * s->key[0] + s->key[2]);
	__u64 high = (__u64)p->source[0] << 32 | p->source[1];
	return mixed(s, (high ^ high >> 29) * s->key[0] + s->key[2]);
}

// Bit of a source in so many marks of 64: which word, which bit.
static __always_inline __u64 *marks_of(void *marks, __u64 hash, __u32 bits)
{
	__u32 word = hash >> (64 - bits);
	return bpf_map_lookup_elem(marks, &word);
}

static __always_inline __u64 mark_of(__u64 hash, __u32 bits)
{
	return 1ull << (hash >> (58 - bits) & 63);
}

static __always_inline bool marked(void *marks, __u64 hash, __u32 bits)
{
	__u64 *word = marks_of(marks, hash, bits);
	return word && *word & mark_of(hash, bits);
}

#define MARK_BITS 14 // of the word among MARKS / 64
#define SERVICE_BITS 6

#endif
