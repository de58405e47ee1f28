/*
 * resolve: the addresses of a host: /etc/hosts, then the name servers of /etc/resolv.conf, as the C
 * library of a static program does it (musl, resolv.conf(5)): `search`, `ndots`, `timeout` and
 * `attempts` are obeyed, all name servers are asked at once, IPv6 addresses stand before IPv4 ones.
 * But here the caller's deadline holds, and nothing is left running behind it.
 */
#ifndef HUSK_PROBE_RESOLVE_H
#define HUSK_PROBE_RESOLVE_H

#include <stdint.h>

#include "base/err.h"
#include "probe/address.h"

enum { RESOLVE_MAX = 16 };

struct resolve {
	struct address addresses[RESOLVE_MAX];
	unsigned count;
};

/* At least one address, or -1 and why: "no address is known for db". `deadline` is sys_now's. */
int resolve_host(const char *host, uint16_t port, int64_t deadline, struct resolve *resolve,
	struct err *err);

#endif
