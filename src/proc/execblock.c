#include "proc/execblock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

/* "husk" and the layout's number. */
#define MAGIC UINT64_C(0x6b73756800000001)

/* Offsets are from the beginning of the block; 0: none. */
struct entry {
	uint32_t path;
	uint32_t cwd;
	uint32_t argv; /* of `argc` slots and an empty one */
	uint32_t argc;
	uint32_t envp;
	uint32_t envc;
	uint32_t listen_pid;
	uint32_t spare;
};

/* Then the entries, then slots, then strings to the end. */
struct header {
	uint64_t magic;
	uint32_t size;
	uint32_t count;
};

/* An offset that becomes a pointer. */
union slot {
	uintptr_t offset;
	char *pointer;
};

/* ---- writing ---- */

/* Strings that stand in the block: open addressing, a power of two. By what they are and not where,
 * so that equal specs make equal blocks. */
struct known {
	const char **strings;
	uint32_t *offsets;
	size_t size;
};

struct maker {
	struct buf *out;
	struct known known;
	size_t slot; /* the next one's offset */
};

static void add_zeros(struct buf *out, size_t size)
{
	static const char zeros[256];

	for (size_t part; size > 0 && !out->failed; size -= part) {
		part = size < sizeof(zeros) ? size : sizeof(zeros);
		(void)buf_append(out, zeros, part);
	}
}

static size_t count_strings(char *const *list)
{
	size_t count = 0;

	while (list[count])
		count++;
	return count;
}

static int known_init(struct known *known, size_t strings)
{
	known->size = 16;
	while (known->size < strings * 2)
		known->size *= 2;
	known->strings = calloc(known->size, sizeof(*known->strings));
	known->offsets = calloc(known->size, sizeof(*known->offsets));
	return known->strings && known->offsets ? 0 : -1;
}

static size_t known_find(const struct known *known, struct str string)
{
	size_t i = (size_t)str_hash(STR_HASH, string) & (known->size - 1);

	while (known->strings[i] && !str_eq_cstr(string, known->strings[i]))
		i = (i + 1) & (known->size - 1);
	return i;
}

static uint32_t add_string(struct maker *maker, const char *string)
{
	struct str text = str_from(string);
	size_t i = known_find(&maker->known, text);

	if (!string)
		return 0;
	if (!maker->known.strings[i]) {
		maker->known.strings[i] = string;
		maker->known.offsets[i] = (uint32_t)maker->out->len;
		(void)buf_append(maker->out, string, text.len + 1);
	}
	return maker->known.offsets[i];
}

/* With room for a pid, which is nobody else's. */
static uint32_t add_listen_pid(struct maker *maker, const char *string)
{
	size_t offset = maker->out->len;

	(void)buf_append(maker->out, string, strlen(string) + 1);
	add_zeros(maker->out, LAUNCH_PID_SIZE);
	return (uint32_t)offset;
}

static uint32_t add_list(
	struct maker *maker, char *const *list, struct launch_spec const *spec, struct entry *entry)
{
	uint32_t first = (uint32_t)maker->slot;

	for (; *list; list++) {
		/* The variable that it is the value of. */
		bool is_pid = spec->listen_pid && spec->listen_pid > *list &&
			      spec->listen_pid <= *list + strlen(*list);
		union slot slot = {.offset = 0};

		slot.offset = is_pid ? add_listen_pid(maker, *list) : add_string(maker, *list);
		if (is_pid)
			entry->listen_pid =
				(uint32_t)(slot.offset + (size_t)(spec->listen_pid - *list));
		if (!maker->out->failed)
			memcpy(maker->out->data + maker->slot, &slot, sizeof(slot));
		maker->slot += sizeof(slot);
	}
	maker->slot += sizeof(union slot);
	return first;
}

static void add_spec(struct maker *maker, const struct launch_spec *spec, unsigned index)
{
	struct entry entry = {.argc = (uint32_t)count_strings(spec->argv),
		.envc = (uint32_t)count_strings(spec->envp)};

	entry.path = add_string(maker, spec->path);
	entry.cwd = add_string(maker, spec->cwd);
	entry.argv = add_list(maker, spec->argv, spec, &entry);
	entry.envp = add_list(maker, spec->envp, spec, &entry);
	if (!maker->out->failed)
		memcpy(maker->out->data + sizeof(struct header) + index * sizeof(entry), &entry,
			sizeof(entry));
}

int execblock_make(
	struct buf *out, const struct launch_spec *const specs[], unsigned count, struct err *err)
{
	struct header header = {.magic = MAGIC, .count = count};
	struct maker maker = {.out = out};
	size_t slots = 0;
	int result = -1;

	for (unsigned i = 0; i < count; i++)
		slots += count_strings(specs[i]->argv) + count_strings(specs[i]->envp) + 2;
	maker.slot = sizeof(header) + count * sizeof(struct entry);
	/* Of path and cwd too. */
	if (known_init(&maker.known, slots + (size_t)2 * count) < 0)
		goto out;
	add_zeros(out, maker.slot + slots * sizeof(union slot));
	for (unsigned i = 0; i < count && !out->failed; i++)
		add_spec(&maker, specs[i], i);
	if (out->failed)
		goto out;
	header.size = (uint32_t)out->len;
	memcpy(out->data, &header, sizeof(header));
	result = 0;
out:
	free(maker.known.strings);
	free(maker.known.offsets);
	return result < 0 ? err_nomem(err) : 0;
}

int execblock_write(int fd, struct str block, struct err *err)
{
	if (fd_write_all(fd, block.data, block.len) < 0 || sys_seal(fd) < 0)
		return err_set_errno(err, ERR_INTERNAL, errno, "cannot keep the new environment");
	return 0;
}

/* ---- reading ---- */

/* The file's size where it can be a block, else 0. */
static size_t size_of(int fd)
{
	struct stat st;

	if (sys_fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(struct header) ||
		st.st_size > EXECBLOCK_MAX)
		return 0;
	return (size_t)st.st_size;
}

bool execblock_holds(int fd, struct str block)
{
	void *data = size_of(fd) == block.len ? sys_map_file(fd, block.len) : NULL;
	bool same = data && memcmp(data, block.data, block.len) == 0;

	if (data)
		(void)sys_unmap(data, block.len);
	return same;
}

bool execblock_is_sealed(int fd, uint64_t size)
{
	return size != 0 && size_of(fd) == size && sys_is_sealed(fd) == 1;
}

/* The slots become pointers; NULL where one leads out of the block. */
static char **relocate(char *block, size_t size, uint32_t offset, uint32_t count)
{
	union slot *slots;

	if (offset % sizeof(*slots) != 0 || offset > size ||
		(size - offset) / sizeof(*slots) <= count)
		return NULL;
	slots = (void *)(block + offset);
	for (uint32_t i = 0; i < count; i++) {
		if (slots[i].offset == 0 || slots[i].offset >= size)
			return NULL;
		slots[i].pointer = block + slots[i].offset;
	}
	slots[count].pointer = NULL;
	return &slots[0].pointer;
}

/* Strings end where the block does, at the latest. */
static bool apply(char *block, size_t size, unsigned index, struct launch_spec *spec)
{
	const struct header *header = (void *)block;
	const struct entry *entry = (void *)(block + sizeof(*header));
	char **argv, **envp;

	if (header->magic != MAGIC || header->size != size || index >= header->count ||
		header->count > (size - sizeof(*header)) / sizeof(*entry) ||
		block[size - 1] != '\0')
		return false;
	entry += index;
	if (entry->path == 0 || entry->path >= size || entry->cwd >= size || entry->argc == 0 ||
		entry->listen_pid > size - LAUNCH_PID_SIZE)
		return false;
	argv = relocate(block, size, entry->argv, entry->argc);
	envp = relocate(block, size, entry->envp, entry->envc);
	if (!argv || !envp)
		return false;
	spec->path = block + entry->path;
	spec->cwd = entry->cwd != 0 ? block + entry->cwd : NULL;
	spec->argv = argv;
	spec->envp = envp;
	spec->listen_pid = entry->listen_pid != 0 ? block + entry->listen_pid : NULL;
	return true;
}

bool execblock_apply(int fd, unsigned index, struct launch_spec *spec)
{
	size_t size = size_of(fd);
	void *block = size != 0 ? sys_map_copy(fd, size) : NULL;

	if (!block)
		return false;
	if (apply(block, size, index, spec))
		return true;
	(void)sys_unmap(block, size);
	return false;
}
