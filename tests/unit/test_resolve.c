#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/sys.h"
#include "probe/resolve.h"

/* Name servers of our own on 127.0.0.1 and so on, each a process; the files, and the port, are
 * put in the place of the machine's. */
enum way { AWAY, ANSWERS, SILENT, REFUSES, LIES, KNOWS_NO_IPV6, FORGETS };
enum { SERVERS = 3, FORGOTTEN = 2 };
static const int64_t LONG = INT64_C(120000000000);

static char hosts_path[256], rules_path[256];
static uint16_t ports[SERVERS];
static unsigned opened; /* name servers that were called */
static bool refuse_getrandom;

int __real_sys_open(const char *path, int flags, mode_t mode);
int __wrap_sys_open(const char *path, int flags, mode_t mode);
int __wrap_sys_open(const char *path, int flags, mode_t mode)
{
	if (strcmp(path, "/etc/hosts") == 0)
		path = hosts_path;
	else if (strcmp(path, "/etc/resolv.conf") == 0)
		path = rules_path;
	return __real_sys_open(path, flags, mode);
}

int __real_sys_connect(int fd, const struct sockaddr *address, size_t size);
int __wrap_sys_connect(int fd, const struct sockaddr *address, size_t size);
int __wrap_sys_connect(int fd, const struct sockaddr *address, size_t size)
{
	struct sockaddr_in to;

	memcpy(&to, address, sizeof(to));
	assert_int_equal(to.sin_port, htons(53));
	opened++;
	if (to.sin_family != AF_INET) {
		errno = ENETUNREACH;
		return -1;
	}
	to.sin_port = ports[(ntohl(to.sin_addr.s_addr) & 0xff) - 1];
	return __real_sys_connect(fd, (struct sockaddr *)&to, size);
}

int __real_sys_getrandom(void *out, size_t size);
int __wrap_sys_getrandom(void *out, size_t size);
int __wrap_sys_getrandom(void *out, size_t size)
{
	if (!refuse_getrandom)
		return __real_sys_getrandom(out, size);
	errno = ENOSYS;
	return -1;
}

/* "A", "AAAA" with the last byte of each address; an alias's name is the address's. */
static const struct zone {
	const char *name;
	unsigned char v4[3];
	unsigned char v6[2];
} zone[] = {
	{"db.example", {1, 2}, {3}},
	{"only4.example", {4}, {0}},
	{"only6.example", {0}, {6}},
	{"none.example", {0}, {0}},
	{"db.near.example", {7}, {0}},
	{"db.far.example", {8}, {0}},
	{"db", {9}, {0}},
};

static size_t put_records(unsigned char *out, const unsigned char *last, size_t most, bool v6)
{
	unsigned char *at = out;

	for (size_t i = 0; i < most && last[i] != 0; i++) {
		const unsigned char head[] = {
			0xc0, 12, 0, v6 ? 28 : 1, 0, 1, 0, 0, 0, 1, 0, v6 ? 16 : 4};

		memcpy(at, head, sizeof(head));
		at += sizeof(head);
		memcpy(at, v6 ? "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0" : "\xc0\0\2", v6 ? 15 : 3);
		at[v6 ? 15 : 3] = last[i];
		at += v6 ? 16 : 4;
	}
	return (size_t)(at - out);
}

/* The length of the answer that `message` becomes. */
static size_t make_answer(unsigned char *message, size_t len)
{
	char name[256] = "";
	size_t at = 12;
	bool v6;

	while (message[at] != 0) {
		strncat(name, (char *)message + at + 1, message[at]);
		at += 1U + message[at];
		if (message[at] != 0)
			strcat(name, ".");
	}
	v6 = message[at + 2] == 28;
	message[2] = 0x81;
	message[3] = 0x83;
	for (size_t i = 0; i < COUNT(zone); i++) {
		if (strcasecmp(name, zone[i].name) != 0)
			continue;
		message[3] = 0x80;
		size_t more =
			put_records(message + len, v6 ? zone[i].v6 : zone[i].v4, v6 ? 2 : 3, v6);
		message[7] = (unsigned char)(more / (v6 ? 28 : 16));
		len += more;
	}
	return len;
}

static void serve(int fd, enum way way)
{
	unsigned char message[1024];
	unsigned asked = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		struct sockaddr_in peer;
		socklen_t size = sizeof(peer);
		ssize_t got = recvfrom(
			fd, message, sizeof(message) / 2, 0, (struct sockaddr *)&peer, &size);
		bool v6 = got > 4 && message[got - 3] == 28;

		if (got < 12 || way == SILENT || (way == KNOWS_NO_IPV6 && v6) ||
			(way == FORGETS && asked++ < FORGOTTEN))
			continue;
		size_t len = make_answer(message, (size_t)got);
		if (way == REFUSES)
			message[3] = 5;
		if (way == LIES)
			message[0] ^= 1;
		(void)sendto(fd, message, len, 0, (struct sockaddr *)&peer, size);
	}
}

struct servers {
	pid_t pids[SERVERS];
};

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void start_servers(struct servers *servers, const enum way ways[SERVERS])
{
	*servers = (struct servers){{0}};
	for (unsigned i = 0; i < SERVERS; i++) {
		struct sockaddr_in address = {
			.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + i)};
		socklen_t size = sizeof(address);
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
		assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
		ports[i] = address.sin_port;
		if (ways[i] != AWAY && (servers->pids[i] = fork()) == 0)
			serve(fd, ways[i]);
		close(fd);
	}
}

static void stop_servers(const struct servers *servers)
{
	for (unsigned i = 0; i < SERVERS; i++) {
		if (servers->pids[i] == 0)
			continue;
		kill(servers->pids[i], SIGKILL);
		assert_int_equal(waitpid(servers->pids[i], NULL, 0), servers->pids[i]);
	}
}

static void assert_found(const struct resolve *resolve, const char *wanted)
{
	char text[ADDRESS_TEXT_MAX], all[1024] = "";

	for (unsigned i = 0; i < resolve->count; i++) {
		strcat(all, i > 0 ? " " : "");
		strcat(all, address_text(&resolve->addresses[i], text));
	}
	assert_string_equal(all, wanted);
}

/* `wanted` NULL: it fails with `says`. */
static void check(const char *name, int64_t patience, const char *wanted, const char *says)
{
	struct resolve resolve;
	struct err err;
	int result = resolve_host(name, 80, sys_now() + patience, &resolve, &err);

	if (wanted != NULL) {
		if (result < 0)
			fail_msg("%s", err.message);
		assert_found(&resolve, wanted);
	} else {
		assert_int_equal(result, -1);
		assert_string_equal(err.message, says);
	}
}

static void test_resolve_numbers_need_no_files(void **state)
{
	(void)state;
	opened = 0;
	write_file(hosts_path, "192.0.2.9 127.0.0.1\n");
	check("127.0.0.1", 0, "127.0.0.1:80", NULL);
	check("::1", 0, "[::1]:80", NULL);
	check("2001:DB8:0:0::0:1", 0, "[2001:db8::1]:80", NULL);
	check("::ffff:192.0.2.1", 0, "[::ffff:c000:201]:80", NULL);
	assert_int_equal(opened, 0);
}

static void test_resolve_hosts_come_first(void **state)
{
	(void)state;
	opened = 0;
	write_file(hosts_path, "# 192.0.2.7 db\n"
			       "127.0.0.1\tlocalhost\r\n"
			       "::1 localhost ip6-localhost# db\n"
			       "nonsense db\n"
			       "fe80::1%eth0 db\n"
			       "\n  192.0.2.5   web\tDB db.example  \n"
			       "192.0.2.6 dbx xdb\n"
			       "192.0.2.8 db");
	check("localhost", 0, "127.0.0.1:80 [::1]:80", NULL);
	check("ip6-localhost", 0, "[::1]:80", NULL);
	check("db", 0, "192.0.2.5:80 192.0.2.8:80", NULL);
	check("Db.", 0, "192.0.2.5:80 192.0.2.8:80", NULL);
	assert_int_equal(opened, 0);
}

static void test_resolve_hosts_many_are_bounded(void **state)
{
	struct resolve resolve;
	char text[4096] = "";

	(void)state;
	for (int i = 0; i < 2 * RESOLVE_MAX; i++)
		strcat(text, "192.0.2.5 db\n");
	write_file(hosts_path, text);
	assert_int_equal(resolve_host("db", 80, 0, &resolve, NULL), 0);
	assert_int_equal(resolve.count, RESOLVE_MAX);
}

static void test_resolve_server_is_asked(void **state)
{
	struct servers servers;

	(void)state;
	assert_int_equal(unlink(hosts_path), 0);
	write_file(rules_path, "# comment\nnameserver 127.0.0.1 ; and more\n");
	start_servers(&servers, (enum way[SERVERS]){ANSWERS});
	check("db.example", LONG, "[2001:db8::3]:80 192.0.2.1:80 192.0.2.2:80", NULL);
	check("DB.Example.", LONG, "[2001:db8::3]:80 192.0.2.1:80 192.0.2.2:80", NULL);
	check("only4.example", LONG, "192.0.2.4:80", NULL);
	check("only6.example", LONG, "[2001:db8::6]:80", NULL);
	check("none.example", LONG, NULL, "no address is known for none.example");
	check("nowhere.example", LONG, NULL, "no address is known for nowhere.example");
	check("a..b", LONG, NULL, "no address is known for a..b");
	/* Without the file it is this machine that is asked. */
	assert_int_equal(unlink(rules_path), 0);
	check("only4.example", LONG, "192.0.2.4:80", NULL);
	refuse_getrandom = true;
	check("only4.example", LONG, NULL,
		"cannot ask the name server 127.0.0.1:53 about only4.example: Function not "
		"implemented");
	refuse_getrandom = false;
	stop_servers(&servers);
}

static void test_resolve_search_and_ndots_are_obeyed(void **state)
{
	struct servers servers;

	(void)state;
	start_servers(&servers, (enum way[SERVERS]){ANSWERS});
	write_file(rules_path, "search wrong.example\nnameserver 127.0.0.1\n"
			       "search nowhere.example\tnear.example far.example\n");
	check("db", LONG, "192.0.2.7:80", NULL);
	check("db.", LONG, "192.0.2.9:80", NULL);
	/* It has a dot, and is looked for as it stands. */
	check("db.far", LONG, NULL, "no address is known for db.far");
	write_file(rules_path, "domain example\nnameserver 127.0.0.1\n"
			       "options rotate ndots:5 ndots:x timeout:1\n");
	check("db.far", LONG, "192.0.2.8:80", NULL);
	check("db.near.example", LONG, "192.0.2.7:80", NULL);
	/* As podman writes it where there is none. */
	write_file(rules_path, "search .\nnameserver 127.0.0.1\n");
	check("db", LONG, "192.0.2.9:80", NULL);
	stop_servers(&servers);
}

/* Whoever answers first. */
static void test_resolve_servers_that_fail_are_passed_over(void **state)
{
	static const enum way ways[][SERVERS] = {
		{AWAY, ANSWERS, AWAY},
		{SILENT, SILENT, ANSWERS},
		{REFUSES, ANSWERS, AWAY},
		{LIES, REFUSES, ANSWERS},
		{FORGETS, FORGETS, FORGETS},
		{AWAY, AWAY, KNOWS_NO_IPV6},
	};
	struct servers servers;

	(void)state;
	write_file(rules_path,
		"nameserver fe80::1%eth0\nnameserver nonsense\nnameserver 127.0.0.1\n"
		"nameserver 127.0.0.2\nnameserver 127.0.0.3\nnameserver 127.0.0.9\n"
		"options timeout:1 attempts:10\n");
	for (size_t i = 0; i < COUNT(ways); i++) {
		start_servers(&servers, ways[i]);
		check("only4.example", LONG, "192.0.2.4:80", NULL);
		stop_servers(&servers);
	}
}

static void test_resolve_failure_says_why(void **state)
{
	struct servers servers;
	int64_t before;

	(void)state;
	write_file(rules_path, "nameserver 127.0.0.1\nnameserver 127.0.0.2\n");
	start_servers(&servers, (enum way[SERVERS]){AWAY, AWAY});
	check("db.example", LONG, NULL,
		"cannot ask the name server 127.0.0.1:53 about db.example: Connection refused");
	stop_servers(&servers);
	start_servers(&servers, (enum way[SERVERS]){REFUSES, AWAY});
	check("db.example", LONG, NULL, "the name server 127.0.0.1:53 refuses db.example (code 5)");
	stop_servers(&servers);
	write_file(rules_path, "nameserver 2001:db8::53\nsearch a b c d e f\noptions attempts:0 "
			       "timeout:0\n");
	check("db", LONG, NULL,
		"cannot ask the name server [2001:db8::53]:53 about db: Network is unreachable");
	/* The deadline holds, whatever the file says. */
	write_file(rules_path, "nameserver 127.0.0.1\noptions timeout:60 attempts:1\n");
	start_servers(&servers, (enum way[SERVERS]){SILENT});
	before = sys_now();
	check("db.example", 50000000, NULL,
		"no answer about db.example from the name server 127.0.0.1:53");
	assert_true(sys_now() - before >= 50000000);
	assert_true(sys_now() - before < LONG / 4);
	stop_servers(&servers);
}

static int set_up(void **state)
{
	(void)state;
	unit_path(hosts_path, sizeof(hosts_path), "hosts");
	unit_path(rules_path, sizeof(rules_path), "resolv.conf");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(hosts_path);
	(void)unlink(rules_path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resolve_numbers_need_no_files),
		cmocka_unit_test(test_resolve_hosts_come_first),
		cmocka_unit_test(test_resolve_hosts_many_are_bounded),
		cmocka_unit_test(test_resolve_server_is_asked),
		cmocka_unit_test(test_resolve_search_and_ndots_are_obeyed),
		cmocka_unit_test(test_resolve_servers_that_fail_are_passed_over),
		cmocka_unit_test(test_resolve_failure_says_why),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
