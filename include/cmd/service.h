/*
 * service: a service of the plan, resolved: what init starts.
 */
#ifndef HUSK_CMD_SERVICE_H
#define HUSK_CMD_SERVICE_H

#include "cmd/load.h"
#include "init/init.h"

/* Its command, expanded; an error where a secret is in it. */
int service_command(
	struct load *load, const struct plan_service *plan, char ***argv, struct err *err);
/* Its cwd, likewise; NULL where it has none. */
int service_cwd(
	struct load *load, const struct plan_service *plan, const char **cwd, struct err *err);
/*
 * Expands command and cwd, exports the environment, finds the program. Everything lives in the
 * plan's arena. Errors name the place; ERR_NOT_FOUND and ERR_NOT_EXECUTABLE where it is the program
 * that is missing.
 */
int service_resolve(struct load *load, const struct plan_service *plan, struct init_service *out,
	struct err *err);

#endif
