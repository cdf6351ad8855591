// Signatures: a few fields with fixed values, made from samples of an attack.
#ifndef SCRUB_RULES_H
#define SCRUB_RULES_H

#include "parse.h"

#define HAS(field) (1u << (field))

static __always_inline void tcp_fields(const struct packet *p, __u32 *field, __u32 *present)
{
	field[FIELD_TCP_FLAGS] = p->flags;
	field[FIELD_TCP_WINDOW] = p->window;
	field[FIELD_DATA_OFFSET] = p->words;
	field[FIELD_TCP_OPTIONS] = p->word;
	field[FIELD_TCP_SEQUENCE] = p->sequence;
	field[FIELD_TCP_ACKNOWLEDGEMENT] = p->acknowledgement;
	*present |= HAS(FIELD_TCP_FLAGS) | HAS(FIELD_TCP_WINDOW) | HAS(FIELD_DATA_OFFSET) | HAS(FIELD_TCP_SEQUENCE) |
		    HAS(FIELD_TCP_ACKNOWLEDGEMENT) | (p->words > 5 ? HAS(FIELD_TCP_OPTIONS) : 0);
}

static __always_inline void payload_fields(const struct packet *p, __u32 *field, __u32 *present)
{
#pragma unroll
	for (int n = 0; n < HEAD; n++) {
		field[FIELD_PAYLOAD_0 + n] = p->head[n];
		*present |= p->data >= 4 * (n + 1) ? HAS(FIELD_PAYLOAD_0 + n) : 0;
	}
}

// Fills in the fields of a packet and returns which it has.
static __always_inline __u32 fields_of(const struct packet *p, __u32 *field)
{
	__u32 present = HAS(FIELD_PROTOCOL) | HAS(FIELD_LENGTH) | HAS(FIELD_TTL) | HAS(FIELD_TRAFFIC_CLASS);
	field[FIELD_PROTOCOL] = p->protocol;
	field[FIELD_LENGTH] = p->length;
	field[FIELD_TTL] = p->ttl;
	field[FIELD_TRAFFIC_CLASS] = p->traffic;
	field[FIELD_IP_ID] = p->id;
	field[FIELD_FRAGMENT] = p->shape;
	field[FIELD_SOURCE_PORT] = p->source_port;
	field[FIELD_DESTINATION_PORT] = p->destination_port;
	field[FIELD_ICMP_TYPE] = p->kind;
	present |= p->six ? 0 : HAS(FIELD_IP_ID);
	present |= p->shaped ? HAS(FIELD_FRAGMENT) : 0;
	present |= p->ports ? HAS(FIELD_SOURCE_PORT) | HAS(FIELD_DESTINATION_PORT) : 0;
	if (p->ports && p->protocol == IPPROTO_TCP)
		tcp_fields(p, field, &present);
	if (p->body) {
		present |= p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6 ? HAS(FIELD_ICMP_TYPE) : 0;
		payload_fields(p, field, &present);
	}
	return present;
}

static __always_inline bool same(const __u32 *field, const struct rule *rule)
{
#pragma unroll
	for (int n = 0; n < TERMS; n++) {
		if (n >= rule->terms)
			return true;
		if (field[rule->term[n].field & (FIELD_ROOM - 1)] != rule->term[n].value)
			return false;
	}
	return true;
}

static __always_inline bool towards(const struct packet *p, const struct rule *rule)
{
	bool same = rule->six == p->six;
#pragma unroll
	for (int n = 0; n < 4; n++)
		same = same && (p->destination[n] & rule->mask[n]) == rule->address[n];
	return same;
}

// Global, so that it is verified by itself.
__attribute__((noinline)) int matches(const struct packet *p, __u32 bank, __u64 now)
{
	if (!p)
		return false;
	bank &= 1;
	struct rules *rules = bpf_map_lookup_elem(&banks, &bank);
	if (!rules)
		return false;
	__u32 field[FIELD_ROOM] = {};
	__u32 present = fields_of(p, field);
	for (__u32 n = 0; n < RULES; n++) {
		if (n >= rules->count)
			break;
		struct rule *rule = &rules->rule[n];
		if (rule->present & ~present || !same(field, rule) || now >= rule->until || !towards(p, rule))
			continue;
		__u32 index = n;
		__u64 *count = bpf_map_lookup_elem(&hits, &index);
		if (count)
			(*count)++;
		return true;
	}
	return false;
}

#endif
