#include "base/fd.h"
#include "cmd/cmd.h"

const struct opt cmd_version_options[] = {{0}};

int cmd_version(int argc, char **argv)
{
	struct opt_parser parser;
	struct err err;
	struct buf text;
	int status;

	(void)argc;
	opt_init(&parser, cmd_version_options, argv + 1);
	if (opt_next(&parser, &err) == OPT_ERROR)
		return cmd_fail(&err);
	buf_init(&text, 256);
	(void)buf_append_cstr(&text, "husk " HUSK_VERSION "\n");
	status = cmd_print(&text);
	buf_fini(&text);
	return status;
}
