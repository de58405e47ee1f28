#include "pid1/pid1.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "unit/scratch.h"

/*
 * The template t/a, rendered to out/a, where the check looks at it; v is a Kubernetes volume that
 * the template could be in as well; s/word is the secret WORD.
 */

static char word_file[PATH_MAX + 16];
static const char *const environment[] = {"PATH=/bin:/usr/bin", word_file, "HUSK_LOG=debug", NULL};

static int set_up(void **state)
{
	if (scratch_setup(state) < 0)
		return -1;
	scratch_mkdir("t");
	scratch_write("t/a.template", "one\n");
	scratch_mkdir("x"); /* where nobody watches */
	scratch_mkdir("s");
	scratch_write("s/word", "first\n");
	scratch_write("place.env", "PLACE=out\n");
	(void)snprintf(word_file, sizeof(word_file), "WORD_FILE=%s", scratch_path("s/word"));
	return mkfifo(scratch_path("fifo"), 0600) < 0 ? -1 : pid1_set_up(state);
}

static int tear_down(void **state)
{
	int ended = pid1_tear_down(state);

	return scratch_teardown(state) < 0 ? -1 : ended;
}

/* Of the services, @ is the testchild and % the folder. */
static void configure(const char *from, const char *services)
{
	FILE *file = fopen(scratch_path("husk.yaml"), "we");

	assert_non_null(file);
	(void)fprintf(file,
		"version: 1\n"
		"env: {WORD: {secret: true, required: true}}\n"
		"env_file: %s/place.env\n"
		"templates:\n"
		"- {from: %s/%s, to: %s/out, check: [%s, look-at, '${HUSK_STAGED}/a', %s/fifo]}\n"
		"services:\n",
		scratch_root, scratch_root, from, scratch_root, pid1_child(), scratch_root);
	for (; *services != '\0'; services++)
		if (*services == '@')
			(void)fputs(pid1_child(), file);
		else if (*services == '%')
			(void)fputs(scratch_root, file);
		else
			(void)fputc(*services, file);
	assert_int_equal(fclose(file), 0);
}

#define SERVICE(name, more) \
	"  " name ": {command: [@, reloads, " name \
	", %/out/a], restart: {on: failure, delay: 1ms}" more "}\n"
#define TOLD    SERVICE("web", ", main: true, reload: {signal: HUP}")
#define WATCHES SERVICE("web", ", main: true, reload: {signal: HUP, watch: true}")

static void start(struct pid1 *pid1, void (*prepare)(void *arg))
{
	const struct pid1_options options = {.environment = environment, .prepare = prepare};

	pid1_start(pid1, &options, WORDS("-c", scratch_path("husk.yaml")));
}

static void finish(struct pid1 *pid1)
{
	pid1_kill(pid1, SIGTERM);
	assert_int_equal(pid1_end(pid1), 0);
}

/* So many lines, in any order: what comes after another waits for its exec, not for what it says.
 */
static void expect_all(struct pid1 *pid1, const char *const *lines, size_t count)
{
	bool seen[8] = {false};

	for (size_t i = 0; i < count; i++) {
		const char *line = pid1_line(pid1);
		size_t found = 0;

		assert_non_null(line);
		while (found < count && (seen[found] || strcmp(line, lines[found]) != 0))
			found++;
		if (found == count)
			fail_msg("\"%s\" was not expected", line);
		seen[found] = true;
	}
}
#define EXPECT_ALL(...) \
	expect_all(pid1, ((const char *const[]){__VA_ARGS__}), \
		COUNT(((const char *const[]){__VA_ARGS__})))

static void forget_errors(struct pid1 *pid1)
{
	pid1->errors_len = 0;
	pid1->errors[0] = '\0';
}

static void put(const char *text)
{
	scratch_write("x/new", text);
	assert_int_equal(rename(scratch_path("x/new"), scratch_path("t/a.template")), 0);
}

/* Waits until the check has begun. */
static int hear_check(void)
{
	struct pollfd fifo = {.fd = open(scratch_path("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC),
		.events = POLLIN};

	assert_true(fifo.fd >= 0);
	assert_int_equal(poll(&fifo, 1, PID1_PATIENCE * 1000), 1);
	return fifo.fd;
}

static void test_hup_renders_and_tells_who_wants_to_know(void **state)
{
	struct pid1 *pid1 = *state;

	configure("t", TOLD SERVICE("still", ", after: [web]")
			       SERVICE("again", ", after: [still], reload: {}"));
	start(pid1, NULL);
	EXPECT_ALL("web up first", "still up first", "again up first");
	put("two\n");
	pid1_kill(pid1, SIGHUP);
	EXPECT_ALL("web told first two", "again down", "again up first");
	pid1_kill(pid1, SIGTERM);
	pid1_expect(pid1, "again down");
	pid1_expect(pid1, "still down");
	pid1_expect(pid1, "web down");
	assert_int_equal(pid1_end(pid1), 0);
}

static void test_refused_generation_changes_nothing(void **state)
{
	static const char *const broken[] = {
		"bad\n", /* the check says so */
		"${NAME|nosuch}\n",
		"${NAME:?is missing}\n",
	};
	static const char *const reasons[] = {"a is bad", "unknown filter", "is missing"};
	struct pid1 *pid1 = *state;

	configure("t", TOLD);
	start(pid1, NULL);
	pid1_expect(pid1, "web up first");
	for (size_t i = 0; i < COUNT(broken); i++) {
		forget_errors(pid1);
		put(broken[i]);
		pid1_kill(pid1, SIGHUP);
		pid1_find_error(pid1, "reload refused: services go on as they are\n");
		assert_non_null(strstr(pid1->errors, reasons[i]));
		scratch_is("out/a", "one\n");
		assert_int_equal(scratch_count("out"), 3);
	}
	assert_int_equal(unlink(scratch_path("s/word")), 0);
	forget_errors(pid1);
	put("two\n");
	pid1_kill(pid1, SIGHUP);
	pid1_find_error(pid1, "reload refused");
	assert_non_null(strstr(pid1->errors, "s/word"));
	scratch_write("s/word", "first\n");
	pid1_kill(pid1, SIGHUP);
	pid1_expect(pid1, "web told first two");
	finish(pid1);
}

static void test_environment_new_where_it_is_started_again(void **state)
{
	struct pid1 *pid1 = *state;

	configure("t", TOLD SERVICE("again", ", after: [web], reload: {}"));
	start(pid1, NULL);
	EXPECT_ALL("web up first", "again up first");
	for (int round = 0; round < 3; round++) {
		static const char *const words[] = {"second", "third", "first"};
		char line[64];

		scratch_write("s/word", words[round]);
		forget_errors(pid1);
		pid1_kill(pid1, SIGHUP);
		(void)snprintf(line, sizeof(line), "again up %s", words[round]);
		(void)pid1_find(pid1, line);
		pid1_find_error(pid1, "the environment has changed");
	}
	forget_errors(pid1);
	put("again\n");
	pid1_kill(pid1, SIGHUP);
	(void)pid1_find(pid1, "web told first again");
	finish(pid1);
	assert_null(strstr(pid1->errors, "the environment has changed"));
}

static void test_environment_new_after_a_failure(void **state)
{
	struct pid1 *pid1 = *state;

	configure("t", SERVICE("web", ", reload: {signal: HUP}"));
	start(pid1, NULL);
	pid1_expect(pid1, "web up first");
	scratch_write("s/word", "second\n");
	put("exit\n");
	pid1_kill(pid1, SIGHUP);
	pid1_expect(pid1, "web told first exit");
	pid1_expect(pid1, "web up second");
	finish(pid1);
}

/* It would be asked at the old place when it is started again with the new environment. */
static void test_environment_that_moves_a_target_refused(void **state)
{
	struct pid1 *pid1 = *state;

	configure("t", SERVICE("web", ", reload: {signal: HUP}, ready: 'file:%/${PLACE}'"));
	start(pid1, NULL);
	pid1_expect(pid1, "web up first");
	scratch_write("place.env", "PLACE=elsewhere\n");
	put("two\n");
	pid1_kill(pid1, SIGHUP);
	pid1_find_error(pid1, "web: with the new environment ready or health would ask elsewhere");
	pid1_find_error(pid1, "reload refused");
	scratch_is("out/a", "one\n");
	scratch_write("place.env", "PLACE=out\n");
	pid1_kill(pid1, SIGHUP);
	pid1_expect(pid1, "web told first two");
	finish(pid1);
}

static void test_asked_during_a_reload_follows(void **state)
{
	struct pid1 *pid1 = *state;
	const char *at;
	int fifo;

	configure("t", TOLD);
	start(pid1, NULL);
	pid1_expect(pid1, "web up first");
	put("slow\n");
	pid1_kill(pid1, SIGHUP);
	fifo = hear_check();
	put("two\n");
	for (int i = 0; i < 5; i++)
		pid1_kill(pid1, SIGHUP);
	close(fifo);
	/* It may be slow to look at what it is told of first. */
	(void)pid1_find(pid1, "web told first two");
	finish(pid1);
	/* However often it was asked for. */
	at = strstr(pid1->errors, "husk: reloaded");
	assert_non_null(at);
	at = strstr(at + 1, "husk: reloaded");
	assert_non_null(at);
	assert_null(strstr(at + 1, "husk: reloaded"));
}

static void test_stop_during_a_reload_ends_and_leaves_nothing(void **state)
{
	struct pid1 *pid1 = *state;
	int fifo;

	configure("t", TOLD);
	start(pid1, NULL);
	pid1_expect(pid1, "web up first");
	put("hang\n");
	pid1_kill(pid1, SIGHUP);
	fifo = hear_check();
	finish(pid1);
	close(fifo);
	/* By the reload, or with all that is left. */
	assert_non_null(strstr(pid1->errors, "by SIGTERM"));
	scratch_is("out/a", "one\n");
	assert_int_equal(scratch_count("out"), 3);
}

/* The child of `parent` that runs husk: a helper. */
static pid_t helper_of(pid_t parent)
{
	DIR *dir = opendir("/proc");
	pid_t found = 0;

	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		char path[300], text[512] = "";
		int above = 0;
		FILE *file;

		(void)snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = fopen(path, "re");
		if (file == NULL)
			continue;
		if (fgets(text, sizeof(text), file) != NULL && strstr(text, "(husk)") != NULL &&
			sscanf(strrchr(text, ')'), ") %*c %d", &above) == 1 && above == parent)
			found = atoi(entry->d_name);
		(void)fclose(file);
	}
	(void)closedir(dir);
	return found;
}

static void test_killed_reload_is_refused(void **state)
{
	struct pid1 *pid1 = *state;
	int fifo;

	configure("t", TOLD);
	start(pid1, NULL);
	pid1_expect(pid1, "web up first");
	put("hang\n");
	pid1_kill(pid1, SIGHUP);
	fifo = hear_check();
	assert_int_equal(kill(helper_of(pid1->pid), SIGKILL), 0);
	pid1_find_error(pid1, "reload refused: the process that does it was killed");
	put("two\n");
	pid1_kill(pid1, SIGHUP);
	pid1_expect(pid1, "web told first two");
	/* What the other one had made is gone with this one. */
	assert_int_equal(scratch_count("out"), 3);
	finish(pid1);
	close(fifo);
}

static void test_configuration_changed_is_told_and_not_taken(void **state)
{
	struct pid1 *pid1 = *state;

	configure("t", TOLD);
	start(pid1, NULL);
	pid1_expect(pid1, "web up first");
	configure("elsewhere", "");
	pid1_kill(pid1, SIGHUP);
	pid1_expect(pid1, "web told first one");
	pid1_find_error(pid1, "husk.yaml has changed: that takes effect when the container is "
			      "started again");
	finish(pid1);
}

static void test_watch_sees_every_way_of_changing_a_file(void **state)
{
	struct pid1 *pid1 = *state;

	configure("t", WATCHES);
	start(pid1, NULL);
	pid1_expect(pid1, "web up first");
	/* By an editor's rename, and in place. */
	put("two\n");
	pid1_expect(pid1, "web told first two");
	scratch_write("t/a.template", "three\n");
	pid1_expect(pid1, "web told first three");
	/* A folder that is new, and a file in it. */
	scratch_mkdir("t/more");
	pid1_expect(pid1, "web told first three");
	scratch_write("t/more/b", "x");
	pid1_expect(pid1, "web told first three");
	scratch_is("out/more/b", "x");
	scratch_write("s/word", "second\n");
	pid1_expect(pid1, "web told first three");
	finish(pid1);
	assert_non_null(strstr(pid1->errors, "the environment has changed"));
}

static void test_watch_sees_kubernetes_swap(void **state)
{
	struct pid1 *pid1 = *state;

	scratch_mkdir("v");
	scratch_mkdir("v/..0");
	scratch_write("v/..0/a.template", "one\n");
	scratch_link("..0", "v/..data");
	scratch_link("..data/a.template", "v/a.template");
	configure("v", WATCHES);
	start(pid1, NULL);
	pid1_expect(pid1, "web up first");
	for (int round = 1; round < 4; round++) {
		char name[32], line[64];

		(void)snprintf(name, sizeof(name), "v/..%d", round);
		scratch_mkdir(name);
		(void)snprintf(name, sizeof(name), "v/..%d/a.template", round);
		(void)snprintf(line, sizeof(line), "%d\n", round);
		scratch_write(name, line);
		(void)snprintf(name, sizeof(name), "..%d", round);
		scratch_link(name, "v/..data_tmp");
		assert_int_equal(rename(scratch_path("v/..data_tmp"), scratch_path("v/..data")), 0);
		(void)snprintf(name, sizeof(name), "v/..%d", round - 1);
		assert_int_equal(beneath_remove(AT_FDCWD, scratch_path(name)), 0);
		(void)snprintf(line, sizeof(line), "web told first %d", round);
		pid1_expect(pid1, line);
	}
	finish(pid1);
}

static void test_watch_same_content_tells_nobody(void **state)
{
	struct pid1 *pid1 = *state;

	configure("t", WATCHES);
	start(pid1, NULL);
	pid1_expect(pid1, "web up first");
	put("one\n");
	pid1_find_error(pid1, "the sources are what they were");
	put("two\n");
	pid1_expect(pid1, "web told first two");
	finish(pid1);
}

static void test_watch_many_changes_are_few_reloads(void **state)
{
	enum { CHANGES = 300 };
	struct pid1 *pid1 = *state;
	unsigned told = 0;
	char text[32], last[64];

	configure("t", WATCHES);
	start(pid1, NULL);
	pid1_expect(pid1, "web up first");
	for (int i = 0; i < CHANGES; i++) {
		(void)snprintf(text, sizeof(text), "change %d\n", i);
		put(text);
	}
	(void)snprintf(last, sizeof(last), "web told first change %d", CHANGES - 1);
	for (const char *line; (line = pid1_line(pid1)) != NULL;) {
		told++;
		if (strcmp(line, last) == 0)
			break;
	}
	assert_true(told < CHANGES / 2);
	finish(pid1);
}

/* Its files are in place when another reload is accepted: it is told then. */
static void test_watch_refused_is_made_up_for(void **state)
{
	struct pid1 *pid1 = *state;

	configure("t", WATCHES);
	start(pid1, NULL);
	pid1_expect(pid1, "web up first");
	put("bad\n");
	pid1_find_error(pid1, "reload refused");
	put("two\n");
	pid1_expect(pid1, "web told first two");
	finish(pid1);
}

static void refuse_calls(const int *numbers, size_t count)
{
	struct sock_filter code[16];
	struct sock_fprog program = {.filter = code};
	size_t n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < count; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)numbers[i], 0, 1);
		code[n++] =
			(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = (unsigned short)n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(125);
}

static void without_inotify(void *arg)
{
	static const int numbers[] = {SYS_inotify_init1};

	(void)arg;
	refuse_calls(numbers, COUNT(numbers));
}

static void without_watches(void *arg)
{
	static const int numbers[] = {SYS_inotify_add_watch};

	(void)arg;
	refuse_calls(numbers, COUNT(numbers));
}

static void without_memfd(void *arg)
{
	static const int numbers[] = {SYS_memfd_create};

	(void)arg;
	refuse_calls(numbers, COUNT(numbers));
}

static void test_watch_without_inotify_looks_now_and_then(void **state)
{
	struct pid1 *pid1 = *state;

	configure("t", WATCHES);
	start(pid1, without_inotify);
	pid1_expect(pid1, "web up first");
	put("two\n");
	pid1_expect(pid1, "web told first two");
	put("three\n");
	pid1_expect(pid1, "web told first three");
	finish(pid1);
	assert_non_null(strstr(pid1->errors, "looking for them every 5 s"));
}

/* As where the user has as many watches as he may: who tells of changes is there, and silent. */
static void test_watch_that_cannot_tell_all_looks_and_listens_on(void **state)
{
	struct pid1 *pid1 = *state;

	configure("t", WATCHES);
	start(pid1, without_watches);
	pid1_expect(pid1, "web up first");
	put("two\n");
	pid1_expect(pid1, "web told first two");
	put("three\n");
	pid1_expect(pid1, "web told first three");
	finish(pid1);
	assert_null(strstr(pid1->errors, "cannot listen"));
}

static void test_environment_without_memfd_stays(void **state)
{
	struct pid1 *pid1 = *state;

	configure("t", SERVICE("web", ", reload: {}"));
	start(pid1, without_memfd);
	pid1_expect(pid1, "web up first");
	scratch_write("s/word", "second\n");
	pid1_kill(pid1, SIGHUP);
	pid1_expect(pid1, "web down");
	pid1_expect(pid1, "web up first");
	finish(pid1);
	assert_non_null(strstr(pid1->errors, "can keep no new one"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_hup_renders_and_tells_who_wants_to_know),
		TEST(test_refused_generation_changes_nothing),
		TEST(test_environment_new_where_it_is_started_again),
		TEST(test_environment_new_after_a_failure),
		TEST(test_environment_that_moves_a_target_refused),
		TEST(test_asked_during_a_reload_follows),
		TEST(test_stop_during_a_reload_ends_and_leaves_nothing),
		TEST(test_killed_reload_is_refused),
		TEST(test_configuration_changed_is_told_and_not_taken),
		TEST(test_watch_sees_every_way_of_changing_a_file),
		TEST(test_watch_sees_kubernetes_swap),
		TEST(test_watch_same_content_tells_nobody),
		TEST(test_watch_many_changes_are_few_reloads),
		TEST(test_watch_refused_is_made_up_for),
		TEST(test_watch_without_inotify_looks_now_and_then),
		TEST(test_watch_that_cannot_tell_all_looks_and_listens_on),
		TEST(test_environment_without_memfd_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
