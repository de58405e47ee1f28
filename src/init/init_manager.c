/*
 * What husk itself tells whoever has started it and waits until it is ready (sd_notify(3)):
 * systemd, or `podman run --sdnotify=container`.
 */
#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "init/engine.h"
#include "init/notify.h"

void init_manager_open(struct init *init)
{
	const char *text = init->policy->notify;
	struct sockaddr_un address;
	size_t size;

	if (!text)
		return;
	errno = EINVAL;
	if (notify_address(text, &address, &size)) {
		init->manager = sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK);
		if (init->manager >= 0 &&
			sys_connect(init->manager, (const struct sockaddr *)&address, size) == 0)
			return;
	}
	log_warn_errno("NOTIFY_SOCKET: cannot connect to %s", text);
	fd_close(&init->manager);
}

/* False where there is no room, for now. */
static bool tell(struct init *init, const char *text)
{
	if (sys_send_nowait(init->manager, text, strlen(text)) >= 0)
		return true;
	if (errno == EAGAIN) {
		init_ask_at(init, sys_now() + INIT_ASK_AGAIN);
		return false;
	}
	log_warn_errno("NOTIFY_SOCKET: cannot send %s", text);
	return true;
}

/* What runs now and then is not waited for, nor what a command has stopped. */
static bool are_all_up(const struct supervise *sup)
{
	for (unsigned i = 0; i < sup->count; i++) {
		const struct supervise_service *service = &sup->services[i];

		if (!supervise_is_satisfied(service) && service->every == 0 &&
			service->state != SERVICE_DOWN)
			return false;
	}
	return true;
}

void init_manager_tell(struct init *init)
{
	if (init->sup.phase == PHASE_UP) {
		if (!init->announced && are_all_up(&init->sup))
			init->announced = tell(init, "READY=1");
		return;
	}
	(void)tell(init, "STOPPING=1");
	fd_close(&init->manager);
}
