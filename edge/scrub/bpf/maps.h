// The maps: everything that user space and the program say to each other. Rust twins: src/layout.rs, compared by a test.
#ifndef SCRUB_MAPS_H
#define SCRUB_MAPS_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

// Number of the agreement between this file and src/layout.rs: a controller adopts only a filter with its own.
#define ABI 4

// Why a packet was dropped. The same numbers as ddos::Reason.
enum reason {
	MALFORMED,
	DENIED,
	BANNED,
	AMPLIFICATION,
	SIGNATURE,
	SYN_COOKIE, // answered by us: not lost
	BAD_ACK,
	SOURCE_RATE,
	NET_RATE,
	DESTINATION_RATE,
	NOT_VERIFIED,
	FRAGMENT,
	REASONS,
	NONE = 255, // goes on
};

// What is done for a destination; each level does what the lower ones do. The same numbers as ddos::Level.
enum level { OBSERVE, CLEAN, LIMIT, PROVE, VERIFIED, UPSTREAM };

// Which lists hold something: an empty one costs no lookup.
enum holds {
	HOLDS_LISTS = 1,
	HOLDS_BANS = 2,
	HOLDS_SERVICES = 4,
	HOLDS_RESOLVERS = 8, // of names (port 53) among the services
	HOLDS_CLOCKS = 16, // servers of time (port 123) among them
	HOLDS_RULES = 32,
};

// Who proves that a client lives where it says. Fixed when the program is compiled (build.rs makes one object of each),
// so that a kernel without the functions of one can load the others.
#define COOKIES_NONE 0
#define COOKIES_LOCAL 1 // the listener is on this host
#define COOKIES_ROUTER 2 // we forward: netfilter's synproxy takes the proven connection over
#ifndef COOKIES
#define COOKIES COOKIES_NONE
#endif

struct settings {
	__u64 lease_until; // ns of CLOCK_MONOTONIC; after it everything passes
	__u64 key[3]; // of the hash; random, the first two odd
	__u64 source_step; // ns that a packet of one source costs, 0 for no limit
	__u64 source_window; // ns that it may be ahead
	__u64 net_step; // the same for its /24 or /64
	__u64 net_window;
	__u64 confirmed_for; // ns that a proof of address holds
	__u64 tick_from; // the kernel's count of ticks at `time_from`
	__u64 time_from; // ns of CLOCK_MONOTONIC
	__u64 tick; // ns
	__u32 sample_below; // a random u32 below it: the header is sampled
	__u32 holds; // enum holds
	__u32 bank; // which of the two banks of rules is in force
	__u32 rest_level; // for destinations that nobody asked us to protect
	__u32 abi;
	__u32 generation; // of the protected prefixes; what was remembered of another one is forgotten
	__u32 cookies; // what COOKIES was, for whoever adopts the filter
	__u32 ban_mask; // number of buckets of bans less one
};

// A protected prefix.
struct place {
	__u32 slot; // of counters and bucket
	__u32 level; // enum level
	__u64 step; // ns that a packet to it costs, 0 for no limit
	__u64 window; // ns that it may be ahead
};

// What a processor remembers of a destination, so that it asks the tries once.
struct known {
	__u32 address[4];
	__u32 generation;
	__u8 six;
	__u8 found;
	__u16 reserved;
	struct place place;
};

// What a packet is counted as. Rows and not a number for everything that one may want to know: a packet touches one row,
// one reason, and the few numbers beside them.
enum row {
	ROW_TCP_OTHER, // flags that mean nothing, fragments behind the first
	ROW_SYN,
	ROW_SYNACK,
	ROW_ACK,
	ROW_RST,
	ROW_FIN,
	ROW_TCP_UNREAD, // its header is not there
	ROW_UDP,
	ROW_AMPLIFIED, // from a port of reflectors
	ROW_UDP_UNREAD,
	ROW_ICMP,
	ROW_OTHER,
	ROWS,
};

struct tally {
	__u64 packets;
	__u64 bytes; // from the IP header on
};

// Since the program was loaded, of one slot on one processor. src/layout.rs makes ddos::Counters of it.
struct counters {
	__u64 new_sources; // first packet of this source in this second
	__u64 length_squares; // sum of length² >> 6
	__u64 fragments;
	struct tally row[ROWS];
	struct tally dropped[REASONS];
};

struct net4 {
	__u32 bits;
	__u32 address;
};

struct net6 {
	__u32 bits;
	__u32 address[4];
};

struct address6 {
	__u32 word[4];
};

// Bans stand in buckets of one or two lines of the cache, two for each source, found by its hash: one look says no, and only
// user space writes (src/bans.rs). A hash of the kernel costs several calls, and an LRU writes when it is read.
#define WAYS 4

struct bans4 {
	__u64 until[WAYS]; // ns of CLOCK_MONOTONIC; what is over is an empty place
	__u32 address[WAYS];
	__u32 reason[WAYS]; // of whoever banned
};

struct bans6 {
	__u64 until[WAYS];
	__u32 address[WAYS][4];
	__u32 reason[WAYS];
	__u32 reserved[WAYS];
};

// What the list of prefixes says of a source.
enum says {
	SAYS_NOTHING,
	SAYS_DENY,
	SAYS_ALLOW,
	SAYS_ASK, // the trie: a longer prefix lies in there
	SAYS_BLOCK, // and above: the block of that number less this
};

// The list of IPv4 prefixes once more, in two steps: by the first 16 bits of a source, then by the next 8 (src/prefixes.rs).
// A trie takes a call, and a step for each prefix on the way.
struct heads { // of a first byte, by the second
	__u16 head[256];
};

struct block { // of a /16, by the third byte
	__u8 says[256];
};

// Who may answer us over UDP: a resolver or time server.
struct service {
	__u32 address[4]; // IPv4 in the first word
	__u32 port;
};

#define TERMS 8
#define RULES 32

// The fields of a header that a rule may fix. The same numbers as ddos::Field.
enum field {
	FIELD_PROTOCOL,
	FIELD_SOURCE_PORT,
	FIELD_DESTINATION_PORT,
	FIELD_LENGTH,
	FIELD_TTL,
	FIELD_TRAFFIC_CLASS,
	FIELD_IP_ID,
	FIELD_FRAGMENT,
	FIELD_TCP_FLAGS,
	FIELD_TCP_WINDOW,
	FIELD_DATA_OFFSET,
	FIELD_TCP_OPTIONS,
	FIELD_TCP_SEQUENCE,
	FIELD_TCP_ACKNOWLEDGEMENT,
	FIELD_ICMP_TYPE,
	FIELD_PAYLOAD_0,
	FIELD_PAYLOAD_4,
	FIELD_PAYLOAD_8,
	FIELD_PAYLOAD_12,
	FIELDS,
};

// Room for them: a power of two, so that a number from a map can be bounded by a mask.
#define FIELD_ROOM 32

struct term {
	__u32 field; // enum field
	__u32 value;
};

// A signature: every term holds, until its time.
struct rule {
	__u64 until; // ns of CLOCK_MONOTONIC
	__u64 id;
	__u32 terms;
	__u32 present; // bit n: field n must exist in the packet
	struct term term[TERMS];
	__u32 six; // 1 for IPv6
	__u32 reserved;
	__u32 address[4]; // destination after the mask
	__u32 mask[4];
};

struct rules {
	__u32 count;
	__u32 reserved;
	struct rule rule[RULES];
};

#define SAMPLE_BYTES 96

struct sample {
	__u64 at; // ns of CLOCK_MONOTONIC
	__u32 slot;
	__u16 length; // from the IP header on
	__u8 reason; // enum reason
	__u8 captured; // bytes of `header` that are set
	__u8 header[SAMPLE_BYTES]; // from the IP header on
};

#define MARKS (1 << 20)
#define SERVICE_MARKS (1 << 12)
#define SOURCE_ROW 65536
#define NET_ROW 65536

// A bit for each hash of (slot, source) that this processor saw in the second that the highest byte of its word names:
// nobody has to clear it, no other processor writes to it, and it stays in the nearest cache.
#define CELL_WORDS 1024
#define CELL_BITS 56

struct cells {
	__u64 word[CELL_WORDS];
};

// Of a destination: when its buckets are empty again, ns of CLOCK_MONOTONIC.
struct place_bucket {
	__u64 all;
	__u64 sizes; // what routers say of the size of packets
};

#define MAP(name, kind, key_type, value_type, size)                                                                    \
	struct {                                                                                                       \
		__uint(type, kind);                                                                                    \
		__type(key, key_type);                                                                                 \
		__type(value, value_type);                                                                             \
		__uint(max_entries, size);                                                                             \
	} name SEC(".maps")

#define TRIE(name, key_type, value_type, size)                                                                         \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_LPM_TRIE);                                                                   \
		__type(key, key_type);                                                                                 \
		__type(value, value_type);                                                                             \
		__uint(max_entries, size);                                                                             \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                                                  \
	} name SEC(".maps")

// The kernel puts the elements of an array that may be mapped at the beginning of a page: no bucket lies across two lines.
#define BUCKETS(name, value_type, size)                                                                                \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                                      \
		__type(key, __u32);                                                                                    \
		__type(value, value_type);                                                                             \
		__uint(max_entries, size);                                                                             \
		__uint(map_flags, BPF_F_MMAPABLE);                                                                     \
	} name SEC(".maps")

MAP(settings, BPF_MAP_TYPE_ARRAY, __u32, struct settings, 1);
TRIE(places4, struct net4, struct place, 4096);
TRIE(places6, struct net6, struct place, 4096);
#define KNOWN 256
MAP(known, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct known, KNOWN);
MAP(counts, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct counters, 4096);
TRIE(sources4, struct net4, __u32, 100000); // value: 0 denied, 1 allowed
TRIE(sources6, struct net6, __u32, 100000);
MAP(heads, BPF_MAP_TYPE_ARRAY, __u32, struct heads, 256);
MAP(blocks, BPF_MAP_TYPE_ARRAY, __u32, struct block, 16384);
BUCKETS(bans4, struct bans4, 16384);
BUCKETS(bans6, struct bans6, 16384);
// One bit for each hash of a source that stands in `bans*`, `confirmed*` or `services`: where it is not set, the lookup is spared.
// The kernel takes tens of nanoseconds to say no, on processors whose returns are mitigated most of all.
MAP(ban_marks, BPF_MAP_TYPE_ARRAY, __u32, __u64, MARKS / 64);
MAP(confirmed_marks, BPF_MAP_TYPE_ARRAY, __u32, __u64, MARKS / 64);
MAP(service_marks, BPF_MAP_TYPE_ARRAY, __u32, __u64, SERVICE_MARKS / 64);
MAP(services, BPF_MAP_TYPE_HASH, struct service, __u32, 256);
MAP(banks, BPF_MAP_TYPE_ARRAY, __u32, struct rules, 2);
MAP(hits, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, RULES);
// Sources that have shown that they live where they say: completed a handshake, or somebody above says so. An LRU is
// right here and only here: a spoofed source never gets in.
MAP(confirmed4, BPF_MAP_TYPE_LRU_HASH, __u32, __u64, 262144);
MAP(confirmed6, BPF_MAP_TYPE_LRU_HASH, struct address6, __u64, 262144);
// Hashed arrays and never an LRU: 65k spoofed sources make an LRU evict the real ones, at twice the cost.
MAP(source_buckets, BPF_MAP_TYPE_ARRAY, __u32, __u64, 2 * SOURCE_ROW);
MAP(net_buckets, BPF_MAP_TYPE_ARRAY, __u32, __u64, NET_ROW);
MAP(place_buckets, BPF_MAP_TYPE_ARRAY, __u32, struct place_bucket, 4096);
MAP(seen, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct cells, 1);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} samples SEC(".maps");

// Two clocks read at once, by the program `clock`.
struct clocks {
	__u64 ticks;
	__u64 time;
};
MAP(clocks, BPF_MAP_TYPE_ARRAY, __u32, struct clocks, 1);

// Without memory for the sample, per processor.
MAP(unsampled, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 1);

#endif
