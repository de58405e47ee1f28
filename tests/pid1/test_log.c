#include "pid1/pid1.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

/* Services whose lines go through the relay, each the testchild. */
static void start(struct pid1 *pid1, const struct pid1_options *options, const char *text)
{
	pid1_configure(pid1, text);
	pid1_start(pid1, options, WORDS("-c", pid1->config));
}

#define SERVICE(name, words, more) "  " name ": {command: [@, " words "]" more "}\n"

static bool is_relay(pid_t pid)
{
	char path[64], name[32] = "";
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	(void)!fgets(name, sizeof(name), file);
	(void)fclose(file);
	return strcmp(name, "husk-log\n") == 0;
}

/* husk's first child that is the relay, or that is not. 0: none is there at the moment. */
static pid_t find_child(const struct pid1 *pid1, bool relay)
{
	char path[64];
	FILE *file;
	int pid;
	pid_t found = 0;

	(void)snprintf(
		path, sizeof(path), "/proc/%d/task/%d/children", (int)pid1->pid, (int)pid1->pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (found == 0 && fscanf(file, "%d", &pid) == 1)
		found = is_relay(pid) == relay ? pid : 0;
	(void)fclose(file);
	return found;
}

static bool is_sleeping(pid_t pid)
{
	char path[64], state = '?';
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	(void)!fscanf(file, "%*d (%*[^)]) %c", &state);
	(void)fclose(file);
	return state == 'S';
}

static pid_t await_relay(const struct pid1 *pid1)
{
	pid_t pid;

	for (int waited = 0; (pid = find_child(pid1, true)) == 0; waited++) {
		assert_true(waited < PID1_PATIENCE * 1000);
		usleep(1000);
	}
	return pid;
}

static void test_prefix_each_line_has_the_name(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, NULL, SERVICE("web", "service, web", ", log: prefix"));
	pid1_expect(pid1, "web | web up");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "web | web down");
	pid1_finish(pid1, 0);
}

static void test_raw_beside_it_is_as_it_is(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, NULL,
		SERVICE("web", "service, web, '0'", ", log: prefix, after: [db]")
			SERVICE("db", "service, db, '0'", ", oneshot: true"));
	pid1_expect(pid1, "db up");
	pid1_expect(pid1, "web | web up");
	pid1_finish(pid1, 0);
}

static void test_json_each_line_is_an_object(void **state)
{
	struct pid1 *pid1 = *state;
	const char *line;

	start(pid1, NULL, SERVICE("web", "text, \"say \\\"hi\\\"\\n\"", ", log: json"));
	line = pid1_line(pid1);
	assert_non_null(line);
	assert_memory_equal(line, "{\"time\":\"2", 10);
	line = strchr(line, ',');
	assert_non_null(line);
	assert_string_equal(
		line, ",\"service\":\"web\",\"stream\":\"stdout\",\"message\":\"say \\\"hi\\\"\"}");
	pid1_finish(pid1, 0);
}

static void test_error_lines_go_to_standard_error(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, NULL, SERVICE("web", "no-such-verb", ", log: prefix"));
	pid1_finish(pid1, 97);
	pid1_expect_error(pid1, "web | testchild: no such verb\n");
}

static void test_program_has_nothing_but_its_streams(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, NULL, SERVICE("web", "state", ", log: prefix"));
	(void)pid1_find(pid1, "web | mask 0000000000000000");
	pid1_expect(pid1, "web | ignored 0000000000000000");
	pid1_expect(pid1, "web | fds 0 1 2");
	while (pid1_line(pid1))
		;
	pid1_finish(pid1, 0);
}

static void limit_files(void *arg)
{
	struct rlimit limit;

	(void)arg;
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 24;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* husk raises its own limit for the pipes; the services have what husk was given. */
static void test_many_pipes_limit_of_descriptors_is_raised(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, &(struct pid1_options){.prepare = limit_files},
		SERVICE("a", "state", ", log: prefix, oneshot: true") SERVICE("b", "exit-n, '0'",
			", log: prefix") SERVICE("c", "exit-n, '0'", ", log: prefix") SERVICE("d",
			"exit-n, '0'", ", log: prefix") SERVICE("e", "exit-n, '0'", ", log: prefix")
			SERVICE("f", "exit-n, '0'", ", log: prefix"));
	(void)pid1_find(pid1, "a | nofile 24");
	while (pid1_line(pid1))
		;
	pid1_finish(pid1, 0);
}

/* All that was written comes out before husk ends, whoever has written it last. */
static void test_end_everything_comes_out(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, NULL,
		SERVICE("one", "lines, l, '300'", ", log: prefix, oneshot: true")
			SERVICE("two", "text, no newline", ", log: prefix, after: [one]"));
	for (int i = 0; i < 300; i++) {
		char head[32];
		const char *line = pid1_line(pid1);

		(void)snprintf(head, sizeof(head), "one | l %d ", i);
		assert_non_null(line);
		assert_memory_equal(line, head, strlen(head));
		assert_int_equal(strspn(line + strlen(head), "x"), i * 7 % 300);
	}
	pid1_expect(pid1, "two | no newline");
	assert_null(pid1_line(pid1));
	pid1_finish(pid1, 0);
}

static void test_end_left_behind_is_waited_for(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, NULL, SERVICE("web", "leave, '3', session, ignore", ", log: prefix"));
	pid1_expect(pid1, "web | left");
	pid1_finish(pid1, 3);
}

static void test_end_not_pid1_leaves_no_relay(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, &(struct pid1_options){.same_namespace = true},
		SERVICE("web", "service, web, '3'", ", log: prefix"));
	pid1_expect(pid1, "web | web up");
	pid1_finish(pid1, 3);
}

/* What a service is started with does not hang on what the last run has done to its streams. */
static void test_restart_has_its_streams_as_the_first(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, NULL,
		SERVICE("web", "nonblock, '4'",
			", log: prefix, restart: {on: failure, delay: 1ms, limit: 2 in 1h}"));
	for (int i = 0; i < 3; i++)
		pid1_expect(pid1, "web | waits");
	pid1_finish(pid1, 4);
}

/* What has ended without a newline is a line, and is not continued by the next run. */
static void test_service_ended_its_last_line_is_one(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, NULL,
		SERVICE("a", "text, no newline", ", log: prefix, every: 1h")
			SERVICE("b", "service, b", ""));
	pid1_expect_both(pid1, "b up", "a | no newline");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "b down");
	pid1_finish(pid1, 0);
}

static void note_line(const char *line, int next[2])
{
	char which;
	int number, used = 0;

	assert_int_equal(sscanf(line, "%c | %*c %d %n", &which, &number, &used), 2);
	assert_true(which == 'a' || which == 'b');
	assert_int_equal(number, next[which - 'a']);
	assert_int_equal(strspn(line + used, "x"), number * 7 % 300);
	assert_int_equal(strlen(line + used), number * 7 % 300);
	next[which - 'a']++;
}

/* Two services that write as fast as they can, and a relay that is killed again and again: neither
 * is a line lost, nor does one come twice, nor does a service notice. */
static void test_relay_killed_under_load_no_line_is_lost(void **state)
{
	enum { LINES = 40000, KILL_EVERY = 500 };
	struct pid1 *pid1 = *state;
	int next[2] = {0, 0}, kills = 0, descriptors;
	const char *line;

	start(pid1, NULL,
		SERVICE("a", "lines, a, '40000'", ", log: prefix, oneshot: true")
			SERVICE("b", "lines, b, '40000'", ", log: prefix, oneshot: true"));
	(void)await_relay(pid1);
	descriptors = pid1_count_descriptors(pid1->pid);
	for (int i = 1; (line = pid1_line(pid1)); i++) {
		note_line(line, next);
		if (i % KILL_EVERY == 0 && kills < 6 && next[0] < LINES && next[1] < LINES) {
			pid_t relay = find_child(pid1, true);

			kills += relay != 0 && kill(relay, SIGKILL) == 0;
		}
		if (i == LINES)
			assert_true(pid1_count_descriptors(pid1->pid) <= descriptors + 2);
	}
	assert_int_equal(next[0], LINES);
	assert_int_equal(next[1], LINES);
	pid1_finish(pid1, 0);
	assert_true(kills > 2);
	pid1_expect_error(pid1, "the relay of logs was ended: another one goes on");
}

static void test_flood_of_one_does_not_starve_another(void **state)
{
	struct pid1 *pid1 = *state;
	int before = 0;
	const char *line;

	start(pid1, NULL,
		SERVICE("a", "lines, a", ", log: prefix")
			SERVICE("b", "service, b", ", log: prefix, after: [a]"));
	while ((line = pid1_line(pid1)) && strcmp(line, "b | b up") != 0)
		before++;
	assert_non_null(line);
	/* A few turns of 64 KiB, and what a slow start let pass. */
	assert_true(before < 200000);
	pid1_kill(pid1, SIGTERM);
	(void)pid1_find(pid1, "b | b down");
	while (pid1_line(pid1))
		;
	pid1_finish(pid1, 0);
}

/* Its pipe and standard output are full: the relay and the first service wait, for good. */
static void await_standstill(const struct pid1 *pid1)
{
	pid_t relay = await_relay(pid1), service = find_child(pid1, false);
	int still = 0;

	assert_true(service > 0);
	for (int waited = 0; still < 20; waited++) {
		assert_true(waited < PID1_PATIENCE * 200);
		still = is_sleeping(relay) && is_sleeping(service) ? still + 1 : 0;
		usleep(5000);
	}
}

/* Nobody reads standard output: the writer waits, and nobody else. */
static void test_output_blocked_husk_stops_all_the_same(void **state)
{
	struct pid1 *pid1 = *state;

	start(pid1, NULL,
		SERVICE("a", "lines, a", ", log: prefix") SERVICE("b", "no-such-verb",
			", log: prefix, after: [a], restart: {on: always, delay: 1s, "
			"limit: none}"));
	pid1_find_error(pid1, "b | testchild: no such verb");
	pid1_find_error(pid1, "started again");
	await_standstill(pid1);
	pid1_kill(pid1, SIGTERM);
	pid1_finish(pid1, 0);
	pid1_expect_error(pid1, "the last lines of services could not be written");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pid1_set_up, pid1_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_prefix_each_line_has_the_name),
		TEST(test_raw_beside_it_is_as_it_is),
		TEST(test_json_each_line_is_an_object),
		TEST(test_error_lines_go_to_standard_error),
		TEST(test_program_has_nothing_but_its_streams),
		TEST(test_many_pipes_limit_of_descriptors_is_raised),
		TEST(test_end_everything_comes_out),
		TEST(test_end_left_behind_is_waited_for),
		TEST(test_end_not_pid1_leaves_no_relay),
		TEST(test_restart_has_its_streams_as_the_first),
		TEST(test_service_ended_its_last_line_is_one),
		TEST(test_relay_killed_under_load_no_line_is_lost),
		TEST(test_flood_of_one_does_not_starve_another),
		TEST(test_output_blocked_husk_stops_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
