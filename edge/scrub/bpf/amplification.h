// UDP reflection: answers that nobody here asked for, from services that answer with more than they were asked.
//
// The ports are those that reports of attacks name (NLADC/dissector lists most of them). A client may use such a port
// by chance, and behind address translation often does; so a port alone condemns nothing above 1023: the payload must
// look like the service's answer.
#ifndef SCRUB_AMPLIFICATION_H
#define SCRUB_AMPLIFICATION_H

#include "lists.h"

// Byte n of the payload, n < 8.
#define BYTE(n) ((__u8)(head >> (56 - 8 * (n))))

enum reflector { NO_REFLECTOR, PORT_ONLY, REFLECTED };

static __always_inline enum reflector when(bool answer)
{
	return answer ? REFLECTED : PORT_ONLY;
}

// Ports below 1024: no client uses them, so data from them is an answer; the exceptions talk port to port.
static __always_inline enum reflector low_port(const struct packet *p, __u64 head, __u32 holds)
{
	switch (p->source_port) {
	case 17: // quote of the day
	case 19: // chargen
	case 69: // TFTP
	case 111: // portmap
	case 137: // NetBIOS names
	case 161: // SNMP
	case 177: // XDMCP
	case 389: // CLDAP
	case 427: // SLP
	case 623: // IPMI
		return when(p->data > 0);
	case 520: // RIP: routers talk port to port
		return when(p->destination_port != 520);
	case 500: // IKE: peers talk port to port
		return when(p->destination_port != 500);
	case 53: // DNS: an answer (QR) from no resolver of ours, or a big one when none is configured
		return when(BYTE(2) & 0x80 && (holds & HOLDS_RESOLVERS || p->data > 512));
	case 123: // NTP: control (6) and private (7) modes, odd lengths; when ours are configured, any other server
		return when((BYTE(0) & 7) > 5 || (p->data != 48 && p->data != 68 && p->data != 72) ||
			    (holds & HOLDS_CLOCKS && (BYTE(0) & 7) != 3));
	default:
		return NO_REFLECTOR;
	}
}

static __always_inline enum reflector high_port(const struct packet *p, __u64 head)
{
	__u32 first = head >> 32;
	switch (p->source_port) {
	case 1434: // SQL server browser: a response is 5 and its length
		return when(BYTE(0) == 5);
	case 1900: // SSDP: HTTP/1.1
	case 32414: // Plex: HTTP/1.0
		return when(first == 0x48545450);
	case 3283: // Apple remote desktop
		return when(first >> 16 == 1);
	case 3389: // RDP over UDP: a SYN of theirs
		return when(first == 0);
	case 3702: // WS-Discovery: XML
		return when(BYTE(0) == '<');
	case 5093: // Sentinel licence server
		return when(BYTE(0) == 0x7a && p->data > 200);
	case 5351: // NAT-PMP: version 0, response bit
		return when(BYTE(0) == 0 && BYTE(1) & 0x80);
	case 5353: // multicast DNS: an answer
		return when(BYTE(2) & 0x80);
	case 5683: // CoAP: version 1, class 2
		return when(BYTE(0) >> 6 == 1 && BYTE(1) >> 5 == 2);
	case 10001: // Ubiquiti discovery
		return when(first >> 16 == 0x0100 || first >> 16 == 0x0200);
	case 10074: // Mitel test driver
		return when(p->data > 200 && first >> 28 != 0xc);
	case 11211: // memcached: frame header with a count of datagrams and two zero bytes
		return when((head & 0xffff) == 0 && (head >> 16 & 0xffff) != 0);
	case 27015: // Steam
		return when(first == 0xffffffff);
	case 33848: // Jenkins: XML
		return when(BYTE(0) == '<');
	case 37810: // video recorders: DHIP
		return when(first == 0x20000000 && (__u32)head == 0x44484950);
	default:
		return NO_REFLECTOR;
	}
}

static __always_inline void reflection(const struct settings *s, struct packet *p)
{
	if (p->row != ROW_UDP || p->malformed || !has(p, FIELD_SOURCE_PORT))
		return;
	// Words that the payload does not have are zeros here.
	__u64 head = has(p, FIELD_PAYLOAD_0) ? (__u64)p->head[0] << 32 : 0;
	head |= has(p, FIELD_PAYLOAD_4) ? p->head[1] : 0;
	enum reflector kind = p->source_port < 1024 ? low_port(p, head, s->holds) : high_port(p, head);
	if (kind == NO_REFLECTOR)
		return;
	p->row = ROW_AMPLIFIED;
	p->port = 1;
	p->reflected = kind == REFLECTED;
}

#endif
