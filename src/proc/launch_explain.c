#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/format.h"
#include "base/str.h"
#include "base/sys.h"
#include "proc/binary.h"
#include "proc/execblock.h"
#include "proc/launch.h"

enum {
	CHAIN_MAX = 5,         /* interpreters of interpreters: execve(2) goes no deeper */
	ARGUMENT_MAX = 131072, /* MAX_ARG_STRLEN with pages of 4 KiB */
	REASON_MAX = PATH_MAX + 200,
};

/* Each: whether it knows why, and then the reason, which stands behind the file's name. */

static bool why_missing(const char *path, char reason[REASON_MAX])
{
	char target[PATH_MAX];
	struct stat st;

	if (sys_fstatat(AT_FDCWD, path, &st, 0) == 0)
		return false;
	if (str_ends(str_from(path), STR("\r"))) {
		(void)format_text(reason, REASON_MAX,
			"does not exist: the #! line ends in a "
			"carriage return (save the script with LF line "
			"ends)");
		return true;
	}
	ssize_t size = sys_readlinkat(AT_FDCWD, path, target, sizeof(target));
	if (size > 0)
		(void)format_text(reason, REASON_MAX, "is a link to %.*s, which does not exist",
			(int)size, target);
	else
		(void)format_text(reason, REASON_MAX, "does not exist");
	return true;
}

/* The directories above it, from the root down. */
static bool why_unreachable(const char *path, char reason[REASON_MAX])
{
	char part[PATH_MAX];
	const char *slash = path;

	while ((slash = strchr(slash + 1, '/'))) {
		size_t len = (size_t)(slash - path);
		struct stat st;

		if (len >= sizeof(part))
			return false;
		memcpy(part, path, len);
		part[len] = '\0';
		if (sys_fstatat(AT_FDCWD, part, &st, 0) < 0)
			return false;
		if (!S_ISDIR(st.st_mode)) {
			(void)format_text(reason, REASON_MAX,
				"cannot be reached: %s is not a directory", part);
			return true;
		}
		if (sys_access(AT_FDCWD, part, X_OK, 0) < 0) {
			(void)format_text(reason, REASON_MAX,
				"cannot be reached: the directory %s (mode %04o) may not be "
				"searched by uid %u",
				part, (unsigned)st.st_mode & 07777, (unsigned)sys_geteuid());
			return true;
		}
	}
	return false;
}

static bool why_denied(const char *path, char reason[REASON_MAX])
{
	struct statfs fs;
	struct stat st;

	if (why_unreachable(path, reason))
		return true;
	if (sys_fstatat(AT_FDCWD, path, &st, 0) < 0)
		return false;
	if (S_ISDIR(st.st_mode)) {
		(void)format_text(reason, REASON_MAX, "is a directory");
	} else if (!S_ISREG(st.st_mode)) {
		(void)format_text(reason, REASON_MAX, "is not a regular file");
	} else if (sys_statfs(path, &fs) == 0 && (fs.f_flags & ST_NOEXEC)) {
		(void)format_text(
			reason, REASON_MAX, "lies on a file system that is mounted noexec");
	} else if (sys_access(AT_FDCWD, path, X_OK, 0) < 0) {
		(void)format_text(reason, REASON_MAX,
			"may not be executed by uid %u (mode %04o, owner %u:%u)",
			(unsigned)sys_geteuid(), (unsigned)st.st_mode & 07777, (unsigned)st.st_uid,
			(unsigned)st.st_gid);
	} else {
		return false;
	}
	return true;
}

static bool why_format(const struct binary *binary, char reason[REASON_MAX])
{
	switch (binary->kind) {
	case BINARY_ELF:
		if (binary->machine_fits)
			(void)format_text(reason, REASON_MAX,
				"is damaged, or no program: the kernel "
				"refuses its ELF header");
		else
			(void)format_text(reason, REASON_MAX,
				"is built for %s, and this machine is %s", binary->machine,
				binary->own_machine);
		return true;
	case BINARY_SCRIPT:
		if (binary->needs[0] != '\0')
			return false;
		(void)format_text(reason, REASON_MAX, "has a #! line that names no interpreter");
		return true;
	case BINARY_TEXT:
		(void)format_text(reason, REASON_MAX,
			"is a script without a #! line, and there is no shell to guess at (put "
			"#!/path/of/interpreter on its first line, or the interpreter in front of "
			"it in the command)");
		return true;
	case BINARY_EMPTY:
		(void)format_text(reason, REASON_MAX, "is empty");
		return true;
	case BINARY_FOREIGN:
		(void)format_text(
			reason, REASON_MAX, "is %s, not a Linux program", binary->machine);
		return true;
	case BINARY_UNREADABLE:
		break;
	}
	return false;
}

/* `what` names how the one before needs it. */
static int refuse(struct err *err, int errnum, const char *path, const char *needed_as,
	const char *needed, const char *reason)
{
	enum err_code code =
		errnum == ENOENT || errnum == ENOTDIR ? ERR_NOT_FOUND : ERR_NOT_EXECUTABLE;

	if (*needed_as == '\0')
		(void)err_set(err, code, "cannot run %s: it %s", path, reason);
	else
		(void)err_set(
			err, code, "cannot run %s: its %s %s %s", path, needed_as, needed, reason);
	if (err)
		err->errnum = errnum;
	return -1;
}

/* From the program to its interpreter to that one's loader: the first that the errno fits. */
static int explain_file(const char *path, int errnum, struct err *err)
{
	char reason[REASON_MAX], current[PATH_MAX];
	const char *needed_as = "";

	(void)format_text(current, sizeof(current), "%s", path);
	for (int depth = 0; depth < CHAIN_MAX; depth++) {
		struct binary binary;
		bool known = false;

		binary_read(&binary, current);
		if (errnum == ENOENT)
			known = why_missing(current, reason);
		else if (errnum == EACCES || errnum == ENOTDIR || errnum == EPERM)
			known = why_denied(current, reason);
		else if (errnum == ENOEXEC)
			known = why_format(&binary, reason);
		if (known)
			return refuse(err, errnum, path, needed_as, current, reason);
		if (binary.needs[0] == '\0')
			break;
		needed_as = binary.kind == BINARY_SCRIPT ? "interpreter" : "dynamic loader";
		memcpy(current, binary.needs, sizeof(current));
	}
	(void)format_text(
		reason, sizeof(reason), "was refused by the kernel: %s", strerror(errnum));
	return refuse(err, errnum, path, "", "", reason);
}

static size_t total_length(char *const *list, size_t *count, const char **longest)
{
	size_t total = 0, most = 0;

	for (*count = 0; list[*count]; ++*count) {
		size_t len = strlen(list[*count]);
		total += len + 1;
		if (len >= most) {
			most = len;
			*longest = list[*count];
		}
	}
	return total;
}

/* A value may be secret: lengths and names only. */
static int explain_too_long(const struct launch_spec *spec, struct err *err)
{
	const char *argument = "", *variable = "";
	size_t arguments, variables;
	size_t argument_bytes = total_length(spec->argv, &arguments, &argument);
	size_t variable_bytes = total_length(spec->envp, &variables, &variable);

	if (strlen(argument) >= ARGUMENT_MAX)
		return err_set(err, ERR_NOT_EXECUTABLE,
			"cannot run %s: an argument is %zu bytes long; the kernel takes %d",
			spec->path, strlen(argument), ARGUMENT_MAX - 1);
	if (strlen(variable) >= ARGUMENT_MAX)
		return err_set(err, ERR_NOT_EXECUTABLE,
			"cannot run %s: the environment variable %.*s is %zu bytes long; the "
			"kernel takes %d",
			spec->path, (int)strcspn(variable, "="), variable, strlen(variable),
			ARGUMENT_MAX - 1);
	return err_set(err, ERR_NOT_EXECUTABLE,
		"cannot run %s: %zu arguments (%zu bytes) and %zu environment variables (%zu "
		"bytes) are together more than the kernel takes",
		spec->path, arguments, argument_bytes, variables, variable_bytes);
}

static int explain_exec(const struct launch_spec *spec, int errnum, struct err *err)
{
	switch (errnum) {
	case E2BIG:
		return explain_too_long(spec, err);
	case ETXTBSY:
		return err_set(err, ERR_NOT_EXECUTABLE,
			"cannot run %s: a process has it open for writing", spec->path);
	case ENOENT:
	case ENOTDIR:
	case EACCES:
	case EPERM:
	case ENOEXEC:
		return explain_file(spec->path, errnum, err);
	default:
		return err_set_errno(err, ERR_NOT_EXECUTABLE, errnum, "cannot run %s", spec->path);
	}
}

enum err_code launch_code(const struct launch_failure *failure)
{
	switch ((enum launch_step)failure->step) {
	case LAUNCH_STREAMS:
	case LAUNCH_SESSION:
	case LAUNCH_SIGNALS:
		return ERR_INTERNAL;
	case LAUNCH_NICE:
	case LAUNCH_LIMIT:
	case LAUNCH_CWD:
		return ERR_NOT_EXECUTABLE;
	case LAUNCH_EXEC:
		break;
	}
	return failure->errnum == ENOENT || failure->errnum == ENOTDIR ? ERR_NOT_FOUND
								       : ERR_NOT_EXECUTABLE;
}

static int explain_set_up(
	const struct launch_spec *spec, const struct launch_failure *failure, struct err *err)
{
	enum err_code code = launch_code(failure);
	const struct plan_limit *limit;

	switch ((enum launch_step)failure->step) {
	case LAUNCH_STREAMS:
		return err_set_errno(
			err, code, failure->errnum, "cannot set up its standard streams");
	case LAUNCH_SESSION:
		return err_set_errno(err, code, failure->errnum, "cannot make a session");
	case LAUNCH_NICE:
		return err_set_errno(
			err, code, failure->errnum, "cannot set nice to %d", spec->nice);
	case LAUNCH_LIMIT:
		limit = &spec->limits[failure->index];
		return err_set_errno(err, code, failure->errnum,
			"cannot set the resource limit %s to %llu (at most %llu)", limit->name,
			(unsigned long long)limit->value.rlim_cur,
			(unsigned long long)limit->value.rlim_max);
	case LAUNCH_CWD:
		return err_set_errno(
			err, code, failure->errnum, "cannot change to the directory %s", spec->cwd);
	case LAUNCH_SIGNALS:
	case LAUNCH_EXEC:
		break;
	}
	return err_set_errno(err, code, failure->errnum, "cannot set up its signals");
}

int launch_explain(
	const struct launch_spec *spec, const struct launch_failure *failure, struct err *err)
{
	struct launch_spec own = *spec;

	/* What it was executed with. */
	if (own.block != 0)
		(void)execblock_apply(own.block, own.block_index, &own);
	spec = &own;
	if (failure->step != LAUNCH_EXEC) {
		(void)explain_set_up(spec, failure, err);
		return err_wrap(err, "%s", spec->name);
	}
	/* A relative path begins at the directory that the child stood in, and from where it did
	 * reach its exec. */
	if (spec->cwd && spec->path[0] != '/')
		(void)sys_chdir(spec->cwd);
	(void)explain_exec(spec, failure->errnum, err);
	/* The path says the name already. */
	if (str_ends(str_from(spec->path), str_from(spec->name)))
		return -1;
	return err_wrap(err, "%s", spec->name);
}
