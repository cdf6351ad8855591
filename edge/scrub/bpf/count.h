// Counting: everything to a slot, exactly, on this processor; and who was new in this second.
#ifndef SCRUB_COUNT_H
#define SCRUB_COUNT_H

#include "hash.h"

// Distinct sources a second, by a hashed table of 57,344 bits a processor: so many sources a second are where it saturates.
// Two sources of one bit count once, a source that comes in on two processors twice.
static __always_inline void count_source(struct counters *c, __u64 hash, __u32 slot, __u64 now)
{
	__u32 zero = 0;
	struct cells *cells = bpf_map_lookup_elem(&seen, &zero);
	if (!cells)
		return;
	__u32 place = hash >> 17 ^ slot * 0x9e3779b1u;
	__u64 *cell = &cells->word[place & (CELL_WORDS - 1)], word = *cell;
	__u32 bit = (place >> 10 & 0xffff) * CELL_BITS >> 16;
	__u64 second = now >> 30 & 255; // seconds of 1.07 s cost no division
	second |= second ? 0 : 128; // 0 is a word that nobody touched
	if (word >> CELL_BITS != second)
		word = second << CELL_BITS;
	// No branch: in a flood it could not be foreseen.
	c->new_sources += ~word >> bit & 1;
	*cell = word | 1ull << bit;
}

static __always_inline void add(struct tally *tally, __u64 length)
{
	tally->packets++;
	tally->bytes += length;
}

// Returns how many packets of its row there were.
static __always_inline __u64 count_packet(struct counters *c, const struct packet *p, __u32 reason)
{
	__u64 length = p->length;
	__u32 row = p->row;
	c->length_squares += length * length >> 6;
	if (reason < REASONS)
		add(&c->dropped[reason], length);
	if (p->fragment)
		c->fragments++;
	if (row >= ROWS)
		return 0;
	add(&c->row[row], length);
	return c->row[row].packets;
}

#endif
