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
/* `ready` and `health`, expanded and taken apart, in their parts of `out`. */
int service_checks(struct load *load, const struct plan_service *plan, struct init_service *out,
	struct err *err);
/* The socket of who has started husk and waits until all are up, or NULL. */
const char *service_manager(const struct load *load);
/* NOTIFY_SOCKET in the environment is the service's own, `address`, or there is none (NULL): the
 * container's is husk's, as far as husk.yaml does not declare it. */
int service_notify_socket(
	struct load *load, const char *address, char ***environment, struct err *err);
/*
 * All services of the plan, in its order: expands command and cwd, exports the environment, finds
 * the program. Everything lives in the plan's arena. Every service's first error is added to
 * `errors`: it names the place; ERR_NOT_FOUND and ERR_NOT_EXECUTABLE where it is the program that
 * is missing.
 */
int service_resolve(struct load *load, struct init_service **out, struct err_list *errors);
/*
 * A copy of resolved services in `arena`, with all that they point to and nothing else: what was
 * read and composed to make them can be freed then, which for many services is most of the memory.
 * NULL where memory has run out.
 */
struct init_service *service_keep(struct arena *arena, const struct load *load,
	const struct init_service *services, size_t count);

#endif
