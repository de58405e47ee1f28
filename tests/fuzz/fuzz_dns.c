/* dns: the bytes are the answer to a question for db.example, and then, up to a zero, a name. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "probe/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_answer(enum dns_type type, struct str message)
{
	struct dns_addresses addresses = {.count = 1};
	struct dns_query query;
	int code;

	require(dns_ask(&query, type, STR("db.example"), 0x3131) == 0);
	code = dns_answer(&query, message, &addresses);
	require(code >= DNS_FOREIGN && code <= 15);
	require(addresses.count >= 1 && addresses.count <= DNS_ADDRESSES_MAX);
	require(addresses.count == 1 || code == DNS_OK || code == DNS_NO_NAME);
}

/* What is asked is a name of labels, as long as it says. */
static void check_name(struct str name)
{
	struct dns_query query;
	size_t at = 12;

	if (dns_ask(&query, DNS_A, name, 1) < 0)
		return;
	require(query.len <= DNS_QUERY_MAX);
	while (query.bytes[at] != 0) {
		require(query.bytes[at] < 64);
		at += 1U + query.bytes[at];
		require(at < query.len);
	}
	require(at + 5 == query.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	const char *zero = memchr(text.data, '\0', size);

	check_answer(DNS_A, text);
	check_answer(DNS_AAAA, text);
	check_name(str_sub(text, 0, zero != NULL ? (size_t)(zero - text.data) : size));
	return 0;
}
