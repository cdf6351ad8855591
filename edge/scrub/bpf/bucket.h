// Rates: of a source, of its /24 or /64, of a destination.
//
// A bucket is one word, the time at which it is empty again (the generic cell rate algorithm): a packet moves it on by
// `step`, and is too much when the word is more than `window` ahead of now. One word cannot be torn; two processors
// that meet in it lose a step, never more. A fresh map is full of empty buckets.
#ifndef SCRUB_BUCKET_H
#define SCRUB_BUCKET_H

#include "hash.h"

// How far a bucket is ahead. More than a window and a step it never is by its own rate: it was filled at another rate.
static __always_inline __u64 ahead(__u64 due, __u64 now, __u64 step, __u64 window)
{
	__u64 by = due > now ? due - now : 0;
	return by > window + step ? 0 : by;
}

static __always_inline bool over(__u64 *due, __u64 now, __u64 step, __u64 window)
{
	__u64 by = ahead(*due, now, step, window);
	if (by > window)
		return true;
	*due = now + by + step;
	return false;
}

// Two rows, so that a source suffers only when its neighbours in both are loud.
static __always_inline bool source_over(const struct settings *s, __u64 hash, __u64 now)
{
	__u32 first = hash >> 48, second = SOURCE_ROW + ((hash >> 32) & (SOURCE_ROW - 1));
	__u64 *a = bpf_map_lookup_elem(&source_buckets, &first), *b = bpf_map_lookup_elem(&source_buckets, &second);
	if (!a || !b)
		return false;
	__u64 step = s->source_step, window = s->source_window;
	bool a_over = over(a, now, step, window), b_over = over(b, now, step, window);
	return a_over && b_over;
}

static __always_inline bool net_over(const struct settings *s, __u64 hash, __u64 now)
{
	__u32 index = hash >> 48;
	__u64 *due = bpf_map_lookup_elem(&net_buckets, &index);
	return due && over(due, now, s->net_step, s->net_window);
}

static __always_inline bool place_over(const struct place *place, __u64 now)
{
	__u32 slot = place->slot;
	struct place_bucket *bucket = bpf_map_lookup_elem(&place_buckets, &slot);
	return bucket && over(&bucket->all, now, place->step, place->window);
}

// A thousand a second are more than routers ever say of one destination.
static __always_inline bool sizes_over(__u32 slot, __u64 now)
{
	struct place_bucket *bucket = bpf_map_lookup_elem(&place_buckets, &slot);
	return bucket && over(&bucket->sizes, now, 1000000, 999000000);
}

static __always_inline enum reason rate_of_source(const struct settings *s, const struct packet *p, __u64 hash, __u64 now)
{
	if (s->source_step && source_over(s, hash, now))
		return SOURCE_RATE;
	if (s->net_step && net_over(s, hash_net(s, p), now))
		return NET_RATE;
	return NONE;
}

#endif
