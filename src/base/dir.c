#include "base/dir.h"

#include <string.h>

#include "base/sys.h"

/* linux_dirent64 of getdents64(2): ino, off, reclen, type, then the name. */
enum {
	DIRENT_RECLEN = 16,
	DIRENT_NAME = 19,
};

void dir_init(struct dir *dir, int fd)
{
	dir->fd = fd;
	dir->at = 0;
	dir->len = 0;
}

int dir_next(struct dir *dir, const char **name)
{
	const char *record;
	unsigned short size;
	ssize_t got;

	for (;;) {
		if (dir->at >= dir->len) {
			got = sys_getdents(dir->fd, dir->data.bytes, sizeof(dir->data.bytes));
			if (got <= 0)
				return (int)got;
			dir->at = 0;
			dir->len = (size_t)got;
		}
		record = dir->data.bytes + dir->at;
		memcpy(&size, record + DIRENT_RECLEN, sizeof(size));
		dir->at += size;
		*name = record + DIRENT_NAME;
		if (strcmp(*name, ".") != 0 && strcmp(*name, "..") != 0)
			return 1;
	}
}
