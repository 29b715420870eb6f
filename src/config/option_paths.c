/*
 * config/option_paths.c - what is relative to the configuration's own folder: paths of
 * files, and the Unix sockets among addresses.
 */
#include <limits.h>
#include <unistd.h>

#include "base/file.h"
#include "config/option_values.h"

bool option_resolve_path(struct option_reader *r, struct str written, struct str *ret_path)
{
	char path[PATH_MAX];

	if (!file_resolve(r->file, written, path, sizeof(path))) {
		option_fault(r, NULL, "is too long for a path");
		return false;
	}
	*ret_path = arena_str(r->arena, str_from(path));
	return true;
}

bool option_read_path(struct option_reader *r, const struct option *o, const struct json *value,
		      void *field)
{
	struct str text;

	(void)o;
	return option_read_text(r, value, "a path", &text) && option_resolve_path(r, text, field);
}

/* The address of a socket must be absolute: it is used for as long as the process lives. */
static bool resolve_socket(struct option_reader *r, struct str written, struct str *ret)
{
	char folder[PATH_MAX];
	struct str path;

	if (!option_resolve_path(r, written, &path))
		return false;
	if (str_starts_with(path, STR("/"))) {
		*ret = arena_printf(r->arena, "unix:%.*s", STR_ARG(path));
	} else if (getcwd(folder, sizeof(folder))) {
		*ret = arena_printf(r->arena, "unix:%s/%.*s", folder, STR_ARG(path));
	} else {
		option_fault(r, NULL, "cannot be made absolute: the current folder is gone");
		return false;
	}
	return true;
}

bool option_parse_endpoint(struct option_reader *r, const char *key, struct str written,
			   struct endpoint *ret)
{
	const struct str scheme = STR("unix:");
	size_t mark = option_enter(r, str_from(key));
	struct error err = {0};
	bool good = true;

	if (str_starts_with(written, scheme) && written.len > scheme.len)
		good = resolve_socket(r, str_after(written, scheme.len), &written);
	if (good && !endpoint_parse(written, ret, &err)) {
		option_fault(r, NULL, "%s", err.text);
		good = false;
	}
	option_leave(r, mark);
	return good;
}
