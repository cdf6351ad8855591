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

static __always_inline void data_of(struct xdp_md *ctx, void **data, void **end)
{
	*data = (void *)(long)ctx->data;
	*end = (void *)(long)ctx->data_end;
}

#define HEAD 4 // words of the payload that rules may look at

// What is read of a packet. It lies in memory of this processor, not on the stack: nothing has to be cleared for each
// packet, and the verifier takes what it reads from there for any number, so that it judges the rest of the walk once and
// not once for each way through the headers. What the packet before left behind is never read: `present` says which fields
// are this packet's, and everything outside of `field` is written for each.
struct packet {
	union {
		__u64 nothing; // all of these at once
		struct {
			__u8 six;
			__u8 plain; // no IP options and no extension headers
			__u8 fragment; // a part of a packet
			__u8 tiny; // a fragment cut so that it hides its headers (RFC 1858)
			__u8 malformed;
			__u8 port; // the source port is one of reflectors
			__u8 reflected; // and the payload looks like their answer
			__u8 row; // enum row
		};
	};
	union {
		__u64 begun[2]; // zeros at first
		struct {
			__u32 present; // bit n: field n is there
			__u16 network; // offset of the IP header
			__u16 offset; // of a fragment, units of 8 bytes
			__u32 data; // bytes of payload, as the headers say
			__u32 reserved;
		};
	};
	union {
		__u64 pair[4];
		struct {
			__u32 source[4]; // network order, IPv4 in the first word
			__u32 destination[4];
		};
	};
	union {
		__u32 field[FIELD_ROOM];
		struct { // in the order of enum field, host order
			__u32 protocol;
			__u32 source_port;
			__u32 destination_port;
			__u32 length; // from the IP header on, as that says
			__u32 ttl;
			__u32 traffic;
			__u32 id; // of IPv4
			__u32 shape; // flags and offset of a fragment in the form of IPv4
			__u32 flags; // of TCP
			__u32 window;
			__u32 words; // of the TCP header: data offset
			__u32 options; // the first four bytes of them
			__u32 sequence;
			__u32 acknowledgement;
			__u32 kind; // of ICMP: type and code
			__u32 head[HEAD]; // of the payload
		};
	};
};

_Static_assert(__builtin_offsetof(struct packet, head) ==
		       __builtin_offsetof(struct packet, field[FIELD_PAYLOAD_0]),
	       "names and numbers of the fields agree");

MAP(packets, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct packet, 1);

#define HAS(field) (1u << (field))
#define HAS_PORTS (HAS(FIELD_SOURCE_PORT) | HAS(FIELD_DESTINATION_PORT))

static __always_inline bool has(const struct packet *p, enum field field)
{
	return p->present & HAS(field);
}

#define HAS_IP (HAS(FIELD_PROTOCOL) | HAS(FIELD_LENGTH) | HAS(FIELD_TTL) | HAS(FIELD_TRAFFIC_CLASS))

enum seen { NOT_IP, UNREADABLE, READ };

// Four bits for each way in which SYN, FIN, RST and ACK may be set: what an attacker rotates costs no branch.
#define SHIFT_OF(flags) (4 * (((flags) & (SYN | FIN | RST)) | ((flags) & ACK) >> 1))
#define ROW_OF(flags, row) ((__u64)(row) << SHIFT_OF(flags))
#define ROWS_OF_FLAGS                                                                                                  \
	(ROW_OF(SYN, ROW_SYN) | ROW_OF(SYN | ACK, ROW_SYNACK) | ROW_OF(ACK, ROW_ACK) | ROW_OF(RST, ROW_RST) |          \
	 ROW_OF(RST | ACK, ROW_RST) | ROW_OF(FIN | ACK, ROW_FIN))

// ROW_TCP_OTHER for flags that mean nothing: none, FIN alone, SYN with FIN and so on.
static __always_inline enum row row_of_flags(__u8 flags)
{
	return ROWS_OF_FLAGS >> SHIFT_OF(flags) & 15;
}

static __always_inline void read_head(struct packet *p, void *at, void *end)
{
	__be32 *word = at;
#pragma unroll
	for (int n = 0; n < HEAD; n++) {
		if ((void *)(word + n + 1) > end || p->data < 4 * (n + 1))
			break;
		p->head[n] = bpf_ntohl(word[n]);
		p->present |= HAS(FIELD_PAYLOAD_0 + n);
	}
}

static __always_inline void parse_tcp(struct packet *p, void *at, void *end, __u32 room)
{
	struct tcphdr *tcp = at;
	p->row = ROW_TCP_UNREAD;
	if (room < sizeof(*tcp) || (void *)(tcp + 1) > end) {
		p->malformed = 1;
		return;
	}
	__u8 flags = ((__u8 *)tcp)[13], words = ((__u8 *)tcp)[12] >> 4;
	p->source_port = bpf_ntohs(tcp->source);
	p->destination_port = bpf_ntohs(tcp->dest);
	p->sequence = bpf_ntohl(tcp->seq);
	p->acknowledgement = bpf_ntohl(tcp->ack_seq);
	p->window = bpf_ntohs(tcp->window);
	p->flags = flags;
	p->words = words;
	p->row = row_of_flags(flags);
	p->present |= HAS_PORTS | HAS(FIELD_TCP_FLAGS) | HAS(FIELD_TCP_WINDOW) | HAS(FIELD_DATA_OFFSET) |
		      HAS(FIELD_TCP_SEQUENCE) | HAS(FIELD_TCP_ACKNOWLEDGEMENT);
	__u32 header = words * 4;
	if (words < 5 || header > room || p->row == ROW_TCP_OTHER || !tcp->source || !tcp->dest) {
		p->malformed = 1;
		return;
	}
	__u32 *options = (void *)(tcp + 1);
	if (words > 5 && (void *)(options + 1) <= end) {
		p->options = bpf_ntohl(*options);
		p->present |= HAS(FIELD_TCP_OPTIONS);
	}
	p->data = room - header;
	read_head(p, at + (header & 60), end);
}

static __always_inline void parse_udp(struct packet *p, void *at, void *end, __u32 room)
{
	struct udphdr *udp = at;
	p->row = ROW_UDP_UNREAD;
	if (room < sizeof(*udp) || (void *)(udp + 1) > end) {
		p->malformed = 1;
		return;
	}
	p->row = ROW_UDP;
	p->source_port = bpf_ntohs(udp->source);
	p->destination_port = bpf_ntohs(udp->dest);
	p->present |= HAS_PORTS;
	__u32 length = bpf_ntohs(udp->len);
	// The first fragment of a packet says the length of the whole.
	if (length < sizeof(*udp) || (length > room && !p->fragment) || !udp->dest) {
		p->malformed = 1;
		return;
	}
	p->data = room - sizeof(*udp);
	read_head(p, udp + 1, end);
}

static __always_inline void parse_icmp(struct packet *p, void *at, void *end, __u32 room)
{
	__be16 *kind = at;
	p->row = ROW_ICMP;
	if (room < 8 || at + 8 > end)
		return;
	p->kind = bpf_ntohs(*kind);
	p->present |= HAS(FIELD_ICMP_TYPE);
	p->data = room - 8;
	read_head(p, at + 8, end);
}

// As what counts of which nothing behind the IP header was read.
static __always_inline enum row unread(const struct packet *p)
{
	if (p->protocol == IPPROTO_TCP)
		return p->offset ? ROW_TCP_OTHER : ROW_TCP_UNREAD;
	if (p->protocol == IPPROTO_UDP)
		return p->offset ? ROW_UDP : ROW_UDP_UNREAD;
	return p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6 ? ROW_ICMP : ROW_OTHER;
}

// What follows the IP header; `room` bytes of it belong to the packet.
static __always_inline void parse_transport(struct packet *p, void *at, void *end, __u32 room)
{
	if (p->fragment && (p->offset || room < (p->protocol == IPPROTO_TCP ? 20 : 8))) {
		p->row = unread(p);
		// RFC 1858, 3.2.2: or a second fragment that begins inside the TCP header.
		p->tiny = !p->offset || (p->offset == 1 && p->protocol == IPPROTO_TCP);
	} else if (p->protocol == IPPROTO_TCP) {
		parse_tcp(p, at, end, room);
	} else if (p->protocol == IPPROTO_UDP) {
		parse_udp(p, at, end, room);
	} else if (p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6) {
		parse_icmp(p, at, end, room);
	} else {
		p->row = ROW_OTHER;
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
	__u32 first = *(__u8 *)at, header = sizeof(*ip), total = bpf_ntohs(ip->tot_len), begin = 0;
	__u32 shape = bpf_ntohs(ip->frag_off);
	bool wrong = false;
	p->pair[0] = ip->saddr;
	p->pair[1] = 0;
	p->pair[2] = ip->daddr;
	p->pair[3] = 0;
	p->protocol = ip->protocol;
	p->length = total;
	p->ttl = ip->ttl;
	p->traffic = ip->tos;
	p->id = bpf_ntohs(ip->id);
	p->shape = shape;
	p->present = HAS_IP | HAS(FIELD_IP_ID) | HAS(FIELD_FRAGMENT);
	if (first == 0x45) {
		p->plain = 1;
	} else {
		header = (first & 15) * 4;
		wrong = first >> 4 != 4 || header < sizeof(*ip);
	}
	if (shape & (FRAGMENT_MORE | FRAGMENT_OFFSET)) {
		p->fragment = 1;
		p->offset = shape & FRAGMENT_OFFSET;
		begin = p->offset * 8;
	}
	__u64 held = between(at, end);
	if (wrong || total < header || total > held || !ip->ttl || impossible4(ip->saddr) || ip->saddr == ip->daddr ||
	    begin + (total - header) > 65515) {
		p->row = unread(p);
		p->malformed = 1;
		return first >> 4 == 4 ? READ : UNREADABLE;
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

// Walks the extension headers of IPv6; returns how many bytes they take, or more than 65535 when they are wrong. Global,
// so that it is verified by itself.
__attribute__((noinline)) int extensions(struct xdp_md *ctx, struct packet *p)
{
	__u32 taken = 0;
	if (!p)
		return 1 << 16;
	void *end = (void *)(long)ctx->data_end, *at = (void *)(long)ctx->data;
	at += (p->network & 31) + sizeof(struct ipv6hdr);
#pragma unroll
	for (int n = 0; n < EXTENSIONS; n++) {
		if (!is_extension(p->protocol) || p->offset)
			return taken;
		struct extension *header = at + (taken & EXTENSION_BYTES);
		if ((void *)(header + 1) > end)
			return 1 << 16;
		__u8 kind = p->protocol;
		if (kind == IPPROTO_ROUTING && ((__u8 *)header)[2] == 0)
			return 1 << 16; // type 0: RFC 5095
		if (kind == IPPROTO_FRAGMENT) {
			if (has(p, FIELD_FRAGMENT))
				return 1 << 16; // a fragment in a fragment: the outer one decides, the inner one hides it
			__u16 fragment = bpf_ntohs(header->fragment);
			p->offset = fragment >> 3;
			p->fragment = (fragment & 0xfff9) != 0; // an atomic one (RFC 6946) is a whole packet
			p->shape = (fragment & 1) << 13 | fragment >> 3;
			p->present |= HAS(FIELD_FRAGMENT);
			taken += 8;
		} else {
			taken += kind == IPPROTO_AH ? (header->length + 2) * 4 : (header->length + 1) * 8;
		}
		p->protocol = header->next;
	}
	return is_extension(p->protocol) && !p->offset ? 1 << 16 : taken;
}

static __always_inline enum seen parse6(struct xdp_md *ctx, struct packet *p, void *at, void *end)
{
	struct ipv6hdr *ip = at;
	if ((void *)(ip + 1) > end)
		return UNREADABLE;
	__builtin_memcpy(p->source, &ip->saddr, 16);
	__builtin_memcpy(p->destination, &ip->daddr, 16);
	__u32 inner = bpf_ntohs(ip->payload_len), taken = 0;
	__u64 held = between(at, end);
	p->six = 1;
	p->protocol = ip->nexthdr;
	p->length = inner + sizeof(*ip);
	p->ttl = ip->hop_limit;
	p->traffic = bpf_ntohs(*(__be16 *)at) >> 4 & 0xff;
	p->present = HAS_IP;
	p->plain = !is_extension(ip->nexthdr);
	if (*(__u8 *)at >> 4 != 6)
		return UNREADABLE;
	if (!p->plain) {
		taken = extensions(ctx, p);
		data_of(ctx, &at, &end);
		at += p->network & 31;
	}
	bool own = p->source[0] == p->destination[0] && p->source[1] == p->destination[1] &&
		   p->source[2] == p->destination[2] && p->source[3] == p->destination[3];
	if (taken > inner || inner + sizeof(*ip) > held || impossible6(p->source, p->protocol) || own ||
	    p->offset * 8u + (inner - taken) > 65535) {
		p->row = unread(p);
		p->malformed = 1;
		return READ;
	}
	parse_transport(p, at + sizeof(*ip) + (taken & EXTENSION_BYTES), end, inner - taken);
	return READ;
}

static __always_inline enum seen parse(struct xdp_md *ctx, struct packet *p)
{
	void *data, *end;
	data_of(ctx, &data, &end);
	struct ethhdr *ethernet = data;
	p->nothing = 0;
	p->begun[0] = p->begun[1] = 0;
	p->row = ROW_OTHER;
	p->length = 0;
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
		return parse6(ctx, p, at, end);
	return NOT_IP;
}

#endif
