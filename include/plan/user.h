/*
 * user: users and groups from /etc/passwd and /etc/group, without NSS (which a static binary in an
 * image without libraries does not have).
 */
#ifndef HUSK_PLAN_USER_H
#define HUSK_PLAN_USER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct user {
	uid_t uid;
	gid_t gid; /* meaningful where `has_gid` */
	bool has_gid;
};

/*
 * "name", "uid", "name:group", "uid:gid" in any mixture. Without a group: the one that passwd gives
 * the user, or none where a uid has no entry. A number needs no file. `root` is put before the
 * files' paths ("" for real). The error has no place.
 */
int user_find(const char *root, const char *text, struct user *user, struct err *err);

#endif
