#include "init/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/sys.h"
#include "init/relay_line.h"

enum {
	/* A pipe takes and gives a page whole: what fits into it is never cut by others' lines. */
	CHUNK_MAX = PIPE_BUF,
	/* What is read at once. */
	TURN_MAX = 65536,
	KEPT_MAX = 65536, /* descriptors below it are found in a table */
};

/*
 * Where a turn stands. Each step first looks at the memory and at the work pipe, which alone say
 * what has been done: so that it is the same whether the relay before has done a part of it or not.
 * The step is changed last, and by one store.
 */
enum step {
	STEP_IDLE,
	STEP_TAKE,  /* what the stream has, through the work pipe, into `text` */
	STEP_LINES, /* the next lines of `text` into `chunk` */
	STEP_PASS,  /* `chunk` into the work pipe */
	STEP_WRITE, /* the work pipe's, or `chunk` itself, to the output */
	STEP_STORE, /* what is no whole line yet goes back to the stream */
};

/* One for each output: a stream at a time. In shared memory, as all of what follows. */
struct turn {
	volatile uint32_t step;
	uint32_t stream;
	uint32_t moved; /* TAKE: from the stream into the work pipe; 0: not known */
	uint32_t len;   /* of the text */
	uint32_t rest;  /* STORE: of the line that is not whole */
	uint32_t ready; /* of the chunk */
	uint32_t sent;  /* of the chunk, where it does not go through the work pipe */
	bool last;      /* the stream is at its end */
	bool directly;  /* the chunk does not go through the work pipe */
	struct relay_cursor cursor;
	struct relay_cursor next; /* when the chunk has been written */
	char chunk[CHUNK_MAX];
	char text[RELAY_LINE_MAX +
		  TURN_MAX]; /* the begin of a line from before, and what came now */
};

/* What is kept of a stream between its turns. */
struct kept {
	uint32_t len; /* of a line that is not whole */
	bool goes_on; /* it is the rest of a line that was too long */
	bool ended;
};

struct relay_memory {
	struct turn turns[RELAY_OUTPUTS];
	struct kept kept[];
	/* Then RELAY_LINE_MAX bytes for each stream. */
};

/* One of the two outputs, in the relay's process. */
struct way {
	struct relay *relay;
	struct loop *loop; /* the process's */
	struct turn *turn;
	const int *work;
	int output;
	bool is_pipe;
	bool blocked; /* it waits for room, and does not look at its streams */
	bool failed;  /* the output refuses what is written: said once */
	struct loop loop_streams;
	struct loop_source streams;
	struct loop_source room;
};

static void enter(struct turn *turn, enum step step)
{
	/* The process may be killed between any two stores: none is moved across this one. */
	atomic_signal_fence(memory_order_seq_cst);
	turn->step = step;
	atomic_signal_fence(memory_order_seq_cst);
}

static size_t kept_offset(unsigned count)
{
	size_t size = sizeof(struct relay_memory) + count * sizeof(struct kept);

	return size + RELAY_LINE_MAX - size % RELAY_LINE_MAX;
}

static char *kept_bytes(const struct relay *relay, unsigned stream)
{
	return (char *)relay->memory + kept_offset(relay->count) + (size_t)stream * RELAY_LINE_MAX;
}

/* What is known of the work pipe is what is known at all: a relay that cannot look is none. */
static size_t unread(int fd)
{
	int count = sys_unread(fd);

	if (count < 0)
		sys_exit(1);
	return (size_t)count;
}

/* Without splice(2) there is one instant at which a relay that is killed loses what it has just
 * read. */
static void take_directly(struct way *way, int fd, char *place)
{
	struct turn *turn = way->turn;
	ssize_t got = sys_read(fd, place, TURN_MAX);

	turn->last = got == 0;
	turn->moved = got > 0 ? (uint32_t)got : 0;
}

/* False where there is nothing to take. */
static bool take_bytes(struct way *way, char *place)
{
	struct turn *turn = way->turn;
	int fd = way->relay->streams[turn->stream].ends[0];

	if (turn->moved == 0)
		turn->moved = (uint32_t)unread(way->work[0]);
	if (turn->moved == 0 && !turn->last) {
		ssize_t moved = sys_splice(fd, way->work[1], TURN_MAX);

		turn->last = moved == 0;
		if (moved > 0)
			turn->moved = (uint32_t)moved;
		else if (moved < 0 && errno != EAGAIN)
			take_directly(way, fd, place);
	}
	for (;;) {
		size_t left = unread(way->work[0]);

		if (left == 0 || left > turn->moved)
			return turn->moved != 0 || turn->last;
		if (sys_read(way->work[0], place + turn->moved - left, left) < 0)
			sys_exit(1);
	}
}

static void store(struct way *way, uint32_t offset, const char *bytes, size_t len, size_t rest)
{
	struct turn *turn = way->turn;

	memcpy(kept_bytes(way->relay, turn->stream) + offset, bytes, len);
	turn->rest = (uint32_t)rest;
	enter(turn, STEP_STORE);
}

/* A line that grows byte by byte is not copied each time: the text is put together only where there
 * is something to write. */
static void take(struct way *way)
{
	struct turn *turn = way->turn;
	const struct kept *kept = &way->relay->memory->kept[turn->stream];
	char *place = turn->text + kept->len;
	size_t len;

	if (!take_bytes(way, place)) {
		enter(turn, STEP_IDLE);
		return;
	}
	len = kept->len + turn->moved;
	turn->len = (uint32_t)len;
	turn->cursor = (struct relay_cursor){.goes_on = kept->goes_on};
	if (!turn->last && len <= RELAY_LINE_MAX && !memchr(place, '\n', turn->moved)) {
		store(way, kept->len, place, turn->moved, len);
		return;
	}
	memcpy(turn->text, kept_bytes(way->relay, turn->stream), kept->len);
	enter(turn, STEP_LINES);
}

static void make_chunk(struct way *way)
{
	struct turn *turn = way->turn;
	const struct relay_stream *stream = &way->relay->streams[turn->stream];
	const struct relay_label label = {.service = stream->service,
		.is_error = stream->output == RELAY_ERR,
		.json = stream->json};
	const struct str text = {turn->text, turn->len};

	turn->next = turn->cursor;
	turn->ready = (uint32_t)relay_compose(
		&label, text, turn->last, &turn->next, turn->chunk, sizeof(turn->chunk));
	turn->sent = 0;
	turn->directly = !way->is_pipe;
	if (turn->ready == 0) {
		size_t rest = turn->len - turn->cursor.at;

		store(way, 0, turn->text + turn->cursor.at, rest, rest);
		return;
	}
	enter(turn, turn->directly ? STEP_WRITE : STEP_PASS);
}

static void pass(struct way *way)
{
	struct turn *turn = way->turn;
	size_t done = unread(way->work[0]);

	while (done < turn->ready) {
		ssize_t size = sys_write(way->work[1], turn->chunk + done, turn->ready - done);

		if (size <= 0) {
			turn->directly = true;
			break;
		}
		done += (size_t)size;
	}
	enter(turn, STEP_WRITE);
}

static void empty_work_pipe(struct way *way)
{
	char block[CHUNK_MAX];

	while (unread(way->work[0]) != 0) {
		if (sys_read(way->work[0], block, sizeof(block)) < 0)
			sys_exit(1);
	}
}

/* Nobody reads it any more, a disk is full: the service is not to suffer from it, and what comes
 * later may get through. */
static void report_failure(struct way *way)
{
	if (!way->failed)
		log_warn_errno("cannot write what services write to standard %s",
			way->turn == &way->relay->memory->turns[RELAY_OUT] ? "output" : "error");
	way->failed = true;
}

/* 1: done, 0: there is no room, -1: refused. */
static int write_through(struct way *way)
{
	size_t left;

	while ((left = unread(way->work[0])) != 0) {
		if (sys_splice(way->work[0], way->output, left) < 0)
			return errno == EAGAIN ? 0 : -1;
	}
	return 1;
}

static int write_directly(struct way *way)
{
	struct turn *turn = way->turn;

	while (turn->sent < turn->ready) {
		ssize_t size = fd_write_nowait(
			way->output, turn->chunk + turn->sent, turn->ready - turn->sent);

		if (size <= 0)
			return size < 0 && errno == EAGAIN ? 0 : -1;
		turn->sent += (uint32_t)size;
	}
	return 1;
}

/* False where there is no room. */
static bool write_chunk(struct way *way)
{
	struct turn *turn = way->turn;
	int done = -1;

	if (!turn->directly) {
		done = write_through(way);
		/* No splice(2) here. */
		turn->directly = done < 0 && errno != EPIPE;
	}
	if (turn->directly)
		done = write_directly(way);
	if (done == 0)
		return false;
	if (done < 0)
		report_failure(way);
	empty_work_pipe(way);
	turn->cursor = turn->next;
	enter(turn, STEP_LINES);
	return true;
}

static void end_turn(struct way *way)
{
	struct relay *relay = way->relay;
	struct turn *turn = way->turn;
	struct kept *kept = &relay->memory->kept[turn->stream];

	kept->len = turn->rest;
	kept->goes_on = turn->cursor.goes_on;
	kept->ended = turn->last;
	if (turn->last)
		loop_remove(&way->loop_streams, &relay->streams[turn->stream].source);
	enter(turn, STEP_IDLE);
}

/* The end of the turn, or as far as there is room: false. */
static bool run_turn(struct way *way)
{
	for (;;) {
		switch ((enum step)way->turn->step) {
		case STEP_IDLE:
			return true;
		case STEP_TAKE:
			take(way);
			break;
		case STEP_LINES:
			make_chunk(way);
			break;
		case STEP_PASS:
			pass(way);
			break;
		case STEP_WRITE:
			if (!write_chunk(way))
				return false;
			break;
		case STEP_STORE:
			end_turn(way);
			break;
		}
	}
}

static void watch(struct loop *loop, struct loop_source *source, unsigned events)
{
	if (loop_add(loop, source, events) < 0)
		sys_exit(1);
}

/* Goes on with the turn. Streams are looked at only while there is room for what they have. */
static void go_on(struct way *way)
{
	bool blocked = !run_turn(way);

	if (blocked == way->blocked)
		return;
	way->blocked = blocked;
	loop_remove(way->loop, blocked ? &way->streams : &way->room);
	if (blocked)
		watch(way->loop, &way->room, LOOP_WRITE);
	else
		watch(way->loop, &way->streams, LOOP_READ);
}

static void on_room(struct loop_source *source, unsigned events)
{
	(void)events;
	go_on(source->arg);
}

static void on_stream(struct loop_source *source, unsigned events)
{
	struct way *way = source->arg;
	struct turn *turn = way->turn;
	size_t offset = (size_t)((char *)source - (char *)&way->relay->streams[0].source);

	(void)events;
	if (turn->step != STEP_IDLE)
		return;
	turn->stream = (uint32_t)(offset / sizeof(struct relay_stream));
	turn->moved = 0;
	turn->last = false;
	enter(turn, STEP_TAKE);
	go_on(way);
}

/* One round: each stream that has something gets its turn. */
static void on_streams(struct loop_source *source, unsigned events)
{
	struct way *way = source->arg;

	(void)events;
	loop_wait(&way->loop_streams, 0);
}

static bool is_open(const struct relay *relay)
{
	for (unsigned i = 0; i < relay->count; i++) {
		if (!relay->memory->kept[i].ended)
			return true;
	}
	return false;
}

static void set_up_way(struct relay *relay, struct way *way, unsigned output, struct loop *loop)
{
	struct stat st;

	*way = (struct way){
		.relay = relay,
		.loop = loop,
		.turn = &relay->memory->turns[output],
		.work = relay->work[output],
		.output = relay->outputs[output],
		.is_pipe = sys_fstat(relay->outputs[output], &st) == 0 && S_ISFIFO(st.st_mode),
	};
	if (loop_init(&way->loop_streams, NULL) < 0)
		sys_exit(1);
	way->streams = (struct loop_source){
		.fd = way->loop_streams.epoll, .arg = way, .ready = on_streams};
	way->room = (struct loop_source){.fd = way->output, .arg = way, .ready = on_room};
	for (unsigned i = 0; i < relay->count; i++) {
		struct relay_stream *stream = &relay->streams[i];

		if (stream->output != (enum relay_output)output || relay->memory->kept[i].ended)
			continue;
		stream->source =
			(struct loop_source){.fd = stream->ends[0], .arg = way, .ready = on_stream};
		watch(&way->loop_streams, &stream->source, LOOP_READ);
	}
	watch(loop, &way->streams, LOOP_READ);
	go_on(way);
}

static void keep(unsigned char *table, int fd, int *most)
{
	if (fd >= 0 && fd < KEPT_MAX)
		table[fd / 8] |= (unsigned char)(1U << (fd % 8));
	*most = fd > *most ? fd : *most;
}

/* What PID 1 has open is not the relay's to keep open: not the services' ends of the pipes, nor a
 * connection that PID 1 may want to close. */
static void close_others(const struct relay *relay)
{
	unsigned char table[KEPT_MAX / 8] = {7};
	int most = 2;

	for (unsigned i = 0; i < relay->count; i++)
		keep(table, relay->streams[i].ends[0], &most);
	for (unsigned i = 0; i < RELAY_OUTPUTS; i++) {
		keep(table, relay->outputs[i], &most);
		keep(table, relay->work[i][0], &most);
		keep(table, relay->work[i][1], &most);
	}
	for (int fd = 0; fd < most && fd < KEPT_MAX; fd++) {
		if ((table[fd / 8] >> (fd % 8) & 1) == 0)
			(void)sys_close(fd);
	}
	(void)sys_close_range((unsigned)most + 1, UINT_MAX);
	/* Before Linux 5.9. */
	for (unsigned i = 0; i < relay->count; i++) {
		if (relay->streams[i].ends[1] > most)
			(void)sys_close(relay->streams[i].ends[1]);
	}
}

/* No signal ends it but KILL, nor one that is sent to the terminal's foreground. */
static void set_up_process(void)
{
	const struct sys_sigset all = {.bits = UINT64_MAX};

	(void)sys_sigmask(SIG_SETMASK, &all, NULL);
	(void)sys_setpgid(0, 0);
	(void)sys_set_process_name("husk-log");
}

void relay_run(struct relay *relay)
{
	struct way ways[RELAY_OUTPUTS];
	struct loop loop;

	set_up_process();
	close_others(relay);
	if (loop_init(&loop, NULL) < 0)
		sys_exit(1);
	for (unsigned i = 0; i < RELAY_OUTPUTS; i++)
		set_up_way(relay, &ways[i], i, &loop);
	while (is_open(relay))
		loop_wait(&loop, INT64_MAX);
	sys_exit(0);
}

bool relay_end_line(const struct relay *relay, unsigned stream)
{
	const struct relay_stream *it = &relay->streams[stream];
	const struct turn *turn = &relay->memory->turns[it->output];

	if (sys_unread(it->ends[0]) > 0 || (turn->step != STEP_IDLE && turn->stream == stream))
		return false;
	if (relay->memory->kept[stream].len != 0 && it->ends[1] != -1)
		(void)fd_write_nowait(it->ends[1], "\n", 1);
	return true;
}

bool relay_is_empty(const struct relay *relay)
{
	const struct relay_memory *memory = relay->memory;

	for (unsigned i = 0; i < RELAY_OUTPUTS; i++) {
		if (memory->turns[i].step != STEP_IDLE)
			return false;
	}
	for (unsigned i = 0; i < relay->count; i++) {
		if (!memory->kept[i].ended &&
			(memory->kept[i].len != 0 || sys_unread(relay->streams[i].ends[0]) > 0))
			return false;
	}
	return true;
}

static int make_pipe(int ends[2], struct err *err)
{
	if (sys_pipe(ends, 0) < 0)
		return err_set_errno(err, ERR_INTERNAL, errno, "cannot make a pipe for logs");
	if (sys_set_status_flags(ends[0], O_NONBLOCK) < 0)
		return err_set_errno(err, ERR_INTERNAL, errno, "cannot set up a pipe for logs");
	return 0;
}

int relay_init(struct relay *relay, struct err *err)
{
	for (unsigned i = 0; i < RELAY_OUTPUTS; i++)
		relay->work[i][0] = relay->work[i][1] = -1;
	for (unsigned i = 0; i < relay->count; i++)
		relay->streams[i].ends[0] = relay->streams[i].ends[1] = -1;
	relay->memory_size = kept_offset(relay->count) + (size_t)relay->count * RELAY_LINE_MAX;
	relay->memory = sys_map_shared(relay->memory_size);
	if (relay->memory == NULL)
		return err_set_errno(err, ERR_INTERNAL, errno, "cannot make memory for logs");
	for (unsigned i = 0; i < RELAY_OUTPUTS; i++) {
		if (make_pipe(relay->work[i], err) < 0)
			return -1;
	}
	for (unsigned i = 0; i < relay->count; i++) {
		if (make_pipe(relay->streams[i].ends, err) < 0)
			return -1;
	}
	return 0;
}

void relay_close(struct relay *relay)
{
	for (unsigned i = 0; i < relay->count; i++)
		fd_close(&relay->streams[i].ends[1]);
}

void relay_fini(struct relay *relay)
{
	relay_close(relay);
	for (unsigned i = 0; i < relay->count; i++)
		fd_close(&relay->streams[i].ends[0]);
	for (unsigned i = 0; i < RELAY_OUTPUTS; i++) {
		fd_close(&relay->work[i][0]);
		fd_close(&relay->work[i][1]);
	}
	if (relay->memory != NULL)
		(void)sys_unmap(relay->memory, relay->memory_size);
	relay->memory = NULL;
}
