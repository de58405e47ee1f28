#include <errno.h>

#include "base/fd.h"
#include "base/log.h"
#include "cmd/cmd.h"

int cmd_fail(const struct err *err)
{
	log_err(err);
	return (int)err->code;
}

int cmd_fail_list(const struct err_list *errors)
{
	for (unsigned i = 0; i < errors->count; i++)
		log_err(&errors->errs[i]);
	if (errors->dropped != 0)
		log_error("and %u more errors", errors->dropped);
	return errors->count != 0 ? (int)errors->errs[0].code : (int)ERR_INTERNAL;
}

int cmd_print(const struct buf *text)
{
	struct err err;

	if (text->failed) {
		(void)err_nomem(&err);
		return cmd_fail(&err);
	}
	if (fd_write_all(1, text->data, text->len) == 0)
		return 0;
	(void)err_set_errno(&err, ERR_INTERNAL, errno, "cannot write to standard output");
	return cmd_fail(&err);
}
