/*
 * NODE_OPTIONS against the real node, which keeps every --conditions and -C in one list that can be
 * asked for.
 */
#include "runtime/runtime.h"

static int run_node(struct str value, struct buf *out)
{
	char node[] = "node";
	char internals[] = "--expose-internals";
	char eval[] = "-e";
	char program[] =
		"for (const s of require('internal/options').getOptionValue('--conditions'))"
		" process.stdout.write(Buffer.byteLength(s) + ':' + s + '\\n')";
	char *argv[] = {node, internals, eval, program, NULL};

	return runtime_run(argv, "NODE_OPTIONS", value, out);
}

/* --conditions=STRING, or -C and STRING. `wanted` gets what node should say of them. */
static void make_list(uint64_t *seed, struct list *list, struct buf *wanted)
{
	size_t pairs = runtime_random(seed) % (LIST_MAX / 2);

	list->count = 0;
	for (size_t i = 0; i < pairs; i++) {
		bool apart = runtime_random(seed) % 2;
		char *bytes = list->bytes[list->count + apart];
		const char *prefix = apart ? "" : "--conditions=";
		size_t start = strlen(prefix);
		size_t len = start;

		if (apart)
			list->items[list->count++] = STR("-C");
		memcpy(bytes, prefix, start);
		/* Node itself wants a value, and takes one with a dash only behind `=`. */
		bytes[len++] = apart ? 'c' : "-\\\" \t"[runtime_random(seed) % 5];
		len = runtime_fill(seed, bytes, len);
		bytes[len] = '\0';
		list->items[list->count++] = (struct str){bytes, len};
		buf_appendf(wanted, "%zu:%.*s\n", len - start, (int)(len - start), bytes + start);
	}
}

/* Adds a string that node does not take, or would not see. */
static void spoil(uint64_t *seed, struct list *list)
{
	static const char *const bad[] = {"", "z", "-e", "--eval=1", "--", "-"};
	const char *chosen = bad[runtime_random(seed) % COUNT(bad)];

	/* Behind `-C x` or at the front, never where it could be a value. */
	list->items[list->count++] = str_from(chosen);
}

static void run_batch(struct buf *value, struct buf *wanted)
{
	struct buf out;

	buf_init(&out, OUTPUT_MAX);
	int status = run_node(buf_str(value), &out);
	if (status != 0 || !str_eq(buf_str(&out), buf_str(wanted))) {
		runtime_show_difference(buf_str(&out), buf_str(wanted));
		fail_msg("node: status %d", status);
	}
	buf_reset(value);
	buf_reset(wanted);
	buf_fini(&out);
}

static void test_node_options_arrive_exactly(void **state)
{
	uint64_t seed = runtime_seed();
	unsigned options = 0;
	unsigned refused = 0;
	unsigned starts = 1;
	struct list *list = malloc(sizeof(*list));
	struct buf value;
	struct buf one;
	struct buf wanted;
	struct buf wanted_one;

	(void)state;
	assert_non_null(list);
	buf_init(&value, ENV_STRING_MAX);
	buf_init(&one, ENV_STRING_MAX);
	buf_init(&wanted, OUTPUT_MAX);
	buf_init(&wanted_one, OUTPUT_MAX);
	for (unsigned i = 0; i < LISTS; i++) {
		buf_reset(&one);
		buf_reset(&wanted_one);
		make_list(&seed, list, &wanted_one);
		bool spoilt = runtime_random(&seed) % 16 == 0;
		if (spoilt)
			spoil(&seed, list);
		int rc = runtime_compose("NODE_OPTIONS", list, &one);
		assert_int_equal(rc, spoilt ? -1 : 0);
		if (spoilt) {
			refused++;
			continue;
		}
		if (value.len + one.len + 16 > ENV_STRING_MAX) {
			run_batch(&value, &wanted);
			starts++;
		}
		if (value.len > 0 && one.len > 0)
			buf_append_char(&value, ' ');
		buf_append_str(&value, buf_str(&one));
		buf_append_str(&wanted, buf_str(&wanted_one));
		options += (unsigned)list->count;
	}
	run_batch(&value, &wanted);
	print_message("# NODE_OPTIONS: seed %llu, %d lists, %u options, %u refused, %u starts\n",
		(unsigned long long)runtime_seed(), LISTS, options, refused, starts);
	buf_fini(&wanted_one);
	buf_fini(&wanted);
	buf_fini(&one);
	buf_fini(&value);
	free(list);
}

/* What husk refuses, node refuses with status 9, or ignores with what follows. */
static void test_node_refuses_what_husk_refuses(void **state)
{
	static const char *const texts[] = {"-e 1", "--eval=1", "-p", "--print", "-pe", "-c",
		"--check", "-i", "--interactive", "-v", "--version", "-h", "--help", "--v8-options",
		"--completion-bash", "--expose-internals", "--expose_internals", "--prof-process",
		"--build-snapshot", "--", "\"x", "\"x\\"};
	static const char *const ignored[] = {"hello", "-", "--conditions=a hello"};
	struct arena *arena = arena_new(1 << 20);

	(void)state;
	for (size_t i = 0; i < COUNT(texts) + COUNT(ignored); i++) {
		bool drops = i >= COUNT(texts);
		struct str text = str_from(drops ? ignored[i - COUNT(texts)] : texts[i]);
		struct buf value;
		struct buf out;
		struct err err;
		char **list;
		size_t count;

		int rc = options_split(OPTIONS_NODE, arena, text, &list, &count, &err);
		if (rc == 0)
			rc = options_check(STR("NODE_OPTIONS"), list, count, NULL, &err);
		if (rc == 0)
			fail_msg("husk takes %s", text.data);
		buf_init(&value, 1024);
		buf_init(&out, OUTPUT_MAX);
		buf_append_str(&value, text);
		buf_append_cstr(&value, drops ? " --conditions=seen" : "");
		int status = run_node(buf_str(&value), &out);
		if (drops ? strstr(buf_cstr(&out), "seen") != NULL : status != 9)
			fail_msg("node takes %s", text.data);
		buf_fini(&out);
		buf_fini(&value);
	}
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_node_options_arrive_exactly),
		cmocka_unit_test(test_node_refuses_what_husk_refuses),
	};
	struct buf out;

	log_init("test: ");
	log_set_level(LOG_LEVEL_ERROR);
	buf_init(&out, OUTPUT_MAX);
	int status = run_node(STR(""), &out);
	buf_fini(&out);
	if (status == 127) {
		puts("1..0 # SKIP no node");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
