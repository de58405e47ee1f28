#include "init/ctlproto.h"

#include <fcntl.h>
#include <string.h>

#include "base/sys.h"
#include "init/supervise.h"

/* No gap within a record, so that none tells a client what stood on PID 1's stack. */
_Static_assert(sizeof(struct ctl_request) == 8 + CTL_NAME_SIZE, "no padding");
_Static_assert(
	sizeof(struct ctl_service) == 40 + 40 + CTL_NAME_SIZE + CTL_STATUS_SIZE + CTL_REASON_SIZE,
	"no padding");
_Static_assert(sizeof(struct ctl_end) == 40 + CTL_REFUSAL_SIZE, "no padding");

void ctl_copy(char *out, size_t size, const char *text)
{
	size_t len = strnlen(text, size - 1);

	memcpy(out, text, len);
	memset(out + len, 0, size - len);
}

/* Decimal, in front of `end`. */
static char *put_number(char *end, uint64_t number)
{
	do
		*--end = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	return end;
}

int ctl_address_own(struct ctl_address *address)
{
	static const char prefix[] = "\0husk/";
	struct stat st;
	char digits[24], *end = digits + sizeof(digits), *number;
	char *name = address->address.sun_path;

	if (sys_fstatat(AT_FDCWD, "/proc/self/ns/pid", &st, 0) < 0)
		return -1;
	number = put_number(end, st.st_ino);
	*address = (struct ctl_address){.address.sun_family = AF_UNIX};
	memcpy(name, prefix, sizeof(prefix) - 1);
	memcpy(name + sizeof(prefix) - 1, number, (size_t)(end - number));
	address->size = offsetof(struct sockaddr_un, sun_path) + sizeof(prefix) - 1 +
			(size_t)(end - number);
	return 0;
}

void ctl_address_path(struct ctl_address *address, const char *path)
{
	*address = (struct ctl_address){
		.address.sun_family = AF_UNIX, .size = sizeof(address->address)};
	ctl_copy(address->address.sun_path, sizeof(address->address.sun_path), path);
}

/* Ended by a NUL, and with nothing but NULs behind it. */
static bool is_text(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	for (size_t i = len; i < size; i++) {
		if (text[i] != '\0')
			return false;
	}
	return len < size;
}

bool ctl_take_request(const void *data, size_t size, struct ctl_request *request)
{
	if (size != sizeof(*request))
		return false;
	memcpy(request, data, sizeof(*request));
	if (request->magic != CTL_MAGIC || request->command >= CTL_COMMAND_COUNT ||
		request->spare[0] != 0 || request->spare[1] != 0)
		return false;
	if (request->command == CTL_SIGNAL ? request->signal < 1 || request->signal > SYS_SIGNAL_MAX
					   : request->signal != 0)
		return false;
	return is_text(request->service, sizeof(request->service));
}

static bool is_service(const struct ctl_service *service)
{
	return service->state < SERVICE_STATES && service->cause < CTL_CAUSE_COUNT &&
	       is_text(service->name, sizeof(service->name)) &&
	       is_text(service->status, sizeof(service->status)) &&
	       is_text(service->reason, sizeof(service->reason));
}

static bool is_end(const struct ctl_end *end)
{
	return end->result < CTL_RESULT_COUNT && end->phase < PHASES &&
	       is_text(end->refusal, sizeof(end->refusal));
}

bool ctl_take_reply(const void *data, size_t size, union ctl_reply *reply)
{
	if (size < sizeof(reply->head) || size > sizeof(*reply))
		return false;
	memcpy(reply, data, size);
	if (reply->head.magic != CTL_MAGIC)
		return false;
	if (reply->head.kind == CTL_KIND_SERVICE)
		return size == sizeof(reply->service) && is_service(&reply->service);
	if (reply->head.kind == CTL_KIND_END)
		return size == sizeof(reply->end) && is_end(&reply->end);
	return false;
}

const char *ctl_result_text(enum ctl_result result)
{
	static const char *const texts[] = {
#define X(id, text) text,
		CTL_RESULTS(X)
#undef X
	};

	return texts[result];
}
