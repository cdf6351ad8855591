// Counting: everything to a slot, exactly, on this processor; and who was new in this second.
#ifndef SCRUB_COUNT_H
#define SCRUB_COUNT_H

#include "hash.h"

static __always_inline void count_tcp(struct counters *c, __u8 flags)
{
	if (flags_mean_nothing(flags))
		c->tcp_other++;
	else if (flags & SYN && flags & ACK)
		c->tcp_synack++;
	else if (flags & SYN)
		c->tcp_syn++;
	else if (flags & RST)
		c->tcp_rst++;
	else if (flags & FIN)
		c->tcp_fin++;
	else
		c->tcp_ack++;
}

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
	__u8 second = (now >> 30) + 1; // seconds of 1.07 s cost no division
	// No branch: in a flood it could not be foreseen.
	c->new_sources += cells->second[cell] != second;
	cells->second[cell] = second;
}

static __always_inline void count_packet(struct counters *c, const struct packet *p)
{
	__u64 length = p->length;
	c->packets++;
	c->bytes += length;
	c->len_sq += length * length >> 6;
	if (p->fragment)
		c->fragments++;
	if (p->protocol == IPPROTO_TCP) {
		if (p->ports)
			count_tcp(c, p->flags);
		else
			c->tcp_other += p->offset != 0;
		c->tcp_bytes += length;
	} else if (p->protocol == IPPROTO_UDP) {
		c->udp += p->ports || p->offset;
		c->udp_bytes += length;
	} else if (p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6) {
		c->icmp++;
		c->icmp_bytes += length;
	} else {
		c->other++;
	}
	if (p->port) {
		c->amp_packets++;
		c->amp_bytes += length;
	}
}

static __always_inline void count_drop(struct counters *c, const struct packet *p, __u32 reason)
{
	if (reason >= REASONS)
		return;
	c->dropped[reason]++;
	c->dropped_bytes[reason] += p->length;
}

#endif
