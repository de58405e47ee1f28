#include "probe/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/format.h"

void address_set(struct address *address, int family, const void *bytes, uint16_t port)
{
	*address = (struct address){.any.sa_family = (sa_family_t)family};
	if (family == AF_INET) {
		address->size = sizeof(address->v4);
		address->v4.sin_port = htons(port);
		memcpy(&address->v4.sin_addr, bytes, sizeof(address->v4.sin_addr));
	} else {
		address->size = sizeof(address->v6);
		address->v6.sin6_port = htons(port);
		memcpy(&address->v6.sin6_addr, bytes, sizeof(address->v6.sin6_addr));
	}
}

int address_parse(struct str text, uint16_t port, struct address *address)
{
	char word[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	int family = AF_INET;

	if (text.len == 0 || text.len >= sizeof(word) || memchr(text.data, '\0', text.len) != NULL)
		return -1;
	memcpy(word, text.data, text.len);
	word[text.len] = '\0';
	if (strchr(word, ':') != NULL)
		family = AF_INET6;
	if (inet_pton(family, word, bytes) != 1)
		return -1;
	address_set(address, family, bytes, port);
	return 0;
}

void address_local(struct address *address, const char *path)
{
	size_t len = strlen(path);

	if (len > ADDRESS_PATH_MAX)
		len = ADDRESS_PATH_MAX;
	*address = (struct address){.any.sa_family = AF_UNIX};
	memcpy(address->local.sun_path, path, len);
	/* A path has its NUL behind it; an abstract name has one in front, and no end but its
	 * length. */
	address->size = offsetof(struct sockaddr_un, sun_path) + len + 1;
	if (*path == '@') {
		address->local.sun_path[0] = '\0';
		address->size--;
	}
}

/* The longest row of zero groups, of two at least: RFC 5952 4.2. `*count` 0: there is none. */
static unsigned find_zeros(const unsigned char bytes[16], unsigned *count)
{
	unsigned best = 0, len = 0;

	*count = 0;
	for (unsigned i = 0; i < 8; i++) {
		len = bytes[2 * i] == 0 && bytes[2 * i + 1] == 0 ? len + 1 : 0;
		if (len > 1 && len > *count) {
			*count = len;
			best = i + 1 - len;
		}
	}
	return best;
}

/* inet_ntop(3) would bring printf along. */
static void format_v6(const unsigned char bytes[16], char out[INET6_ADDRSTRLEN])
{
	unsigned zeros, first = find_zeros(bytes, &zeros);
	int len = 0;

	for (unsigned i = 0; i < 8; i++) {
		if (zeros > 0 && i == first) {
			len += format_text(out + len, INET6_ADDRSTRLEN - (size_t)len, "::");
			i += zeros - 1;
			continue;
		}
		len += format_text(out + len, INET6_ADDRSTRLEN - (size_t)len, "%s%x",
			i > 0 && (zeros == 0 || i != first + zeros) ? ":" : "",
			(unsigned)(bytes[2 * i] << 8 | bytes[2 * i + 1]));
	}
}

const char *address_text(const struct address *address, char out[ADDRESS_TEXT_MAX])
{
	const unsigned char *v4 = (const unsigned char *)&address->v4.sin_addr;
	char word[INET6_ADDRSTRLEN] = "";

	if (address->any.sa_family == AF_INET) {
		(void)format_text(out, ADDRESS_TEXT_MAX, "%u.%u.%u.%u:%u", v4[0], v4[1], v4[2],
			v4[3], (unsigned)ntohs(address->v4.sin_port));
	} else if (address->any.sa_family == AF_INET6) {
		format_v6(address->v6.sin6_addr.s6_addr, word);
		(void)format_text(out, ADDRESS_TEXT_MAX, "[%s]:%u", word,
			(unsigned)ntohs(address->v6.sin6_port));
	} else {
		bool is_abstract = address->local.sun_path[0] == '\0';

		(void)format_text(out, ADDRESS_TEXT_MAX, "%s%.*s", is_abstract ? "@" : "",
			ADDRESS_PATH_MAX, address->local.sun_path + is_abstract);
	}
	return out;
}
