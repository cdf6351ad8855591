// Hashes of a source, and buckets that are found by them.
#ifndef SCRUB_HASH_H
#define SCRUB_HASH_H

#include "parse.h"

// Multiply-shift with secret random factors: which sources share a bucket cannot be computed from outside. The upper
// bits are the good ones.
static __always_inline __u64 hash_source(const struct settings *s, const struct packet *p)
{
	if (!p->six)
		return (__u64)p->source[0] * s->key[0] + s->key[2];
	__u64 high = (__u64)p->source[0] << 32 | p->source[1], low = (__u64)p->source[2] << 32 | p->source[3];
	__u64 mixed = (high ^ high >> 29) * s->key[0] + (low ^ low >> 31) * s->key[1] + s->key[2];
	return (mixed ^ mixed >> 32) * s->key[0];
}

// Of its /24 or /64.
static __always_inline __u64 hash_net(const struct settings *s, const struct packet *p)
{
	if (!p->six)
		return (__u64)(p->source[0] & bpf_htonl(0xffffff00)) * s->key[1] + s->key[2];
	__u64 high = (__u64)p->source[0] << 32 | p->source[1];
	return (high ^ high >> 29) * s->key[1] + s->key[2];
}

#endif
