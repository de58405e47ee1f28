/*
 * dns: a question for a host's addresses and the answer to it, as bytes: RFC 1035, 3596. Pure.
 */
#ifndef HUSK_PROBE_DNS_H
#define HUSK_PROBE_DNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum dns_type { DNS_A = 1, DNS_AAAA = 28 };
enum {
	DNS_NAME_MAX = 253,
	DNS_QUERY_MAX = 12 + DNS_NAME_MAX + 2 + 4,
	DNS_MESSAGE_MAX = 1024, /* 512, and then some: larger ones are not asked for */
	DNS_ADDRESSES_MAX = 8,
	/* What dns_answer returns besides the codes of RFC 1035 4.1.1. */
	DNS_FOREIGN = -1,
	DNS_OK = 0,
	DNS_NO_NAME = 3,
};

struct dns_query {
	enum dns_type type;
	size_t len;
	unsigned char bytes[DNS_QUERY_MAX];
};

struct dns_addresses {
	unsigned count;
	unsigned char bytes[DNS_ADDRESSES_MAX][16]; /* 4 of them where A was asked for */
};

/* -1 where `name` (a dot at its end or not) is none that DNS can have. */
int dns_ask(struct dns_query *query, enum dns_type type, struct str name, uint16_t id);
/* Adds the addresses of an answer, as many as find room. The server's code, DNS_FOREIGN where the
 * message is no answer to `query`, or a damaged one. */
int dns_answer(const struct dns_query *query, struct str message, struct dns_addresses *addresses);

#endif
