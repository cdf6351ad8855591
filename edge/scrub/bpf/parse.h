// From bytes to a packet: Ethernet, two VLAN tags, IPv4 or IPv6 with a bounded number of extension headers, TCP, UDP.
// What breaks a rule of these headers is malformed; nothing is read that the frame does not hold.
#ifndef SCRUB_PARSE_H
#define SCRUB_PARSE_H

#include "maps.h"
#include "wire.h"

// How many bytes lie between two pointers into the packet. The compiler must not narrow the subtraction to 32 bits: the
// verifier allows that with numbers only.
static __always_inline __u64 between(const void *from, const void *to)
{
	__u64 bytes = to - from;
	asm volatile("" : "+r"(bytes));
	return bytes;
}

#define HEAD 4 // words of the payload that rules may look at

// Numbers only, no pointers into the frame: what follows the parser is judged by the verifier once, not once for each
// way through the headers.
struct packet {
	__u32 source[4]; // network order, IPv4 in the first word
	__u32 destination[4];
	__u32 head[HEAD]; // of the payload, host order, zeros where it is shorter
	__u32 word; // first four bytes of the TCP options, host order
	__u32 sequence; // of TCP, host order
	__u32 acknowledgement;
	__u16 network; // offset of the IP header
	__u16 length; // from the IP header on, as that says
	__u16 data; // bytes of payload, as the headers say
	__u16 source_port;
	__u16 destination_port;
	__u16 id; // of IPv4
	__u16 window;
	__u16 offset; // of a fragment, units of 8 bytes
	__u16 shape; // flags and offset in the form of IPv4
	__u16 kind; // of ICMP: type and code
	__u8 six;
	__u8 ports; // the TCP or UDP header was there and is read
	__u8 protocol;
	__u8 ttl;
	__u8 traffic;
	__u8 flags; // of TCP
	__u8 words; // of the TCP header: data offset
	__u8 plain; // no IP options and no extension headers
	__u8 fragment; // a part of a packet
	__u8 shaped; // `shape` is there
	__u8 body; // `head` begins where the payload of a known header does
	__u8 tiny; // a fragment cut so that it hides its headers (RFC 1858)
	__u8 malformed;
	__u8 port; // the source port is one of reflectors
	__u8 reflected; // and the payload looks like their answer
};

enum seen { NOT_IP, UNREADABLE, READ };

static __always_inline bool flags_mean_nothing(__u8 flags)
{
	bool nothing = !(flags & (SYN | ACK | RST)); // NULL, FIN alone, Xmas
	bool both = (flags & SYN) && (flags & (FIN | RST));
	return nothing || both || ((flags & FIN) && (flags & RST));
}

static __always_inline void read_head(struct packet *p, void *at, void *end)
{
	__be32 *word = at;
	p->body = 1;
#pragma unroll
	for (int n = 0; n < HEAD; n++) {
		if (p->data < 4 * (n + 1) || (void *)(word + n + 1) > end)
			return;
		p->head[n] = bpf_ntohl(word[n]);
	}
}

static __always_inline void parse_tcp(struct packet *p, void *at, void *end, __u16 room)
{
	struct tcphdr *tcp = at;
	if (room < sizeof(*tcp) || (void *)(tcp + 1) > end) {
		p->malformed = 1;
		return;
	}
	p->ports = 1;
	p->source_port = bpf_ntohs(tcp->source);
	p->destination_port = bpf_ntohs(tcp->dest);
	p->sequence = bpf_ntohl(tcp->seq);
	p->acknowledgement = bpf_ntohl(tcp->ack_seq);
	p->flags = ((__u8 *)tcp)[13];
	p->words = ((__u8 *)tcp)[12] >> 4;
	p->window = bpf_ntohs(tcp->window);
	__u16 header = p->words * 4;
	if (p->words < 5 || header > room || flags_mean_nothing(p->flags) || !p->source_port || !p->destination_port) {
		p->malformed = 1;
		return;
	}
	__u32 *options = (void *)(tcp + 1);
	if (p->words > 5 && (void *)(options + 1) <= end)
		p->word = bpf_ntohl(*options);
	p->data = room - header;
	read_head(p, at + (header & 60), end);
}

static __always_inline void parse_udp(struct packet *p, void *at, void *end, __u16 room)
{
	struct udphdr *udp = at;
	if (room < sizeof(*udp) || (void *)(udp + 1) > end) {
		p->malformed = 1;
		return;
	}
	p->ports = 1;
	p->source_port = bpf_ntohs(udp->source);
	p->destination_port = bpf_ntohs(udp->dest);
	__u16 length = bpf_ntohs(udp->len);
	// The first fragment of a packet says the length of the whole.
	if (length < sizeof(*udp) || (length > room && !p->fragment) || !p->destination_port) {
		p->malformed = 1;
		return;
	}
	p->data = room - sizeof(*udp);
	read_head(p, udp + 1, end);
}

static __always_inline void parse_icmp(struct packet *p, void *at, void *end, __u16 room)
{
	__be16 *kind = at;
	if (room < 8 || at + 8 > end)
		return;
	p->kind = bpf_ntohs(*kind);
	p->data = room - 8;
	read_head(p, at + 8, end);
}

// What follows the IP header; `room` bytes of it belong to the packet.
static __always_inline void parse_transport(struct packet *p, void *at, void *end, __u16 room)
{
	if (p->offset) {
		// RFC 1858, 3.2.2: a second fragment that begins inside the TCP header.
		p->tiny = p->offset == 1 && p->protocol == IPPROTO_TCP;
		return;
	}
	if (p->fragment && room < (p->protocol == IPPROTO_TCP ? 20 : 8)) {
		p->tiny = 1;
	} else if (p->protocol == IPPROTO_TCP) {
		parse_tcp(p, at, end, room);
	} else if (p->protocol == IPPROTO_UDP) {
		parse_udp(p, at, end, room);
	} else if (p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6) {
		parse_icmp(p, at, end, room);
	} else {
		p->data = room;
		read_head(p, at, end);
	}
}

// Sources that no packet from outside has: this net, loopback, multicast and above (RFC 1122, 3.2.1.3; RFC 5735).
static __always_inline bool impossible4(__be32 source)
{
	__u8 first = bpf_ntohl(source) >> 24;
	return first == 0 || first == 127 || first >= 224;
}

static __always_inline enum seen parse4(struct packet *p, void *at, void *end)
{
	struct iphdr *ip = at;
	if ((void *)(ip + 1) > end)
		return UNREADABLE;
	__u16 header = ip->ihl * 4, total = bpf_ntohs(ip->tot_len), offset = bpf_ntohs(ip->frag_off);
	p->source[0] = ip->saddr;
	p->destination[0] = ip->daddr;
	p->protocol = ip->protocol;
	p->ttl = ip->ttl;
	p->traffic = ip->tos;
	p->shape = offset;
	p->shaped = 1;
	p->id = bpf_ntohs(ip->id);
	p->length = total;
	p->offset = offset & FRAGMENT_OFFSET;
	p->fragment = (offset & (FRAGMENT_MORE | FRAGMENT_OFFSET)) != 0;
	p->plain = header == sizeof(*ip);
	if (ip->version != 4)
		return UNREADABLE;
	__u64 held = between(at, end);
	if (header < sizeof(*ip) || total < header || total > held || !ip->ttl || impossible4(ip->saddr) ||
	    ip->saddr == ip->daddr || p->offset * 8u + (total - header) > 65515u) {
		p->malformed = 1;
		return READ;
	}
	parse_transport(p, at + (header & 60), end, total - header);
	return READ;
}

static __always_inline bool impossible6(const __u32 *source, __u8 protocol)
{
	bool low = !(source[0] | source[1] | source[2]);
	bool unspecified = low && !source[3] && protocol != IPPROTO_ICMPV6; // duplicate address detection
	return (source[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000) || unspecified ||
	       (low && source[3] == bpf_htonl(1));
}

static __always_inline bool is_extension(__u8 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_DSTOPTS ||
	       protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_AH;
}

// Walks the extension headers; returns how many bytes they take, or more than 65535 when they are wrong.
static __always_inline __u32 extensions(struct packet *p, void *at, void *end)
{
	__u32 taken = 0;
#pragma unroll
	for (int n = 0; n < EXTENSIONS; n++) {
		if (!is_extension(p->protocol) || p->offset)
			return taken;
		struct extension *header = at + (taken & 0x1fff);
		if ((void *)(header + 1) > end)
			return 1 << 16;
		__u8 kind = p->protocol;
		if (kind == IPPROTO_ROUTING && ((__u8 *)header)[2] == 0)
			return 1 << 16; // type 0: RFC 5095
		if (kind == IPPROTO_FRAGMENT) {
			__u16 fragment = bpf_ntohs(header->fragment);
			p->offset = fragment >> 3;
			p->fragment = (fragment & 0xfff9) != 0; // an atomic one (RFC 6946) is a whole packet
			p->shape = (fragment & 1) << 13 | fragment >> 3;
			p->shaped = 1;
			taken += 8;
		} else {
			taken += kind == IPPROTO_AH ? (header->length + 2) * 4 : (header->length + 1) * 8;
		}
		p->protocol = header->next;
		p->plain = 0;
	}
	return is_extension(p->protocol) && !p->offset ? 1 << 16 : taken;
}

static __always_inline enum seen parse6(struct packet *p, void *at, void *end)
{
	struct ipv6hdr *ip = at;
	if ((void *)(ip + 1) > end)
		return UNREADABLE;
	__builtin_memcpy(p->source, &ip->saddr, 16);
	__builtin_memcpy(p->destination, &ip->daddr, 16);
	__u32 inner = bpf_ntohs(ip->payload_len);
	__u64 held = between(at, end);
	p->six = 1;
	p->plain = 1;
	p->protocol = ip->nexthdr;
	p->ttl = ip->hop_limit;
	p->traffic = bpf_ntohs(*(__be16 *)at) >> 4;
	p->length = inner + sizeof(*ip);
	if (ip->version != 6)
		return UNREADABLE;
	__u32 taken = extensions(p, ip + 1, end);
	bool own = p->source[0] == p->destination[0] && p->source[1] == p->destination[1] &&
		   p->source[2] == p->destination[2] && p->source[3] == p->destination[3];
	if (taken > inner || inner + sizeof(*ip) > held || impossible6(p->source, p->protocol) || own) {
		p->malformed = 1;
		return READ;
	}
	parse_transport(p, at + sizeof(*ip) + (taken & 0x1fff), end, inner - taken);
	return READ;
}

// Global, so that it is verified by itself.
__attribute__((noinline)) int parse(struct xdp_md *ctx, struct packet *p)
{
	if (!p)
		return UNREADABLE;
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *ethernet = data;
	if ((void *)(ethernet + 1) > end)
		return UNREADABLE;
	__be16 protocol = ethernet->h_proto;
	void *at = ethernet + 1;
#pragma unroll
	for (int n = 0; n < VLAN_TAGS; n++) {
		struct tag *tag = at;
		if (protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(tag + 1) > end)
			return UNREADABLE;
		protocol = tag->protocol;
		at = tag + 1;
	}
	p->network = between(data, at);
	if (protocol == bpf_htons(ETH_P_IP))
		return parse4(p, at, end);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return parse6(p, at, end);
	return NOT_IP;
}

#endif
