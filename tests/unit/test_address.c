#include "unit/unit.h"

#include <arpa/inet.h>

#include "probe/address.h"

static void expect(int family, const unsigned char *bytes)
{
	struct address address;
	char word[INET6_ADDRSTRLEN], out[ADDRESS_TEXT_MAX], wanted[ADDRESS_TEXT_MAX];

	assert_non_null(inet_ntop(family, bytes, word, sizeof(word)));
	(void)snprintf(wanted, sizeof(wanted), family == AF_INET ? "%s:80" : "[%s]:80", word);
	address_set(&address, family, bytes, 80);
	assert_string_equal(address_text(&address, out), wanted);
}

static void test_address_v4_as_the_library_writes_it(void **state)
{
	const unsigned char addresses[][4] = {{127, 0, 0, 1}, {0, 0, 0, 0}, {255, 10, 0, 255}};

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		expect(AF_INET, addresses[i]);
}

/* Every pattern of zero groups. */
static void test_address_v6_as_the_library_writes_it(void **state)
{
	unsigned char bytes[16];

	(void)state;
	for (unsigned pattern = 0; pattern < 256; pattern++) {
		for (unsigned i = 0; i < 8; i++) {
			bytes[2 * i] = pattern >> i & 1 ? (unsigned char)(i * 31) : 0;
			bytes[2 * i + 1] = pattern >> i & 1 ? (unsigned char)(i + 1) : 0;
		}
		/* Those that the library writes with an IPv4 address in them. */
		if ((pattern & 0x3f) != 0)
			expect(AF_INET6, bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address_v4_as_the_library_writes_it),
		cmocka_unit_test(test_address_v6_as_the_library_writes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
