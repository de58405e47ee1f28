#include "plan/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/dir.h"
#include "base/fd.h"
#include "base/sys.h"

enum {
	/* RESOLVE_NO_SYMLINKS and RESOLVE_BENEATH of openat2(2): musl brings no linux/openat2.h. */
	RESOLVE_FLAGS = 0x04 | 0x08,
	OPEN_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	/* Deeper than any tree that is written here: a folder made by somebody else. */
	REMOVE_DEPTH_MAX = 128,
	/* More names than any tree that is written here: somebody fills what we empty. */
	REMOVE_NAMES_MAX = 1 << 19,
};

/* ENOTDIR is what O_DIRECTORY | O_NOFOLLOW gives for a link too: tell them apart. */
static void name_errno(int dir, const char *name)
{
	struct stat st;

	if (errno != ENOTDIR)
		return;
	errno = sys_fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode)
			? ELOOP
			: ENOTDIR;
}

static int open_component(int dir, struct str part)
{
	char name[NAME_MAX + 1];
	int fd;

	if (part.len > NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (str_eq_cstr(part, "..")) {
		errno = EXDEV;
		return -1;
	}
	memcpy(name, part.data, part.len);
	name[part.len] = '\0';
	fd = sys_openat(dir, name, OPEN_FLAGS, 0);
	if (fd < 0)
		name_errno(dir, name);
	return fd;
}

static int open_by_hand(int root, const char *path)
{
	int fd = sys_openat(root, ".", OPEN_FLAGS, 0);
	size_t len;
	int next;

	while (fd >= 0 && *path != '\0') {
		len = strcspn(path, "/");
		if (len > 0) {
			next = open_component(fd, (struct str){path, len});
			fd_close(&fd);
			fd = next;
		}
		path += len + (path[len] == '/');
	}
	return fd;
}

int beneath_open(struct beneath *beneath, const char *path)
{
	int fd;

	if (path[0] == '/') {
		errno = EXDEV;
		return -1;
	}
	if (!beneath->by_hand) {
		fd = sys_openat2(beneath->root, path[0] == '\0' ? "." : path,
			O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC, 0, RESOLVE_FLAGS);
		/* Old container runtimes answer EPERM to calls they do not know. */
		if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != EINVAL))
			return fd;
		beneath->by_hand = true;
	}
	return open_by_hand(beneath->root, path);
}

enum remove_pass { PASS_FAILED = -1, PASS_EMPTY, PASS_AGAIN, PASS_CHILD };

/* Removes what can be removed; a folder that is not empty is opened as `*child`. What somebody else
 * has removed meanwhile is gone as well. */
static enum remove_pass remove_pass(int fd, int *child, unsigned *left)
{
	struct dir dir;
	const char *name;
	enum remove_pass result = PASS_EMPTY;
	int got;

	if (sys_lseek(fd, 0, SEEK_SET) < 0)
		return PASS_FAILED;
	dir_init(&dir, fd);
	while ((got = dir_next(&dir, &name)) > 0) {
		result = PASS_AGAIN;
		if (*left == 0) {
			errno = EBUSY;
			return PASS_FAILED;
		}
		--*left;
		if (sys_unlinkat(fd, name, 0) == 0 || errno == ENOENT)
			continue;
		if (errno != EISDIR && errno != EPERM)
			return PASS_FAILED;
		if (sys_unlinkat(fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			continue;
		if (errno != ENOTEMPTY && errno != EEXIST)
			return PASS_FAILED;
		if (child == NULL) {
			errno = ELOOP;
			return PASS_FAILED;
		}
		*child = sys_openat(fd, name, OPEN_FLAGS, 0);
		return *child < 0 ? PASS_FAILED : PASS_CHILD;
	}
	return got < 0 ? PASS_FAILED : result;
}

/* Empties the folder `top` and closes it. */
static int empty(int top)
{
	unsigned left = REMOVE_NAMES_MAX;
	int stack[REMOVE_DEPTH_MAX];
	int depth = 1;
	int saved = 0;

	stack[0] = top;
	while (depth > 0 && saved == 0)
		switch (remove_pass(
			stack[depth - 1], depth < REMOVE_DEPTH_MAX ? &stack[depth] : NULL, &left)) {
		case PASS_FAILED:
			saved = errno;
			break;
		case PASS_EMPTY:
			fd_close(&stack[--depth]);
			break;
		case PASS_AGAIN:
			break;
		case PASS_CHILD:
			depth++;
			break;
		}
	while (depth > 0)
		fd_close(&stack[--depth]);
	errno = saved;
	return saved == 0 ? 0 : -1;
}

int beneath_remove(int dir, const char *name)
{
	int fd;

	if (sys_unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	fd = sys_openat(dir, name, OPEN_FLAGS, 0);
	if (fd < 0 || empty(fd) < 0)
		return -1;
	return sys_unlinkat(dir, name, AT_REMOVEDIR);
}
