#include "probe/resolve.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/sys.h"
#include "probe/dns.h"

enum {
	FILE_MAX = 1 << 20,
	SERVERS_MAX = 3,
	SERVER_PORT = 53,
	QUESTIONS = 2,
	READS_MAX = 16,
};
static const int64_t SECOND = 1000000000;
static const int64_t PATIENCE_LEAST = 50000000; /* ns */

/* What resolv.conf says, in the words of resolv.conf(5). */
struct rules {
	struct address servers[SERVERS_MAX];
	unsigned server_count;
	char search[256];
	uint64_t ndots;
	uint64_t timeout; /* s */
	uint64_t attempts;
};

struct server {
	struct lookup *lookup;
	struct loop_source source; /* fd -1: not, or no more, to be asked */
	unsigned bit;
};

struct lookup {
	struct rules rules;
	struct loop loop;
	struct server servers[SERVERS_MAX];
	struct dns_query queries[QUESTIONS]; /* AAAA, A */
	struct dns_addresses found[QUESTIONS];
	bool answered[QUESTIONS];
	unsigned refused[QUESTIONS]; /* by these servers */
	unsigned up;                 /* servers that can be asked */
	int code;                    /* the last refusal's */
	int errnum;                  /* why one could not be asked */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a line; empty at its end. */
static struct str take_word(struct str *rest)
{
	size_t from = 0, end;

	while (from < rest->len && is_blank(rest->data[from]))
		from++;
	end = from;
	while (end < rest->len && !is_blank(rest->data[end]))
		end++;
	struct str word = str_sub(*rest, from, end - from);
	*rest = str_sub(*rest, end, rest->len);
	return word;
}

/* The next line, without what stands behind one of `comments`. */
static struct str take_line(struct str *rest, const char *comments)
{
	const char *end = memchr(rest->data, '\n', rest->len);
	struct str line = str_sub(*rest, 0, end != NULL ? (size_t)(end - rest->data) : rest->len);

	*rest = str_sub(*rest, line.len + 1, rest->len);
	for (size_t i = 0; i < line.len; i++) {
		if (line.data[i] != '\0' && strchr(comments, line.data[i]) != NULL)
			line.len = i;
	}
	return line;
}

static bool is_same_name(struct str a, struct str b)
{
	return a.len == b.len && strncasecmp(a.data, b.data, a.len) == 0;
}

static void look_into_hosts(struct str name, uint16_t port, struct resolve *resolve)
{
	struct buf text;

	/* That it is not there, or not for us, is no reason not to ask further. */
	if (fd_read_file("/etc/hosts", FILE_MAX, &text, NULL) < 0)
		return;
	for (struct str rest = buf_str(&text); rest.len > 0;) {
		struct str line = take_line(&rest, "#");
		struct str number = take_word(&line);
		struct str word;

		do
			word = take_word(&line);
		while (word.len > 0 && !is_same_name(word, name));
		if (word.len > 0 && resolve->count < RESOLVE_MAX &&
			address_parse(number, port, &resolve->addresses[resolve->count]) == 0)
			resolve->count++;
	}
	buf_fini(&text);
}

static void take_option(struct rules *rules, struct str word)
{
	static const struct {
		const char *name;
		uint64_t most;
		size_t offset;
	} options[] = {
		{"ndots:", 15, offsetof(struct rules, ndots)},
		{"timeout:", 60, offsetof(struct rules, timeout)},
		{"attempts:", 10, offsetof(struct rules, attempts)},
	};
	uint64_t value;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct str name = str_from(options[i].name);

		if (!str_starts(word, name) ||
			str_to_uint64(str_sub(word, name.len, word.len), &value) < 0)
			continue;
		if (value > options[i].most)
			value = options[i].most;
		memcpy((char *)rules + options[i].offset, &value, sizeof(value));
	}
}

static void take_rule(struct rules *rules, struct str line)
{
	struct str key = take_word(&line);
	struct str word;

	if (str_eq_cstr(key, "nameserver")) {
		if (rules->server_count < SERVERS_MAX &&
			address_parse(take_word(&line), SERVER_PORT,
				&rules->servers[rules->server_count]) == 0)
			rules->server_count++;
	} else if (str_eq_cstr(key, "options")) {
		while ((word = take_word(&line)).len > 0)
			take_option(rules, word);
	} else if (str_eq_cstr(key, "search") || str_eq_cstr(key, "domain")) {
		/* The last one counts. */
		line = str_sub(line, 0, sizeof(rules->search) - 1);
		memcpy(rules->search, line.data, line.len);
		rules->search[line.len] = '\0';
	}
}

static void read_rules(struct rules *rules)
{
	struct buf text;

	*rules = (struct rules){.ndots = 1, .timeout = 5, .attempts = 2};
	if (fd_read_file("/etc/resolv.conf", FILE_MAX, &text, NULL) == 0) {
		for (struct str rest = buf_str(&text); rest.len > 0;)
			take_rule(rules, take_line(&rest, "#;"));
		buf_fini(&text);
	}
	if (rules->server_count == 0) {
		(void)address_parse(STR("127.0.0.1"), SERVER_PORT, &rules->servers[0]);
		rules->server_count = 1;
	}
}

static void drop_server(struct server *server)
{
	server->lookup->errnum = errno;
	loop_remove(&server->lookup->loop, &server->source);
	fd_close(&server->source.fd);
	server->lookup->up &= ~server->bit;
}

static void take_message(struct server *server, struct str message)
{
	struct lookup *lookup = server->lookup;

	for (unsigned i = 0; i < QUESTIONS; i++) {
		int code;

		if (lookup->answered[i])
			continue;
		code = dns_answer(&lookup->queries[i], message, &lookup->found[i]);
		if (code == DNS_FOREIGN)
			continue;
		lookup->answered[i] = code == DNS_OK || code == DNS_NO_NAME;
		if (!lookup->answered[i]) {
			lookup->refused[i] |= server->bit;
			lookup->code = code;
		}
		return;
	}
}

static void hear(struct loop_source *source, unsigned events)
{
	struct server *server = source->arg;
	char message[DNS_MESSAGE_MAX];

	(void)events;
	for (int i = 0; i < READS_MAX; i++) {
		ssize_t got = sys_read(source->fd, message, sizeof(message));

		if (got < 0) {
			/* Nobody is there: ECONNREFUSED, EHOSTUNREACH. */
			if (errno != EAGAIN)
				drop_server(server);
			return;
		}
		take_message(server, (struct str){message, (size_t)got});
	}
}

static void call_server(struct lookup *lookup, unsigned index)
{
	const struct address *address = &lookup->rules.servers[index];
	struct server *server = &lookup->servers[index];
	int fd = sys_socket(address->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK);

	*server = (struct server){.lookup = lookup, .bit = 1U << index};
	server->source = (struct loop_source){.fd = fd, .arg = server, .ready = hear};
	/* The kernel then drops what others send. */
	if (fd >= 0 && sys_connect(fd, &address->any, address->size) == 0 &&
		loop_add(&lookup->loop, &server->source, LOOP_READ) == 0)
		lookup->up |= server->bit;
	else
		drop_server(server);
}

static bool is_settled(const struct lookup *lookup)
{
	for (unsigned i = 0; i < QUESTIONS; i++) {
		if (!lookup->answered[i] && (lookup->up & ~lookup->refused[i]) != 0)
			return false;
	}
	return true;
}

/* What is lost on the way is sent again; a failure is that of what was sent before: nobody is
 * there. */
static void send_query(struct server *server, const struct dns_query *query)
{
	if ((server->lookup->up & server->bit) != 0 &&
		sys_send_nowait(server->source.fd, query->bytes, query->len) < 0 && errno != EAGAIN)
		drop_server(server);
}

static void send_queries(struct lookup *lookup)
{
	for (unsigned i = 0; i < QUESTIONS; i++) {
		for (unsigned k = 0; k < lookup->rules.server_count && !lookup->answered[i]; k++)
			send_query(&lookup->servers[k], &lookup->queries[i]);
	}
}

/* How long for an answer, before the question is sent again. */
static int64_t patience(const struct rules *rules, int64_t left)
{
	int64_t usual = (int64_t)(rules->timeout == 0 ? 1 : rules->timeout) * SECOND /
			(int64_t)(rules->attempts == 0 ? 1 : rules->attempts);
	int64_t share = left / 3 > PATIENCE_LEAST ? left / 3 : PATIENCE_LEAST;

	if (share > left)
		share = left;
	return usual < share ? usual : share;
}

/* Addresses of `name` as it stands: how many; -1: nobody said. */
static int ask(struct lookup *lookup, struct str name, int64_t deadline)
{
	static const enum dns_type types[QUESTIONS] = {DNS_AAAA, DNS_A};
	uint16_t ids[QUESTIONS];
	int64_t now = sys_now();

	if (sys_getrandom(ids, sizeof(ids)) < 0) {
		lookup->errnum = errno;
		return -1;
	}
	/* So that an answer is one to one of them. */
	ids[1] = (uint16_t)(ids[0] ^ (ids[1] | 1));
	for (unsigned i = 0; i < QUESTIONS; i++) {
		if (dns_ask(&lookup->queries[i], types[i], name, ids[i]) < 0)
			return 0;
		lookup->found[i].count = 0;
		lookup->answered[i] = false;
		lookup->refused[i] = 0;
	}
	while (now < deadline && !is_settled(lookup)) {
		int64_t until = now + patience(&lookup->rules, deadline - now);

		send_queries(lookup);
		for (; now < until && !is_settled(lookup); now = sys_now())
			loop_wait(&lookup->loop, until);
		/* Some servers never answer the one of the two that they do not know. */
		if (lookup->found[0].count + lookup->found[1].count > 0)
			break;
	}
	if (lookup->found[0].count + lookup->found[1].count > 0)
		return 1;
	return lookup->answered[0] && lookup->answered[1] ? 0 : -1;
}

/* As musl: a name of enough dots, or that ends in one, is looked for as it stands only. */
static bool is_complete(const struct rules *rules, struct str name)
{
	uint64_t dots = 0;

	for (size_t i = 0; i < name.len; i++)
		dots += name.data[i] == '.';
	return dots >= rules->ndots || name.data[name.len - 1] == '.';
}

static int search(struct lookup *lookup, struct str name, int64_t deadline)
{
	struct str domains = str_from(lookup->rules.search);
	char full[DNS_NAME_MAX + 1];
	struct str domain;

	if (!is_complete(&lookup->rules, name)) {
		while ((domain = take_word(&domains)).len > 0) {
			size_t len = name.len + 1 + domain.len;
			int result;

			if (len > sizeof(full))
				continue;
			memcpy(full, name.data, name.len);
			full[name.len] = '.';
			memcpy(full + name.len + 1, domain.data, domain.len);
			result = ask(lookup, (struct str){full, len}, deadline);
			if (result != 0)
				return result;
		}
	}
	return ask(lookup, name, deadline);
}

static void collect(const struct lookup *lookup, uint16_t port, struct resolve *resolve)
{
	for (unsigned i = 0; i < QUESTIONS; i++) {
		for (unsigned k = 0; k < lookup->found[i].count; k++)
			address_set(&resolve->addresses[resolve->count++],
				lookup->queries[i].type == DNS_A ? AF_INET : AF_INET6,
				lookup->found[i].bytes[k], port);
	}
}

static int explain(const struct lookup *lookup, const char *host, int result, struct err *err)
{
	char text[ADDRESS_TEXT_MAX];

	if (result == 0)
		return err_set(err, ERR_INTERNAL, "no address is known for %s", host);
	(void)address_text(&lookup->rules.servers[0], text);
	if (lookup->code != DNS_OK)
		return err_set(err, ERR_INTERNAL, "the name server %s refuses %s (code %d)", text,
			host, lookup->code);
	if (lookup->errnum != 0)
		return err_set_errno(err, ERR_INTERNAL, lookup->errnum,
			"cannot ask the name server %s about %s", text, host);
	return err_set(err, ERR_INTERNAL, "no answer about %s from the name server %s", host, text);
}

int resolve_host(
	const char *host, uint16_t port, int64_t deadline, struct resolve *resolve, struct err *err)
{
	struct str name = str_from(host);
	struct lookup lookup = {.code = DNS_OK};
	int result;

	_Static_assert(QUESTIONS * DNS_ADDRESSES_MAX <= RESOLVE_MAX, "all find room");
	resolve->count = 0;
	if (address_parse(name, port, &resolve->addresses[0]) == 0) {
		resolve->count = 1;
		return 0;
	}
	look_into_hosts(
		str_ends(name, STR(".")) ? str_sub(name, 0, name.len - 1) : name, port, resolve);
	if (resolve->count > 0)
		return 0;
	read_rules(&lookup.rules);
	if (loop_init(&lookup.loop, err) < 0)
		return -1;
	for (unsigned i = 0; i < lookup.rules.server_count; i++)
		call_server(&lookup, i);
	result = search(&lookup, name, deadline);
	for (unsigned i = 0; i < lookup.rules.server_count; i++)
		fd_close(&lookup.servers[i].source.fd);
	loop_fini(&lookup.loop);
	collect(&lookup, port, resolve);
	return result > 0 ? 0 : explain(&lookup, host, result, err);
}
