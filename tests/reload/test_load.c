/*
 * Real servers under load while they are reloaded, one generation in five a broken one: no request
 * is lost, every answer is made from one generation that was checked, and none is made from
 * another.
 */
#include "pid1/pid1.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "base/str.h"
#include "reload/load.h"
#include "unit/scratch.h"

enum {
	BROKEN_EACH = 5,
	RATE_LEAST = 500,   /* requests a second */
	BETWEEN_LEAST = 20, /* requests between two reloads */
};

struct server {
	const char *program; /* the end of it may be a pattern's: * */
	enum load_protocol protocol;
	const char *script;
	/* Templates: the first has @ in the place of the generation, % of the folder. */
	const char *name;
	const char *text;
	const char *part_name; /* NULL: none */
	const char *part_text;
	const char *broken; /* what the first one has at its end where it is broken */
	const char *check;  /* arguments */
	const char *command;
	const char *more; /* about the service */
	unsigned reloads;
	bool restarts; /* then nobody listens for a moment */
};

static struct load_tally *tally;
static pid_t client;

static double now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void end_client(void)
{
	int status;

	if (client <= 0)
		return;
	atomic_store(&tally->stop, true);
	assert_int_equal(waitpid(client, &status, 0), client);
	client = 0;
	assert_int_equal(status, 0);
}

static int set_up(void **state)
{
	tally = mmap(
		NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	client = 0;
	if (tally == MAP_FAILED || scratch_setup(state) < 0)
		return -1;
	/* A worker is another user where the tests are root's. */
	if (chmod(scratch_root, 0755) < 0)
		return -1;
	scratch_mkdir("t");
	return pid1_set_up(state);
}

static int tear_down(void **state)
{
	int ended;

	if (client > 0) {
		(void)kill(client, SIGKILL);
		(void)waitpid(client, NULL, 0);
	}
	ended = pid1_tear_down(state);
	(void)munmap(tally, sizeof(*tally));
	return scratch_teardown(state) < 0 ? -1 : ended;
}

/* `text` with its signs filled in, and `more` behind it. */
static void fill(const char *name, const char *text, const char *program, unsigned generation,
	const char *more)
{
	FILE *file = fopen(scratch_path(name), "we");

	assert_non_null(file);
	for (; *text != '\0'; text++)
		if (*text == '@')
			(void)fprintf(file, "%u", generation);
		else if (*text == '%')
			(void)fputs(scratch_root, file);
		else if (*text == '#')
			(void)fputs(program, file);
		else
			(void)fputc(*text, file);
	(void)fputs(more, file);
	assert_int_equal(fclose(file), 0);
}

static bool is_broken(unsigned generation)
{
	return generation % BROKEN_EACH == 0;
}

static void write_generation(const struct server *server, unsigned generation)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "t/%s.template", server->name);
	fill(path, server->text, "", generation, is_broken(generation) ? server->broken : "");
	if (server->part_name == NULL)
		return;
	(void)snprintf(path, sizeof(path), "t/%s.template", server->part_name);
	fill(path, server->part_text, "", generation, "");
}

/* The newest of those that the name stands for; NULL: none is there. */
static const char *find_program(const char *name)
{
	static char found[PATH_MAX];
	struct str pattern = str_from(name);
	DIR *dir = opendir("/usr/sbin");

	found[0] = '\0';
	for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
		if (str_glob(pattern, str_from(entry->d_name)))
			(void)snprintf(found, sizeof(found), "/usr/sbin/%s", entry->d_name);
	if (dir != NULL)
		(void)closedir(dir);
	return found[0] == '\0' ? NULL : found;
}

static void configure(const struct server *server, const char *program)
{
	char text[4096];

	(void)snprintf(text, sizeof(text),
		"version: 1\n"
		"templates:\n"
		"- {from: %%/t, to: %%/out, check: [#, %s]}\n"
		"services:\n"
		"  server:\n"
		"    command: [#, %s]\n"
		"    stop: {signal: QUIT, timeout: 60s}\n"
		"%s",
		server->check, server->command, server->more);
	fill("husk.yaml", text, program, 0, "");
}

static void pause_until(double end, const char *what)
{
	if (now() > end)
		fail_msg("%s: not so for %d s", what, PID1_PATIENCE);
	(void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Until so many more have been answered. */
static void await_answers(const atomic_uint *count, unsigned more)
{
	double end = now() + PID1_PATIENCE;
	unsigned first = atomic_load(count);

	while (atomic_load(count) - first < more)
		pause_until(end, "answers");
}

static void reload(struct pid1 *pid1, const struct server *server, unsigned generation)
{
	write_generation(server, generation);
	pid1->errors_len = 0;
	pid1->errors[0] = '\0';
	pid1_kill(pid1, SIGHUP);
	if (is_broken(generation)) {
		pid1_find_error(pid1, "reload refused");
	} else {
		pid1_find_error(pid1, "husk: reloaded");
		/* From now on it may be made from the new one, and in the end is. */
		await_answers(&tally->answers[generation], 1);
	}
	await_answers(&tally->all, BETWEEN_LEAST);
}

static void judge(const struct server *server, double seconds)
{
	unsigned all = atomic_load(&tally->all);

	print_message("# %s: %u reloads, %u of them refused; %u requests, %.0f a second; %u lost, "
		      "%u of two generations, %u found nobody\n",
		server->program, server->reloads, server->reloads / BROKEN_EACH, all,
		(double)all / seconds, atomic_load(&tally->lost), atomic_load(&tally->mixed),
		atomic_load(&tally->refused));
	if (!server->restarts) {
		if (atomic_load(&tally->lost) != 0)
			fail_msg("the first one lost: %s", tally->first_lost);
		assert_int_equal(atomic_load(&tally->refused), 0);
		assert_true((double)all / seconds >= RATE_LEAST);
	}
	assert_int_equal(atomic_load(&tally->mixed), 0);
	assert_int_equal(atomic_load(&tally->garbled), 0);
	for (unsigned i = 1; i <= server->reloads + 1; i++)
		assert_int_equal(atomic_load(&tally->answers[i]) == 0, is_broken(i));
}

static void run(struct pid1 *pid1, const struct server *server)
{
	const char *const environment[] = {"PATH=/bin:/usr/bin", "HUSK_LOG=info", NULL};
	const struct pid1_options options = {.environment = environment};
	const char *program = find_program(server->program);
	char socket[PATH_MAX], script[PATH_MAX];
	double start;

	if (program == NULL)
		skip();
	configure(server, program);
	write_generation(server, 1);
	pid1_start(pid1, &options, WORDS("-c", scratch_path("husk.yaml")));
	(void)snprintf(socket, sizeof(socket), "%s/socket", scratch_root);
	(void)snprintf(script, sizeof(script), "%s%s",
		server->protocol == LOAD_FCGI ? scratch_root : "", server->script);
	client = load_start(tally, server->protocol, socket, script);
	assert_true(client > 0);
	await_answers(&tally->answers[1], 1);
	/* From here on it counts. */
	atomic_store(&tally->refused, 0);
	atomic_store(&tally->all, 0);
	start = now();
	for (unsigned i = 2; i <= server->reloads + 1; i++)
		reload(pid1, server, i);
	end_client();
	judge(server, now() - start);
	pid1_kill(pid1, SIGTERM);
	assert_int_equal(pid1_end(pid1), 0);
}

#define NGINX_TEXT \
	"daemon off;\n" \
	"worker_processes 2;\n" \
	"pid %/nginx.pid;\n" \
	"error_log stderr warn;\n" \
	"events { worker_connections 512; }\n" \
	"http {\n" \
	"  access_log off;\n" \
	"  client_body_temp_path %/body;\n" \
	"  proxy_temp_path %/proxy;\n" \
	"  fastcgi_temp_path %/fastcgi;\n" \
	"  uwsgi_temp_path %/uwsgi;\n" \
	"  scgi_temp_path %/scgi;\n" \
	"  server {\n" \
	"    listen unix:%/socket;\n" \
	"    include part.conf;\n" \
	"    location / { return 200 \"@ $part end\\n\"; }\n" \
	"  }\n" \
	"}\n"
#define NGINX \
	.program = "nginx", .protocol = LOAD_HTTP, .script = "/", .name = "nginx.conf", \
	.text = NGINX_TEXT, .part_name = "part.conf", .part_text = "set $part @;\n", \
	.broken = "no_such_directive on;\n", \
	.check = "-e, stderr, -t, -q, -c, '${HUSK_STAGED}/nginx.conf'", \
	.command = "-e, stderr, -c, %/out/nginx.conf"

static void test_nginx_by_hup_loses_nothing(void **state)
{
	static const struct server server = {
		NGINX, .more = "    reload: {signal: HUP}\n", .reloads = 50};

	run(*state, &server);
}

static void test_php_fpm_by_usr2_loses_nothing(void **state)
{
	static const struct server server = {
		.program = "php-fpm*",
		.protocol = LOAD_FCGI,
		.script = "/page.php",
		.name = "php-fpm.conf",
		.text = "[global]\n"
			"daemonize = no\n"
			"error_log = /proc/self/fd/2\n"
			"process_control_timeout = 30s\n"
			"[www]\n"
			"user = nobody\n" /* not looked at without root */
			"group = nogroup\n"
			"listen = %/socket\n"
			"listen.mode = 0666\n"
			"listen.backlog = 511\n"
			"pm = static\n"
			"pm.max_children = 4\n"
			"env[PART] = @\n"
			"php_admin_value[user_agent] = @\n",
		.broken = "no_such_directive = on\n",
		.check = "-t, -y, '${HUSK_STAGED}/php-fpm.conf'",
		.command = "--nodaemonize, -y, %/out/php-fpm.conf",
		.more = "    reload: {signal: USR2}\n",
		.reloads = 10,
	};

	scratch_write("page.php",
		"<?php echo ini_get('user_agent'), ' ', getenv('PART'), \" end\\n\";\n");
	run(*state, &server);
}

/* Who asks while it is not there is refused, and the queue of its socket goes with it. */
static void test_without_a_signal_started_again(void **state)
{
	static const struct server server = {NGINX,
		.more = "    reload: {}\n    restart: {delay: 1ms}\n", .reloads = 10,
		.restarts = true};

	run(*state, &server);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nginx_by_hup_loses_nothing),
		TEST(test_php_fpm_by_usr2_loses_nothing),
		TEST(test_without_a_signal_started_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
