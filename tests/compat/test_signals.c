/* Signals, process groups, terminals, orphans: tini, dumb-init and catatonit beside husk. */
#include "compat/record.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

/* The last of all: when it has come, what was sent before it has come, or never will. */
enum { MARK = 64, END = SIGTERM };

static uint64_t bit(int number)
{
	return UINT64_C(1) << (number - 1);
}

static bool is_stop(int number)
{
	return number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

/* What the program got of it. */
static void send(struct record *record, int number)
{
	size_t from;

	pid1_kill(record->pid1, number);
	pid1_kill(record->pid1, MARK);
	record_add(record, "sent %d:\n", number);
	do {
		from = record->len;
		record_line(record);
	} while (strcmp(record->text + from, "signal 64\n") != 0 &&
		 strcmp(record->text + from, "(end)\n") != 0);
}

/*
 * 32 and 33 are the C library's own: the originals, built with glibc, cannot take them and would
 * end. husk passes them on.
 */
static void send_all(struct record *record, bool stops)
{
	record_line(record);
	for (int number = 1; number < MARK; number++) {
		if (number == SIGKILL || number == SIGSTOP || number == END || number == 32 ||
			number == 33 || (is_stop(number) && !stops))
			continue;
		send(record, number);
	}
	pid1_kill(record->pid1, END);
}

static void play_all(struct record *record)
{
	send_all(record, true);
}

/* Few: what the original says is in its buffer until it ends. */
static void play_some(struct record *record)
{
	static const int numbers[] = {SIGHUP, SIGSEGV, SIGUSR1, SIGCHLD, SIGTTIN, SIGTSTP, 40};

	record_line(record);
	for (size_t i = 0; i < COUNT(numbers); i++)
		send(record, numbers[i]);
	pid1_kill(record->pid1, END);
}

static void play_all_but_stops(struct record *record)
{
	send_all(record, false);
}

/* Both are stopped, and both go on. */
static void play_stops(struct record *record)
{
	static const int stops[] = {SIGTSTP, SIGTTIN, SIGTTOU};

	record_line(record);
	for (size_t i = 0; i < COUNT(stops); i++) {
		pid1_kill(record->pid1, stops[i]);
		pid1_await_state(record_child(record), "T");
		/* The original stops itself now, in vain, and a CONT that comes before is lost by
		 * that: until it waits again. */
		pid1_await_state(record->pid1->pid, "S");
		pid1_kill(record->pid1, SIGCONT);
		record_line(record);
	}
	pid1_kill(record->pid1, END);
}

static void play_stops_of_both(struct record *record)
{
	static const int stops[] = {SIGTSTP, SIGTTIN, SIGTTOU};

	record_line(record);
	for (size_t i = 0; i < COUNT(stops); i++) {
		pid1_kill(record->pid1, stops[i]);
		pid1_await_state(record->pid1->pid, "T");
		pid1_await_state(record_child(record), "T");
		pid1_kill(record->pid1, SIGCONT);
		record_line(record);
	}
	pid1_kill(record->pid1, END);
}

/* The program is told, and the init stopped. */
static void play_stops_told(struct record *record)
{
	static const int stops[] = {SIGTSTP, SIGTTIN, SIGTTOU};

	record_line(record);
	for (size_t i = 0; i < COUNT(stops); i++) {
		pid1_kill(record->pid1, stops[i]);
		record_line(record);
		pid1_await_state(record->pid1->pid, "T");
		pid1_kill(record->pid1, SIGCONT);
		record_line(record);
	}
	pid1_kill(record->pid1, END);
}

static void play_rewritten(struct record *record)
{
	record_line(record);
	send(record, SIGINT);
	send(record, SIGHUP);
	send(record, SIGWINCH);
	send(record, SIGUSR1);
	pid1_kill(record->pid1, SIGTERM);
}

static void compare(void **state, const char *name, const char *words,
	void (*play)(struct record *record), bool ordinary)
{
	const struct record_case record_case = {
		.words = words, .play = play, .options = {.same_namespace = ordinary}};

	assert_true(record_is_same(*state, name, &record_case));
}

static void test_tini_every_signal_same(void **state)
{
	compare(state, "tini", "% report-signals 15", play_all, false);
	compare(state, "tini", "-g % report-signals 15", play_all, false);
	compare(state, "tini", "-vv % report-signals 15", play_some, false);
}

static void test_dumb_init_every_signal_same(void **state)
{
	compare(state, "dumb-init", "% report-signals 15", play_all_but_stops, false);
	compare(state, "dumb-init", "-c % report-signals 15", play_all, false);
	compare(state, "dumb-init", "-v % report-signals 15", play_all_but_stops, false);
	compare(state, "dumb-init", "-vc % report-signals 15", play_all, false);
	compare(state, "dumb-init", "% report-signals 15", play_all_but_stops, true);
}

static void test_catatonit_every_signal_same(void **state)
{
	compare(state, "catatonit", "% report-signals 15", play_all, false);
	compare(state, "catatonit", "-g % report-signals 15", play_all, false);
}

static void test_dumb_init_stops_same(void **state)
{
	compare(state, "dumb-init", "% report-signals 15", play_stops, false);
	compare(state, "dumb-init", "% report-signals 15", play_stops_of_both, true);
	compare(state, "dumb-init", "-cv % report-signals 15", play_stops_told, true);
}

static void test_dumb_init_rewritten_same(void **state)
{
	compare(state, "dumb-init", "-v -r 1:15 -r 2:0 -r 10:12 -r 15:3 % report-signals 3",
		play_rewritten, false);
	compare(state, "dumb-init", "-v -c -r 2:2 -r 15:3 % report-signals 3", play_rewritten,
		false);
	compare(state, "dumb-init", "-r 20:1 -r 21:2 -r 22:3 % report-signals 15", play_stops_told,
		true);
}

/* What a fault would send ends the init, and is no signal for the program. */
static void play_fault(struct record *record, int number)
{
	struct pid1 *pid1 = record->pid1;
	pid_t child;

	record_line(record);
	child = record_child(record);
	pid1_kill(pid1, number);
	pid1_await_state(pid1->pid, "Z");
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void play_segv(struct record *record)
{
	play_fault(record, SIGSEGV);
}

static void play_sys(struct record *record)
{
	play_fault(record, SIGSYS);
}

static void test_fault_signal_ends_an_ordinary_init_same(void **state)
{
	compare(state, "tini", "-s % report-signals 15", play_segv, true);
	compare(state, "tini", "-s % report-signals 15", play_sys, true);
	compare(state, "catatonit", "% report-signals 15", play_segv, true);
	compare(state, "catatonit", "% report-signals 15", play_sys, true);
}

/* What the program starts with. */
static void compare_state(void **state, const char *name, const char *words)
{
	const struct pid1_options options[] = {
		{0},
		{.same_namespace = true},
		{.blocked = bit(SIGTERM) | bit(SIGTSTP) | bit(SIGSEGV) | bit(50),
			.ignored = bit(SIGINT) | bit(SIGTTOU) | bit(SIGFPE) | bit(SIGPIPE)},
		{.extra = 2},
		{.terminal = true},
	};

	for (size_t i = 0; i < COUNT(options); i++) {
		const struct record_case record_case = {.words = words, .options = options[i]};
		assert_true(record_is_same(*state, name, &record_case));
	}
}

static void test_program_starts_with_same(void **state)
{
	compare_state(state, "tini", "-s % state");
	compare_state(state, "dumb-init", "% state");
	compare_state(state, "dumb-init", "-c % state");
	compare_state(state, "catatonit", "% state");
}

/* Where the init itself stands, and which of the descriptors it was given it still has. */
static void play_init(struct record *record)
{
	char path[64], link[64], given[64], input[64];
	size_t held = 0;
	ssize_t len;

	/* It is past its start when it passes signals. */
	record_line(record);
	send(record, SIGUSR1);
	(void)snprintf(path, sizeof(path), "/proc/%d/cwd", (int)record->pid1->pid);
	len = readlink(path, link, sizeof(link) - 1);
	record_add(record, "directory %.*s\n", (int)len, len > 0 ? link : "?");
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/0", (int)record->pid1->pid);
	assert_true((len = readlink(path, input, sizeof(input) - 1)) > 0);
	input[len] = '\0';
	for (int fd = 3; fd < 32; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)record->pid1->pid, fd);
		len = readlink(path, given, sizeof(given) - 1);
		if (len > 0) {
			given[len] = '\0';
			held += strcmp(given, input) == 0;
		}
	}
	record_add(record, "descriptors %zu\n", held);
	pid1_kill(record->pid1, SIGTERM);
}

static void test_init_directory_and_descriptors_same(void **state)
{
	static const char *const inits[] = {"tini", "dumb-init", "catatonit"};
	char folder[] = "/tmp";

	assert_int_equal(chdir(folder), 0);
	for (size_t i = 0; i < COUNT(inits); i++) {
		const struct record_case record_case = {
			.words = "% report-signals 15", .play = play_init, .options = {.extra = 3}};

		assert_true(record_is_same(*state, inits[i], &record_case));
	}
}

/* Whose an orphan is where the init is not PID 1. */
static void play_parent(struct record *record)
{
	pid_t parent = atoi(pid1_find(record->pid1, "parent "));

	record_add(record, "the init's: %d\n", parent == record->pid1->pid);
	pid1_kill(record->pid1, SIGTERM);
}

static void test_orphans_same(void **state)
{
	static const char *const rows[][2] = {{"tini", "% orphans 250 4"},
		{"dumb-init", "% orphans 250 4"}, {"dumb-init", "-c % orphans 250 4"},
		{"catatonit", "% orphans 250 4"}};

	for (size_t i = 0; i < COUNT(rows); i++)
		compare(state, rows[i][0], rows[i][1], NULL, false);
	compare(state, "tini", "% double-fork", play_parent, true);
	compare(state, "tini", "-s % double-fork", play_parent, true);
	compare(state, "dumb-init", "% double-fork", play_parent, true);
	compare(state, "catatonit", "% double-fork", play_parent, true);
}

/* The child of ours that is not the init. */
static pid_t find_orphan(pid_t init)
{
	char path[64], text[256] = "", *word, *next = NULL;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "re");
	if (!file)
		skip();
	(void)!fgets(text, sizeof(text), file);
	(void)fclose(file);
	for (word = strtok_r(text, " ", &next); word; word = strtok_r(NULL, " ", &next)) {
		if (atoi(word) != init)
			return atoi(word);
	}
	return 0;
}

/* An orphan in the program's group outlives it: has the init sent it TERM when the program ended?
 * It ends by what came first. */
static void play_rest(struct record *record)
{
	int status;
	pid_t orphan;

	record_line(record);
	pid1_await_state(record->pid1->pid, "Z");
	orphan = find_orphan(record->pid1->pid);
	assert_true(orphan > 0);
	(void)kill(orphan, SIGUSR1);
	assert_int_equal(waitpid(orphan, &status, 0), orphan);
	record_add(record, "the rest ended by %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void test_rest_of_the_group_same(void **state)
{
	static const char *const rows[][2] = {{"tini", "% leave 3"}, {"tini", "-g % leave 3"},
		{"dumb-init", "% leave 3"}, {"dumb-init", "-r 15:12 % leave 3"},
		{"dumb-init", "-r 15:0 % leave 3"}, {"dumb-init", "-c % leave 3"},
		{"catatonit", "% leave 3"}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		compare(state, rows[i][0], rows[i][1], play_rest, true);
		/* The kernel ends the rest with its PID 1. */
		compare(state, rows[i][0], rows[i][1], NULL, false);
	}
}

/* catatonit without a program, or with one that it does not start. It says nothing: that it has
 * become a subreaper, or holds a descriptor no more, shows that it is past its start. */
static void pause_and_end(struct pid1 *pid1, int number)
{
	pid1_await_state(pid1->pid, "S");
	pid1_kill(pid1, SIGUSR1);
	pid1_kill(pid1, SIGTSTP);
	pid1_kill(pid1, number);
	assert_int_equal(pid1_end(pid1), 0);
	assert_string_equal(pid1->errors, "");
}

static void test_catatonit_pause_ends_when_asked(void **state)
{
	const struct pid1_options options[] = {
		{.blocked = UINT64_MAX}, {.blocked = UINT64_MAX, .same_namespace = true}};

	for (size_t i = 0; i < COUNT(options); i++) {
		for (int original = 0; original <= 1; original++) {
			record_start(*state, "catatonit", original, "-P", &options[i]);
			pause_and_end(*state, SIGTERM);
			record_start(*state, "catatonit", original, "-P nosuch", &options[i]);
			pause_and_end(*state, SIGINT);
		}
	}
}

/* ^C reaches whoever has the terminal. */
static void play_interrupt(struct record *record)
{
	record_line(record);
	record_type(record, "\003");
	record_line(record);
}

static void play_end_of_input(struct record *record)
{
	record_line(record);
	record_type(record, "some words\n");
	record_line(record);
	record_type(record, "\004");
}

static void test_terminal_same(void **state)
{
	static const char *const inits[][2] = {
		{"tini", "-s "}, {"dumb-init", ""}, {"dumb-init", "-c "}, {"catatonit", ""}};

	for (size_t i = 0; i < COUNT(inits); i++) {
		char words[64];
		struct record_case record_case = {
			.words = words, .play = play_interrupt, .options = {.terminal = true}};

		for (int ordinary = 0; ordinary <= 1; ordinary++) {
			record_case.options.same_namespace = ordinary;
			record_case.play = play_interrupt;
			(void)snprintf(words, sizeof(words), "%s%% report-signals 2", inits[i][1]);
			assert_true(record_is_same(*state, inits[i][0], &record_case));
			record_case.play = play_end_of_input;
			(void)snprintf(words, sizeof(words), "%s%% terminal", inits[i][1]);
			assert_true(record_is_same(*state, inits[i][0], &record_case));
		}
	}
}

/* tini ends with a closed standard input, which is nobody's wish: husk goes on. */
static void test_closed_input_husk_goes_on(void **state)
{
	static const char *const inits[] = {"tini", "dumb-init", "catatonit"};

	for (size_t i = 0; i < COUNT(inits); i++) {
		record_start(
			*state, inits[i], false, "% exit-n 3", &(struct pid1_options){.closed = 1});
		assert_int_equal(pid1_end(*state), 3);
	}
}

/* The originals wait until somebody reads. */
static void test_full_errors_verbose_husk_forwards(void **state)
{
	struct pid1 *pid1 = *state;
	const struct pid1_options options = {.full_stderr = true};

	record_start(pid1, "dumb-init", false, "-v % report-signals 15", &options);
	pid1_expect(pid1, "ready");
	pid1_kill(pid1, SIGUSR1);
	pid1_expect(pid1, "signal 10");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "signal 15");
	pid1_await_state(pid1->pid, "Z");
	close(pid1->err);
	pid1->err = -1;
	assert_int_equal(pid1_end(pid1), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pid1_set_up, pid1_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_tini_every_signal_same),
		TEST(test_dumb_init_every_signal_same),
		TEST(test_catatonit_every_signal_same),
		TEST(test_dumb_init_stops_same),
		TEST(test_dumb_init_rewritten_same),
		TEST(test_fault_signal_ends_an_ordinary_init_same),
		TEST(test_program_starts_with_same),
		TEST(test_init_directory_and_descriptors_same),
		TEST(test_orphans_same),
		TEST(test_rest_of_the_group_same),
		TEST(test_catatonit_pause_ends_when_asked),
		TEST(test_terminal_same),
		TEST(test_closed_input_husk_goes_on),
		TEST(test_full_errors_verbose_husk_forwards),
	};

	return cmocka_run_group_tests(tests, record_set_up, record_tear_down);
}
