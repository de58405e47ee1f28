#include "plan/user.h"

#include "scratch.h"

static void fill(void)
{
	scratch_mkdir("etc");
	scratch_write("etc/passwd", "root:x:0:0:root:/root:\n"
				    "# a comment: x\n"
				    "www-data:x:33:34::/var/www:\n"
				    "12:x:1200:1201::/:\n"
				    "broken:x:many:1::/:\n"
				    "last:x:77:78::/:");
	scratch_write("etc/group", "root:x:0:\nstaff:x:50:a,b\n");
}

static void test_user_forms_found(void **state)
{
	static const struct {
		const char *text;
		unsigned uid, gid;
		bool has_gid;
	} cases[] = {
		{"www-data", 33, 34, true},
		{"www-data:staff", 33, 50, true},
		{"www-data:7", 33, 7, true},
		{"33", 33, 34, true},
		{"33:staff", 33, 50, true},
		{"1000", 1000, 0, false},
		{"1000:1001", 1000, 1001, true},
		{"12", 1200, 1201, true}, /* a name before it is a number */
		{"last", 77, 78, true},
		{"root", 0, 0, true},
	};
	struct user user;
	struct err err;

	(void)state;
	fill();
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(user_find(scratch_root, cases[i].text, &user, &err), 0);
		assert_int_equal(user.uid, cases[i].uid);
		assert_int_equal(user.has_gid, cases[i].has_gid);
		if (cases[i].has_gid)
			assert_int_equal(user.gid, cases[i].gid);
	}
}

static void test_user_invalid_refused(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} cases[] = {
		{"nobody", "no user \"nobody\""},
		{"www-data:nobody", "no group \"nobody\""},
		{"www-data:", "is no user"},
		{"", "is no user"},
		{":33", "is no user"},
		{"broken", "no valid numbers"},
		{"4294967295", "no user"},
		{"-1", "no user"},
	};
	struct user user;
	struct err err;

	(void)state;
	fill();
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(user_find(scratch_root, cases[i].text, &user, &err), -1);
		assert_int_equal(err.code, ERR_CONFIG);
		assert_non_null(strstr(err.message, cases[i].says));
	}
}

static void test_user_without_files_numbers_stand(void **state)
{
	struct user user;
	struct err err;

	(void)state;
	assert_int_equal(user_find(scratch_root, "33:34", &user, &err), 0);
	assert_int_equal(user.uid, 33);
	assert_int_equal(user.gid, 34);
	assert_int_equal(user_find(scratch_root, "www-data", &user, &err), -1);
	assert_int_equal(user_find(scratch_root, "33:staff", &user, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_user_forms_found, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_user_invalid_refused, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_user_without_files_numbers_stand, scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
