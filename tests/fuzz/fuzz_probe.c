/* probe: a target, and behind a newline what is expected. What is taken is whole. */
#include <stdlib.h>
#include <string.h>

#include "probe/probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 2048 };

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_part(const struct probe_target *target, const char *part, bool wanted)
{
	require((part != NULL) == wanted);
	if (part == NULL)
		return;
	require(part >= target->text && part < target->text + PROBE_TARGET_MAX && *part != '\0');
	require(memchr(part, '\0', (size_t)(target->text + PROBE_TARGET_MAX - part)) != NULL);
}

static void check_target(const char *text)
{
	struct probe_target target;
	struct err err;

	if (probe_parse(text, &target, &err) < 0) {
		require(err.code == ERR_USAGE && err.message[0] != '\0');
		return;
	}
	bool is_local = target.kind == PROBE_UNIX || target.kind == PROBE_FCGI_UNIX ||
			target.kind == PROBE_FILE;
	bool is_fcgi = target.kind == PROBE_FCGI || target.kind == PROBE_FCGI_UNIX;

	check_part(&target, target.host, !is_local);
	check_part(&target, target.port, !is_local);
	check_part(&target, target.path, is_local);
	check_part(&target, target.uri, is_fcgi || target.kind == PROBE_HTTP);
	check_part(&target, target.authority, target.kind == PROBE_HTTP);
	require(target.uri == NULL || target.uri[0] == '/');
	require(target.uri == NULL || strpbrk(target.uri, " \r\n\t") == NULL);
	require(target.authority == NULL || strpbrk(target.authority, " \r\n\t/") == NULL);
}

static void check_expect(const char *text)
{
	struct probe_expect expect;
	struct err err;

	if (probe_parse_expect(text, &expect, &err) < 0) {
		require(err.code == ERR_USAGE);
		return;
	}
	require(expect.count > 0 && expect.count <= PROBE_RANGES_MAX);
	for (unsigned i = 0; i < expect.count; i++)
		require(expect.ranges[i].least >= 100 && expect.ranges[i].most <= 999 &&
			expect.ranges[i].least <= expect.ranges[i].most);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX + 1];
	char *newline;

	if (size > TEXT_MAX)
		size = TEXT_MAX;
	memcpy(text, data, size);
	text[size] = '\0';
	newline = strchr(text, '\n');
	if (newline != NULL) {
		*newline = '\0';
		check_expect(newline + 1);
	}
	check_target(text);
	return 0;
}
