#include "proc/binary.h"

#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"

enum {
	HEAD_MAX = 4096,      /* program headers stand right behind the ELF header */
	SCRIPT_LINE_MAX = 256 /* what the kernel reads of a #! line */
};

static const struct {
	uint16_t machine;
	const char *name;
} machines[] = {
	{EM_386, "i686"},
	{EM_AARCH64, "aarch64"},
	{EM_ARM, "armv7l"},
	{EM_PPC64, "ppc64le"},
	{EM_RISCV, "riscv64"},
	{EM_S390, "s390x"},
	{EM_X86_64, "x86_64"},
};

static const struct {
	struct str magic;
	const char *name;
} foreign[] = {
	{{"MZ", 2}, "a Windows program"},
	{{"\xcf\xfa\xed\xfe", 4}, "a macOS program"},
	{{"\xca\xfe\xba\xbe", 4}, "a Java class or a macOS program"},
	{{"PK\x03\x04", 4}, "a zip or jar file (java -jar runs one)"},
	{{"\x1f\x8b", 2}, "a gzip file"},
};

static void copy_path(char out[PATH_MAX], struct str path)
{
	size_t size = path.len < PATH_MAX ? path.len : PATH_MAX - 1;

	memcpy(out, path.data, size);
	out[size] = '\0';
}

/* The word behind "#!". A carriage return is part of it, as for the kernel. */
static void read_script(struct binary *binary, struct str head)
{
	const char *end = memchr(head.data, '\n', head.len);
	struct str line = str_sub(head, 2, SCRIPT_LINE_MAX);
	size_t len = 0;

	if (end && (size_t)(end - line.data) < line.len)
		line.len = (size_t)(end - line.data);
	while (line.len > 0 && (*line.data == ' ' || *line.data == '\t'))
		line = str_sub(line, 1, line.len);
	while (len < line.len && !strchr(" \t", line.data[len]))
		len++;
	copy_path(binary->needs, str_sub(line, 0, len));
}

/* Only the machine's own word size can be run here: a 32-bit file's loader is not looked for. */
static void read_loader(struct binary *binary, struct str head, const Elf64_Ehdr *elf)
{
	for (uint64_t i = 0; i < elf->e_phnum; i++) {
		uint64_t at = elf->e_phoff + i * sizeof(Elf64_Phdr);
		Elf64_Phdr program;

		if (at > head.len || head.len - at < sizeof(program))
			return;
		memcpy(&program, head.data + at, sizeof(program));
		if (program.p_type != PT_INTERP)
			continue;
		struct str path = str_sub(head, program.p_offset, program.p_filesz);
		copy_path(binary->needs, str_sub(path, 0, strnlen(path.data, path.len)));
		return;
	}
}

static void read_elf(struct binary *binary, struct str head)
{
	Elf64_Ehdr elf = {0};

	/* e_machine stands at the same place in both classes. */
	memcpy(&elf, head.data, head.len < sizeof(elf) ? head.len : sizeof(elf));
	binary->machine = "an unknown machine";
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		if (machines[i].machine == elf.e_machine)
			binary->machine = machines[i].name;
	}
	binary->machine_fits = strcmp(binary->machine, binary->own_machine) == 0;
	if (elf.e_ident[EI_CLASS] == ELFCLASS64 && head.len >= sizeof(elf))
		read_loader(binary, head, &elf);
}

static void read_other(struct binary *binary, struct str head)
{
	binary->kind = BINARY_TEXT;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		if (str_starts(head, foreign[i].magic)) {
			binary->kind = BINARY_FOREIGN;
			binary->machine = foreign[i].name;
		}
	}
}

static ssize_t read_head(const char *path, char head[HEAD_MAX])
{
	int fd = sys_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	ssize_t size = -1;
	struct stat st;

	if (fd >= 0 && sys_fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		size = sys_read(fd, head, HEAD_MAX);
	fd_close(&fd);
	return size;
}

void binary_read(struct binary *binary, const char *path)
{
	char text[HEAD_MAX];
	ssize_t size = read_head(path, text);
	struct str head = {text, size > 0 ? (size_t)size : 0};
	struct utsname machine;

	*binary = (struct binary){.kind = size < 0 ? BINARY_UNREADABLE : BINARY_EMPTY};
	if (head.len == 0)
		return;
	if (sys_uname(&machine) == 0)
		(void)memcpy(binary->own_machine, machine.machine, sizeof(machine.machine));
	if (str_starts(head, STR("#!"))) {
		binary->kind = BINARY_SCRIPT;
		read_script(binary, head);
	} else if (str_starts(head, STR(ELFMAG))) {
		binary->kind = BINARY_ELF;
		read_elf(binary, head);
	} else {
		read_other(binary, head);
	}
}
