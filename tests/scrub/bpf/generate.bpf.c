// Makes packets: run with BPF_F_TEST_XDP_LIVE_FRAMES, each run sends one frame out of an interface.
//
// The pages of the frames come back with whatever the receiver did to them, so the whole head is written anew each time.
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "GPL";

#define HEAD 60 // the shortest frame of Ethernet without its checksum
#define LISTED 65536
#define TCP_SUM 50
#define UDP_SUM 40

// What every frame is, and what differs. Sums are of 16-bit words as they lie in memory, with zeros where a field differs.
struct shape {
	__u8 head[64]; // the first HEAD bytes: Ethernet, IPv4 without options, TCP, UDP or ICMP
	__u32 interface;
	__u32 listed; // sources are taken from the list of so many; 0: random
	__u32 source; // host order
	__u32 source_mask; // bits that are random
	__u32 destination;
	__u32 destination_mask;
	__u32 sequence_mask; // of TCP
	__u32 ip_sum;
	__u32 transport_sum;
	__u32 sum_at; // TCP_SUM, UDP_SUM, or 0 for none
	__u16 source_port;
	__u16 source_port_mask;
	__u16 destination_port;
	__u16 destination_port_mask;
	__u16 id_mask;
	__u8 ttl;
	__u8 ttl_mask;
	__u32 ports; // whether there are ports
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct shape);
	__uint(max_entries, 1);
} shapes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, LISTED);
} sources SEC(".maps");

struct head {
	__u8 ethernet[14];
	__u16 version;
	__u16 length;
	__be16 id;
	__be16 fragment;
	__u8 ttl;
	__u8 protocol;
	__u16 sum;
	__be32 source;
	__be32 destination;
	__be16 source_port;
	__be16 destination_port;
	__be32 sequence;
	__u8 rest[18];
} __attribute__((packed));

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline __u32 halves(__u32 word)
{
	return (word & 0xffff) + (word >> 16);
}

static __always_inline __u32 source_of(const struct shape *s, __u32 random)
{
	if (!s->listed)
		return s->source | (random & s->source_mask);
	__u32 index = random % s->listed;
	__u32 *listed = bpf_map_lookup_elem(&sources, &index);
	return listed ? *listed : s->source;
}

static __always_inline void vary(const struct shape *s, struct head *h)
{
	__u32 random = bpf_get_prandom_u32(), more = bpf_get_prandom_u32();
	h->source = bpf_htonl(source_of(s, random));
	h->destination = bpf_htonl(s->destination | (more & s->destination_mask));
	h->id = bpf_htons(random >> 16 & s->id_mask);
	h->ttl = s->ttl + (more >> 24 & s->ttl_mask);
	__u32 addresses = halves(h->source) + halves(h->destination);
	// Time to live is the low byte of its word in memory.
	h->sum = fold(s->ip_sum + addresses + h->id + h->ttl);
	__u32 sum = s->transport_sum + addresses;
	if (s->ports) {
		h->source_port = bpf_htons(s->source_port + (more & s->source_port_mask));
		h->destination_port = bpf_htons(s->destination_port + (more >> 16 & s->destination_port_mask));
		sum += h->source_port + h->destination_port;
	}
	if (s->sequence_mask) {
		h->sequence = (random ^ more << 7) & s->sequence_mask;
		sum += halves(h->sequence);
	}
	if (s->sum_at == TCP_SUM)
		*(__u16 *)((void *)h + TCP_SUM) = fold(sum);
	else if (s->sum_at == UDP_SUM)
		*(__u16 *)((void *)h + UDP_SUM) = fold(sum);
}

static __always_inline struct shape *write(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 zero = 0;
	struct shape *s = bpf_map_lookup_elem(&shapes, &zero);
	if (!s || data + HEAD > end)
		return NULL;
	__builtin_memcpy(data, s->head, HEAD);
	vary(s, data);
	return s;
}

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	struct shape *s = write(ctx);
	return s ? bpf_redirect(s->interface, 0) : XDP_ABORTED;
}

// The cheapest filter there is.
SEC("xdp")
int drop_all(struct xdp_md *ctx)
{
	return XDP_DROP;
}

// Lets a veth peer receive frames that were redirected or sent back.
SEC("xdp")
int pass_all(struct xdp_md *ctx)
{
	return XDP_PASS;
}
