/*
 * What services say of themselves (sd_notify(3)). PID 1 reads none of it: where there is something
 * to read a child does, and answers with one record; not more often than every READ_PAUSE, so that
 * a flood costs little, and its senders wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/format.h"
#include "base/log.h"
#include "init/engine.h"
#include "init/notify.h"

enum {
	READ_PAUSE = 50000000,      /* ns */
	READ_PATIENCE = 1000000000, /* for a child that somebody has stopped */
	/* What the main process has said last may have come while the child was about to answer. */
	READS_AT_END = 2,
};

struct notice {
	struct loop_source socket;
	struct helper reader;
	bool watched;   /* the socket */
	bool foreign;   /* other processes have written to it */
	bool over;      /* the main process has ended, and what it said is still read */
	unsigned reads; /* so often */
	int64_t since;  /* the last read */
	int64_t due;    /* when it is read again, or the child has taken too long */
	pid_t main;     /* 0: nobody is listened to */
	pid_t heir;     /* goes on when that has ended; 0: nobody */
	int heir_fd;    /* a pidfd, so that it is never taken for another one */
};

/* ---- sockets ---- */

/* A socket that an earlier husk has left; nothing else is removed. */
static void remove_old(const char *path)
{
	struct stat st;

	if (sys_fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(st.st_mode))
		(void)sys_unlinkat(AT_FDCWD, path, 0);
}

/* Anybody may write to it, as to one in the abstract namespace: the kernel says who has. */
static int open_socket(const char *text)
{
	struct sockaddr_un address;
	size_t size;
	mode_t mask;
	int fd, result;

	if (!notify_address(text, &address, &size)) {
		errno = EINVAL;
		return -1;
	}
	fd = sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK);
	if (fd < 0)
		return -1;
	if (text[0] == '/')
		remove_old(text);
	mask = sys_umask(0);
	result = sys_pass_credentials(fd) < 0
			 ? -1
			 : sys_bind(fd, (const struct sockaddr *)&address, size);
	(void)sys_umask(mask);
	if (result < 0)
		fd_close(&fd);
	return fd;
}

static void on_message(struct loop_source *source, unsigned events);

/* The other service whose socket it is, or NULL. */
static const char *find_owner(const struct instance *instance)
{
	const struct init *init = instance->init;
	const char *path = instance->service->notify;

	for (unsigned i = 0; path[0] == '/' && i < init_index(instance); i++) {
		const struct instance *other = &init->instances[i];

		if (other->notice && strcmp(other->service->notify, path) == 0)
			return other->spec->name;
	}
	return NULL;
}

static int open_notice(struct instance *instance, struct notice *notice, struct err *err)
{
	const char *text = instance->service->notify, *owner = find_owner(instance);
	int fd = owner ? -1 : open_socket(text);

	instance->notice = notice;
	*notice = (struct notice){
		.socket = {.fd = fd, .arg = instance, .ready = on_message},
		.due = SUPERVISE_NEVER,
		.heir_fd = -1,
	};
	helper_init(&notice->reader);
	notice->reader.arg = instance;
	if (fd >= 0)
		return 0;
	if (owner)
		return err_set(err, ERR_CONFIG, "services.%s.ready: %s is the socket of %s",
			instance->spec->name, text, owner);
	return err_set_errno(err, ERR_CONFIG, errno,
		"services.%s.ready: cannot make the socket %s%s", instance->spec->name, text,
		errno == EROFS ? " (a read-only file system; `notify` alone needs no file)" : "");
}

static bool notifies(const struct init_service *service)
{
	return service->rules->ready_timeout >= 0 && service->ready == INIT_READY_NOTIFY;
}

int init_notify_open(struct init *init, struct err *err)
{
	size_t count = 0;

	for (unsigned i = 0; i < init->sup.count; i++)
		count += notifies(init->instances[i].service);
	if (count == 0)
		return 0;
	init->notices = calloc(count, sizeof(*init->notices));
	if (!init->notices)
		return err_nomem(err);
	count = 0;
	for (unsigned i = 0; i < init->sup.count; i++) {
		struct instance *instance = &init->instances[i];

		if (notifies(instance->service) &&
			open_notice(instance, &init->notices[count++], err) < 0)
			return -1;
	}
	return 0;
}

void init_notify_close(struct init *init)
{
	for (unsigned i = 0; init->notices && i < init->sup.count; i++) {
		struct notice *notice = init->instances[i].notice;

		if (!notice)
			continue;
		if (notice->socket.fd >= 0 && init->instances[i].service->notify[0] == '/')
			remove_old(init->instances[i].service->notify);
		fd_close(&notice->socket.fd);
		fd_close(&notice->reader.source.fd);
		fd_close(&notice->heir_fd);
	}
	free(init->notices);
}

/* ---- reading ---- */

static void wait_until(struct instance *instance, int64_t at)
{
	instance->notice->due = at;
	init_ask_at(instance->init, at);
}

static void unwatch(struct instance *instance)
{
	struct notice *notice = instance->notice;

	if (notice->watched)
		loop_remove(&instance->init->loop, &notice->socket);
	notice->watched = false;
}

static void watch(struct instance *instance)
{
	struct notice *notice = instance->notice;

	notice->watched = loop_add(&instance->init->loop, &notice->socket, LOOP_READ) == 0;
	if (!notice->watched)
		wait_until(instance, sys_now() + INIT_ASK_AGAIN);
}

static void read_messages(struct helper *helper, void *record)
{
	const struct instance *instance = helper->arg;
	const struct notify_source source = {.main = instance->notice->main,
		.group = instance->group,
		.husk = instance->init->self};

	notify_read(instance->notice->socket.fd, &source, record);
}

static void set_heir(struct instance *instance, pid_t pid)
{
	struct notice *notice = instance->notice;

	if (pid == notice->heir)
		return;
	fd_close(&notice->heir_fd);
	notice->heir = 0;
	if (pid == notice->main)
		return;
	notice->heir_fd = sys_pidfd_open(pid);
	if (notice->heir_fd < 0)
		log_info("%s: process %d cannot become its main process: %s", instance->spec->name,
			(int)pid, strerror(errno));
	else
		notice->heir = pid;
}

/* Only what PID 1 itself keeps; false where there is no record. */
static bool take(struct instance *instance, const struct notify_record *record)
{
	const char *name = instance->spec->name;

	if (!record)
		return false;
	instance->notice->foreign |= record->foreign;
	if (record->status_given) {
		ctl_copy(instance->service->words->status, NOTIFY_STATUS_MAX + 1, record->status);
		log_debug("%s: status: %s", name, record->status);
	}
	if (record->main_pid != 0)
		set_heir(instance, record->main_pid);
	if (record->reloading)
		log_info("%s: says that it is reloading", name);
	if (record->stopping)
		log_info("%s: says that it is stopping", name);
	return record->ready;
}

static bool start_reading(struct instance *instance);
static void judge_end(struct instance *instance);

static void on_read(struct helper *helper, const void *record)
{
	struct instance *instance = helper->arg;
	struct notice *notice = instance->notice;
	bool ready = take(instance, record);

	wait_until(instance, notice->since + READ_PAUSE);
	if (ready)
		init_tell(instance, EVENT_READY);
	if (notice->over)
		judge_end(instance);
}

static bool start_reading(struct instance *instance)
{
	struct notice *notice = instance->notice;
	bool started;

	unwatch(instance);
	started = helper_start(instance->init, &notice->reader, sizeof(struct notify_record),
			  read_messages, on_read) == 0;
	notice->since = sys_now();
	wait_until(instance, notice->since + (started ? READ_PATIENCE : INIT_ASK_AGAIN));
	return started;
}

static void on_message(struct loop_source *source, unsigned events)
{
	struct instance *instance = source->arg;

	(void)events;
	/* One that could not be left unwatched comes again. */
	if (instance->notice->reader.source.fd < 0)
		(void)start_reading(instance);
}

void init_notify_tick(struct instance *instance, int64_t now)
{
	struct notice *notice = instance->notice;
	bool stuck = notice->reader.source.fd >= 0;

	if (notice->due > now) {
		init_ask_at(instance->init, notice->due);
		return;
	}
	notice->due = SUPERVISE_NEVER;
	helper_cancel(&notice->reader);
	if (stuck && notice->over)
		judge_end(instance);
	else if (!notice->watched)
		watch(instance);
}

void init_notify_forget(struct instance *instance, pid_t pid)
{
	if (instance->notice->reader.pid == pid)
		instance->notice->reader.pid = 0;
}

/* ---- from the start of the service to its end ---- */

void init_notify_begin(struct instance *instance)
{
	struct notice *notice = instance->notice;

	notice->main = instance->run.pid;
	notice->foreign = false;
	watch(instance);
}

void init_notify_end(struct instance *instance)
{
	struct notice *notice = instance->notice;

	if (!notice)
		return;
	unwatch(instance);
	helper_cancel(&notice->reader);
	fd_close(&notice->heir_fd);
	notice->main = notice->heir = 0;
	notice->over = false;
	notice->due = SUPERVISE_NEVER;
}

/* What the service was told it has not heard. */
static void tell_heir(const struct instance *instance)
{
	enum supervise_state state = instance->init->services[init_index(instance)].state;

	if (state == SERVICE_STOPPING)
		(void)sys_kill(instance->pid, instance->service->stop_signal);
	if (state == SERVICE_KILLING)
		(void)sys_kill(instance->pid, SIGKILL);
}

/* It has to be husk's own child by now, or its end would not be seen, and not another service,
 * whose end would be seen only once. While the process is there its pid is nobody else's. */
static bool go_on(struct instance *instance)
{
	struct notice *notice = instance->notice;
	pid_t heir = notice->heir;
	int status;
	bool lives = heir != 0 && !init_find(instance->init, heir) &&
		     loop_await(notice->heir_fd, LOOP_READ, 0) == 0 &&
		     sys_wait(heir, &status, WNOHANG) == 0;

	fd_close(&notice->heir_fd);
	notice->heir = 0;
	if (!lives)
		return false;
	instance->pid = instance->run.pid = notice->main = heir;
	if (sys_getpgid(heir) != instance->group)
		instance->group = heir;
	log_info("%s: goes on as process %d", instance->spec->name, (int)heir);
	tell_heir(instance);
	return true;
}

/* Reads once more where there is something; true where that has begun. */
static bool reads_on(struct instance *instance)
{
	struct notice *notice = instance->notice;

	if (notice->reader.source.fd >= 0)
		return true;
	if (notice->reads == 0 || loop_await(notice->socket.fd, LOOP_READ, 0) <= 0)
		return false;
	notice->reads--;
	return start_reading(instance);
}

static bool goes_on(struct instance *instance)
{
	instance->notice->over = reads_on(instance);
	return instance->notice->over || go_on(instance);
}

static void judge_end(struct instance *instance)
{
	if (!goes_on(instance))
		init_end_instance(instance);
}

bool init_notify_outlives(struct instance *instance)
{
	struct notice *notice = instance->notice;

	if (!notice || notice->main == 0)
		return false;
	notice->reads = READS_AT_END;
	return goes_on(instance);
}

void init_notify_excuse(const struct instance *instance, char *out, size_t size)
{
	const struct notice *notice = instance->notice;
	const char *status = instance->service->words->status;

	(void)format_text(out, size, "no READY=1 came%s%s%s",
		notice->foreign ? ", but messages of processes that are not its own" : "",
		status[0] != '\0' ? "; its status: " : "", status);
}
