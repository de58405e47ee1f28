#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "init/engine.h"

enum {
	/* More than a start uses of the stack. The kernel keeps a megabyte below it free
	 * (stack_guard_gap). */
	STACK_USED = 256 << 10,
	/* The frames below ours while the stack is dropped, with plenty of room. */
	STACK_KEPT = 1024,
};

/* src/husk.ld: what the loop uses stands together. Not there where that script is not used, and
 * then nothing is dropped. */
extern char husk_resident_code[] __attribute__((weak));
extern char husk_resident_code_end[] __attribute__((weak));
extern char husk_resident_constants[] __attribute__((weak));
extern char husk_resident_constants_end[] __attribute__((weak));
/* The linker's own: the file's first byte in memory. */
extern ElfW(Ehdr) __ehdr_start;

static char *round_down(char *address, size_t page)
{
	return address - (uintptr_t)address % page;
}

/*
 * The kernel maps files by windows of 64 KiB: the next instruction would bring that much back. But
 * a window ends where a mapping does, and advice that is not the neighbour's ends a mapping; that
 * it is also true (nothing is to be read ahead) does no harm.
 */
static void keep_alone(char *start, const char *end, size_t page)
{
	char *first = round_down(start, page);
	size_t size = (size_t)(end - first) + page - 1;

	(void)sys_madvise(first, size - size % page, MADV_RANDOM);
}

/* Code and constants come back from the file, page by page, if they are ever needed again. */
static void drop_program(size_t page)
{
	char *file = (char *)&__ehdr_start;
	const ElfW(Phdr) *segments = (const void *)(file + __ehdr_start.e_phoff);

	for (unsigned i = 0; i < __ehdr_start.e_phnum; i++) {
		const ElfW(Phdr) *segment = &segments[i];
		char *start = file + (segment->p_vaddr - segments[0].p_vaddr);
		char *end = start + segment->p_memsz;

		if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) != 0)
			continue;
		start = round_down(start, page);
		(void)sys_madvise(start, (size_t)(end - start), MADV_DONTNEED);
	}
}

/* What start-up used of the stack below our caller's frame. */
static void drop_stack(size_t page)
{
	char *frame = __builtin_frame_address(0);
	char *end = round_down(frame - STACK_KEPT, page);

	(void)sys_madvise(end - STACK_USED, STACK_USED, MADV_DONTNEED);
}

void init_settle(struct init *init)
{
	size_t page = getauxval(AT_PAGESZ);

	init->settle_at = SUPERVISE_NEVER;
	if (!husk_resident_code || page == 0)
		return;
	keep_alone(husk_resident_code, husk_resident_code_end, page);
	keep_alone(husk_resident_constants, husk_resident_constants_end, page);
	drop_program(page);
	drop_stack(page);
}
