#include "proc/cgroup.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/fd.h"
#include "base/format.h"
#include "base/str.h"
#include "base/sys.h"

/* The longest cgroup path and the longest of these files' texts are well below. */
enum { TEXT_MAX = 4096 };

/* Zero bytes and an empty text where it cannot be read. */
static struct str read_text(const char *path, char text[TEXT_MAX])
{
	int fd = sys_open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
	size_t size = 0;

	while (fd >= 0 && size < TEXT_MAX) {
		ssize_t got = sys_read(fd, text + size, TEXT_MAX - size);
		if (got <= 0)
			break;
		size += (size_t)got;
	}
	fd_close(&fd);
	return (struct str){text, size};
}

/* Takes the next line off `text`; false where there is none. */
static bool next_line(struct str *text, struct str *line)
{
	const char *end = text->len > 0 ? memchr(text->data, '\n', text->len) : NULL;

	if (text->len == 0)
		return false;
	*line = str_sub(*text, 0, end ? (size_t)(end - text->data) : text->len);
	*text = str_sub(*text, line->len + 1, text->len);
	return true;
}

/* "oom_kill 3" among other lines. */
static bool read_kills(const char *folder, bool v1, uint64_t *kills)
{
	char path[CGROUP_PATH_MAX + 32], buffer[TEXT_MAX];
	struct str text, line;

	(void)format_text(
		path, sizeof(path), "%s/%s", folder, v1 ? "memory.oom_control" : "memory.events");
	text = read_text(path, buffer);
	while (next_line(&text, &line)) {
		const struct str key = STR("oom_kill ");
		if (str_starts(line, key))
			return str_to_uint64(str_sub(line, key.len, line.len), kills) == 0;
	}
	return false;
}

/* v1 says "no limit" by a number near INT64_MAX, v2 by "max". */
static uint64_t read_limit(const char *folder, bool v1)
{
	char path[CGROUP_PATH_MAX + 32], buffer[TEXT_MAX];
	uint64_t limit;

	(void)format_text(
		path, sizeof(path), "%s/%s", folder, v1 ? "memory.limit_in_bytes" : "memory.max");
	if (str_to_uint64(str_trim(read_text(path, buffer)), &limit) < 0 || limit >= INT64_MAX / 2)
		return 0;
	return limit;
}

/* Field 2 of a line of /proc/self/cgroup, "4:memory,cpu:/path", holds memory. */
static bool names_memory(struct str controllers)
{
	while (controllers.len > 0) {
		const char *comma = memchr(controllers.data, ',', controllers.len);
		size_t len = comma ? (size_t)(comma - controllers.data) : controllers.len;

		if (str_eq_cstr(str_sub(controllers, 0, len), "memory"))
			return true;
		controllers = str_sub(controllers, len + 1, controllers.len);
	}
	return false;
}

/* Our path in the memory hierarchy; false where there is none. A machine may have both: the
 * controller is where v1 names it. */
static bool find_path(struct str text, bool *v1, struct str *path)
{
	struct str line;
	bool found = false;

	while (next_line(&text, &line)) {
		const char *first = memchr(line.data, ':', line.len);
		size_t skip = first ? (size_t)(first - line.data) + 1 : line.len;
		struct str rest = str_sub(line, skip, line.len);
		const char *second = rest.len > 0 ? memchr(rest.data, ':', rest.len) : NULL;
		struct str controllers;

		if (!second)
			continue;
		controllers = str_sub(rest, 0, (size_t)(second - rest.data));
		if (names_memory(controllers)) {
			*v1 = true;
			*path = str_sub(rest, controllers.len + 1, rest.len);
			return true;
		}
		if (controllers.len == 0) {
			*v1 = false;
			*path = str_sub(rest, controllers.len + 1, rest.len);
			found = true;
		}
	}
	return found;
}

/*
 * The path in /proc/self/cgroup is the host's where the container has no cgroup namespace, and then
 * what is mounted is the container's own cgroup: its root is tried second.
 */
void cgroup_oom_watch(struct cgroup_oom *before, const char *root)
{
	char buffer[TEXT_MAX], path[PATH_MAX];
	struct str own;
	const char *mount;

	before->known = false;
	(void)format_text(path, sizeof(path), "%s/proc/self/cgroup", root);
	if (!find_path(read_text(path, buffer), &before->v1, &own))
		return;
	mount = before->v1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
	for (int attempt = 0; attempt < 2 && !before->known; attempt++) {
		int length = format_text(before->folder, sizeof(before->folder), "%s%s%.*s", root,
			mount, STR_ARGS(own));
		if (length > 0 && (size_t)length < sizeof(before->folder))
			before->known = read_kills(before->folder, before->v1, &before->kills);
		own.len = 0;
	}
}

void cgroup_oom_compare(const struct cgroup_oom *before, struct cgroup_oom_record *record)
{
	uint64_t kills;

	*record = (struct cgroup_oom_record){0};
	if (!before->known || !read_kills(before->folder, before->v1, &kills))
		return;
	record->killed = kills > before->kills;
	record->kills = kills;
	record->limit = read_limit(before->folder, before->v1);
}
