// The network: connections from the socket behind the descriptor, datagrams from the packet that leaves.
#include "place.h"

#define AF_INET 2
#define AF_INET6 10
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define ETHERNET_V4 0x0800
#define ETHERNET_V6 0x86dd
#define S_IFMT 0170000
#define S_IFSOCK 0140000

// Streams of datagrams already reported, and when (CLOCK_BOOTTIME, ns): one event a stream and minute.
struct flow {
	u32 tgid;
	u16 local_port;
	u16 remote_port;
	u8 remote[16];
};

#define FLOW_NS 60000000000ull

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct flow);
	__type(value, u64);
} flows SEC(".maps");

static __always_inline struct sock *socket_of(int fd)
{
	struct file *file = task_file(current_task(), fd);
	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

static __always_inline void fill_addresses(struct event_net *record, struct sock *sock)
{
	record->family = BPF_CORE_READ(sock, __sk_common.skc_family);
	record->protocol = BPF_CORE_READ(sock, sk_protocol);
	record->socket_type = BPF_CORE_READ(sock, sk_type);
	record->local_port = BPF_CORE_READ(sock, __sk_common.skc_num);
	record->remote_port = bpf_ntohs(BPF_CORE_READ(sock, __sk_common.skc_dport));
	if (record->family == AF_INET) {
		bpf_core_read(record->local, 4, &sock->__sk_common.skc_rcv_saddr);
		bpf_core_read(record->remote, 4, &sock->__sk_common.skc_daddr);
	} else {
		bpf_core_read(record->local, 16, &sock->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(record->remote, 16, &sock->__sk_common.skc_v6_daddr);
	}
}

// A refused connection has left no address in the socket: then the one given to the call is taken.
static __always_inline void fill_given(struct event_net *record, u64 pointer)
{
	struct {
		u16 family;
		u16 port;
		u8 four[4];
		u8 six[16];
	} address = {};
	if (bpf_probe_read_user(&address, 8, (void *)pointer))
		return;
	if (address.family == AF_INET && record->family == AF_INET) {
		record->remote_port = bpf_ntohs(address.port);
		__builtin_memcpy(record->remote, address.four, 4);
	} else if (address.family == AF_INET6) {
		bpf_probe_read_user(&address, sizeof(address), (void *)pointer);
		record->remote_port = bpf_ntohs(address.port);
		__builtin_memcpy(record->remote, address.six, 16);
	}
}

static __always_inline u32 net_op(u32 call)
{
	switch (call) {
	case CALL_CONNECT:
		return NET_CONNECT;
	case CALL_ACCEPT:
		return NET_ACCEPT;
	case CALL_LISTEN:
		return NET_LISTEN;
	}
	return NET_BIND;
}

// The one 32-bit call for all of the network: which call it carries, its arguments put in place; 0 for others.
static __always_inline u32 carried_call(struct scratch *s)
{
	u32 given[2] = {};
	u64 which = s->arguments.at[0];
	bpf_probe_read_user(given, sizeof(given), (void *)s->arguments.at[1]);
	s->arguments.at[0] = given[0];
	s->arguments.at[1] = given[1];
	switch (which) {
	case 2:
		return CALL_BIND;
	case 3:
		return CALL_CONNECT;
	case 4:
		return CALL_LISTEN;
	case 5:
	case 18: // accept4
		return CALL_ACCEPT;
	}
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(net_call, struct pt_regs *regs, long result)
{
	struct scratch *s = scratch();
	if (!s)
		return 0;
	u32 call = enter_call(s, regs);
	if (call == CALL_SOCKETCALL)
		call = carried_call(s);
	u32 op = net_op(call);
	if (!call || (result < 0 && op != NET_CONNECT))
		return 0;
	struct event_settings *set = current_settings();
	if (!set || !wanted(set, KIND_NET))
		return 0;
	struct sock *sock = socket_of(op == NET_ACCEPT ? result : (int)s->arguments.at[0]);
	if (!sock)
		return 0;
	u32 family = BPF_CORE_READ(sock, __sk_common.skc_family);
	if ((family != AF_INET && family != AF_INET6) || !has_room(set, KIND_NET))
		return 0;
	RESERVE(struct event_net, record, KIND_NET, return 0)
	fill_header(&record->header, KIND_NET, sizeof(*record), call, result);
	if (s->compat)
		record->header.flags |= EVENT_COMPAT;
	record->op = op;
	fill_addresses(record, sock);
	if (op == NET_CONNECT && !record->remote_port)
		fill_given(record, s->arguments.at[1]);
	submit_record(record, set, KIND_NET);
	return 0;
}

// A datagram on its way: where from and where to, read from the packet. `local` is the side that sent it.
struct datagram {
	u16 family;
	u16 local_port;
	u16 remote_port;
	u16 length; // of the payload
	u8 local[16];
	u8 remote[16];
	u64 payload;
};

struct datagram_ports {
	__be16 source;
	__be16 destination;
	__be16 length;
	__be16 checksum;
};

// `front` is where its network header begins.
static __always_inline bool read_datagram(struct datagram *out, struct sk_buff *packet, u8 *front)
{
	struct datagram_ports ports = {};
	u8 first[20] = {};
	u32 skip;
	if (bpf_probe_read_kernel(first, sizeof(first), front))
		return false;
	if (first[0] >> 4 == 4) {
		if (first[9] != PROTOCOL_UDP || ((first[6] & 0x1f) | first[7])) // later fragments carry no ports
			return false;
		out->family = AF_INET;
		skip = (first[0] & 15) * 4;
		__builtin_memcpy(out->local, first + 12, 4);
		__builtin_memcpy(out->remote, first + 16, 4);
	} else {
		if (first[0] >> 4 != 6 || first[6] != PROTOCOL_UDP)
			return false;
		out->family = AF_INET6;
		skip = 40;
		bpf_probe_read_kernel(out->local, 16, front + 8);
		bpf_probe_read_kernel(out->remote, 16, front + 24);
	}
	if (bpf_probe_read_kernel(&ports, sizeof(ports), front + skip))
		return false;
	out->local_port = bpf_ntohs(ports.source);
	out->remote_port = bpf_ntohs(ports.destination);
	out->payload = (u64)front + skip + sizeof(ports);
	u16 length = bpf_ntohs(ports.length);
	// What lies in further pages cannot be read here.
	u8 *end = BPF_CORE_READ(packet, data) + BPF_CORE_READ(packet, len) - BPF_CORE_READ(packet, data_len);
	u64 held = out->payload < (u64)end ? (u64)end - out->payload : 0;
	length = length > sizeof(ports) ? length - sizeof(ports) : 0;
	out->length = length < held ? length : held;
	return true;
}

struct dns_buffer {
	struct event_dns head;
	u8 payload[DNS_BYTES];
};

// Reports a question, or (received) an answer: then the server is the side that sent it.
static __always_inline void report_message(struct event_settings *set, struct datagram *datagram, bool received)
{
	if (!has_room(set, KIND_DNS))
		return;
	struct dns_buffer *record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count_result(KIND_DNS, true);
		return;
	}
	u64 length = datagram->length;
	// The compiler must compare the very register that it gives to the read: older verifiers follow no copies.
	barrier_var(length);
	if (length > DNS_BYTES)
		length = DNS_BYTES;
	barrier_var(length);
	fill_header(&record->head.header, KIND_DNS, sizeof(*record), CALL_SEND, 0);
	record->head.family = datagram->family;
	record->head.local_port = received ? datagram->remote_port : datagram->local_port;
	record->head.remote_port = received ? datagram->local_port : datagram->remote_port;
	__builtin_memcpy(record->head.local, received ? datagram->remote : datagram->local, 16);
	__builtin_memcpy(record->head.remote, received ? datagram->local : datagram->remote, 16);
	if (received)
		record->head.header.flags |= EVENT_RECEIVED;
	record->head.payload_length = 0;
	if (length && !bpf_probe_read_kernel(record->payload, length, (void *)datagram->payload))
		record->head.payload_length = length;
	submit_record(record, set, KIND_DNS);
}

static __always_inline void report_datagram(struct event_settings *set, struct datagram *datagram)
{
	struct flow flow = {
		.tgid = bpf_get_current_pid_tgid() >> 32,
		.local_port = datagram->local_port,
		.remote_port = datagram->remote_port,
	};
	u64 now = bpf_ktime_get_boot_ns();
	__builtin_memcpy(flow.remote, datagram->remote, 16);
	u64 *told = bpf_map_lookup_elem(&flows, &flow);
	if (told && now - *told < FLOW_NS) {
		count_filtered(KIND_NET);
		return;
	}
	if (!has_room(set, KIND_NET))
		return;
	bpf_map_update_elem(&flows, &flow, &now, BPF_ANY);
	RESERVE(struct event_net, record, KIND_NET, return)
	fill_header(&record->header, KIND_NET, sizeof(*record), CALL_SEND, 0);
	record->op = NET_SEND;
	record->family = datagram->family;
	record->protocol = PROTOCOL_UDP;
	record->socket_type = 2;
	record->local_port = datagram->local_port;
	record->remote_port = datagram->remote_port;
	__builtin_memcpy(record->local, datagram->local, 16);
	__builtin_memcpy(record->remote, datagram->remote, 16);
	submit_record(record, set, KIND_NET);
}

// Sees datagrams of every door: sendto, sendmsg, write, io_uring. A first datagram that waits for a neighbour's address
// leaves later, out of an interrupt; the process named may then be another (it is the one that was interrupted).
SEC("tp_btf/net_dev_queue")
int BPF_PROG(net_datagram, struct sk_buff *packet)
{
	struct datagram datagram = {};
	struct sock *sock = packet->sk;
	if (!sock || sock->sk_protocol != PROTOCOL_UDP)
		return 0;
	u32 family = sock->__sk_common.skc_family;
	if (family != AF_INET && family != AF_INET6)
		return 0;
	struct event_settings *set = current_settings();
	if (!set || !(set->kinds & (1ull << KIND_NET | 1ull << KIND_DNS)))
		return 0;
	u8 *front = BPF_CORE_READ(packet, head) + BPF_CORE_READ(packet, network_header);
	if (!read_datagram(&datagram, packet, front))
		return 0;
	if (datagram.remote_port == 53 && wanted(set, KIND_DNS))
		report_message(set, &datagram, false);
	if (wanted(set, KIND_NET))
		report_datagram(set, &datagram);
	return 0;
}

// Sees answers of name servers when they arrive. They make no event: they tell which name an address was asked for by.
// Here the data begins with the network header, which is not marked yet.
SEC("tp_btf/netif_receive_skb")
int BPF_PROG(net_received, struct sk_buff *packet)
{
	struct datagram datagram = {};
	struct event_settings *set = current_settings();
	if (!set || !(set->kinds & (1ull << KIND_DNS)))
		return 0;
	u16 protocol = bpf_ntohs(packet->protocol);
	if (protocol != ETHERNET_V4 && protocol != ETHERNET_V6)
		return 0;
	u8 *front = packet->data;
	u8 transport = 0;
	bpf_probe_read_kernel(&transport, 1, front + (protocol == ETHERNET_V4 ? 9 : 6));
	if (transport == PROTOCOL_UDP && read_datagram(&datagram, packet, front) && datagram.local_port == 53)
		report_message(set, &datagram, true);
	return 0;
}
