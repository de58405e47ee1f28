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

void cmd_last_words(const struct err *errs, unsigned count)
{
	char text[4096];
	size_t len = 0;

	for (unsigned i = 0; i < count && len < sizeof(text) - 2; i++) {
		if (i > 0)
			text[len++] = '\n';
		len += err_format(&errs[i], text + len, sizeof(text) - len);
	}
	if (count > 0)
		log_termination(text);
}

int cmd_fail_start(const struct err *err)
{
	cmd_last_words(err, 1);
	return cmd_fail(err);
}

int cmd_fail_start_list(const struct err_list *errors)
{
	cmd_last_words(errors->errs, errors->count);
	return cmd_fail_list(errors);
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
