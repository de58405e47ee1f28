#include "init/notify.h"

#include <limits.h>
#include <string.h>
#include <sys/socket.h>

static struct str take_line(struct str *rest)
{
	const char *end = memchr(rest->data, '\n', rest->len);
	size_t len = end ? (size_t)(end - rest->data) : rest->len;
	struct str line = str_sub(*rest, 0, len);

	*rest = str_sub(*rest, len + 1, rest->len);
	return line;
}

/* "\xNN", in the place of a byte that cannot be shown. */
static size_t escape(unsigned char byte, char out[4])
{
	static const char digits[] = "0123456789ABCDEF";

	out[0] = '\\';
	out[1] = 'x';
	out[2] = digits[byte >> 4];
	out[3] = digits[byte & 15];
	return 4;
}

static void copy_status(struct str text, struct notify_record *record)
{
	size_t used = 0;

	record->status_given = true;
	while (text.len > 0) {
		size_t len = str_printable(text);
		char escaped[4];
		const char *from = len > 0 ? text.data : escaped;
		size_t need = len > 0 ? len : escape((unsigned char)text.data[0], escaped);

		if (need > NOTIFY_STATUS_MAX - used)
			break;
		memcpy(record->status + used, from, need);
		used += need;
		text = str_sub(text, len > 0 ? len : 1, text.len);
	}
	record->status[used] = '\0';
}

static void take_main_pid(struct str text, struct notify_record *record)
{
	uint64_t pid;

	if (str_to_uint64(text, &pid) == 0 && pid > 0 && pid <= INT_MAX)
		record->main_pid = (pid_t)pid;
}

void notify_parse(struct str message, struct notify_record *record)
{
	if (message.len > NOTIFY_MESSAGE_MAX)
		return;
	while (message.len > 0) {
		struct str line = take_line(&message);

		if (str_eq(line, STR("READY=1"))) {
			record->ready = true;
			record->reloading = false;
		} else if (str_eq(line, STR("RELOADING=1"))) {
			record->reloading = true;
		} else if (str_eq(line, STR("STOPPING=1"))) {
			record->stopping = true;
		} else if (str_starts(line, STR("STATUS="))) {
			copy_status(str_sub(line, 7, line.len), record);
		} else if (str_starts(line, STR("MAINPID="))) {
			take_main_pid(str_sub(line, 8, line.len), record);
		}
	}
}

bool notify_address(const char *text, struct sockaddr_un *address, size_t *size)
{
	size_t len = strlen(text);

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if ((text[0] != '/' && text[0] != '@') || len < 2 || len >= sizeof(address->sun_path))
		return false;
	memcpy(address->sun_path, text, len);
	if (text[0] == '@')
		address->sun_path[0] = '\0';
	/* An abstract name ends with its last byte, a path with a NUL. */
	*size = offsetof(struct sockaddr_un, sun_path) + len + (text[0] == '/');
	return true;
}
