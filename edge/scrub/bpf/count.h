// Counting: everything to a slot, exactly, on this processor; and who was new in this second.
#ifndef SCRUB_COUNT_H
#define SCRUB_COUNT_H

#include "hash.h"

// Distinct sources a second by a hashed table of the seconds in which they were last seen: 32,768 cells a processor, so
// that many sources a second are where it saturates, and it stays in the nearest caches. Two sources in one cell count
// once, a source that comes in on two processors twice.
static __always_inline void count_source(struct counters *c, __u64 hash, __u32 slot, __u64 now)
{
	__u32 place = ((hash >> 17) ^ (slot * 0x9e3779b1u)) & (CELLS - 1);
	__u32 part = place / CELL_BYTES, cell = place % CELL_BYTES;
	struct cells *cells = bpf_map_lookup_elem(&seen, &part);
	if (!cells)
		return;
	__u8 second = now >> 30; // seconds of 1.07 s cost no division
	second |= second ? 0 : 128; // 0 is a cell that nobody touched
	// No branch: in a flood it could not be foreseen.
	c->new_sources += cells->second[cell] != second;
	cells->second[cell] = second;
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
