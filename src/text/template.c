#include "text/template.h"

#include "text/template_run.h"

struct template
{
	struct template_syntax syntax;
	struct template_options options;
	struct str text;
	bool plain;
};

static int check_size(struct str text, const struct template_options *options, struct err *err)
{
	if (text.len <= TEMPLATE_SIZE_MAX)
		return 0;
	return err_set_at(err, ERR_CONFIG, options->file, 0, 0,
		"a template of more than %d MiB; copy it as it is instead (a set's suffix decides "
		"what is rendered)",
		TEMPLATE_SIZE_MAX >> 20);
}

int template_compile(struct arena *arena, struct str text, const struct template_options *options,
	const struct template_scope *scope, struct template **out, struct err *err)
{
	struct template_run run = {.text = text, .scope = scope, .tell_unselected = true};
	struct template *template;

	if (check_size(text, options, err) < 0)
		return -1;
	template = arena_alloc(arena, sizeof(*template));
	if (template == NULL)
		return err_nomem(err);
	template->options = *options;
	template->text = text;
	if (template_syntax_init(&template->syntax, options->open, err) < 0)
		return -1;
	run.syntax = &template->syntax;
	run.options = &template->options;
	if (template_run(&run, err) < 0)
		return -1;
	template->plain = !run.constructs;
	*out = template;
	return 0;
}

bool template_is_plain(const struct template *template)
{
	return template->plain;
}

int template_expand(const struct template *template, const struct template_scope *scope,
	struct out *out, bool *used_secret, struct err *err)
{
	struct template_run run = {
		.syntax = &template->syntax,
		.text = template->text,
		.options = &template->options,
		.scope = scope,
		.out = out,
		.tell_unset = true,
	};

	if (template->plain)
		return out_borrow(out, template->text, err);
	if (template_run(&run, err) < 0)
		return -1;
	if (run.used_secret && used_secret != NULL)
		*used_secret = true;
	return 0;
}

int template_stream(struct str text, const struct template_options *options,
	const struct template_scope *scope, struct out *out, bool *substituted, bool *used_secret,
	struct err *err)
{
	struct template_syntax syntax;
	struct template_run run = {
		.syntax = &syntax,
		.text = text,
		.options = options,
		.scope = scope,
		.out = out,
		.tell_unselected = true,
		.tell_unset = true,
	};

	if (check_size(text, options, err) < 0 ||
		template_syntax_init(&syntax, options->open, err) < 0 ||
		template_run(&run, err) < 0)
		return -1;
	if (substituted != NULL)
		*substituted = run.constructs;
	if (run.used_secret && used_secret != NULL)
		*used_secret = true;
	return 0;
}

int template_expand_text(struct arena *arena, struct str text,
	const struct template_options *options, const struct template_scope *scope, struct buf *out,
	bool *used_secret, struct err *err)
{
	struct out stream;
	size_t before = out->len;

	(void)arena;
	out_init_buf(&stream, out);
	if (template_stream(text, options, scope, &stream, NULL, used_secret, err) == 0 &&
		out_flush(&stream, err) == 0)
		return 0;
	out->len = before;
	return -1;
}
