#include "unit/unit.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "cmd/metrics.h"
#include "init/supervise.h"

static char proc[200];

static int set_up(void **state)
{
	(void)state;
	(void)unit_path(proc, sizeof(proc), "husk-metrics-XXXXXX");
	return mkdtemp(proc) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[300];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", proc);
	return system(command);
}

/* One with `ticks` of CPU time and a page for each. */
static void add(int pid, int parent, int group, int session, int ticks)
{
	char path[300], text[200];
	int fd, len;

	(void)snprintf(path, sizeof(path), "%s/%d", proc, pid);
	assert_int_equal(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/%d/stat", proc, pid);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	len = snprintf(text, sizeof(text),
		"%d (p) S %d %d %d 0 -1 0 0 0 0 0 %d 0 0 0 20 0 1 0 9 9000 %d 1 1\n", pid, parent,
		group, session, ticks, ticks);
	assert_int_equal(write(fd, text, (size_t)len), len);
	close(fd);
}

static struct ctl_service services[] = {
	{.name = "web",
		.state = SERVICE_RUNNING,
		.flags = CTL_READY | CTL_DECLARED,
		.pid = 10,
		.restarts = 3,
		.sick = 1,
		.uptime = INT64_C(61002000000),
		.cause = CTL_SIGNALLED,
		.number = 9},
	{.name = "job",
		.state = SERVICE_DONE,
		.flags = CTL_READY,
		.uptime = -1,
		.cause = CTL_EXITED},
	{.name = "new", .state = SERVICE_WAITING, .uptime = -1},
};

static const char *text(const char *proc_path)
{
	static char copy[65536];
	const struct client_status status = {.services = services,
		.count = COUNT(services),
		.end = {.reloads = 4, .refusals = 2, .uptime = INT64_C(3600000000000)}};
	struct buf out;

	buf_init(&out, sizeof(copy) - 1);
	metrics_append(&status, proc_path, &out);
	assert_non_null(buf_cstr(&out));
	memcpy(copy, out.data, out.len + 1);
	buf_fini(&out);
	return copy;
}

static void assert_holds(const char *metrics, const char *lines)
{
	if (!strstr(metrics, lines))
		fail_msg("no\n%s\nin\n%s", lines, metrics);
}

static void test_families_have_types_and_units(void **state)
{
	const char *metrics = text(proc);

	(void)state;
	assert_memory_equal(metrics, "# TYPE husk_service_state stateset\n", 35);
	assert_holds(
		metrics, "husk_service_state{service=\"web\",husk_service_state=\"idle\"} 0\n");
	assert_holds(
		metrics, "husk_service_state{service=\"job\",husk_service_state=\"done\"} 1\n");
	assert_holds(metrics, "# TYPE husk_service_ready gauge\n"
			      "husk_service_ready{service=\"web\"} 1\n"
			      "husk_service_ready{service=\"job\"} 1\n"
			      "husk_service_ready{service=\"new\"} 0\n"
			      "# TYPE ");
	assert_holds(metrics, "# TYPE husk_service_restarts counter\n"
			      "husk_service_restarts_total{service=\"web\"} 3\n");
	/* What there is none of is not told. */
	assert_holds(metrics, "# TYPE husk_service_uptime_seconds gauge\n"
			      "# UNIT husk_service_uptime_seconds seconds\n"
			      "husk_service_uptime_seconds{service=\"web\"} 61.002\n"
			      "# TYPE husk_service_last_exit_status gauge\n"
			      "husk_service_last_exit_status{service=\"web\"} 137\n"
			      "husk_service_last_exit_status{service=\"job\"} 0\n"
			      "# TYPE husk_service_health_failures gauge\n"
			      "husk_service_health_failures{service=\"web\"} 1\n");
	assert_holds(metrics, "# TYPE husk_uptime_seconds gauge\n"
			      "# UNIT husk_uptime_seconds seconds\n"
			      "husk_uptime_seconds 3600.000\n"
			      "# TYPE husk_reloads counter\n"
			      "husk_reloads_total 4\n"
			      "# TYPE husk_reload_failures counter\n"
			      "husk_reload_failures_total 2\n"
			      "# EOF\n");
	assert_string_equal(metrics + strlen(metrics) - 6, "# EOF\n");
}

static void test_processes_of_a_service_counted(void **state)
{
	char lines[400];
	long page = (long)getauxval(AT_PAGESZ);

	(void)state;
	assert_int_equal(getauxval(AT_CLKTCK), 100);
	add(1, 0, 1, 1, 500);    /* husk */
	add(10, 1, 10, 1, 1);    /* the service */
	add(11, 10, 11, 1, 10);  /* its child in a group of its own */
	add(12, 11, 12, 12, 20); /* and that one's in a session */
	add(13, 1, 10, 1, 40);   /* left to husk, still in its group */
	add(14, 1, 14, 10, 80);  /* or in its session */
	add(20, 1, 20, 20, 1000);
	add(21, 22, 21, 21, 1000); /* a ring of pids that were given anew */
	add(22, 21, 22, 22, 1000);
	(void)snprintf(lines, sizeof(lines),
		"# TYPE husk_service_processes gauge\n"
		"husk_service_processes{service=\"web\"} 5\n"
		"husk_service_processes{service=\"job\"} 0\n"
		"husk_service_processes{service=\"new\"} 0\n"
		"# TYPE husk_service_rss_bytes gauge\n"
		"# UNIT husk_service_rss_bytes bytes\n"
		"husk_service_rss_bytes{service=\"web\"} %ld\n",
		151 * page);
	assert_holds(text(proc), lines);
	assert_holds(text(proc), "# TYPE husk_service_cpu_seconds counter\n"
				 "# UNIT husk_service_cpu_seconds seconds\n"
				 "husk_service_cpu_seconds_total{service=\"web\"} 1.510\n");
}

static void test_no_proc_no_usage_told(void **state)
{
	const char *metrics = text("/no/such/proc");

	(void)state;
	assert_holds(metrics, "# TYPE husk_service_rss_bytes gauge\n");
	assert_null(strstr(metrics, "husk_service_rss_bytes{"));
	assert_null(strstr(metrics, "husk_service_processes{"));
	assert_null(strstr(metrics, "husk_service_cpu_seconds_total{"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_families_have_types_and_units),
		TEST(test_processes_of_a_service_counted),
		TEST(test_no_proc_no_usage_told),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
