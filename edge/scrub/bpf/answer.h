// Turns a SYN into our SYN-ACK, in place. It offers the maximum segment size and nothing else: what a cookie cannot
// remember must not be promised.
#ifndef SCRUB_ANSWER_H
#define SCRUB_ANSWER_H

#include "cookie.h"

#define ANSWER_TCP 24
#define WINDOW 65535
#define TTL 64
#define MSS4 1460
#define MSS6 1440

struct answer_tcp {
	struct tcphdr header;
	__be32 mss;
};

static __always_inline __u16 fold(__u64 sum)
{
#pragma unroll
	for (int n = 0; n < 4; n++)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline __u32 words_of(const __u32 *word)
{
	__u64 sum = 0;
#pragma unroll
	for (int n = 0; n < 4; n++)
		sum += word[n];
	return (sum & 0xffffffff) + (sum >> 32);
}

static __always_inline void write_tcp(const struct packet *p, const struct answer *answer, struct answer_tcp *tcp)
{
	__builtin_memset(tcp, 0, sizeof(*tcp));
	tcp->header.source = bpf_htons(p->destination_port);
	tcp->header.dest = bpf_htons(p->source_port);
	tcp->header.seq = bpf_htonl(answer->cookie);
	tcp->header.ack_seq = bpf_htonl(bpf_ntohl(answer->sequence) + 1);
	((__u8 *)tcp)[12] = ANSWER_TCP / 4 << 4;
	((__u8 *)tcp)[13] = SYN | ACK;
	tcp->header.window = bpf_htons(WINDOW);
	tcp->mss = bpf_htonl(0x02040000 | (p->six ? MSS6 : MSS4));
	__u64 sum = bpf_csum_diff(0, 0, (void *)tcp, ANSWER_TCP, 0);
	sum += (__u64)words_of(p->source) + words_of(p->destination) + bpf_htonl(IPPROTO_TCP) + bpf_htonl(ANSWER_TCP);
	tcp->header.check = fold((sum & 0xffffffff) + (sum >> 32));
}

static __always_inline void write_ip4(const struct packet *p, struct iphdr *ip)
{
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = bpf_htons(sizeof(*ip) + ANSWER_TCP);
	ip->frag_off = bpf_htons(0x4000);
	ip->ttl = TTL;
	ip->protocol = IPPROTO_TCP;
	ip->saddr = p->destination[0];
	ip->daddr = p->source[0];
	ip->check = fold((__u32)bpf_csum_diff(0, 0, (void *)ip, sizeof(*ip), 0));
}

static __always_inline void write_ip6(const struct packet *p, struct ipv6hdr *ip)
{
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 6;
	ip->payload_len = bpf_htons(ANSWER_TCP);
	ip->nexthdr = IPPROTO_TCP;
	ip->hop_limit = TTL;
	__builtin_memcpy(&ip->saddr, p->destination, 16);
	__builtin_memcpy(&ip->daddr, p->source, 16);
}

// Sends the frame back where it came from, or drops it when there is no room for the answer.
static __always_inline int send_answer(struct xdp_md *ctx, const struct packet *p, const struct answer *answer)
{
	__u32 ip_length = p->six ? 40 : 20, network = p->network & 31;
	int wanted = network + ip_length + ANSWER_TCP;
	int held = between((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	if (bpf_xdp_adjust_tail(ctx, wanted - held))
		return XDP_DROP;
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end, *at = data + network;
	struct ethhdr *ethernet = data;
	if ((void *)(ethernet + 1) > end)
		return XDP_DROP;
	__u8 mac[ETH_ALEN];
	__builtin_memcpy(mac, ethernet->h_dest, ETH_ALEN);
	__builtin_memcpy(ethernet->h_dest, ethernet->h_source, ETH_ALEN);
	__builtin_memcpy(ethernet->h_source, mac, ETH_ALEN);
	if (p->six) {
		if (at + 40 + ANSWER_TCP > end)
			return XDP_DROP;
		write_ip6(p, at);
		write_tcp(p, answer, at + 40);
	} else {
		if (at + 20 + ANSWER_TCP > end)
			return XDP_DROP;
		write_ip4(p, at);
		write_tcp(p, answer, at + 20);
	}
	return XDP_TX;
}

#endif
