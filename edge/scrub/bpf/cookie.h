// Proof of address for TCP. A SYN from a source that we do not know is answered from here with a cookie in place of a
// sequence number (RFC 4987, 3.6) and costs no memory; an ACK must bring one back or belong to a connection.
//
// On the host of the listener the kernel makes and checks the cookie of that socket, and turns the ACK into a
// connection by itself. On a router the raw functions do, and netfilter's synproxy, which knows the same secret, takes
// the ACK over and opens the connection to the server (src/synproxy.rs).
#ifndef SCRUB_COOKIE_H
#define SCRUB_COOKIE_H

#include "lists.h"

#define TCP_SYN_SENT_STATE 2
#define TCP_LISTEN_STATE 10
#define TCP_NEW_SYN_RECV_STATE 12
#define ASSURED (1 << 2) // of a tracked connection: seen in both directions
#define TCP_MOST 60

// The kernel's own names; the suffix is cut off when they are looked up.
struct nf_conn {
	unsigned long status;
} __attribute__((preserve_access_index));

struct bpf_ct_opts___scrub {
	__s32 netns_id;
	__s32 error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
} __attribute__((preserve_access_index));

extern struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *ctx, struct bpf_sock_tuple *tuple, __u32 tuple_size,
					 struct bpf_ct_opts___scrub *options, __u32 options_size) __ksym __weak;
extern void bpf_ct_release(struct nf_conn *connection) __ksym __weak;

struct answer {
	__u32 cookie; // host order
	__be32 sequence; // of the SYN
};

enum proof {
	PROVEN, // belongs to a connection whose handshake is done, or brought a cookie back: its source lives where it says
	LIKELY, // may go on, and proves nothing: the kernel has a question open and judges by itself
	UNPROVEN, // nothing can be said
	ANSWER, // a SYN, to be answered
	FALSE, // belongs to nothing
};

// Copies of the headers: the helpers want memory whose size is known.
struct headers {
	__u8 ip[40]; // IPv4 in the first 20
	__u8 tcp[TCP_MOST];
	__u32 ip_length;
	__u32 tcp_length;
};

static __always_inline bool copy_headers(struct xdp_md *ctx, const struct packet *p, struct headers *h)
{
	h->ip_length = p->six ? 40 : 20;
	h->tcp_length = (p->words & 15) * 4;
	if (h->tcp_length < 20 || h->tcp_length > TCP_MOST)
		return false;
	if (p->six ? bpf_xdp_load_bytes(ctx, p->network, h->ip, 40) : bpf_xdp_load_bytes(ctx, p->network, h->ip, 20))
		return false;
	return !bpf_xdp_load_bytes(ctx, p->network + h->ip_length, h->tcp, h->tcp_length);
}

static __always_inline __u32 tuple_of(const struct packet *p, struct bpf_sock_tuple *tuple)
{
	if (p->six) {
		__builtin_memcpy(tuple->ipv6.saddr, p->source, 16);
		__builtin_memcpy(tuple->ipv6.daddr, p->destination, 16);
		tuple->ipv6.sport = bpf_htons(p->source_port);
		tuple->ipv6.dport = bpf_htons(p->destination_port);
		return sizeof(tuple->ipv6);
	}
	tuple->ipv4.saddr = p->source[0];
	tuple->ipv4.daddr = p->destination[0];
	tuple->ipv4.sport = bpf_htons(p->source_port);
	tuple->ipv4.dport = bpf_htons(p->destination_port);
	return sizeof(tuple->ipv4);
}

static __always_inline enum proof prove_local(struct xdp_md *ctx, const struct packet *p, struct headers *h,
					      struct answer *answer)
{
	struct bpf_sock_tuple tuple = {};
	tuple_of(p, &tuple);
	struct bpf_sock *socket =
		p->six ? bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0)
		       : bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	bool opens = (p->flags & (SYN | ACK)) == SYN;
	if (!socket)
		return opens ? UNPROVEN : FALSE;
	// Without a finished handshake anybody could have sent the beginning in this name.
	bool open = socket->state == TCP_SYN_SENT_STATE || socket->state == TCP_NEW_SYN_RECV_STATE;
	enum proof proof = open ? LIKELY : PROVEN;
	if (socket->state == TCP_LISTEN_STATE) {
		if (opens) {
			__s64 made = bpf_tcp_gen_syncookie(socket, h->ip, sizeof(h->ip), (void *)h->tcp, h->tcp_length);
			// Refused while the queue of the listener has room (net.ipv4.tcp_syncookies = 1): the kernel
			// judges by itself.
			proof = made < 0 ? LIKELY : ANSWER;
			answer->cookie = made;
		} else if (p->flags & (SYN | RST) ||
			   bpf_tcp_check_syncookie(socket, h->ip, sizeof(h->ip), (void *)h->tcp, h->tcp_length)) {
			proof = FALSE;
		}
	}
	bpf_sk_release(socket);
	return proof;
}

static __always_inline enum proof tracked(struct xdp_md *ctx, const struct packet *p)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_ct_opts___scrub options = { .netns_id = BPF_F_CURRENT_NETNS, .l4proto = IPPROTO_TCP };
	if (!bpf_xdp_ct_lookup || !bpf_ct_release)
		return UNPROVEN;
	tuple_of(p, &tuple);
	struct nf_conn *connection =
		p->six ? bpf_xdp_ct_lookup(ctx, &tuple, sizeof(tuple.ipv6), &options, sizeof(options))
		       : bpf_xdp_ct_lookup(ctx, &tuple, sizeof(tuple.ipv4), &options, sizeof(options));
	if (!connection)
		return UNPROVEN;
	enum proof proof = connection->status & ASSURED ? PROVEN : LIKELY;
	bpf_ct_release(connection);
	return proof;
}

static __always_inline enum proof prove_routed(struct xdp_md *ctx, const struct packet *p, struct headers *h,
					       struct answer *answer)
{
	void *ip = h->ip, *tcp = h->tcp;
	if ((p->flags & (SYN | ACK)) == SYN) {
		__s64 made = p->six ? bpf_tcp_raw_gen_syncookie_ipv6(ip, tcp, h->tcp_length)
				    : bpf_tcp_raw_gen_syncookie_ipv4(ip, tcp, h->tcp_length);
		answer->cookie = made;
		return made < 0 ? UNPROVEN : ANSWER;
	}
	enum proof proof = tracked(ctx, p);
	if (proof != UNPROVEN)
		return proof;
	if (p->flags & (SYN | RST))
		return FALSE;
	long wrong = p->six ? bpf_tcp_raw_check_syncookie_ipv6(ip, tcp) : bpf_tcp_raw_check_syncookie_ipv4(ip, tcp);
	return wrong ? FALSE : PROVEN;
}

// Judges a TCP packet of a source that is not confirmed; a source that brings a cookie back is from then on.
// Global, so that it is verified by itself.
__attribute__((noinline)) int prove(struct xdp_md *ctx, const struct settings *s, const struct packet *p, __u64 now,
				    struct answer *answer)
{
	struct headers h = {};
	if (!s || !p || !answer)
		return UNPROVEN;
	if (COOKIES == COOKIES_NONE)
		return UNPROVEN;
	// No client sends IP options or extension headers with TCP; the cookie functions do not know them.
	if (!has(p, FIELD_TCP_FLAGS) || !p->plain || p->fragment || !copy_headers(ctx, p, &h))
		return FALSE;
	answer->sequence = ((struct tcphdr *)h.tcp)->seq;
	enum proof proof = COOKIES == COOKIES_LOCAL ? prove_local(ctx, p, &h, answer) : prove_routed(ctx, p, &h, answer);
	if (proof == PROVEN && (p->flags & (SYN | RST | ACK)) == ACK)
		confirm(s, p, now);
	return proof;
}

#endif
