/*
 * Every system call and every allocation of a start, of husk's and of the processes that it forks,
 * fails in turn. husk then does without, or refuses with a reason and starts nothing; it never
 * crashes, hangs, leaks or leaves half of anything.
 */
#include "unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/err.h"
#include "faults/case.h"
#include "faults/world.h"
#include "pid1/pid1.h"

enum {
	FINDINGS_MAX = 20,
	HELPER_MOST = 12,
};

static unsigned places;
static unsigned harmless;
static unsigned findings;
static bool tracing;

#define RUN "husk", "run", "-c", "@husk.yaml"
/* A descriptor of the number that one of husk's own pipes may have. */
#define NEWLINE(n, function) \
	{ \
		.name = "newline on " #n ", " #function, \
		.words = {"husk", "run", "-c", "@newline-" #n ".yaml"}, .runs = true, \
		.only = CALL_##function, .status = 3, .says = "exited with status 3", \
	}

static const struct scene scenes[] = {
	{.name = "run",
		.words = {RUN},
		.renders = true,
		.runs = true,
		.configured = true,
		.child_ignored = true},
	{.name = "run, first",
		.words = {RUN, "--parent-death-signal=TERM"},
		.fresh = true,
		.renders = true,
		.runs = true,
		.configured = true,
		.terminal = true},
	{.name = "program",
		.words = {"husk", "--", "@CHILD", "exit-n", "0", INJECT_PROGRAM},
		.runs = true,
		.terminal = true},
	{.name = "stopped",
		.words = {"husk", "--", "@CHILD", "stop-self", "20", INJECT_PROGRAM},
		.runs = true,
		.terminal = true},
	{.name = "tini",
		.compat = true,
		.words = {"tini", "-s", "-p", "SIGTERM", "@CHILD", "exit-n", "0", INJECT_PROGRAM},
		.runs = true,
		.terminal = true},
	{.name = "tini, no subreaper",
		.compat = true,
		.words = {"tini", "@CHILD", "exit-n", "0", INJECT_PROGRAM},
		.runs = true,
		.says = "subreaper"},
	{.name = "dumb-init",
		.compat = true,
		.words = {"dumb-init", "@CHILD", "exit-n", "0", INJECT_PROGRAM},
		.runs = true,
		.terminal = true},
	{.name = "catatonit",
		.compat = true,
		.words = {"catatonit", "@CHILD", "exit-n", "0", INJECT_PROGRAM},
		.runs = true,
		.terminal = true},
	{.name = "leaves a process",
		.words = {"husk", "--", "@CHILD", "leave", "0", INJECT_PROGRAM},
		.runs = true,
		.leaves = true},
	{.name = "killed",
		.words = {"husk", "--", "@CHILD", "raise", "9", INJECT_PROGRAM},
		.runs = true,
		.status = 137,
		.says = "killed by SIGKILL"},
	{.name = "not found",
		.words = {"husk", "--", "nowhere"},
		.status = ERR_NOT_FOUND,
		.says = "not found"},
	{.name = "no interpreter",
		.words = {"husk", "--", "@script"},
		.environment = {"HUSK_LOG_FORMAT=json"},
		.status = ERR_NOT_EXECUTABLE,
		.says = "script"},
	{.name = "not executable",
		.words = {"husk", "--", "/etc/passwd"},
		.errors = ERRORS_SOCKET,
		.status = ERR_NOT_EXECUTABLE,
		.says = "cannot run /etc/passwd"},
	{.name = "render",
		.every = 5,
		.words = {"husk", "render", "-c", "@husk.yaml"},
		.renders = true},
	{.name = "render, by hand",
		.every = 5,
		.words = {"husk", "render", "-c", "@husk.yaml"},
		.renders = true,
		.given = {{CALL_sys_openat2, NULL, 1, ENOSYS}}},
	{.name = "render, nowhere",
		.words = {"husk", "render", "@t", "/proc/nowhere/t"},
		.status = ERR_CONFIG,
		.says = "/proc/nowhere"},
	{.name = "render, streams closed",
		.every = 5,
		.words = {"husk", "render", "-c", "@husk.yaml"},
		.renders = true,
		.closed = true},
	{.name = "render, large", .words = {"husk", "render", "@large", "@out/large"}, .every = 3},
	{.name = "render, machine",
		.words = {"husk", "render", "@machine", "@out/machine"},
		.every = 3,
		.writes = "out/machine"},
	{.name = "render, cut off",
		.words = {"husk", "render", "@large", "@out/large"},
		.only = CALL_sys_map_zeros,
		.status = ERR_CONFIG,
		.says = "cut short",
		.given = {{CALL_sys_map_file, NULL, 1, INJECT_SHORT}}},
	{.name = "a while",
		.words = {"husk", "--", "@CHILD", "exit-after", "300", INJECT_PROGRAM},
		.runs = true,
		.only = CALL_sys_sigwait},
	{.name = "reload",
		.every = 6,
		.words = {"husk", "run", "-c", "@reload.yaml"},
		.renders = true,
		.runs = true,
		.configured = true},
	{.name = "log",
		.words = {"husk", "run", "-c", "@log.yaml"},
		.runs = true,
		.status = 97,
		.says = "app | testchild: no such verb"},
	{.name = "explain", .words = {"husk", "check", "--explain", "-c", "@husk.yaml"}},
	{.name = "env", .every = 2, .words = {"husk", "env", "-c", "@husk.yaml"}},
	{.name = "env, bare machine",
		.every = 4,
		.words = {"husk", "env", "-c", "@husk.yaml"},
		.given = {{CALL_sys_open, "cpu/online", 1, ENOENT},
			{CALL_sys_open, "/meminfo", 1, ENOENT},
			{CALL_sys_open, "/hostname", 1, ENOENT},
			{CALL_sys_write, NULL, 1, EAGAIN}}},
	{.name = "asked",
		.words = {"husk", "run", "-c", "@control.yaml"},
		.init = true,
		.runs = true},
	{.name = "status", .words = {"husk", "status"}, .served = true},
	{.name = "status, json", .every = 3, .words = {"husk", "status", "--json"}, .served = true},
	{.name = "status, metrics",
		.every = 5,
		.words = {"husk", "status", "--metrics", "app"},
		.served = true},
	{.name = "stop", .every = 2, .words = {"husk", "stop", "app"}, .served = true},
	{.name = "reload, asked", .every = 2, .words = {"husk", "reload"}, .served = true},
	{.name = "status, nobody",
		.words = {"husk", "status"},
		.init = true,
		.status = ERR_FAILED,
		.says = "no husk to talk to"},
	{.name = "probe", .words = {"husk", "probe", "@HTTP"}, .probes = true},
	{.name = "wait",
		.words = {"husk", "wait", "-v", "--timeout=300ms", "file:/", "@HTTP"},
		.probes = true,
		.says = "status 200"},
	{.name = "probe, name",
		.words = {"husk", "probe", "tcp://husk.invalid:1"},
		.probes = true,
		.given = {{CALL_sys_open, "/etc/resolv.conf", 9, ENOENT}},
		.status = ERR_FAILED,
		.says = "husk.invalid"},
	{.name = "notify",
		.words = {"husk", "run", "-c", "@notify.yaml"},
		.runs = true,
		.status = 3,
		.says = "exited with status 3"},
	{.name = "newline",
		.words = {"husk", "run", "-c", "@newline.yaml"},
		.runs = true,
		.status = 3,
		.says = "exited with status 3"},
	NEWLINE(4, sys_dup_above),
	NEWLINE(4, sys_set_fd_flags),
	NEWLINE(5, sys_dup_above),
	NEWLINE(5, sys_set_fd_flags),
	NEWLINE(6, sys_dup_above),
	NEWLINE(6, sys_set_fd_flags),
	NEWLINE(7, sys_dup_above),
	NEWLINE(7, sys_set_fd_flags),
	NEWLINE(8, sys_dup_above),
	NEWLINE(8, sys_set_fd_flags),
	NEWLINE(9, sys_dup_above),
	NEWLINE(9, sys_set_fd_flags),
	NEWLINE(10, sys_dup_above),
	NEWLINE(10, sys_set_fd_flags),
	NEWLINE(11, sys_dup_above),
	NEWLINE(11, sys_set_fd_flags),
	NEWLINE(12, sys_dup_above),
	NEWLINE(12, sys_set_fd_flags),
	{.name = "usage", .words = {"husk", "nosuch"}, .status = ERR_USAGE, .says = "nosuch"},
	{.name = "usage, no /proc",
		.words = {"husk", "nosuch"},
		.given = {{CALL_sys_open, "/proc/self/fd", 9, ENOENT}},
		.status = ERR_USAGE,
		.says = "nosuch"},
	{.name = "usage, old kernel",
		.words = {"husk", "nosuch"},
		.given = {{CALL_sys_open, "/proc/self/fd", 9, ENOENT},
			{CALL_sys_write_nowait, NULL, 9, EOPNOTSUPP}},
		.status = ERR_USAGE,
		.says = "nosuch"},
	{.name = "usage, no reader",
		.words = {"husk", "nosuch"},
		.errors = ERRORS_NO_READER,
		.given = {{CALL_sys_open, "/proc/self/fd", 9, EACCES}},
		.status = ERR_USAGE},
	{.name = "no clock to wait by",
		.words = {"husk", "--", "@CHILD", "exit-n", "0", INJECT_PROGRAM},
		.runs = true,
		.given = {{CALL_sys_epoll_wait, NULL, 2, EINVAL}}},
};

static void find(const struct scene *scene, const struct fault *fault,
	const struct outcome *outcome, const char *what)
{
	if (++findings == FINDINGS_MAX)
		print_message("# and so on\n");
	if (findings < FINDINGS_MAX || tracing)
		print_message("# %s: process %u, %s call %u%s (%s): %s\n#   status %d, \"%s\"\n",
			scene->name, fault->process, inject_name(fault->call), fault->nth,
			fault->sticky ? " and all from there on" : "",
			fault->errnum == INJECT_SHORT ? "one byte" : strerror(fault->errnum), what,
			WIFEXITED(outcome->status) ? WEXITSTATUS(outcome->status)
						   : -WTERMSIG(outcome->status),
			outcome->text);
}

/* The program ran, in the state that it was to be given. */
static bool ran_well(const struct scene *scene)
{
	const struct program *program = &inject_shared->program;

	if (program->execs != 1 || (program->mask != 0 && !scene->compat))
		return false;
	return !scene->configured ||
	       (program->umask == 027 && program->nice == 19 && program->files.rlim_cur == 200 &&
		       strcmp(program->cwd, world_path("t")) == 0);
}

static bool rendered(const struct scene *scene)
{
	if (scene->writes != NULL && !world_is_filled(scene->writes))
		return false;
	for (unsigned set = 0; scene->renders && set < WORLD_SETS; set++)
		if (world_look(set) != WORLD_NEW)
			return false;
	return true;
}

/* As if nothing had happened. */
static bool is_well(const struct scene *scene, const struct outcome *outcome)
{
	return WEXITSTATUS(outcome->status) == scene->status && rendered(scene) &&
	       (!scene->runs || ran_well(scene));
}

static bool is_documented(const struct scene *scene, int status)
{
	/* tini's and catatonit's, dumb-init's. */
	if (scene->compat && (status == 1 || status == 2))
		return true;
	if (scene->served)
		return status == ERR_FAILED || status == ERR_INTERNAL || status == ERR_USAGE;
	if (scene->probes && (status == ERR_FAILED || status == ERR_TIMED_OUT))
		return true;
	return status == ERR_USAGE || status == ERR_INTERNAL || status == ERR_CONFIG ||
	       status == ERR_NOT_EXECUTABLE || status == ERR_NOT_FOUND;
}

/* What writes a message, or hears of a failed exec: that it is lost is then no wonder. */
static bool is_of_log(const struct scene *scene, const struct fault *fault)
{
	for (unsigned i = 0; i < INJECT_GIVEN; i++)
		if (scene->given[i].errnum != 0 && scene->given[i].call == CALL_sys_write)
			return true;
	if (scene->says == NULL && !fault->sticky)
		return false;
	if (fault->call == CALL_sys_read)
		return scene->status == ERR_NOT_EXECUTABLE || scene->status == ERR_NOT_FOUND;
	return fault->call == CALL_sys_fstat || fault->call == CALL_sys_write ||
	       fault->call == CALL_sys_get_status_flags || fault->call == CALL_sys_send_nowait ||
	       fault->call == CALL_sys_write_nowait || fault->call == CALL_sys_can_write;
}

/* Answers rather than failures: husk goes another way then, and says what it found there. */
static bool is_answer(const struct fault *fault, const char *text)
{
	return fault->errnum == ENOENT || fault->errnum == EEXIST || fault->errnum == ELOOP ||
	       (fault->call == CALL_sys_execve && strstr(text, "cannot run") != NULL) ||
	       /* What cannot be looked at is there, until it is opened. */
	       (fault->call == CALL_sys_fstatat && strstr(text, "/etc/husk.yaml") != NULL);
}

/* Does the message say what failed? */
static bool is_said(const struct scene *scene, const struct fault *fault, const char *text)
{
	if (scene->errors == ERRORS_NO_READER || is_of_log(scene, fault))
		return true;
	if (text[0] != '{' && strchr(text, ':') == NULL)
		return false;
	if (is_answer(fault, text))
		return true;
	return strstr(text, fault->call >= CALL_malloc ? "memory" : strerror(fault->errnum)) !=
	       NULL;
}

static const char *judge_outputs(const struct scene *scene, const struct fault *fault)
{
	static char what[600];
	const char *litter = world_litter(true);

	for (unsigned set = 0; set < WORLD_SETS; set++) {
		enum world_output found = world_look(set);

		if (found == WORLD_BROKEN || (found == WORLD_ABSENT && !scene->fresh))
			return "the output is not whole";
	}
	if (*litter == '\0' || fault->sticky)
		return NULL;
	(void)snprintf(what, sizeof(what), "left %s", litter);
	return what;
}

/* What is wrong, or NULL. */
static const char *judge(
	const struct scene *scene, const struct fault *fault, const struct outcome *outcome)
{
	bool said_nothing = outcome->text[0] == '\0';
	const char *what;

	if (outcome->late)
		return "hangs";
	/* As any program that writes to nobody, where the signal cannot be kept off. */
	if (scene->errors == ERRORS_NO_READER && WIFSIGNALED(outcome->status) &&
		WTERMSIG(outcome->status) == SIGPIPE)
		return NULL;
	/* Nothing is there to read on from. */
	if (fault->call == CALL_sys_map_zeros && WIFSIGNALED(outcome->status) &&
		WTERMSIG(outcome->status) == SIGBUS)
		return NULL;
	if (!WIFEXITED(outcome->status) || !inject_shared->ended)
		return "crashed";
	if (strstr(outcome->text, "Sanitizer") != NULL ||
		strstr(outcome->text, "runtime error") != NULL)
		return "a sanitizer's report";
	if (inject_shared->blocks != 0)
		return "leaks memory";
	if (inject_shared->descriptors > 0)
		return "leaks a descriptor";
	if (inject_shared->child)
		return "leaves a child";
	if (scene->renders && (what = judge_outputs(scene, fault)) != NULL)
		return what;
	if (is_well(scene, outcome)) {
		if (scene->says != NULL && scene->errors != ERRORS_NO_READER &&
			strstr(outcome->text, scene->says) == NULL &&
			!is_said(scene, fault, outcome->text))
			return "says something else";
		return NULL;
	}
	if (!inject_shared->hit)
		return "without any fault, is not as it should be";
	if (!is_documented(scene, WEXITSTATUS(outcome->status)))
		return "ends with a status that is not documented";
	if (inject_shared->program.execs != 0 && WEXITSTATUS(outcome->status) != scene->status)
		return "ran the program and says that it did not";
	if (said_nothing && !is_of_log(scene, fault) && scene->errors != ERRORS_NO_READER)
		return "gives no reason";
	return is_said(scene, fault, outcome->text) ? NULL : "does not say what failed";
}

static void try(const struct scene *scene, const struct fault *fault)
{
	struct outcome outcome;
	const char *what;

	case_run(scene, fault, &outcome);
	/* A machine that stood still for a while is no hang: that would come again. */
	if (outcome.late)
		case_run(scene, fault, &outcome);
	what = judge(scene, fault, &outcome);
	if (what != NULL)
		find(scene, fault, &outcome, what);
	places += inject_shared->hit;
	harmless += inject_shared->hit && is_well(scene, &outcome);
	if (tracing && inject_shared->hit && what == NULL)
		print_message("# %s: process %u, %s call %u%s (%s): status %d %s\n", scene->name,
			fault->process, inject_name(fault->call), fault->nth,
			fault->sticky ? "+" : "",
			fault->errnum == INJECT_SHORT ? "one byte" : strerror(fault->errnum),
			WEXITSTATUS(outcome.status), outcome.text);
}

/* Without these nothing can be waited for: one that fails for good is no Linux. */
static bool can_fail_for_good(enum call call)
{
	return call != CALL_sys_wait && call != CALL_sys_epoll_wait && call != CALL_sys_read &&
	       call != CALL_sys_kill;
}

/* What husk is not given as a child is not husk's to end, and would stay. */
static bool can_be_tried(const struct scene *scene, enum call call)
{
	if (scene->only != 0 && scene->only != call)
		return false;
	return inject_can_fail(call) && !(scene->leaves && call == CALL_sys_set_subreaper);
}

static void try_call(const struct scene *scene, struct fault fault, unsigned count)
{
	unsigned kinds = 0;

	while (inject_errno(fault.call, kinds) != 0)
		kinds++;
	for (fault.nth = 1; fault.nth <= count; fault.nth += scene->every + (scene->every == 0)) {
		/* A helper that reads all of /proc does the same for every process in it, and
		 * catatonit for every descriptor. */
		if ((fault.process > 0 || scene->compat) && fault.nth > HELPER_MOST)
			break;
		/* The first in every way, the others in turn. */
		for (unsigned kind = 0; kind < (fault.nth == 1 ? kinds : 1); kind++) {
			fault.errnum =
				inject_errno(fault.call, fault.nth == 1 ? kind : fault.nth % kinds);
			try(scene, &fault);
		}
	}
	fault.sticky = can_fail_for_good(fault.call);
	fault.errnum = inject_errno(fault.call, 0);
	for (fault.nth = 1; fault.sticky && fault.nth <= count; fault.nth += count / 2 + 1)
		try(scene, &fault);
}

static void try_scene(const struct scene *scene)
{
	unsigned counts[INJECT_PROCESSES][CALLS];
	struct fault fault = {.process = INJECT_PROCESSES};
	struct outcome outcome;
	const char *what;
	unsigned before = places;

	findings = 0;
	case_run(scene, &fault, &outcome);
	if (outcome.late)
		case_run(scene, &fault, &outcome);
	what = judge(scene, &fault, &outcome);
	if (what == NULL && scene->renders && *world_litter(false) != '\0')
		what = "leaves what a crashed run left";
	if (what == NULL && (outcome.text[0] == '\0') != (scene->says == NULL) &&
		scene->errors != ERRORS_NO_READER)
		what = "says what it should not, or nothing";
	if (what != NULL)
		find(scene, &fault, &outcome, what);
	assert_null(what);
	memcpy(counts, inject_shared->count, sizeof(counts));
	for (fault.process = 0; fault.process < INJECT_PROCESSES; fault.process++)
		for (fault.call = 0; fault.call < CALLS; fault.call++)
			if (can_be_tried(scene, fault.call) && findings < FINDINGS_MAX)
				try_call(scene, fault, counts[fault.process][fault.call]);
	print_message("# %s: %u places failed\n", scene->name, places - before);
	assert_int_equal(findings, 0);
}

static void test_start_each_call_failing_is_refused_or_done_without(void **state)
{
	try_scene(*state);
}

/* A function that no scene reaches belongs into a scene, or goes. */
static void test_faults_cover_each_function_of_sys(void **state)
{
	unsigned missed = 0;

	(void)state;
	for (enum call call = 0; call < CALLS; call++) {
		if ((inject_can_fail(call) ? inject_shared->failed
					   : inject_shared->reached)[call] != 0)
			continue;
		missed++;
		print_message("# %s: never %s\n", inject_name(call),
			inject_shared->reached[call] != 0 ? "failed" : "reached");
	}
	print_message("# %u places failed in turn, %u of them without harm\n", places, harmless);
	assert_int_equal(missed, 0);
}

static int set_up(void **state)
{
	(void)state;
	tracing = getenv("FAULT_TRACE") != NULL;
	return world_make(pid1_child()) < 0 ? -1 : case_init(pid1_child());
}

static int tear_down(void **state)
{
	(void)state;
	world_remove();
	return 0;
}

int main(void)
{
	struct CMUnitTest tests[COUNT(scenes) + 1];

	for (size_t i = 0; i < COUNT(scenes); i++)
		tests[i] = (struct CMUnitTest){.name = scenes[i].name,
			.test_func = test_start_each_call_failing_is_refused_or_done_without,
			.initial_state = (void *)(uintptr_t)&scenes[i]};
	tests[COUNT(scenes)] =
		(struct CMUnitTest)cmocka_unit_test(test_faults_cover_each_function_of_sys);
	if (getenv("FAULT_SCENE") != NULL)
		cmocka_set_test_filter(getenv("FAULT_SCENE"));
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
