#include "probe/dns.h"

#include <string.h>

enum {
	HEADER = 12,
	LABEL_MAX = 63,
	CLASS_IN = 1,
	RECORD = 10, /* of a resource record, what stands between its name and its data */
};

int dns_ask(struct dns_query *query, enum dns_type type, struct str name, uint16_t id)
{
	unsigned char *out = query->bytes;
	size_t len = HEADER;

	if (name.len > 0 && name.data[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len > DNS_NAME_MAX)
		return -1;
	memset(out, 0, HEADER);
	out[0] = (unsigned char)(id >> 8);
	out[1] = (unsigned char)id;
	out[2] = 1; /* recursion desired */
	out[5] = 1; /* one question */
	while (name.len > 0) {
		const char *dot = memchr(name.data, '.', name.len);
		size_t label = dot != NULL ? (size_t)(dot - name.data) : name.len;

		if (label == 0 || label > LABEL_MAX || label + 1 == name.len)
			return -1;
		out[len++] = (unsigned char)label;
		memcpy(out + len, name.data, label);
		len += label;
		name = str_sub(name, label + 1, name.len);
	}
	out[len++] = 0;
	out[len++] = 0;
	out[len++] = (unsigned char)type;
	out[len++] = 0;
	out[len++] = CLASS_IN;
	query->type = type;
	query->len = len;
	return 0;
}

static unsigned two_bytes(const unsigned char *bytes)
{
	return (unsigned)bytes[0] << 8 | bytes[1];
}

/* Where the name at `at` ends; beyond `len` where it does not. A compressed one ends with two bytes
 * that say where it goes on: nobody needs to go there. */
static size_t skip_name(const unsigned char *bytes, size_t len, size_t at)
{
	while (at < len && bytes[at] != 0) {
		if (bytes[at] >= 0xc0)
			return at + 2;
		if (bytes[at] > LABEL_MAX)
			return len + 1;
		at += 1 + (size_t)bytes[at];
	}
	return at + 1;
}

/* Behind the question: an alias's own records are followed by those of what it stands for, so that
 * whose they are is no matter. */
static int take_records(const struct dns_query *query, const unsigned char *bytes, size_t len,
	struct dns_addresses *addresses)
{
	size_t wanted = query->type == DNS_A ? 4 : 16;
	size_t at = query->len;

	for (unsigned left = two_bytes(bytes + 6); left > 0; left--) {
		at = skip_name(bytes, len, at);
		if (at > len || len - at < RECORD)
			return -1;
		const unsigned char *record = bytes + at;
		size_t size = two_bytes(record + 8);

		at += RECORD;
		if (size > len - at)
			return -1;
		if (two_bytes(record) == query->type && two_bytes(record + 2) == CLASS_IN &&
			size == wanted && addresses->count < DNS_ADDRESSES_MAX)
			memcpy(addresses->bytes[addresses->count++], bytes + at, size);
		at += size;
	}
	return 0;
}

int dns_answer(const struct dns_query *query, struct str message, struct dns_addresses *addresses)
{
	const unsigned char *bytes = (const unsigned char *)message.data;
	unsigned before = addresses->count;
	int code;

	/* An answer to a plain question, of our number. */
	if (message.len < HEADER || memcmp(bytes, query->bytes, 2) != 0 ||
		(bytes[2] & 0xf8) != 0x80)
		return DNS_FOREIGN;
	code = bytes[3] & 0x0f;
	/* Who refuses to answer need not repeat the question. */
	if (code != DNS_OK && code != DNS_NO_NAME)
		return code;
	if (message.len < query->len || two_bytes(bytes + 4) != 1 ||
		memcmp(bytes + HEADER, query->bytes + HEADER, query->len - HEADER) != 0)
		return DNS_FOREIGN;
	/* Of one that was cut short, what is whole will do. */
	if (take_records(query, bytes, message.len, addresses) < 0 && (bytes[2] & 0x02) == 0) {
		addresses->count = before;
		return DNS_FOREIGN;
	}
	return code;
}
