// The packet filter: one walk, cheap and decisive first.
//
//   parse → allowed or denied prefix → ban → malformed → reflection → odd fragments → signature → proof of address
//   → rates → count, sample → on or out
//
// What is done depends on the level of the destination; bans and prefixes hold at every level. When the lease of the
// controller is over, everything passes and nothing is counted.
#include "maps.h"
#include "parse.h"
#include "lists.h"
#include "amplification.h"
#include "rules.h"
#include "cookie.h"
#include "answer.h"
#include "hash.h"
#include "bucket.h"
#include "count.h"
#include "sample.h"

char LICENSE[] SEC("license") = "GPL";

// Neighbours of this link asking for each other: nobody farther away can send a hop limit of 255 (RFC 4861).
static __always_inline bool from_neighbour(const struct packet *p)
{
	__u32 type = p->kind >> 8;
	return p->six && p->protocol == IPPROTO_ICMPV6 && has(p, FIELD_ICMP_TYPE) && type >= 133 && type <= 137 &&
	       p->ttl == 255;
}

// A router says how large a packet may be (RFC 1191, RFC 8201) and quotes one that the destination sent. Without these no
// verified client is reached either; anybody can write one, so they are few.
static __always_inline bool says_size(const struct packet *p)
{
	if (!has(p, FIELD_ICMP_TYPE) || !has(p, FIELD_PAYLOAD_12))
		return false;
	if (!p->six)
		return p->protocol == IPPROTO_ICMP && p->kind == 0x0304 && p->head[3] == bpf_ntohl(p->destination[0]);
	return p->protocol == IPPROTO_ICMPV6 && p->kind >> 8 == 2 && p->head[2] == bpf_ntohl(p->destination[0]) &&
	       p->head[3] == bpf_ntohl(p->destination[1]);
}

// For a source that has not shown where it lives, at PROVE and above.
static __always_inline enum reason unproven(struct xdp_md *ctx, const struct settings *s, const struct packet *p,
					    const struct place *place, __u32 level, __u64 now, struct answer *answer)
{
	if (p->fragment)
		return FRAGMENT;
	if (from_neighbour(p))
		return NONE;
	if (level >= VERIFIED && says_size(p))
		return place && sizes_over(place->slot, now) ? DESTINATION_RATE : NONE;
	enum proof proof = UNPROVEN;
	if (p->protocol == IPPROTO_TCP)
		proof = prove(ctx, s, p, now, answer);
	if (proof == ANSWER)
		return SYN_COOKIE;
	if (proof == FALSE)
		return BAD_ACK;
	return proof == UNPROVEN && level >= VERIFIED ? NOT_VERIFIED : NONE;
}

static __always_inline enum reason judge(struct xdp_md *ctx, const struct settings *s, const struct packet *p,
					 const struct place *place, __u32 level, __u64 hash, __u64 now,
					 struct answer *answer)
{
	if (s->holds & HOLDS_LISTS) {
		enum says says = listed(p);
		if (says != SAYS_NOTHING)
			return says == SAYS_DENY ? DENIED : NONE;
	}
	if (s->holds & HOLDS_BANS && banned(s, p, hash, now))
		return BANNED;
	if (level < CLEAN)
		return NONE;
	if (p->malformed)
		return MALFORMED;
	bool serves = p->port && s->holds & HOLDS_SERVICES && serves_us(p, hash);
	if (p->reflected && !serves)
		return AMPLIFICATION;
	if (p->tiny)
		return FRAGMENT;
	if (level < LIMIT)
		return NONE;
	bool charged = false;
	if (level >= PROVE) {
		if (s->holds & HOLDS_RULES && matches(p, s->bank, now))
			return SIGNATURE;
		if (!serves && !confirmed(p, hash, now)) {
			enum reason reason = NONE;
			// Our answers go to whoever is named as the source: no more of them than it could send us.
			charged = COOKIES != COOKIES_NONE && p->row == ROW_SYN;
			if (charged)
				reason = rate_of_source(s, p, hash, now);
			if (reason == NONE)
				reason = unproven(ctx, s, p, place, level, now, answer);
			if (reason != NONE)
				return reason;
		}
	}
	enum reason reason = charged ? NONE : rate_of_source(s, p, hash, now);
	if (reason == NONE && place && place->step && place_over(place, now))
		reason = DESTINATION_RATE;
	return reason;
}

// Run once by user space: which tick is which time.
SEC("xdp")
int clock(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct clocks *c = bpf_map_lookup_elem(&clocks, &zero);
	if (c) {
		c->ticks = bpf_jiffies64();
		c->time = bpf_ktime_get_coarse_ns();
	}
	return XDP_PASS;
}

SEC("xdp")
int scrub(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct settings *s = bpf_map_lookup_elem(&settings, &zero);
	if (!s)
		return XDP_PASS;
	// Reading the ticks is a load; every clock is a call.
	__u64 now = s->time_from + (bpf_jiffies64() - s->tick_from) * s->tick;
	if (now > s->lease_until)
		return XDP_PASS;
	struct packet *p = bpf_map_lookup_elem(&packets, &zero);
	if (!p)
		return XDP_PASS;
	enum seen what = parse(ctx, p);
	if (what == NOT_IP)
		return XDP_PASS;
	struct place *place = what == READ ? place_of(s, p) : NULL;
	__u32 slot = place ? place->slot : 0, level = place ? place->level : s->rest_level;
	struct counters *c = bpf_map_lookup_elem(&counts, &slot);
	if (!c)
		return XDP_PASS;
	struct answer answer = {};
	__u64 hash = 0;
	__u32 reason = level >= CLEAN ? MALFORMED : NONE;
	if (what == READ) {
		hash = hash_source(s, p);
		reflection(s, p);
		reason = judge(ctx, s, p, place, level, hash, now, &answer);
		if (place)
			count_source(c, hash, slot, now);
	}
	__u64 count = count_packet(c, p, reason);
	if (place && sampled(s, count, hash))
		take_sample(ctx, p, slot, reason);
	if (reason == NONE)
		return XDP_PASS;
	return reason == SYN_COOKIE ? send_answer(ctx, p, &answer) : XDP_DROP;
}
