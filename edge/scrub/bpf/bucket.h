// Rates: of a source, of its /24 or /64, of a destination.
//
// A bucket is one word, the time at which it is empty again (the generic cell rate algorithm): a packet moves it on by
// `step`, and is too much when the word is more than `window` ahead of now. One word cannot be torn; two processors
// that meet in it lose a step, never more. A fresh map is full of empty buckets.
#ifndef SCRUB_BUCKET_H
#define SCRUB_BUCKET_H

#include "hash.h"

static __always_inline bool full(__u64 due, __u64 now, __u64 window)
{
	return due > now + window;
}

static __always_inline void spend(__u64 *due, __u64 now, __u64 step)
{
	__u64 from = *due > now ? *due : now;
	*due = from + step;
}

// Two rows, so that a source suffers only when its neighbours in both are loud.
static __always_inline bool source_over(const struct settings *s, __u64 hash, __u64 now)
{
	__u32 first = hash >> 48, second = SOURCE_ROW + ((hash >> 32) & (SOURCE_ROW - 1));
	__u64 *a = bpf_map_lookup_elem(&source_buckets, &first), *b = bpf_map_lookup_elem(&source_buckets, &second);
	if (!a || !b)
		return false;
	bool a_full = full(*a, now, s->source_window), b_full = full(*b, now, s->source_window);
	if (a_full && b_full)
		return true;
	if (!a_full)
		spend(a, now, s->source_step);
	if (!b_full)
		spend(b, now, s->source_step);
	return false;
}

static __always_inline bool net_over(const struct settings *s, __u64 hash, __u64 now)
{
	__u32 index = hash >> 48;
	__u64 *due = bpf_map_lookup_elem(&net_buckets, &index);
	if (!due)
		return false;
	if (full(*due, now, s->net_window))
		return true;
	spend(due, now, s->net_step);
	return false;
}

static __always_inline bool place_over(const struct place *place, __u64 now)
{
	__u32 slot = place->slot;
	__u64 *due = bpf_map_lookup_elem(&place_buckets, &slot);
	if (!due)
		return false;
	if (full(*due, now, place->window))
		return true;
	spend(due, now, place->step);
	return false;
}

static __always_inline enum reason rate(const struct settings *s, const struct packet *p, const struct place *place,
					__u64 hash, __u64 now)
{
	if (s->source_step && source_over(s, hash, now))
		return SOURCE_RATE;
	if (s->net_step && net_over(s, hash_net(s, p), now))
		return NET_RATE;
	if (place && place->step && place_over(place, now))
		return DESTINATION_RATE;
	return NONE;
}

#endif
