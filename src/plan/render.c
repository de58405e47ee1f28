#include "plan/render.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/format.h"
#include "base/sys.h"
#include "plan/render_file.h"
#include "plan/stage.h"
#include "plan/user.h"

enum { RENDER_ARENA_MAX = 512 << 20 };

/* Every target of every set so far: open addressing, a power of two. */
struct targets {
	struct tree_entry **slots;
	size_t cap;
	size_t count;
};

struct run {
	struct env *env;
	struct arena *arena; /* all sets' trees */
	struct render_file *file;
	struct targets targets;
	struct render_report *report;
};

/* One set, made ready. */
struct job {
	const struct plan_templates *set;
	const char *from;
	const char *to;     /* as it is written */
	const char *folder; /* where the files go: `to`, or the folder that the one file is in */
	const char *suffix;
	bool to_folder; /* `to` says that it is one */
	bool checked;
	bool owned;
	struct user owner;
	struct template_scope scope;
	struct tree tree;
	struct stage stage;
	bool staged; /* stage_fini is due */
};

/* ---- what is ready before anything is written ---- */

/* Gives an error that has no place the configuration's. */
static int place_error(const struct plan_place *place, struct err *err)
{
	if (err == NULL || place->file == NULL || err->file[0] != '\0')
		return -1;
	format_text(err->file, sizeof(err->file), "%s", place->file);
	err->line = place->line;
	err->column = place->column;
	return -1;
}

/* The slot that holds the path, or the empty one where it belongs. */
static struct tree_entry **find_slot(const struct targets *targets, const char *path)
{
	size_t i = (size_t)str_hash(STR_HASH, str_from(path)) & (targets->cap - 1);

	while (targets->slots[i] != NULL && strcmp(targets->slots[i]->path, path) != 0)
		i = (i + 1) & (targets->cap - 1);
	return &targets->slots[i];
}

static int grow(struct targets *targets, struct err *err)
{
	struct targets larger = {.cap = targets->cap == 0 ? 256 : targets->cap * 2};
	size_t i;

	larger.slots = calloc(larger.cap, sizeof(struct tree_entry *));
	if (larger.slots == NULL)
		return err_nomem(err);
	for (i = 0; i < targets->cap; i++)
		if (targets->slots[i] != NULL)
			*find_slot(&larger, targets->slots[i]->path) = targets->slots[i];
	larger.count = targets->count;
	free(targets->slots);
	*targets = larger;
	return 0;
}

static int add_target(struct targets *targets, struct tree_entry *entry, struct err *err)
{
	struct tree_entry **slot;

	if (targets->count >= targets->cap / 2 && grow(targets, err) < 0)
		return -1;
	slot = find_slot(targets, entry->path);
	if (*slot != NULL)
		return err_set(err, ERR_CONFIG,
			"two template sources give the same target %s: "
			"%s and %s",
			entry->path, (*slot)->source, entry->source);
	*slot = entry;
	targets->count++;
	return 0;
}

/* Without doubled and trailing slashes, and without "/./": so that equal places are equal. */
static void tidy(char *path)
{
	char *out = path;
	const char *in = path;

	while (*in != '\0') {
		if (in[0] == '/' &&
			(in[1] == '/' || (in[1] == '.' && (in[2] == '/' || in[2] == '\0'))))
			in += in[1] == '/' ? 1 : 2;
		else
			*out++ = *in++;
	}
	if (out == path && in != path)
		*out++ = '/';
	else if (out > path + 1 && out[-1] == '/')
		out--;
	*out = '\0';
}

static int expand_path(
	struct run *run, const struct plan_text *text, const char **path, struct err *err)
{
	bool secret = false;
	const char *value = text->text;
	char *copy;

	if (text->place.file != NULL && env_expand(run->env, text, &value, &secret, err) < 0)
		return place_error(&text->place, err);
	/* A path stands in messages and in the file system, for everybody to see. */
	if (secret || *value == '\0' || strlen(value) >= PATH_MAX) {
		err_set(err, ERR_CONFIG,
			secret ? "a secret must not be a part of a path"
			       : "the path is empty or too long");
		return place_error(&text->place, err);
	}
	copy = arena_strdup(run->arena, value);
	*path = copy;
	return copy == NULL ? err_nomem(err) : 0;
}

/* The end of names. */
static int expand_suffix(
	struct run *run, const struct plan_text *text, const char **suffix, struct err *err)
{
	bool secret = false;
	const char *value = text->text;

	if (text->place.file != NULL && env_expand(run->env, text, &value, &secret, err) < 0)
		return place_error(&text->place, err);
	if (secret || strchr(value, '/') != NULL) {
		err_set(err, ERR_CONFIG,
			secret ? "a secret must not be a part of a name" : "a suffix has no /");
		return place_error(&text->place, err);
	}
	*suffix = value;
	return 0;
}

static bool is_same_folder(const char *a, const char *b)
{
	struct stat x;
	struct stat y;

	return sys_fstatat(AT_FDCWD, a, &x, 0) == 0 && sys_fstatat(AT_FDCWD, b, &y, 0) == 0 &&
	       S_ISDIR(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Where one file goes: into `to` where that is a folder or ends with a slash, else to `to`. */
static int aim_single(struct run *run, struct job *job, struct err *err)
{
	struct tree_entry *entry = job->tree.first;
	struct stat st;
	const char *slash;

	if (job->to_folder || (sys_fstatat(AT_FDCWD, job->to, &st, 0) == 0 && S_ISDIR(st.st_mode)))
		return 0;
	slash = strrchr(job->to, '/');
	entry->target = entry->name = slash == NULL ? job->to : slash + 1;
	if (slash == NULL)
		job->folder = ".";
	else if (slash == job->to)
		job->folder = "/";
	else
		job->folder =
			arena_strndup(run->arena, (struct str){job->to, (size_t)(slash - job->to)});
	return job->folder == NULL ? err_nomem(err) : 0;
}

static int name_targets(struct run *run, struct job *job, struct err *err)
{
	const char *slash = strcmp(job->folder, "/") == 0 ? "" : "/";
	bool here = strcmp(job->folder, ".") == 0;
	struct tree_entry *entry;
	char path[PATH_MAX];

	for (entry = job->tree.first; entry != NULL; entry = entry->next) {
		if (format_text(path, sizeof(path), "%s%s%s", here ? "" : job->folder,
			    here ? "" : slash, entry->target) >= PATH_MAX)
			return err_set(err, ERR_CONFIG, "the path of %s in %s is too long",
				entry->target, job->to);
		entry->path = arena_strdup(run->arena, path);
		if (entry->path == NULL)
			return err_nomem(err);
		if (!entry->folder && add_target(&run->targets, entry, err) < 0)
			return -1;
	}
	return 0;
}

/* Two sets with a check cannot both own the `..data` of one folder. */
static int claim_data(struct run *run, struct job *job, struct err *err)
{
	struct tree_entry *data;
	char path[PATH_MAX + 8];

	format_text(path, sizeof(path), "%s/..data", job->to);
	data = arena_alloc(run->arena, sizeof(*data));
	if (data == NULL)
		return err_nomem(err);
	data->path = arena_strdup(run->arena, path);
	data->source = job->from;
	if (data->path == NULL)
		return err_nomem(err);
	return add_target(&run->targets, data, err);
}

static int prepare_paths(struct run *run, struct job *job, struct err *err)
{
	const struct plan_templates *set = job->set;
	char *to;

	if (expand_path(run, &set->from, &job->from, err) < 0 ||
		expand_path(run, &set->to, &job->to, err) < 0 ||
		expand_suffix(run, &set->suffix, &job->suffix, err) < 0)
		return -1;
	job->to_folder = job->to[strlen(job->to) - 1] == '/';
	to = arena_strdup(run->arena, job->to);
	if (to == NULL)
		return err_nomem(err);
	tidy(to);
	job->to = job->folder = to;
	return 0;
}

/* The files that it reads. */
static int prepare_tree(struct run *run, struct job *job, struct err *err)
{
	bool templates_only = job->set->others == PLAN_OTHERS_SKIP ||
			      (*job->suffix != '\0' && is_same_folder(job->from, job->to));

	return tree_walk(&job->tree, run->arena, job->from, job->suffix, templates_only, err);
}

static int prepare(struct run *run, struct job *job, struct err *err)
{
	const struct plan_templates *set = job->set;

	job->checked = set->check.count > 0;
	if (set->owner.text != NULL) {
		job->owned = true;
		if (user_find("", set->owner.text, &job->owner, err) < 0)
			return place_error(&set->owner.place, err);
	}
	if (env_scope(run->env, &set->only, &job->scope, err) < 0)
		return -1;
	if (prepare_tree(run, job, err) < 0)
		return err != NULL && err->errnum == ENOENT ? place_error(&set->from.place, err)
							    : -1;
	if (job->tree.single && aim_single(run, job, err) < 0)
		return -1;
	if (job->checked && !job->tree.single && claim_data(run, job, err) < 0)
		return -1;
	run->file->set = set;
	run->file->scope = &job->scope;
	return name_targets(run, job, err);
}

static int start(struct run *run, struct env *env, struct render_report *report, struct err *err)
{
	memset(run, 0, sizeof(*run));
	run->env = env;
	run->report = report;
	run->arena = arena_new(RENDER_ARENA_MAX);
	run->file = render_file_new();
	return run->arena == NULL || run->file == NULL ? err_nomem(err) : 0;
}

static void finish(struct run *run)
{
	free(run->targets.slots);
	render_file_free(run->file);
	arena_free(run->arena);
}

static void count(struct run *run)
{
	if (run->report == NULL)
		return;
	run->report->files++;
	run->report->bytes += run->file->bytes;
	if (run->file->rendered)
		run->report->rendered++;
}

/* ---- writing ---- */

static int scan(struct run *run, const struct job *job, const struct tree_entry *entry, int fd,
	struct err *err)
{
	struct str result;

	if (!job->checked || job->tree.single)
		return 0;
	if (render_file_result(run->file, fd, &result, err) < 0)
		return -1;
	return render_file_scan(&job->tree, entry, job->to, result, err);
}

static int write_entry(struct run *run, struct job *job, struct stage *stage,
	struct tree_entry *entry, struct err *err)
{
	int fd;

	if (entry->folder)
		return stage_folder(stage, entry, err);
	if (stage_file(stage, entry, &fd, err) < 0)
		return -1;
	err_clear(err);
	if (render_file_run(run->file, entry, fd, err) < 0 || scan(run, job, entry, fd, err) < 0) {
		/* The target's own trouble: say whose and where. */
		if (err != NULL && err->errnum != 0 && err->errnum != ENOMEM)
			stage_error("write", entry->path, err->errnum, err);
		fd_close(&fd);
		return -1;
	}
	if (stage_finish(stage, entry, &fd, run->file->mode, err) < 0)
		return -1;
	count(run);
	return 0;
}

static int run_check(struct run *run, const struct job *job, const struct stage *stage,
	const struct render_runner *runner, struct err *err)
{
	bool secret = false;
	char staged[PATH_MAX + STAGE_NAME_MAX];
	char **argv;

	format_text(staged, sizeof(staged), "%s%s%s", job->folder,
		strcmp(job->folder, "/") == 0 ? "" : "/", stage->generation_name);
	if (env_set_builtin(run->env, "HUSK_STAGED", staged, err) < 0 ||
		env_expand_list(run->env, &job->set->check, &argv, &secret, err) < 0)
		return -1;
	if (secret) {
		err_set(err, ERR_CONFIG,
			"a secret in `check`: any process may read a command's arguments");
		return place_error(&job->set->check.items[0].place, err);
	}
	if (runner->run(runner->arg, argv, err) == 0)
		return 0;
	/* A check that cannot be run is a wrong configuration, not a program that is missing. */
	if (err != NULL && err->code != ERR_INTERNAL)
		err->code = ERR_CONFIG;
	return err_wrap(err, "the check of %s refused it, nothing was changed", job->to);
}

/* All of it made and checked, and nothing in its place. */
static int stage_set(
	struct run *run, struct job *job, const struct render_runner *runner, struct err *err)
{
	mode_t mode = job->tree.single ? 0755 : job->tree.mode;
	struct stage *stage = &job->stage;
	struct tree_entry *entry;

	stage_init(stage, run->arena, &job->tree, job->folder);
	job->staged = true;
	stage->sync = job->set->sync;
	stage->owned = job->owned;
	stage->uid = job->owner.uid;
	stage->gid = job->owner.has_gid ? job->owner.gid : (gid_t)-1;
	if (stage_open(stage, mode, job->checked, err) < 0 ||
		(job->checked && stage_generation(stage, mode, err) < 0))
		return -1;
	for (entry = job->tree.first; entry != NULL; entry = entry->next)
		if (write_entry(run, job, stage, entry, err) < 0)
			return -1;
	if (!env_is_whole(run->env))
		return err_nomem(err);
	return job->checked ? run_check(run, job, stage, runner, err) : 0;
}

/* Those staged, in order; where one cannot be, stage_fini takes those before it back. */
static int publish(struct job *jobs, size_t count, struct err *err)
{
	size_t i;

	for (i = 0; i < count; i++)
		if ((jobs[i].checked ? stage_publish(&jobs[i].stage, err)
				     : stage_commit(&jobs[i].stage, err)) < 0)
			return -1;
	for (i = 0; i < count; i++)
		stage_settle(&jobs[i].stage);
	return 0;
}

/* The last one first: it may stand on what another one has made. */
static void close_stages(struct job *jobs, size_t count)
{
	while (count-- > 0)
		if (jobs[count].staged)
			stage_fini(&jobs[count].stage);
}

/* Whether one of `jobs` may render what `next` reads. */
static bool is_source(const struct job *jobs, size_t count, const struct job *next)
{
	char from[PATH_MAX];
	size_t i;

	format_text(from, sizeof(from), "%s", next->from);
	tidy(from);
	for (i = 0; i < count; i++) {
		size_t len = strlen(jobs[i].to);

		if (strncmp(from, jobs[i].to, len) == 0 && (from[len] == '/' || from[len] == '\0'))
			return true;
	}
	return false;
}

/* As many sets as can be one, from the first on: how many, or -1. */
static ssize_t render_some(struct run *run, struct job *jobs, size_t count, bool together,
	const struct render_runner *runner, struct err *err)
{
	ssize_t result = -1;
	size_t i;

	for (i = 0; i < count && (i == 0 || together); i++) {
		if (jobs[i].from == NULL && prepare_paths(run, &jobs[i], err) < 0)
			goto out;
		/* What it reads is not there yet. */
		if (is_source(jobs, i, &jobs[i]))
			break;
		if (prepare(run, &jobs[i], err) < 0 || stage_set(run, &jobs[i], runner, err) < 0)
			goto out;
		/* Descriptors are few. */
		fd_close(&jobs[i].stage.dir);
	}
	if (publish(jobs, i, err) == 0)
		result = (ssize_t)i;
out:
	close_stages(jobs, count);
	return result;
}
static int render(const struct plan *plan, struct env *env, bool together,
	const struct render_runner *runner, struct render_report *report, struct err *err)
{
	size_t count = plan->template_count;
	struct job *jobs = NULL;
	ssize_t done = -1;
	struct run run;
	size_t i;

	if (start(&run, env, report, err) < 0)
		goto out;
	jobs = arena_array(run.arena, count, sizeof(*jobs));
	if (jobs == NULL) {
		err_nomem(err);
		goto out;
	}
	for (i = 0; i < count; i++)
		jobs[i].set = &plan->templates[i];
	for (i = 0; i < count; i += (size_t)done) {
		done = render_some(&run, jobs + i, count - i, together, runner, err);
		if (done < 0)
			break;
	}
out:
	finish(&run);
	return done < 0 ? -1 : 0;
}

int render_all(const struct plan *plan, struct env *env, const struct render_runner *runner,
	struct render_report *report, struct err *err)
{
	return plan->template_count == 0 ? 0 : render(plan, env, false, runner, report, err);
}

int render_together(const struct plan *plan, struct env *env, const struct render_runner *runner,
	struct render_report *report, struct err *err)
{
	return plan->template_count == 0 ? 0 : render(plan, env, true, runner, report, err);
}

int render_sources(struct env *env, const struct plan_templates *set, struct arena *arena,
	const char **from, struct tree *tree, struct err *err)
{
	struct run run = {.env = env, .arena = arena};
	struct job job = {.set = set};
	int result = prepare_paths(&run, &job, err);

	*from = job.from;
	if (result == 0)
		result = prepare_tree(&run, &job, err);
	*tree = job.tree;
	return result;
}

/* ---- checking ---- */

/* The set's scope, with the observer's ear. */
struct listener {
	const struct template_scope *scope;
	const struct render_observer *observer;
};

static bool selected(void *arg, struct str name)
{
	const struct listener *listener = arg;

	return listener->scope->selected(listener->scope->arg, name);
}

static bool lookup(void *arg, struct str name, struct template_value *value)
{
	const struct listener *listener = arg;

	return listener->scope->lookup(listener->scope->arg, name, value);
}

static void kept(void *arg, const char *file, unsigned line, unsigned column, struct str text)
{
	const struct listener *listener = arg;

	listener->observer->kept(listener->observer->arg, file, line, column, text);
}

static int check_file(struct run *run, const struct job *job, const struct tree_entry *entry,
	const struct render_observer *observer, struct err *err)
{
	if (render_file_run(run->file, entry, -1, err) < 0 || scan(run, job, entry, -1, err) < 0)
		return -1;
	count(run);
	if (observer != NULL && observer->file != NULL)
		observer->file(observer->arg, entry->source, entry->path, run->file->mode,
			run->file->rendered, run->file->secret);
	return 0;
}

/* An error that finds no room in the list is counted by it; `spare` takes it. */
static struct err *place_for(struct err_list *errors, struct err *spare)
{
	struct err *err = err_list_add(errors);

	return err == NULL ? spare : err;
}

static void check_set(struct run *run, struct job *job, const struct render_observer *observer,
	struct err_list *errors)
{
	struct listener listener = {&job->scope, observer};
	struct template_scope scope = {.arg = &listener, .selected = selected, .lookup = lookup};
	struct tree_entry *entry;
	struct err err;
	struct err spare;

	if (prepare_paths(run, job, &err) < 0 || prepare(run, job, &err) < 0) {
		*place_for(errors, &spare) = err;
		return;
	}
	if (observer != NULL && observer->kept != NULL) {
		scope.kept = kept;
		run->file->scope = &scope;
	}
	if (observer != NULL && observer->set != NULL)
		observer->set(observer->arg, job->set, job->from, job->to, job->tree.files);
	for (entry = job->tree.first; entry != NULL; entry = entry->next)
		if (!entry->folder && check_file(run, job, entry, observer, &err) < 0)
			*place_for(errors, &spare) = err;
}

int render_check(const struct plan *plan, struct env *env, const struct render_observer *observer,
	struct render_report *report, struct err_list *errors)
{
	unsigned before = errors->count + errors->dropped;
	struct run run;
	struct err spare;
	size_t i;

	if (start(&run, env, report, &spare) < 0)
		*place_for(errors, &spare) = spare;
	else
		for (i = 0; i < plan->template_count; i++) {
			struct job job = {.set = &plan->templates[i]};

			check_set(&run, &job, observer, errors);
		}
	finish(&run);
	return errors->count + errors->dropped == before ? 0 : -1;
}
