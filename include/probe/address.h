/*
 * address: where a peer is, as the kernel wants it and as people write it.
 */
#ifndef HUSK_PROBE_ADDRESS_H
#define HUSK_PROBE_ADDRESS_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/str.h"

struct address {
	size_t size;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un local;
	};
};
enum { ADDRESS_TEXT_MAX = 128, ADDRESS_PATH_MAX = 107 };

/* AF_INET: 4 bytes, AF_INET6: 16, as they are sent. */
void address_set(struct address *address, int family, const void *bytes, uint16_t port);
/* An IPv4 address, or an IPv6 address without brackets or zone; -1 where it is neither. */
int address_parse(struct str text, uint16_t port, struct address *address);
/* A Unix socket's path, or @NAME of the abstract namespace; at most ADDRESS_PATH_MAX bytes. */
void address_local(struct address *address, const char *path);
/* "127.0.0.1:80", "[::1]:80", "/run/app.sock", "@app". Returns `out`. */
const char *address_text(const struct address *address, char out[ADDRESS_TEXT_MAX]);

#endif
