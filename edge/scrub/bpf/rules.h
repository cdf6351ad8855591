// Signatures: a few fields with fixed values, made from samples of an attack.
#ifndef SCRUB_RULES_H
#define SCRUB_RULES_H

#include "parse.h"

static __always_inline bool same(const struct packet *p, const struct rule *rule)
{
#pragma unroll
	for (int n = 0; n < TERMS; n++) {
		if (n >= rule->terms)
			return true;
		if (p->field[rule->term[n].field & (FIELD_ROOM - 1)] != rule->term[n].value)
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

static __always_inline bool matches(const struct packet *p, __u32 bank, __u64 now)
{
	bank &= 1;
	struct rules *rules = bpf_map_lookup_elem(&banks, &bank);
	if (!rules)
		return false;
	for (__u32 n = 0; n < RULES; n++) {
		if (n >= rules->count)
			break;
		struct rule *rule = &rules->rule[n];
		if (rule->present & ~p->present || !same(p, rule) || now >= rule->until || !towards(p, rule))
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
