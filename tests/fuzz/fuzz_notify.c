/*
 * notify: whatever a message says, the status is printable text of whole characters and bounded,
 * the pid is one, and a message is understood line by line: what one says is what its lines say.
 */
#include <stdlib.h>
#include <string.h>

#include "init/notify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check(const struct notify_record *record)
{
	struct str status = str_from(record->status);

	require(memchr(record->status, '\0', sizeof(record->status)) != NULL);
	require(record->status_given || status.len == 0);
	require(record->main_pid >= 0 && !record->foreign);
	while (status.len > 0) {
		size_t len = str_printable(status);

		require(len > 0);
		status = str_sub(status, len, status.len);
	}
}

static void check_address(const uint8_t *data, size_t size)
{
	struct sockaddr_un address;
	size_t length;
	char text[200];

	size = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	if (notify_address(text, &address, &length))
		require(length > offsetof(struct sockaddr_un, sun_path) + 1 &&
			length <= sizeof(address) &&
			(text[0] == '/') == (address.sun_path[0] != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str message = {(const char *)data, size};
	struct notify_record whole = {0}, parts = {0};

	check_address(data, size);
	notify_parse(message, &whole);
	check(&whole);
	if (size > NOTIFY_MESSAGE_MAX)
		return 0;
	while (message.len > 0) {
		const char *end = memchr(message.data, '\n', message.len);
		size_t len = end ? (size_t)(end - message.data) : message.len;

		notify_parse(str_sub(message, 0, len), &parts);
		message = str_sub(message, len + 1, message.len);
	}
	require(parts.ready == whole.ready && parts.reloading == whole.reloading);
	require(parts.stopping == whole.stopping && parts.main_pid == whole.main_pid);
	require(strcmp(parts.status, whole.status) == 0);
	return 0;
}
