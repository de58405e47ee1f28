#include "pid1/pid1.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A folder for one test, as it is named in husk's mount namespace too. */
static char folder[256];
static char program[300];

static void make_folder(void)
{
	const char *parent = getenv("TMPDIR");

	(void)snprintf(folder, sizeof(folder), "%s/husk-exec-XXXXXX", parent ? parent : "/tmp");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0755), 0);
	(void)snprintf(program, sizeof(program), "%s/program", folder);
}

static void remove_folder(void)
{
	(void)unlink(program);
	assert_int_equal(rmdir(folder), 0);
	folder[0] = '\0';
}

/* A failed test leaves its folder to this. */
static int tear_down(void **state)
{
	if (folder[0] != '\0') {
		(void)unlink(program);
		(void)rmdir(folder);
		folder[0] = '\0';
	}
	return pid1_tear_down(state);
}

static void write_program(const void *data, size_t size, mode_t mode)
{
	int fd = open(program, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void expect_refused(struct pid1 *pid1, const struct pid1_options *options, const char *path,
	int status, const char *message)
{
	pid1_start(pid1, options, WORDS("--", path));
	assert_int_equal(pid1_end(pid1), status);
	if (!strstr(pid1->errors, message))
		fail_msg("\"%s\" is not in: %s", message, pid1->errors);
}

static void expect_program(struct pid1 *pid1, int status, const char *message)
{
	expect_refused(pid1, NULL, program, status, message);
	remove_folder();
}

static void test_missing_file_127_named(void **state)
{
	expect_refused(*state, NULL, "/no/such/program", 127,
		"husk: cannot run /no/such/program: it does not exist\n");
}

static void test_missing_in_path_127_path_named(void **state)
{
	expect_refused(*state, NULL, "no-such-program", 127,
		"no-such-program: not found in PATH (/usr/bin:/bin)");
}

static void test_dangling_link_127_target_named(void **state)
{
	make_folder();
	assert_int_equal(symlink("/no/where", program), 0);
	expect_program(*state, 127, "it is a link to /no/where, which does not exist");
}

static void test_missing_interpreter_127_named(void **state)
{
	static const char script[] = "#! /no/such/sh -e\necho\n";

	make_folder();
	write_program(script, sizeof(script) - 1, 0755);
	expect_program(*state, 127, "its interpreter /no/such/sh does not exist");
}

static void test_interpreter_with_carriage_return_127_said(void **state)
{
	static const char script[] = "#!/bin/sh\r\necho\r\n";

	make_folder();
	write_program(script, sizeof(script) - 1, 0755);
	expect_program(*state, 127, "carriage return");
}

static void test_interpreter_is_a_directory_126_named(void **state)
{
	static const char script[] = "#!/usr\n";

	make_folder();
	write_program(script, sizeof(script) - 1, 0755);
	expect_program(*state, 126, "its interpreter /usr is a directory");
}

/* An ELF header with one PT_INTERP program header. */
struct elf_file {
	Elf64_Ehdr elf;
	Elf64_Phdr headers[1];
	char loader[32];
};

static struct elf_file make_elf(uint16_t machine)
{
	struct elf_file file = {
		.elf = {.e_type = ET_EXEC,
			.e_machine = machine,
			.e_version = EV_CURRENT,
			.e_phoff = sizeof(Elf64_Ehdr),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 1},
		.headers = {{.p_type = PT_INTERP,
			.p_offset = offsetof(struct elf_file, loader),
			.p_filesz = sizeof("/lib/no-loader.so")}},
		.loader = "/lib/no-loader.so",
	};
	const unsigned char ident[] = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT};

	memcpy(file.elf.e_ident, ident, sizeof(ident));
	return file;
}

#ifdef __aarch64__
enum { OWN_MACHINE = EM_AARCH64, OTHER_MACHINE = EM_X86_64 };
static const char wrong_machine[] = "is built for x86_64, and this machine is aarch64";
#else
enum { OWN_MACHINE = EM_X86_64, OTHER_MACHINE = EM_S390 };
static const char wrong_machine[] = "is built for s390x, and this machine is x86_64";
#endif

static void test_missing_loader_127_named(void **state)
{
	const struct elf_file file = make_elf(OWN_MACHINE);

	make_folder();
	write_program(&file, sizeof(file), 0755);
	expect_program(*state, 127, "its dynamic loader /lib/no-loader.so does not exist");
}

static void test_wrong_architecture_126_both_named(void **state)
{
	const struct elf_file file = make_elf(OTHER_MACHINE);

	make_folder();
	write_program(&file, sizeof(file), 0755);
	expect_program(*state, 126, wrong_machine);
}

static void test_interpreter_of_wrong_architecture_126_named(void **state)
{
	const struct elf_file file = make_elf(OTHER_MACHINE);
	char script[400], path[320];

	make_folder();
	write_program(&file, sizeof(file), 0755);
	(void)snprintf(path, sizeof(path), "%s/other", folder);
	assert_int_equal(rename(program, path), 0);
	(void)snprintf(script, sizeof(script), "#!%s\n", path);
	write_program(script, strlen(script), 0755);
	expect_refused(*state, NULL, program, 126, wrong_machine);
	assert_int_equal(unlink(path), 0);
	remove_folder();
}

static void test_damaged_elf_126_said(void **state)
{
	struct elf_file file = make_elf(OWN_MACHINE);

	file.elf.e_phentsize = 1;
	make_folder();
	write_program(&file, sizeof(file), 0755);
	expect_program(*state, 126, "is damaged");
}

static void test_script_without_interpreter_126_no_shell_tried(void **state)
{
	make_folder();
	write_program("echo it ran\n", 12, 0755);
	expect_refused(*state, NULL, program, 126, "a script without a #! line");
	assert_null(strstr(((struct pid1 *)*state)->line, "it ran"));
	remove_folder();
}

static void test_empty_file_126_said(void **state)
{
	make_folder();
	write_program("", 0, 0755);
	expect_program(*state, 126, "it is empty");
}

static void test_jar_126_said(void **state)
{
	make_folder();
	write_program("PK\003\004....", 8, 0755);
	expect_program(*state, 126, "java -jar");
}

static void test_not_executable_126_mode_said(void **state)
{
	make_folder();
	write_program("#!/bin/sh\n", 10, 0640);
	expect_program(*state, 126, "(mode 0640");
}

static void test_not_executable_in_path_126_named(void **state)
{
	struct pid1 *pid1 = *state;
	char path[300];
	const char *const environment[] = {path, NULL};

	make_folder();
	write_program("#!/bin/sh\n", 10, 0644);
	(void)snprintf(path, sizeof(path), "PATH=/no:%s", folder);
	expect_refused(pid1, &(struct pid1_options){.environment = environment}, "program", 126,
		"which cannot be executed");
	assert_non_null(strstr(pid1->errors, program));
	remove_folder();
}

static void test_directory_126_said(void **state)
{
	expect_refused(*state, NULL, "/usr", 126, "cannot run /usr: it is a directory");
}

static void test_below_a_file_127_named(void **state)
{
	expect_refused(*state, NULL, "/etc/passwd/x", 127, "/etc/passwd is not a directory");
}

static void mount_noexec(void *arg)
{
	int fd = -1;

	if (mount("none", arg, "tmpfs", MS_NOEXEC | MS_NOSUID, "mode=755") == 0)
		fd = open(program, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	if (fd < 0 || write(fd, "#!/bin/sh\n", 10) != 10)
		_exit(220);
	close(fd);
}

static void test_noexec_126_said(void **state)
{
	const struct pid1_options options = {.prepare = mount_noexec, .prepare_arg = folder};

	make_folder();
	expect_refused(*state, &options, program, 126, "mounted noexec");
	remove_folder();
}

/* A user who may not search a directory on the way. */
static void become_nobody(void *arg)
{
	(void)arg;
	if (setgid(65534) < 0 || setuid(65534) < 0)
		_exit(221);
}

/* A checkout below a folder that is kept from others, as /root is, does not let nobody start husk.
 */
static bool nobody_may_start(const char *path)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		become_nobody(NULL);
		_exit(access(path, X_OK) == 0 ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void test_directory_not_searchable_126_named(void **state)
{
	const struct pid1_options options = {.prepare = become_nobody};

	if (geteuid() != 0 || !nobody_may_start(pid1_husk()))
		skip();
	make_folder();
	write_program("#!/bin/sh\n", 10, 0755);
	assert_int_equal(chmod(folder, 0700), 0);
	/* The first one: it may be one above, where temporary files are kept from others. */
	expect_refused(
		*state, &options, program, 126, "(mode 0700) may not be searched by uid 65534");
	remove_folder();
}

static void test_open_for_writing_126_said(void **state)
{
	int fd;

	make_folder();
	write_program("#!/bin/sh\n", 10, 0755);
	fd = open(program, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	expect_refused(*state, NULL, program, 126, "open for writing");
	close(fd);
	remove_folder();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pid1_set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_missing_file_127_named),
		TEST(test_missing_in_path_127_path_named),
		TEST(test_dangling_link_127_target_named),
		TEST(test_missing_interpreter_127_named),
		TEST(test_interpreter_with_carriage_return_127_said),
		TEST(test_interpreter_is_a_directory_126_named),
		TEST(test_missing_loader_127_named),
		TEST(test_wrong_architecture_126_both_named),
		TEST(test_interpreter_of_wrong_architecture_126_named),
		TEST(test_damaged_elf_126_said),
		TEST(test_script_without_interpreter_126_no_shell_tried),
		TEST(test_empty_file_126_said),
		TEST(test_jar_126_said),
		TEST(test_not_executable_126_mode_said),
		TEST(test_not_executable_in_path_126_named),
		TEST(test_directory_126_said),
		TEST(test_below_a_file_127_named),
		TEST(test_noexec_126_said),
		TEST(test_directory_not_searchable_126_named),
		TEST(test_open_for_writing_126_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
