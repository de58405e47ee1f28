#include "plan/machine.h"

#include <limits.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/format.h"
#include "base/sys.h"

enum {
	FILE_MAX = 4 << 20, /* mountinfo of a busy host */
	CPUS_MAX = 8192,    /* NR_CPUS of the largest kernels */
	CPU_WORDS = CPUS_MAX / 64,
	RESOLVERS_MAX = 4096,
};

enum controller { CONTROLLER_V2, CONTROLLER_CPU, CONTROLLER_CPUSET, CONTROLLER_MEMORY };
enum { CONTROLLERS = 4 };
static const char *const controller_names[CONTROLLERS] = {"", "cpu", "cpuset", "memory"};

/* Where this process stands in a hierarchy. */
struct group {
	char full[PATH_MAX];  /* in the hierarchy, as /proc/self/cgroup has it */
	char mount[PATH_MAX]; /* "": not mounted */
	char path[PATH_MAX];  /* below `mount`, without it: "" or "/a/b" */
	bool inside;          /* the mount shows the process's own group */
};

struct reader {
	const char *root;
	struct machine *machine;
	struct group groups[CONTROLLERS];
};

static int read_file(const struct reader *r, const char *dir, const char *below, const char *name,
	struct buf *out)
{
	char path[PATH_MAX];
	int len = format_text(path, sizeof(path), "%s%s%s%s", r->root, dir, below, name);

	if (len < 0 || (size_t)len >= sizeof(path))
		return -1;
	return fd_read_file(path, FILE_MAX, out, NULL);
}

/* What stands before `end`; `*rest` begins behind it. */
static struct str take_until(struct str *rest, char end)
{
	const char *found = rest->len ? memchr(rest->data, end, rest->len) : NULL;
	size_t len = found ? (size_t)(found - rest->data) : rest->len;
	struct str taken = str_sub(*rest, 0, len);

	*rest = str_sub(*rest, len + 1, rest->len);
	return taken;
}

static bool is_in_list(struct str list, const char *name)
{
	while (list.len > 0) {
		if (str_eq_cstr(take_until(&list, ','), name))
			return true;
	}
	return false;
}

static void copy_path(char out[PATH_MAX], struct str path)
{
	if (path.len >= PATH_MAX)
		path.len = 0;
	if (path.len > 0)
		memcpy(out, path.data, path.len);
	out[path.len] = '\0';
}

/* /proc/self/cgroup: "4:cpu,cpuacct:/path", and for version 2 "0::/path". */
static void read_paths(struct reader *r)
{
	struct buf text;

	if (read_file(r, "/proc/self/cgroup", "", "", &text))
		return;
	for (struct str rest = buf_str(&text); rest.len > 0;) {
		struct str line = take_until(&rest, '\n');
		bool v2 = str_eq_cstr(take_until(&line, ':'), "0");
		struct str names = take_until(&line, ':');

		for (size_t i = 0; i < CONTROLLERS; i++) {
			if (i == CONTROLLER_V2 ? v2 && names.len == 0
					       : is_in_list(names, controller_names[i]))
				copy_path(r->groups[i].full, line);
		}
	}
	buf_fini(&text);
}

/* mountinfo writes blank, tab, newline and backslash as \ooo (proc(5)). */
static void copy_unescaped(char out[PATH_MAX], struct str text)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len && len < PATH_MAX - 1; i++) {
		unsigned value;

		if (text.data[i] == '\\' && i + 3 < text.len &&
			str_to_octal(str_sub(text, i + 1, 3), &value) == 0) {
			out[len++] = (char)value;
			i += 3;
		} else {
			out[len++] = text.data[i];
		}
	}
	out[len] = '\0';
}

/*
 * From the path in the hierarchy to the path below the mount, which may show a part of it only.
 * Outside of that part, or above a cgroup namespace's root ("/../x"), the limits of the mount's
 * own group are what is visible. The first mount that shows the process's group is taken.
 */
static void take_mount(struct group *group, struct str mount_root, struct str mount)
{
	char root[PATH_MAX];
	size_t len;

	copy_unescaped(root, mount_root);
	len = strcmp(root, "/") == 0 ? 0 : strlen(root);
	bool inside = strncmp(group->full, root, len) == 0 &&
		      (group->full[len] == '\0' || group->full[len] == '/') &&
		      !str_search(group->full, "/..");

	if (group->inside || (group->mount[0] && !inside))
		return;
	copy_unescaped(group->mount, mount);
	group->inside = inside;
	group->path[0] = '\0';
	if (inside)
		copy_path(group->path, str_from(group->full + len));
	len = strlen(group->path);
	if (len > 0 && group->path[len - 1] == '/')
		group->path[len - 1] = '\0';
}

/* "31 23 0:28 /root /mount/point opts tags - cgroup cgroup rw,cpu" */
static void read_mount(struct reader *r, struct str line)
{
	struct str fields[5];

	for (size_t i = 0; i < 5; i++)
		fields[i] = take_until(&line, ' ');
	while (line.len > 0 && !str_eq_cstr(take_until(&line, ' '), "-")) {
	}
	struct str type = take_until(&line, ' ');
	bool v2 = str_eq_cstr(type, "cgroup2");

	if (!v2 && !str_eq_cstr(type, "cgroup"))
		return;
	(void)take_until(&line, ' ');
	for (size_t i = 0; i < CONTROLLERS; i++) {
		if (i == CONTROLLER_V2 ? v2 : !v2 && is_in_list(line, controller_names[i]))
			take_mount(&r->groups[i], fields[3], fields[4]);
	}
}

static void read_mounts(struct reader *r)
{
	struct buf text;

	if (read_file(r, "/proc/self/mountinfo", "", "", &text))
		return;
	for (struct str rest = buf_str(&text); rest.len > 0;)
		read_mount(r, take_until(&rest, '\n'));
	buf_fini(&text);
}

/* Calls `apply` for the group's folder and each above it, up to the mount. */
static void walk_up(struct reader *r, enum controller controller,
	void (*apply)(struct reader *r, const struct group *group))
{
	struct group group = r->groups[controller];

	if (!group.mount[0])
		return;
	for (;;) {
		char *slash = strrchr(group.path, '/');

		apply(r, &group);
		if (!slash)
			return;
		*slash = '\0';
	}
}

/* One integer in a file of the group; -1 where there is none. */
static int64_t read_number(struct reader *r, const struct group *group, const char *name)
{
	struct buf text;
	int64_t number = -1;

	if (read_file(r, group->mount, group->path, name, &text))
		return -1;
	if (str_to_int64(str_trim(buf_str(&text)), &number))
		number = -1;
	buf_fini(&text);
	return number;
}

static void limit_cpus(struct reader *r, int64_t quota, int64_t period, const char *from)
{
	if (quota <= 0 || period <= 0)
		return;
	int64_t cpus = quota / period + (quota % period != 0);

	if (cpus < (int64_t)r->machine->cpus) {
		r->machine->cpus = (unsigned)cpus;
		r->machine->cpus_from = from;
	}
}

/* "max 100000" or "150000 100000" */
static void apply_cpu_v2(struct reader *r, const struct group *group)
{
	struct buf text;
	int64_t quota = -1;
	int64_t period = 100000;

	if (read_file(r, group->mount, group->path, "/cpu.max", &text))
		return;
	struct str rest = str_trim(buf_str(&text));
	struct str first = take_until(&rest, ' ');

	if (str_to_int64(first, &quota) == 0 && (rest.len == 0 || str_to_int64(rest, &period) == 0))
		limit_cpus(r, quota, period, "cgroup v2 cpu.max");
	buf_fini(&text);
}

static void apply_cpu_v1(struct reader *r, const struct group *group)
{
	int64_t quota = read_number(r, group, "/cpu.cfs_quota_us");

	if (quota > 0)
		limit_cpus(r, quota, read_number(r, group, "/cpu.cfs_period_us"),
			"cgroup v1 cpu.cfs_quota_us");
}

static void limit_memory(struct reader *r, int64_t limit, const char *from)
{
	/* "No limit" is -1 here, "max" in version 2 and about 2^63 in version 1. */
	if (limit >= 0 && (uint64_t)limit < r->machine->memory) {
		r->machine->memory = (uint64_t)limit;
		r->machine->memory_from = from;
	}
}

static void apply_memory_v2(struct reader *r, const struct group *group)
{
	limit_memory(r, read_number(r, group, "/memory.max"), "cgroup v2 memory.max");
}

static void apply_memory_v1(struct reader *r, const struct group *group)
{
	limit_memory(r, read_number(r, group, "/memory.limit_in_bytes"),
		"cgroup v1 memory.limit_in_bytes");
}

/* A set of CPUs: "0-3,8". Returns how many; those above CPUS_MAX do not count. */
static unsigned parse_cpus(struct str list, uint64_t set[CPU_WORDS])
{
	unsigned count = 0;

	memset(set, 0, CPU_WORDS * sizeof(*set));
	list = str_trim(list);
	while (list.len > 0) {
		struct str last = take_until(&list, ',');
		struct str first = take_until(&last, '-');
		uint64_t from;
		uint64_t to;

		if (str_to_uint64(first, &from))
			return 0;
		to = from;
		if (last.len > 0 && str_to_uint64(last, &to))
			return 0;
		for (; from <= to && from < CPUS_MAX; from++) {
			count += !(set[from / 64] >> from % 64 & 1);
			set[from / 64] |= UINT64_C(1) << from % 64;
		}
	}
	return count;
}

/* Narrows the CPUs in use to those in `list`; a list that leaves none is not believed. */
static void limit_to_list(
	struct reader *r, uint64_t in_use[CPU_WORDS], struct str list, const char *from)
{
	uint64_t set[CPU_WORDS];
	unsigned count = 0;

	if (parse_cpus(list, set) == 0)
		return;
	for (size_t i = 0; i < CPU_WORDS; i++) {
		set[i] &= in_use[i];
		count += (unsigned)__builtin_popcountll(set[i]);
	}
	if (count == 0 || count >= r->machine->cpus)
		return;
	memcpy(in_use, set, CPU_WORDS * sizeof(*set));
	r->machine->cpus = count;
	r->machine->cpus_from = from;
}

static void limit_to_file(
	struct reader *r, uint64_t in_use[CPU_WORDS], const struct group *group, const char *name)
{
	struct buf text;

	if (!group->mount[0] || read_file(r, group->mount, group->path, name, &text))
		return;
	limit_to_list(r, in_use, buf_str(&text), "cpuset");
	buf_fini(&text);
}

/* "Cpus_allowed_list:\t0-3" of /proc/self/status: sched_setaffinity(2), and cpusets unseen here. */
static void limit_to_affinity(struct reader *r, uint64_t in_use[CPU_WORDS])
{
	struct buf text;

	if (read_file(r, "/proc/self/status", "", "", &text))
		return;
	for (struct str rest = buf_str(&text); rest.len > 0;) {
		struct str line = take_until(&rest, '\n');

		if (str_eq_cstr(take_until(&line, ':'), "Cpus_allowed_list"))
			limit_to_list(r, in_use, line, "affinity");
	}
	buf_fini(&text);
}

/* The kernel's own count, where /sys is not mounted. */
static unsigned count_affinity(uint64_t in_use[CPU_WORDS])
{
	unsigned count = 0;

	memset(in_use, 0, CPU_WORDS * sizeof(*in_use));
	if (sys_sched_getaffinity(0, in_use, CPU_WORDS * sizeof(*in_use)) > 0) {
		for (size_t i = 0; i < CPU_WORDS; i++)
			count += (unsigned)__builtin_popcountll(in_use[i]);
	}
	return count;
}

static void read_cpus(struct reader *r)
{
	uint64_t in_use[CPU_WORDS];
	struct buf text;

	r->machine->cpus = 0;
	r->machine->cpus_from = "online";
	if (read_file(r, "/sys/devices/system/cpu/online", "", "", &text) == 0) {
		r->machine->cpus = parse_cpus(buf_str(&text), in_use);
		buf_fini(&text);
	}
	if (r->machine->cpus == 0)
		r->machine->cpus = count_affinity(in_use);
	if (r->machine->cpus == 0)
		r->machine->cpus = 1;
	limit_to_file(r, in_use, &r->groups[CONTROLLER_V2], "/cpuset.cpus.effective");
	limit_to_file(r, in_use, &r->groups[CONTROLLER_CPUSET], "/cpuset.effective_cpus");
	limit_to_file(r, in_use, &r->groups[CONTROLLER_CPUSET], "/cpuset.cpus");
	limit_to_affinity(r, in_use);
	walk_up(r, CONTROLLER_V2, apply_cpu_v2);
	walk_up(r, CONTROLLER_CPU, apply_cpu_v1);
}

/* "MemTotal:       16316412 kB" */
static uint64_t read_meminfo(const struct reader *r)
{
	struct buf text;
	uint64_t kib = 0;

	if (read_file(r, "/proc/meminfo", "", "", &text))
		return 0;
	for (struct str rest = buf_str(&text); rest.len > 0 && kib == 0;) {
		struct str line = take_until(&rest, '\n');

		if (!str_eq_cstr(take_until(&line, ':'), "MemTotal"))
			continue;
		line = str_trim(line);
		if (str_to_uint64(take_until(&line, ' '), &kib) || kib > UINT64_MAX / 1024)
			kib = 0;
	}
	buf_fini(&text);
	return kib * 1024;
}

static void read_memory(struct reader *r)
{
	struct sysinfo info;

	r->machine->memory = read_meminfo(r);
	r->machine->memory_from = "machine";
	if (r->machine->memory == 0 && sys_sysinfo(&info) == 0)
		r->machine->memory = (uint64_t)info.totalram * info.mem_unit;
	walk_up(r, CONTROLLER_V2, apply_memory_v2);
	walk_up(r, CONTROLLER_MEMORY, apply_memory_v1);
}

static bool is_address(struct str text, bool *v6)
{
	*v6 = false;
	for (size_t i = 0; i < text.len; i++) {
		if (!memchr("0123456789abcdefABCDEF.:", text.data[i], 24))
			return false;
		*v6 = *v6 || text.data[i] == ':';
	}
	return text.len > 0;
}

/* resolv.conf(5): "nameserver ADDRESS", the keyword at the line's start. */
static void add_resolver(struct str line, struct buf *out)
{
	size_t end = 0;
	bool v6;

	if (!str_starts(line, STR("nameserver")))
		return;
	line = str_sub(line, 10, line.len);
	if (line.len == 0 || (line.data[0] != ' ' && line.data[0] != '\t'))
		return;
	line = str_trim(line);
	while (end < line.len && line.data[end] != ' ' && line.data[end] != '\t')
		end++;
	line.len = end;
	if (!is_address(line, &v6))
		return;
	buf_appendf(out, v6 ? "%s[%.*s]" : "%s%.*s", out->len ? " " : "", STR_ARGS(line));
}

static void read_resolvers(const struct reader *r, struct buf *out)
{
	struct buf text;

	if (read_file(r, "/etc/resolv.conf", "", "", &text))
		return;
	for (struct str rest = buf_str(&text); rest.len > 0;)
		add_resolver(take_until(&rest, '\n'), out);
	buf_fini(&text);
}

static void read_hostname(const struct reader *r, struct buf *out)
{
	char name[256] = "";
	struct buf text;

	if (read_file(r, "/proc/sys/kernel/hostname", "", "", &text) == 0) {
		buf_append_str(out, str_trim(buf_str(&text)));
		buf_fini(&text);
	} else if (sys_gethostname(name, sizeof(name) - 1) == 0) {
		buf_append_cstr(out, name);
	}
}

int machine_read(struct arena *arena, const char *root, struct machine *machine, struct err *err)
{
	/* Eight paths: not for the stack. */
	struct reader *r = arena_alloc(arena, sizeof(*r));
	struct buf resolvers;
	struct buf hostname;

	if (!r)
		return err_nomem(err);
	r->root = root;
	r->machine = machine;
	buf_init(&resolvers, RESOLVERS_MAX);
	buf_init(&hostname, RESOLVERS_MAX);
	read_paths(r);
	read_mounts(r);
	read_cpus(r);
	read_memory(r);
	read_resolvers(r, &resolvers);
	read_hostname(r, &hostname);
	machine->resolvers = arena_strndup(arena, buf_str(&resolvers));
	machine->hostname = arena_strndup(arena, buf_str(&hostname));
	buf_fini(&resolvers);
	buf_fini(&hostname);
	return machine->resolvers && machine->hostname ? 0 : err_nomem(err);
}
