#include "unit/unit.h"

#include <sys/stat.h>

#include "init/ctlproto.h"
#include "init/supervise.h"
#include "plan/config.h"

static const struct ctl_request good = {
	.magic = CTL_MAGIC, .command = CTL_SIGNAL, .signal = 64, .service = "nginx"};

static void test_request_whole_taken(void **state)
{
	struct ctl_request taken;

	(void)state;
	assert_true(ctl_take_request(&good, sizeof(good), &taken));
	assert_memory_equal(&taken, &good, sizeof(good));
	assert_true((int)CTL_NAME_SIZE > (int)CONFIG_SERVICE_NAME_MAX);
}

static void test_request_wrong_refused(void **state)
{
	struct ctl_request wrong[10], taken;
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++)
		wrong[i] = good;
	wrong[count++].magic++;
	wrong[count++].command = CTL_COMMAND_COUNT;
	wrong[count++].command = CTL_STOP; /* with a signal */
	wrong[count++].signal = 0;
	wrong[count++].signal = 65;
	wrong[count++].spare[1] = 1;
	memset(wrong[count++].service, 'a', CTL_NAME_SIZE);
	wrong[count++].service[CTL_NAME_SIZE - 1] = 'a';
	wrong[count++].service[6] = 'a'; /* behind the NUL */
	wrong[count++].spare[0] = 255;
	assert_int_equal(count, COUNT(wrong));
	for (size_t i = 0; i < count; i++) {
		if (ctl_take_request(&wrong[i], sizeof(wrong[i]), &taken))
			fail_msg("request %zu was taken", i);
	}
	for (size_t size = 0; size < sizeof(good); size++)
		assert_false(ctl_take_request(&good, size, &taken));
	assert_false(ctl_take_request(&good, sizeof(good) + 1, &taken));
}

static void test_reply_of_both_kinds_taken(void **state)
{
	struct ctl_service service = {.head = {CTL_MAGIC, CTL_KIND_SERVICE},
		.name = "a",
		.state = SERVICE_RUNNING,
		.status = "busy",
		.reason = "why"};
	struct ctl_end end = {.head = {CTL_MAGIC, CTL_KIND_END}, .phase = PHASE_UP};
	union ctl_reply taken;

	(void)state;
	assert_true(ctl_take_reply(&service, sizeof(service), &taken));
	assert_string_equal(taken.service.reason, "why");
	assert_true(ctl_take_reply(&end, sizeof(end), &taken));
	assert_int_equal(taken.head.kind, CTL_KIND_END);
}

static void test_reply_wrong_refused(void **state)
{
	const struct ctl_service service = {.head = {CTL_MAGIC, CTL_KIND_SERVICE}};
	const struct ctl_end end = {.head = {CTL_MAGIC, CTL_KIND_END}};
	struct ctl_service services[6];
	struct ctl_end ends[5];
	union ctl_reply taken;
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(services); i++)
		services[i] = service;
	services[count++].head.magic = 0;
	services[count++].state = SERVICE_STATES;
	services[count++].cause = CTL_CAUSE_COUNT;
	memset(services[count++].name, 'a', CTL_NAME_SIZE);
	memset(services[count++].status, 'a', CTL_STATUS_SIZE);
	memset(services[count++].reason, 'a', CTL_REASON_SIZE);
	for (size_t i = 0; i < count; i++)
		assert_false(ctl_take_reply(&services[i], sizeof(services[i]), &taken));
	for (size_t i = 0; i < COUNT(ends); i++)
		ends[i] = end;
	count = 0;
	ends[count++].head.kind = 0;
	ends[count++].head.kind = CTL_KIND_SERVICE;
	ends[count++].result = CTL_RESULT_COUNT;
	ends[count++].phase = PHASES;
	memset(ends[count++].refusal, 'a', CTL_REFUSAL_SIZE);
	for (size_t i = 0; i < count; i++)
		assert_false(ctl_take_reply(&ends[i], sizeof(ends[i]), &taken));
	assert_false(ctl_take_reply(&end, sizeof(end) - 1, &taken));
	assert_false(ctl_take_reply(&end, sizeof(service), &taken));
	assert_false(ctl_take_reply(&end, 7, &taken));
	assert_false(ctl_take_reply(&end, sizeof(taken) + 1, &taken));
}

static void test_address_names_the_pid_namespace(void **state)
{
	struct ctl_address address;
	struct stat st;
	char name[64];
	int len;

	(void)state;
	assert_int_equal(stat("/proc/self/ns/pid", &st), 0);
	assert_int_equal(ctl_address_own(&address), 0);
	len = snprintf(name, sizeof(name), "husk/%llu", (unsigned long long)st.st_ino);
	assert_int_equal(address.address.sun_path[0], '\0');
	assert_string_equal(address.address.sun_path + 1, name);
	assert_int_equal(address.size, offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
}

static void test_copy_cut_and_filled(void **state)
{
	char text[4];

	(void)state;
	memset(text, 'x', sizeof(text));
	ctl_copy(text, sizeof(text), "a");
	assert_memory_equal(text, "a\0\0\0", 4);
	ctl_copy(text, sizeof(text), "abcdef");
	assert_memory_equal(text, "abc\0", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_whole_taken),
		cmocka_unit_test(test_request_wrong_refused),
		cmocka_unit_test(test_reply_of_both_kinds_taken),
		cmocka_unit_test(test_reply_wrong_refused),
		cmocka_unit_test(test_address_names_the_pid_namespace),
		cmocka_unit_test(test_copy_cut_and_filled),
	};

	return cmocka_run_group_tests_name("ctlproto", tests, NULL, NULL);
}
