#include "faults/world.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan/beneath.h"

static char root[256];

const char *world_path(const char *name)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
	return path;
}

static int put(const char *name, const char *text)
{
	FILE *file = fopen(world_path(name), "we");

	if (file == NULL)
		return -1;
	(void)fputs(text, file);
	return fclose(file);
}

static int make_folder(const char *name)
{
	return mkdir(world_path(name), 0755);
}

static int make_link(const char *target, const char *name)
{
	return symlink(target, world_path(name));
}

/* ---- what is read ---- */

/* Services that say when they are ready, and one that is asked. */
static int make_services(const char *child)
{
	char text[4096];

	(void)snprintf(text, sizeof(text),
		"version: 1\n"
		"services:\n"
		"  app: {command: [%s, ask-control, \"3000\", the-program]}\n",
		child);
	if (put("control.yaml", text) < 0)
		return -1;
	(void)snprintf(text, sizeof(text),
		"version: 1\n"
		"services: {app: {command: [%s, no-such-verb, the-program], log: prefix}}\n",
		child);
	if (put("log.yaml", text) < 0)
		return -1;
	(void)snprintf(text, sizeof(text),
		"version: 1\n"
		"services:\n"
		"  app:\n"
		"    command: [%s, steps, fork, orphan, exit=3, parent, \"send=MAINPID=%%c\", "
		"\"send=READY=1\", followed, exit=3, the-program]\n"
		"    ready: notify\n",
		child);
	if (put("notify.yaml", text) < 0)
		return -1;
	(void)snprintf(text, sizeof(text),
		"version: 1\n"
		"services:\n"
		"  app:\n"
		"    command: [%s, steps, dot=3, write=3, exit=3, the-program]\n"
		"    ready: fd:3\n"
		"    health: file:%s\n",
		child, root);
	if (put("newline.yaml", text) < 0)
		return -1;
	/* Numbers that husk's own pipes have when the service is started. */
	for (int n = 4; n <= 12; n++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "newline-%d.yaml", n);
		(void)snprintf(text, sizeof(text),
			"version: 1\n"
			"services:\n"
			"  app:\n"
			"    command: [%s, steps, dot=%d, write=%d, exit=3, the-program]\n"
			"    ready: fd:%d\n",
			child, n, n, n);
		if (put(name, text) < 0)
			return -1;
	}
	return 0;
}

static int make_configuration(const char *child)
{
	char text[4096];

	(void)snprintf(text, sizeof(text),
		"version: 1\n"
		"include: d/*.yaml\n"
		"grace: 5s\n"
		"env:\n"
		"  APP_ENV: production\n"
		"  PASSWORD: {secret: true, required: true}\n"
		"  PORT: {default: \"8080\", type: port}\n"
		"  MACHINE: {value: \"$HUSK_CPUS $HUSK_MEMORY_MIB $HUSK_HOSTNAME "
		"$HUSK_RESOLVERS\"}\n"
		"  JAVA_TOOL_OPTIONS: {append: [\"-Da=b c\"], fold: [JVM_OPTS]}\n"
		"  GONE: {unset: true}\n"
		"env_file: %s/a.env\n"
		"templates:\n"
		"- {from: %s/t, to: %s/out/plain, owner: \"%u\", mode: \"0640\", sync: true}\n"
		"- {from: %s/t, to: %s/out/checked, check: [%s, exit-n, \"0\"]}\n"
		"- {from: %s/t/a.template, to: %s/out/single/a}\n",
		root, root, root, (unsigned)getuid(), root, root, child, root, root);
	if (put("husk.yaml", text) < 0)
		return -1;
	(void)snprintf(text, sizeof(text),
		"services:\n"
		"  app:\n"
		"    command: [%s, exit-n, \"0\", the-program]\n"
		"    pass: [\"*\"]\n"
		"    cwd: %s/t\n"
		"    umask: \"027\"\n"
		"    nice: 19\n"
		"    limits: {nofile: 200}\n"
		"    stop: {signal: INT, timeout: 1s}\n",
		child, root);
	if (put("d/app.yaml", text) < 0)
		return -1;
	return make_services(child);
}

/* The same again for services that are reloaded, with an env_file of their own. */
static int make_reloaded(const char *child)
{
	char text[4096];

	(void)snprintf(text, sizeof(text),
		"version: 1\n"
		"grace: 5s\n"
		"env:\n"
		"  PASSWORD: {secret: true, required: true}\n"
		"  MACHINE: {value: m}\n"
		"env_file: %s/word.env\n"
		"templates:\n"
		"- {from: %s/t, to: %s/out/plain}\n"
		"- {from: %s/t, to: %s/out/checked, check: [%s, exit-n, \"0\"]}\n"
		"- {from: %s/t/a.template, to: %s/out/single/a}\n"
		"services:\n"
		"  app:\n"
		"    command: [%s, ask-reload, %s/word.env, the-program]\n"
		"    cwd: %s/t\n"
		"    umask: \"027\"\n"
		"    nice: 19\n"
		"    limits: {nofile: 200}\n"
		"    main: true\n"
		"    reload: {signal: HUP, watch: true}\n"
		"  again:\n"
		"    command: [%s, pause]\n"
		"    reload: restart\n",
		root, root, root, root, root, child, root, root, child, root, root, child);
	return put("reload.yaml", text);
}

int world_grow(void)
{
	/* Large enough for huge pages. */
	return truncate(world_path("large"), 9 << 20);
}

int world_make(const char *child)
{
	const char *base = getenv("TMPDIR");

	/* Thousands of runs, each with its fsyncs: memory is kinder than a disk. */
	(void)snprintf(root, sizeof(root), "/dev/shm/husk-faults.XXXXXX");
	if (mkdtemp(root) == NULL) {
		(void)snprintf(
			root, sizeof(root), "%s/husk-faults.XXXXXX", base == NULL ? "/tmp" : base);
		if (mkdtemp(root) == NULL)
			return -1;
	}
	if (make_folder("d") < 0 || make_folder("t") < 0 || make_folder("t/sub") < 0 ||
		make_configuration(child) < 0 || make_reloaded(child) < 0 ||
		put("word.env", "WORD=1\n") < 0 || put("a.env", "FROM_FILE=1\n") < 0 ||
		put("password", "hunter2\n") < 0 || put("script", "no program\n") < 0 ||
		put("t/a.template", "version ${VERSION} $MACHINE") < 0 ||
		put("t/c", "version copied") < 0 ||
		put("t/sub/d.template", "version ${VERSION}") < 0)
		return -1;
	if (put("large", "") < 0 || put("machine", "$HUSK_CPUS $HUSK_RESOLVERS") < 0)
		return -1;
	return chmod(world_path("script"), 0755);
}

void world_remove(void)
{
	(void)beneath_remove(AT_FDCWD, root);
}

/* ---- what is written ---- */

static int make_old(void)
{
	static const char *const folders[] = {"out", "out/plain", "out/plain/sub", "out/checked",
		"out/checked/..gen-old", "out/checked/..gen-old/sub", "out/checked/..gen-dead",
		"out/single"};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (make_folder(folders[i]) < 0)
			return -1;
	return put("out/plain/a", "version old") | put("out/plain/c", "version older") |
	       put("out/plain/sub/d", "version old") | put("out/single/a", "version old") |
	       put("out/checked/..gen-old/a", "version old") |
	       put("out/checked/..gen-old/c", "version older") |
	       put("out/checked/..gen-old/sub/d", "version old") |
	       make_link("..gen-old", "out/checked/..data") |
	       make_link("..data/a", "out/checked/a") | make_link("..data/c", "out/checked/c") |
	       make_link("..data/sub", "out/checked/sub") |
	       make_link("..data/gone", "out/checked/gone") | put("out/plain/..husk-dead-1", "") |
	       put("out/plain/sub/..husk-dead-2", "") | put("out/checked/..gen-dead/a", "");
}

void world_reset(bool fresh)
{
	if (beneath_remove(AT_FDCWD, world_path("out")) < 0 || (!fresh && make_old() < 0))
		abort();
}

static enum world_output look_at(const char *name)
{
	FILE *file = fopen(world_path(name), "re");
	char text[64] = "";

	if (file == NULL)
		return WORLD_ABSENT;
	if (fgets(text, sizeof(text), file) == NULL)
		text[0] = '\0';
	(void)fclose(file);
	if (strcmp(text, "version old") == 0 || strcmp(text, "version older") == 0)
		return WORLD_OLD;
	if (strncmp(text, "version new", 11) == 0 || strcmp(text, "version copied") == 0)
		return WORLD_NEW;
	return WORLD_BROKEN;
}

enum world_output world_look(enum world_set set)
{
	static const char *const folders[WORLD_SETS] = {"out/plain", "out/checked", "out/single"};
	static const char *const files[] = {"a", "c", "sub/d"};
	enum world_output first = WORLD_ABSENT;
	char name[64];

	for (size_t i = 0; i < (set == WORLD_SINGLE ? 1 : 3); i++) {
		(void)snprintf(name, sizeof(name), "%s/%s", folders[set], files[i]);
		enum world_output this = look_at(name);
		if (i == 0)
			first = this;
		if (this != first)
			return WORLD_BROKEN;
	}
	return first;
}

bool world_is_filled(const char *name)
{
	FILE *file = fopen(world_path(name), "re");
	char text[512] = "";

	if (file == NULL)
		return false;
	if (fgets(text, sizeof(text), file) == NULL)
		text[0] = '\0';
	(void)fclose(file);
	return text[0] != '\0' && strchr(text, '$') == NULL;
}

static bool is_litter(const char *folder, const char *name, bool mine)
{
	char path[64], current[PATH_MAX] = "";
	ssize_t len;

	if (name[0] != '.' || name[1] != '.' || name[2] == '\0' || strcmp(name, "..data") == 0)
		return false;
	if (mine && strstr(name, "-dead") != NULL)
		return false;
	(void)snprintf(path, sizeof(path), "%s/..data", folder);
	len = readlink(world_path(path), current, sizeof(current) - 1);
	return len <= 0 || strcmp(current, name) != 0;
}

const char *world_litter(bool mine)
{
	static const char *const folders[] = {
		"out", "out/plain", "out/plain/sub", "out/checked", "out/single"};
	static char found[512];

	found[0] = '\0';
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		DIR *dir = opendir(world_path(folders[i]));
		struct dirent *entry;

		while (dir != NULL && (entry = readdir(dir)) != NULL)
			if (is_litter(folders[i], entry->d_name, mine))
				(void)snprintf(
					found, sizeof(found), "%s/%s", folders[i], entry->d_name);
		if (dir != NULL)
			(void)closedir(dir);
	}
	return found;
}
