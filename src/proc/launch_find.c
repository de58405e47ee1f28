#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/sys.h"
#include "proc/launch.h"

/* What container engines set where an image sets nothing. */
static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* "DIRECTORY/PROGRAM"; false where it is too long to be a path. An empty entry is the current
 * directory (POSIX XBD 8.3). */
static bool join(char out[PATH_MAX], struct str directory, struct str program)
{
	if (directory.len == 0)
		directory = STR(".");
	if (directory.len + 1 + program.len >= PATH_MAX)
		return false;
	memcpy(out, directory.data, directory.len);
	out[directory.len] = '/';
	memcpy(out + directory.len + 1, program.data, program.len);
	out[directory.len + 1 + program.len] = '\0';
	return true;
}

static bool is_file(const char *path)
{
	struct stat st;

	return sys_fstatat(AT_FDCWD, path, &st, 0) == 0 && S_ISREG(st.st_mode);
}

/* Apart from launch_find, whose usual case needs none of this memory. */
static __attribute__((noinline)) int search(struct arena *arena, const char *program,
	const char *path, const char **found, struct err *err)
{
	char candidate[PATH_MAX];
	char refused[PATH_MAX] = "";
	struct str rest = str_from(path);
	bool more = true;

	while (more) {
		const char *colon = rest.len > 0 ? memchr(rest.data, ':', rest.len) : NULL;
		size_t len = colon ? (size_t)(colon - rest.data) : rest.len;
		bool fits = join(candidate, str_sub(rest, 0, len), str_from(program));

		more = colon != NULL;
		rest = str_sub(rest, len + 1, rest.len);
		if (!fits || !is_file(candidate))
			continue;
		if (sys_access(AT_FDCWD, candidate, X_OK, 0) == 0) {
			*found = arena_strdup(arena, candidate);
			return *found ? 0 : err_nomem(err);
		}
		if (*refused == '\0')
			memcpy(refused, candidate, sizeof(refused));
	}
	if (*refused != '\0') {
		return err_set_errno(err, ERR_NOT_EXECUTABLE, EACCES,
			"%s: found as %s, which cannot be executed", program, refused);
	}
	return err_set(err, ERR_NOT_FOUND, "%s: not found in PATH (%s)", program, path);
}

int launch_find(struct arena *arena, const char *program, const char *path, const char **found,
	struct err *err)
{
	if (*program == '\0')
		return err_set(err, ERR_NOT_FOUND, "the program's name is empty");
	if (strchr(program, '/')) {
		*found = program;
		return 0;
	}
	return search(arena, program, path ? path : default_path, found, err);
}
