#include <stdio.h>

#include "cmd/cmd.h"

int cmd_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return puts("husk " HUSK_VERSION) < 0;
}

int main(int argc, char **argv)
{
	return cmd_version(argc, argv);
}
