// Headers as they stand on the wire; every field of more than a byte is in network order.
#ifndef SCRUB_WIRE_H
#define SCRUB_WIRE_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#define VLAN_TAGS 2
#define VLAN_BYTES 4
#define EXTENSIONS 6 // most extension headers of IPv6 that a sane packet has
#define EXTENSION_BYTES 0x3fff // a mask that so many of 2048 bytes each do not exceed

#define FRAGMENT_MORE 0x2000
#define FRAGMENT_OFFSET 0x1fff // in units of 8 bytes

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define PSH 0x08
#define ACK 0x10
#define URG 0x20

struct extension {
	__u8 next;
	__u8 length;
	__be16 fragment; // of a fragment header: offset and flags
	__be32 id; // of a fragment header
};

struct tag {
	__be16 tci;
	__be16 protocol;
};

#endif
