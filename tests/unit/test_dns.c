#include "unit/unit.h"

#include "probe/dns.h"

enum { MESSAGE_MAX = 1024 };

struct message {
	unsigned char bytes[MESSAGE_MAX];
	size_t len;
};

static void put(struct message *message, const void *bytes, size_t len)
{
	memcpy(message->bytes + message->len, bytes, len);
	message->len += len;
}

/* The query, as its answer repeats it. */
static void begin(struct message *message, const struct dns_query *query, unsigned char code)
{
	message->len = 0;
	put(message, query->bytes, query->len);
	message->bytes[2] |= 0x80;
	message->bytes[3] = (unsigned char)(0x80 | code);
}

/* A record whose owner is the question's name. */
static void put_record(struct message *message, unsigned char type, const void *data, size_t len)
{
	const unsigned char head[] = {0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60,
		(unsigned char)(len >> 8), (unsigned char)len};

	put(message, head, sizeof(head));
	put(message, data, len);
	message->bytes[7]++;
}

static int answer(const struct dns_query *query, const struct message *message,
	struct dns_addresses *addresses)
{
	/* Of its own length, so that a byte read beyond it is seen. */
	char *copy = malloc(message->len + 1);
	int code;

	memcpy(copy, message->bytes, message->len);
	copy = realloc(copy, message->len > 0 ? message->len : 1);
	addresses->count = 0;
	code = dns_answer(query, (struct str){copy, message->len}, addresses);
	free(copy);
	return code;
}

static void test_dns_query_is_as_sent(void **state)
{
	static const char wanted[] = "\x12\x34\x01\0\0\x01\0\0\0\0\0\0\2db\7example\0\0\x1c\0\1";
	struct dns_query query;

	(void)state;
	assert_int_equal(dns_ask(&query, DNS_AAAA, STR("db.example"), 0x1234), 0);
	assert_int_equal(query.len, sizeof(wanted) - 1);
	assert_memory_equal(query.bytes, wanted, query.len);
	/* The root's dot may be there. */
	assert_int_equal(dns_ask(&query, DNS_AAAA, STR("db.example."), 0x1234), 0);
	assert_memory_equal(query.bytes, wanted, query.len);
}

static void test_dns_name_malformed_is_refused(void **state)
{
	static const char *const names[] = {"", ".", "..", ".a", "a..b", "a..", "a.b.."};
	struct dns_query query;
	char name[DNS_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		if (dns_ask(&query, DNS_A, str_from(names[i]), 1) == 0)
			fail_msg("was taken: %s", names[i]);
	}
	memset(name, 'a', sizeof(name));
	name[63] = name[127] = name[191] = '.';
	assert_int_equal(dns_ask(&query, DNS_A, (struct str){name, DNS_NAME_MAX}, 1), 0);
	assert_int_equal(query.len, DNS_QUERY_MAX);
	assert_int_equal(dns_ask(&query, DNS_A, (struct str){name, DNS_NAME_MAX + 1}, 1), -1);
	name[63] = 'a';
	assert_int_equal(dns_ask(&query, DNS_A, (struct str){name, 100}, 1), -1);
}

static void test_dns_answer_has_addresses(void **state)
{
	static const unsigned char one[] = {192, 0, 2, 1}, two[] = {192, 0, 2, 2};
	static const unsigned char six[16] = {0x20, 1, 0xd, 0xb8};
	struct dns_addresses addresses;
	struct dns_query query;
	struct message message;

	(void)state;
	assert_int_equal(dns_ask(&query, DNS_A, STR("db.example"), 7), 0);
	begin(&message, &query, 0);
	put_record(&message, 5, "\5alias\xc0\x0c", 8);
	put_record(&message, DNS_A, one, 4);
	put_record(&message, DNS_AAAA, six, 16);
	put_record(&message, DNS_A, two, 4);
	assert_int_equal(answer(&query, &message, &addresses), DNS_OK);
	assert_int_equal(addresses.count, 2);
	assert_memory_equal(addresses.bytes[0], one, 4);
	assert_memory_equal(addresses.bytes[1], two, 4);
	query.type = DNS_AAAA;
	message.bytes[query.len - 3] = query.bytes[query.len - 3] = DNS_AAAA;
	assert_int_equal(answer(&query, &message, &addresses), DNS_OK);
	assert_int_equal(addresses.count, 1);
	assert_memory_equal(addresses.bytes[0], six, 16);

	begin(&message, &query, 3);
	assert_int_equal(answer(&query, &message, &addresses), DNS_NO_NAME);
	begin(&message, &query, 0);
	for (int i = 0; i < 2 * DNS_ADDRESSES_MAX; i++)
		put_record(&message, DNS_AAAA, six, 16);
	assert_int_equal(answer(&query, &message, &addresses), DNS_OK);
	assert_int_equal(addresses.count, DNS_ADDRESSES_MAX);
}

static void test_dns_foreign_message_is_ignored(void **state)
{
	struct dns_addresses addresses;
	struct dns_query query;
	struct message message;

	(void)state;
	assert_int_equal(dns_ask(&query, DNS_A, STR("db.example"), 7), 0);
	begin(&message, &query, 0);
	put_record(&message, DNS_A, "abcd", 4);
	/* Another number, no answer, another kind of question, none, two, another name, another
	 * type. */
	for (unsigned bit = 0; bit < query.len * 8; bit++) {
		size_t at = bit / 8;
		unsigned char mask = (unsigned char)(1 << bit % 8);

		/* Authoritative, cut short, recursion, code, and counts of other sections. */
		if ((at == 2 && (mask & 0x87) != 0x80) || at == 3 || (at >= 6 && at < 12))
			continue;
		message.bytes[at] ^= mask;
		if (answer(&query, &message, &addresses) != DNS_FOREIGN)
			fail_msg("bit %u", bit);
		assert_int_equal(addresses.count, 0);
		message.bytes[at] ^= mask;
	}
	assert_int_equal(answer(&query, &message, &addresses), DNS_OK);
	/* Who refuses may leave the question out. */
	message.bytes[3] = 5;
	message.len = 12;
	assert_int_equal(answer(&query, &message, &addresses), 5);
	message.len = 11;
	assert_int_equal(answer(&query, &message, &addresses), DNS_FOREIGN);
}

static void test_dns_damaged_message_is_ignored(void **state)
{
	struct dns_addresses addresses;
	struct dns_query query;
	struct message message;
	size_t whole;

	(void)state;
	assert_int_equal(dns_ask(&query, DNS_A, STR("db.example"), 7), 0);
	begin(&message, &query, 0);
	put_record(&message, DNS_A, "abcd", 4);
	put_record(&message, DNS_A, "efgh", 4);
	whole = message.len;
	for (message.len = 0; message.len < whole; message.len++)
		assert_int_equal(answer(&query, &message, &addresses), DNS_FOREIGN);
	/* Where it says that it was cut, what is whole counts. */
	message.bytes[2] |= 2;
	message.len = whole - 1;
	assert_int_equal(answer(&query, &message, &addresses), DNS_OK);
	assert_int_equal(addresses.count, 1);
	message.len = query.len;
	assert_int_equal(answer(&query, &message, &addresses), DNS_OK);
	assert_int_equal(addresses.count, 0);
	/* A record of another length, or with a label of no known kind. */
	begin(&message, &query, 0);
	put_record(&message, DNS_A, "abcde", 5);
	assert_int_equal(answer(&query, &message, &addresses), DNS_OK);
	assert_int_equal(addresses.count, 0);
	message.bytes[query.len] = 0x80;
	assert_int_equal(answer(&query, &message, &addresses), DNS_FOREIGN);
	message.bytes[query.len] = 63;
	assert_int_equal(answer(&query, &message, &addresses), DNS_FOREIGN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dns_query_is_as_sent),
		cmocka_unit_test(test_dns_name_malformed_is_refused),
		cmocka_unit_test(test_dns_answer_has_addresses),
		cmocka_unit_test(test_dns_foreign_message_is_ignored),
		cmocka_unit_test(test_dns_damaged_message_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
