/*
 * testchild: a static program that does what tests need a program to do. The first argument is a
 * verb, the table at the end lists them. Lines go to standard output, one write each.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init/ctlproto.h"

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	char line[4096];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (len > 0 && (size_t)len < sizeof(line) && write(1, line, (size_t)len) != len)
		_exit(99);
}

static int number(char **argv, int index, int otherwise)
{
	for (int i = 0; i <= index; i++) {
		if (!argv[i])
			return otherwise;
	}
	return atoi(argv[index]);
}

static void wait_for_ever(void)
{
	for (;;)
		pause();
}

/* The C library keeps 32 to 34 for itself: the kernel's own set. */
static uint64_t set_mask(int how, uint64_t mask)
{
	uint64_t old = 0;

	(void)syscall(SYS_rt_sigprocmask, how, &mask, &old, sizeof(mask));
	return old;
}

static uint64_t ignored(void)
{
	struct {
		void (*handler)(int);
		unsigned long flags;
		void (*restorer)(void);
		uint64_t mask;
	} action;
	uint64_t set = 0;

	for (int n = 1; n <= 64; n++) {
		if (syscall(SYS_rt_sigaction, n, NULL, &action, sizeof(action.mask)) == 0 &&
			action.handler == SIG_IGN)
			set |= UINT64_C(1) << (n - 1);
	}
	return set;
}

static int do_exit(char **argv)
{
	return number(argv, 0, 0);
}

/* A client of husk's; whatever it is told, or not within MS, it ends well. */
static int do_ask_control(char **argv)
{
	struct ctl_request request = {.magic = CTL_MAGIC};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct pollfd pollfd = {.events = POLLIN};
	union ctl_reply reply;
	struct stat st;
	int len;

	if (stat("/proc/self/ns/pid", &st) != 0)
		return 0;
	len = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "husk/%llu",
		(unsigned long long)st.st_ino);
	pollfd.fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (connect(pollfd.fd, (const struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) != 0 ||
		send(pollfd.fd, &request, sizeof(request), MSG_NOSIGNAL) < 0)
		return 0;
	while (poll(&pollfd, 1, number(argv, 0, 1000)) > 0 &&
		recv(pollfd.fd, &reply, sizeof(reply), 0) > 0 && reply.head.kind != CTL_KIND_END)
		;
	return 0;
}

static int do_exit_after(char **argv)
{
	int ms = number(argv, 0, 0);

	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
	return 0;
}

static int do_pause(char **argv)
{
	(void)argv;
	say("ready\n");
	wait_for_ever();
	return 0;
}

static int do_ignore_term(char **argv)
{
	signal(SIGTERM, SIG_IGN);
	return do_pause(argv);
}

static pid_t fork_pausing(void)
{
	pid_t pid = fork();

	while (pid == 0)
		pause();
	return pid;
}

/* A child stays in the group that husk made for us. */
static int do_leave_group(char **argv)
{
	pid_t other;

	(void)fork_pausing();
	other = fork_pausing();
	signal(SIGTERM, SIG_IGN);
	if (setpgid(other, other) != 0 || setpgid(0, other) != 0)
		return 1;
	return do_pause(argv);
}

/* Each signal's number, until LAST comes. */
static int do_report_signals(char **argv)
{
	const uint64_t all = UINT64_MAX;
	int last = number(argv, 0, 0);

	set_mask(SIG_BLOCK, all);
	say("ready\n");
	for (;;) {
		long got = syscall(SYS_rt_sigtimedwait, &all, NULL, NULL, sizeof(all));
		if (got < 0)
			continue;
		say("signal %ld\n", got);
		if (got == last)
			return 0;
	}
}

/* The same in a child as well, which is waited for. */
static int do_fork_report(char **argv)
{
	pid_t pid = fork();
	int status = do_report_signals(argv);

	if (pid > 0)
		waitpid(pid, &status, 0);
	return status;
}

/* Sends its parent N and waits for it to come back. */
static int do_kill_parent(char **argv)
{
	uint64_t set = UINT64_C(1) << (number(argv, 0, 10) - 1);

	set_mask(SIG_BLOCK, set);
	if (kill(getppid(), number(argv, 0, 10)) < 0)
		return 98;
	say("signal %ld\n", syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, sizeof(set)));
	return 0;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void say_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	char line[1024] = "fds";
	int fds[256];
	size_t count = 0, len = strlen(line);

	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		int fd = atoi(entry->d_name);
		if (entry->d_name[0] != '.' && fd != dirfd(dir) && count < 256)
			fds[count++] = fd;
	}
	closedir(dir);
	qsort(fds, count, sizeof(fds[0]), compare);
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(line + len, sizeof(line) - len, " %d", fds[i]);
	say("%s\n", line);
}

/* What husk must hand on, a line each. */
static int do_state(char **argv)
{
	const char *listen_pid = getenv("LISTEN_PID");
	char cwd[1024] = "?";
	struct rlimit limit;
	mode_t mask = umask(0);
	int death = 0;

	(void)argv;
	say("mask %016llx\n", (unsigned long long)set_mask(SIG_BLOCK, 0));
	say("ignored %016llx\n", (unsigned long long)ignored());
	say_descriptors();
	say("leader %d\n", getpgrp() == getpid());
	say("session %d\n", getsid(0) == getpid());
	say("parent %d\n", (int)getppid());
	say("umask %03o\n", (unsigned)mask);
	say("nice %d\n", getpriority(PRIO_PROCESS, 0));
	getrlimit(RLIMIT_NOFILE, &limit);
	say("nofile %llu\n", (unsigned long long)limit.rlim_cur);
	say("cwd %s\n", getcwd(cwd, sizeof(cwd)) ? cwd : "?");
	say("listen_pid %s\n", !listen_pid                    ? "unset"
			       : atoi(listen_pid) == getpid() ? "own"
							      : listen_pid);
	prctl(PR_GET_PDEATHSIG, &death);
	say("parent_death_signal %d\n", death);
	return 0;
}

/* Of the processes in this /proc, oneself apart: those that are dead, or those that have our
 * parent. */
static int count_processes(bool dead)
{
	DIR *dir = opendir("/proc");
	int count = 0;

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		char path[300], text[512], *end, state;
		FILE *file;
		int pid = atoi(entry->d_name), parent;

		(void)snprintf(path, sizeof(path), "/proc/%.200s/stat", entry->d_name);
		if (pid <= 0 || pid == getpid() || !(file = fopen(path, "r")))
			continue;
		if (fgets(text, sizeof(text), file) && (end = strrchr(text, ')')) &&
			sscanf(end, ") %c %d", &state, &parent) == 2)
			count += dead ? state == 'Z' : parent == getppid();
		(void)fclose(file);
	}
	if (dir)
		closedir(dir);
	return count;
}

static int count_zombies(void)
{
	return count_processes(true);
}

/* N grandchildren that end at once, 100 at a time; then waits until none of them is left, neither
 * about to end nor dead. */
static int do_orphans(char **argv)
{
	int count = number(argv, 0, 1), zombies = 1;
	char byte;

	say("ready\n");
	for (int made = 0; made < count;) {
		pid_t pid = fork();

		if (pid == 0) {
			for (int i = 0; i < 100 && made + i < count; i++) {
				if (fork() == 0)
					_exit(0);
			}
			_exit(0);
		}
		if (pid < 0)
			return 98;
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		made += 100;
	}
	say("made %d\n", count);
	/* One that comes and goes may be a helper of husk's. */
	for (int i = 0; i < 2000 && ((zombies = count_zombies()) > 0 || count_processes(false) > 0);
		i++)
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	say("zombies %d\n", zombies);
	/* "wait": until the test has looked. */
	while (argv[0] && argv[1] && argv[2] && read(0, &byte, 1) < 0 && errno == EINTR)
		;
	return number(argv, 1, 0);
}

/*
 * Leaves a process behind and exits N (the first argument) once it is ready. The others: "session"
 * (its own), "ignore" (TERM), "stop" (it stops itself). It keeps standard output open.
 */
static int do_leave(char **argv)
{
	bool session = false, ignore = false, stop = false;
	int fds[2];
	pid_t pid;
	char byte;

	for (char **word = argv + 1; argv[0] && *word; word++) {
		session |= strcmp(*word, "session") == 0;
		ignore |= strcmp(*word, "ignore") == 0;
		stop |= strcmp(*word, "stop") == 0;
	}
	if (pipe2(fds, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		return 98;
	if (pid > 0) {
		close(fds[1]);
		(void)!read(fds[0], &byte, 1);
		if (stop)
			waitpid(pid, NULL, WUNTRACED);
		return number(argv, 0, 0);
	}
	close(fds[0]);
	if (session)
		setsid();
	signal(SIGTERM, ignore ? SIG_IGN : SIG_DFL);
	say("left\n");
	(void)!write(fds[1], "", 1);
	close(fds[1]);
	if (stop)
		raise(SIGSTOP);
	wait_for_ever();
	return 0;
}

/* An orphan of an orphan, in a session of its own, as daemons make themselves; says its parent. */
static int do_double_fork(char **argv)
{
	if (fork() == 0) {
		setsid();
		if (fork() == 0) {
			while (getppid() == getsid(0))
				nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
			say("parent %d\n", (int)getppid());
			_exit(0);
		}
		_exit(0);
	}
	wait(NULL);
	wait_for_ever();
	return number(argv, 0, 0);
}

static int do_close_fds(char **argv)
{
	for (int fd = 0; fd <= 2; fd++)
		close(fd);
	return number(argv, 0, 0);
}

/* Writes to standard error until it is told to end; says so when TERM comes. */
static void say_term(int signal_number)
{
	(void)signal_number;
	say("term\n");
	_exit(0);
}

static int do_flood_stderr(char **argv)
{
	char block[4096];

	(void)argv;
	signal(SIGTERM, say_term);
	memset(block, 'x', sizeof(block));
	say("ready\n");
	while (write(2, block, sizeof(block)) > 0)
		;
	return 0;
}

/* Says when TERM comes, with the nanoseconds of CLOCK_MONOTONIC, and ends. */
static void say_time(int signal_number)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	say("signal %d %lld\n", signal_number, now.tv_sec * 1000000000LL + now.tv_nsec);
	_exit(0);
}

static int do_say_term(char **argv)
{
	signal(SIGTERM, say_time);
	return do_pause(argv);
}

/* Like a server: ends gracefully on the signal N, by the default on others. */
static void end_well(int signal_number)
{
	say("stopped by %d\n", signal_number);
	_exit(0);
}

static int do_stop_on(char **argv)
{
	signal(number(argv, 0, SIGTERM), end_well);
	return do_pause(argv);
}

static const char *service_name;

static void end_service(int number)
{
	(void)number;
	say("%s down\n", service_name);
	_exit(0);
}

/* NAME [N]: says that it is up, with its pid where N is "pid"; until TERM, or exits with N. */
static int do_service(char **argv)
{
	service_name = argv[0] ? argv[0] : "service";
	signal(SIGTERM, end_service);
	if (argv[0] && argv[1] && strcmp(argv[1], "pid") == 0) {
		say("%s up %d\n", service_name, (int)getpid());
		wait_for_ever();
	}
	say("%s up\n", service_name);
	if (argv[0] && argv[1])
		return atoi(argv[1]);
	wait_for_ever();
	return 0;
}

/* The first line of a file. */
static const char *read_line(const char *path)
{
	static char line[256];
	FILE *file = fopen(path, "re");

	if (!file || !fgets(line, sizeof(line), file))
		line[0] = '\0';
	if (file)
		(void)fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return line;
}

/*
 * NAME FILE: says that it is up, and $WORD; at each HUP what the file says, and ends badly where
 * that is "exit"; until TERM.
 */
static int do_reloads(char **argv)
{
	const char *word = getenv("WORD");
	sigset_t set;
	int number = 0;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	say("%s up %s\n", argv[0], word ? word : "-");
	while (sigwait(&set, &number) == 0 && number == SIGHUP) {
		const char *line = read_line(argv[1]);

		say("%s told %s %s\n", argv[0], word ? word : "-", line);
		if (strcmp(line, "exit") == 0)
			return 3;
	}
	say("%s down\n", argv[0]);
	return 0;
}

/* FILE: an env_file with another content, and HUP to the parent; waits half a second to be told. */
static int do_ask_reload(char **argv)
{
	struct timespec limit = {.tv_nsec = 500000000}, now;
	FILE *file = fopen(argv[0], "we");
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	if (!file || fprintf(file, "WORD=%ld\n", now.tv_nsec) < 0 || fclose(file) != 0)
		return 1;
	kill(getppid(), SIGHUP);
	(void)sigtimedwait(&set, NULL, &limit);
	return 0;
}

/* FILE FIFO: refuses what is "bad"; says on the FIFO that it looks at what is "slow" and then waits
 * until nobody reads it, for ever where it is "hang". */
static int do_look_at(char **argv)
{
	const char *line = read_line(argv[0]);
	bool slow = strncmp(line, "slow", 4) == 0, hang = strncmp(line, "hang", 4) == 0;
	struct pollfd fifo = {.fd = -1};

	if (strncmp(line, "bad", 3) == 0) {
		(void)fprintf(stderr, "%s is bad\n", argv[0]);
		return 1;
	}
	if (!slow && !hang)
		return 0;
	signal(SIGPIPE, SIG_IGN);
	fifo.fd = open(argv[1], O_WRONLY | O_CLOEXEC);
	if (write(fifo.fd, "x", 1) != 1)
		return 2;
	while (hang || poll(&fifo, 1, -1) != 1)
		if (hang)
			pause();
	return 0;
}

/* Processes that nobody waits for: of this one, or of husk. */
static void multiply(int number)
{
	for (int i = 0; i < 5; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return;
		if (pid > 0) {
			if (number == SIGUSR1)
				(void)waitpid(pid, NULL, 0);
			continue;
		}
		if (number == SIGUSR1 && fork() != 0)
			_exit(0);
		nanosleep(&(struct timespec){.tv_nsec = (1 + i) * 20000000L}, NULL);
		_exit(i);
	}
}

/* USR1: leaves five orphans; USR2: forks five; TERM: ends. */
static int do_multiply(char **argv)
{
	struct sigaction action = {.sa_handler = multiply, .sa_flags = SA_RESTART};

	(void)argv;
	sigfillset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags |= SA_NOCLDWAIT;
	sigaction(SIGUSR2, &action, NULL);
	signal(SIGTERM, end_well);
	wait_for_ever();
	return 0;
}

static int do_raise(char **argv)
{
	raise(number(argv, 0, SIGTERM));
	return 0;
}

static int do_stop_self(char **argv)
{
	say("stopping\n");
	raise(number(argv, 0, SIGSTOP));
	say("continued\n");
	return 0;
}

/* Which group has the terminal, then each line that it gives; all on the terminal itself. */
static int do_terminal(char **argv)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	char line[256];
	ssize_t size;

	(void)argv;
	if (tty < 0)
		return 1;
	dprintf(tty, "foreground %d\n", tcgetpgrp(tty) == getpgrp());
	while ((size = read(tty, line, sizeof(line) - 1)) > 0) {
		line[size] = '\0';
		dprintf(tty, "line %s", line);
	}
	return 0;
}

/* A shell with one job, on standard input's terminal, in the foreground unless the first word is
 * "background". When the job stops, a line puts it (back) into the foreground. */
static int do_shell(char **argv)
{
	bool background = argv[0] && strcmp(argv[0], "background") == 0;
	int status;
	pid_t job;

	argv += background;
	signal(SIGTTOU, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
	job = fork();
	if (job == 0) {
		setpgid(0, 0);
		if (!background)
			tcsetpgrp(0, getpid());
		signal(SIGTTOU, SIG_DFL);
		signal(SIGTSTP, SIG_DFL);
		execv(argv[0], argv);
		_exit(96);
	}
	setpgid(job, job);
	while (waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status)) {
		char line[256];

		tcsetpgrp(0, getpgrp());
		say("shell: stopped\n");
		if (read(0, line, sizeof(line)) <= 0)
			return 95;
		tcsetpgrp(0, job);
		kill(-job, SIGCONT);
	}
	say("shell: status %d, foreground %s\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1,
		tcgetpgrp(0) == job ? "given back" : "lost");
	return 0;
}

static int do_zombies(char **argv)
{
	(void)argv;
	say("zombies %d\n", count_zombies());
	return 0;
}

/* Takes memory until it is killed, from when a byte comes. */
static int do_take_memory(char **argv)
{
	size_t size = (size_t)number(argv, 0, 1) << 20;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	char byte;

	if (memory == MAP_FAILED || read(0, &byte, 1) != 1)
		return 98;
	for (size_t i = 0; i < size; i += 4096)
		memory[i] = 1;
	return 0;
}

/* A process tree N deep, each ignoring TERM; "deep" comes from the last. */
static int do_tree(char **argv)
{
	signal(SIGTERM, SIG_IGN);
	for (int depth = number(argv, 0, 3); depth > 0; depth--) {
		pid_t pid = fork();
		if (pid < 0)
			return 98;
		if (pid > 0)
			wait_for_ever();
	}
	say("deep\n");
	wait_for_ever();
	return 0;
}

/* Runs what follows with the signal state of the words before "--": block N, ignore N. */
static int do_with(char **argv)
{
	while (argv[0] && strcmp(argv[0], "--") != 0) {
		const char *what = argv[0];
		int n = number(argv, 1, 0);

		if (strcmp(what, "block") == 0)
			set_mask(SIG_BLOCK, UINT64_C(1) << (n - 1));
		else if (strcmp(what, "ignore") == 0)
			signal(n, SIG_IGN);
		else if (strcmp(what, "close") == 0)
			close(n);
		else
			return 97;
		argv += 2;
	}
	if (!argv[0] || !argv[1])
		return 97;
	execv(argv[1], argv + 1);
	return 96;
}

/* One connection after another on 127.0.0.1: the port is said; each request is answered, byte by
 * byte with a pause of MS between where a second argument is given. Ends on TERM or QUIT. */
static int do_listen_http(char **argv)
{
	static const char answer[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)number(argv, 0, 0)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int pause_ms = number(argv, 1, 0), on = 1;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	signal(SIGTERM, end_well);
	signal(SIGQUIT, end_well);
	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 16) < 0 ||
		getsockname(listener, (struct sockaddr *)&address, &size) < 0)
		return 98;
	say("port %d\n", ntohs(address.sin_port));
	for (;;) {
		char request[4096];
		int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (peer < 0 || read(peer, request, sizeof(request)) <= 0) {
			close(peer);
			continue;
		}
		for (size_t i = 0; i < sizeof(answer) - 1; i++) {
			if (send(peer, answer + i, pause_ms ? 1 : sizeof(answer) - 1,
				    MSG_NOSIGNAL) < 0 ||
				!pause_ms)
				break;
			nanosleep(&(struct timespec){.tv_nsec = pause_ms * 1000000L}, NULL);
		}
		close(peer);
	}
}

/* ---- steps ---- */

static pid_t forked; /* the last child of a step */
static pid_t forker; /* who has made us */

/* TEXT with %n for a newline, %c for the last child's pid, %s for our own, %% for itself. */
static const char *fill_in(const char *text)
{
	static char filled[8192];
	size_t len = 0;

	for (; *text && len < sizeof(filled) - 32; text++) {
		if (*text != '%' || !text[1]) {
			filled[len++] = *text;
			continue;
		}
		text++;
		if (*text == 'n')
			filled[len++] = '\n';
		else if (*text == 'c' || *text == 's')
			len += (size_t)sprintf(
				filled + len, "%d", (int)(*text == 'c' ? forked : getpid()));
		else
			filled[len++] = *text;
	}
	filled[len] = '\0';
	return filled;
}

/* One datagram to the socket that NOTIFY_SOCKET, or `address`, names; waits until it is read, where
 * that is asked for. */
static int send_to(const char *address, const char *text, bool until_read)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t len = address ? strlen(address) : 0;
	ssize_t sent;
	int unread = 0;

	if (len == 0 || len >= sizeof(to.sun_path) || fd < 0)
		return -1;
	memcpy(to.sun_path, address, len);
	if (address[0] == '@')
		to.sun_path[0] = '\0';
	sent = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	while (until_read && sent > 0 && ioctl(fd, TIOCOUTQ, &unread) == 0 && unread > 0)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	close(fd);
	return sent < 0 ? -1 : 0;
}

static void await_file(const char *path)
{
	while (access(path, F_OK) < 0)
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static void make_file(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	if (fd < 0)
		_exit(94);
	close(fd);
}

/* Until the parent has ended. */
static void await_orphan(void)
{
	while (getppid() == forker)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Nobody accepts what comes. */
static void listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%.107s", path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0)
		_exit(94);
}

/* True in the child, which is in a group or a session of its own where that is said. */
static bool fork_step(const char *how)
{
	int fds[2];
	char byte;

	pid_t self = getpid();

	if (pipe2(fds, O_CLOEXEC) < 0 || (forked = fork()) < 0)
		_exit(94);
	if (forked == 0) {
		forker = self;
		if (strcmp(how, "session") == 0)
			setsid();
		if (strcmp(how, "group") == 0)
			setpgid(0, 0);
		(void)!write(fds[1], "", 1);
	}
	close(fds[1]);
	if (forked > 0)
		(void)!read(fds[0], &byte, 1);
	close(fds[0]);
	return forked == 0;
}

/* One step, its word behind the `=`. */
static bool has_pidfd(pid_t pid)
{
	char path[300], link[32];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)pid, entry->d_name);
		ssize_t len = readlink(path, link, sizeof(link) - 1);
		link[len > 0 ? len : 0] = '\0';
		found = strcmp(link, "anon_inode:[pidfd]") == 0 || strncmp(link, "pidfd:", 6) == 0;
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Until husk has taken a MAINPID= up; where it does not, for a third of a second. */
static void await_followed(void)
{
	for (int i = 0; i < 333 && !has_pidfd(getppid()); i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void do_step(const char *step)
{
	const char *is = strchr(step, '=');
	size_t len = is ? (size_t)(is - step) : strlen(step);
	const char *value = is ? fill_in(is + 1) : "";
	static char to[128];
	const char *address = to[0] ? to : getenv("NOTIFY_SOCKET");

#define STEP(name) (len == sizeof(name) - 1 && strncmp(step, (name), len) == 0)
	if (STEP("say"))
		say("%s\n", value);
	else if (STEP("to"))
		(void)snprintf(to, sizeof(to), "%.107s", value);
	else if (STEP("send") || STEP("read"))
		say("%s", send_to(address, value, STEP("read")) < 0 ? "not sent\n" : "");
	else if (STEP("flood"))
		while (send_to(address, value, false) == 0)
			;
	else if (STEP("write"))
		(void)!write(atoi(value), "x\n", 2);
	else if (STEP("dot"))
		(void)!write(atoi(value), ".", 1);
	else if (STEP("close"))
		close(atoi(value));
	else if (STEP("await"))
		await_file(value);
	else if (STEP("make"))
		make_file(value);
	else if (STEP("listen"))
		listen_at(value);
	else if (STEP("remove"))
		(void)unlink(value);
	else if (STEP("ignore"))
		signal(atoi(value), SIG_IGN);
	else if (STEP("followed"))
		await_followed();
	else if (STEP("orphan"))
		await_orphan();
	else if (STEP("join"))
		while (setpgid(0, atoi(value)) < 0)
			nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	else if (STEP("kill"))
		kill(forked, atoi(value));
	else if (STEP("reap"))
		waitpid(forked, NULL, 0);
	else if (STEP("exit"))
		_exit(atoi(value));
}

/* Then for ever. A child of `fork` does what follows up to `parent`, and its parent the rest. */
static int do_steps(char **argv)
{
	bool child = false;

	for (; *argv && !(child && strcmp(*argv, "parent") == 0); argv++) {
		if (strncmp(*argv, "fork", 4) != 0) {
			do_step(*argv);
			continue;
		}
		child = fork_step((*argv)[4] ? *argv + 5 : "");
		while (!child && argv[1] && strcmp(*argv, "parent") != 0)
			argv++;
	}
	wait_for_ever();
	return 0;
}

/* N lines "NAME 0 xxx", "NAME 1 xxx" ..., each of another length; for ever where there is no N. */
static int do_lines(char **argv)
{
	char line[512];

	memset(line, 'x', sizeof(line));
	for (int i = 0; !argv[0] || !argv[1] || i < number(argv, 1, 0); i++) {
		size_t head = (size_t)snprintf(line, 100, "%.50s %d ", argv[0] ? argv[0] : "", i);
		size_t len = head + (size_t)(i * 7 % 300);

		line[head] = 'x';
		line[len] = '\n';
		if (write(1, line, len + 1) != (ssize_t)len + 1)
			return 96;
		line[len] = 'x';
	}
	return 0;
}

static int do_text(char **argv)
{
	if (argv[0] && write(1, argv[0], strlen(argv[0])) < 0)
		return 96;
	return number(argv, 1, 0);
}

/* Says whether a write waits, and has it not wait any more, for all that share the description. */
static int do_nonblock(char **argv)
{
	int flags = fcntl(1, F_GETFL);

	say("%s\n", (flags & O_NONBLOCK) != 0 ? "does not wait" : "waits");
	(void)fcntl(1, F_SETFL, flags | O_NONBLOCK);
	return number(argv, 0, 0);
}

static int do_environment(char **argv)
{
	extern char **environ;

	(void)argv;
	for (char **variable = environ; *variable; variable++)
		say("%s\n", *variable);
	return 0;
}

static int do_arguments(char **argv)
{
	for (; *argv; argv++)
		say("<%s>\n", *argv);
	return 0;
}

static const struct {
	const char *verb;
	int (*run)(char **argv);
} verbs[] = {
	{"arguments", do_arguments},           /* each on a line, in <> */
	{"ask-control", do_ask_control},       /* MS: for its status */
	{"ask-reload", do_ask_reload},         /* FILE */
	{"close-fds", do_close_fds},           /* [N]: closes 0 to 2 and exits N */
	{"double-fork", do_double_fork},       /* a daemon says its parent */
	{"environment", do_environment},       /* each variable on a line */
	{"exit-after", do_exit_after},         /* MS: 0 */
	{"exit-n", do_exit},                   /* N */
	{"flood-stderr", do_flood_stderr},     /* until TERM, which is said */
	{"ignore-term", do_ignore_term},       /* for ever */
	{"fork-report", do_fork_report},       /* LAST: report-signals, twice */
	{"kill-parent", do_kill_parent},       /* N, and says what comes back */
	{"look-at", do_look_at},               /* FILE FIFO: a check */
	{"leave", do_leave},                   /* N [session] [ignore] [stop] */
	{"leave-group", do_leave_group},       /* to one of its children; ignores TERM */
	{"lines", do_lines},                   /* NAME [N]: N of them, or for ever */
	{"listen-http", do_listen_http},       /* [PORT [MS]] */
	{"nonblock", do_nonblock},             /* [N]: standard output, from here on */
	{"multiply", do_multiply},             /* on USR1 and USR2 */
	{"orphans", do_orphans},               /* N [STATUS ["wait"]] */
	{"pause", do_pause},                   /* for ever */
	{"raise", do_raise},                   /* N */
	{"reloads", do_reloads},               /* NAME FILE: what it says, at each HUP */
	{"report-signals", do_report_signals}, /* until LAST */
	{"say-term", do_say_term},             /* and when it came */
	{"service", do_service},               /* NAME [N | "pid"]: says up and down */
	{"shell", do_shell},                   /* [background] PROGRAM...: job control */
	{"state", do_state},                   /* mask, ignored, descriptors ... */
	{"steps", do_steps},                   /* STEP[=TEXT]..., see do_step */
	{"stop-on", do_stop_on},               /* N */
	{"stop-self", do_stop_self},           /* [N] */
	{"take-memory", do_take_memory},       /* MIB */
	{"terminal", do_terminal},             /* who has it, and its lines */
	{"text", do_text},                     /* TEXT [N]: without a newline */
	{"tree", do_tree},                     /* DEPTH */
	{"with", do_with},                     /* {block|ignore|close N}... -- PROGRAM */
	{"zombies", do_zombies},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(argv[1], verbs[i].verb) == 0)
			return verbs[i].run(argv + 2);
	}
	(void)fprintf(stderr, "testchild: no such verb\n");
	return 97;
}
