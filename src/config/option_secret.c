/*
 * config/option_secret.c - secrets: in a file of their own, in the environment, or, with
 * a warning, in the configuration itself.
 *
 * No message here shows what was found, not even when it is of the wrong type: a secret
 * that slipped into the wrong place is still one.
 */
#include <stdlib.h>

#include "base/file.h"
#include "config/option_values.h"

enum { SECRET_MAX_BYTES = 64 * 1024 };

/* Editors and echo end a file in a newline that is no part of the secret: one is dropped. */
static struct str without_newline(struct str text)
{
	if (text.len > 0 && text.ptr[text.len - 1] == '\n')
		text.len--;
	if (text.len > 0 && text.ptr[text.len - 1] == '\r')
		text.len--;
	return text;
}

static bool set_secret(struct option_reader *r, struct str value, struct secret *field)
{
	secret_done(field);
	if (secret_set(field, value))
		return true;
	option_fault(r, NULL, "out of memory");
	return false;
}

static bool read_from_file(struct option_reader *r, struct str written, struct secret *field)
{
	struct error err = {0};
	struct buf data;
	struct str path, value;
	bool good = false;

	if (!option_resolve_path(r, written, &path) || str_is_empty(path))
		return false;
	buf_init(&data, SECRET_MAX_BYTES);
	if (!file_read_secret(path.ptr, SECRET_MAX_BYTES, &data, &err)) {
		option_fault(r, NULL, "%s", err.text);
		goto out;
	}
	value = without_newline(buf_str(&data));
	if (str_is_empty(value)) {
		option_fault(r, NULL, "the file %s is empty", path.ptr);
		goto out;
	}
	good = set_secret(r, value, field);
out:
	buf_wipe(&data);
	return good;
}

static bool read_from_environment(struct option_reader *r, struct str name, struct secret *field)
{
	const char *value = getenv(name.ptr);

	if (!value || value[0] == '\0') {
		option_fault(r, NULL, "the environment variable %.*s is %s", STR_ARG(name),
			     value ? "empty" : "not set");
		return false;
	}
	return set_secret(r, str_from(value), field);
}

bool option_read_secret(struct option_reader *r, const struct option *o, const struct json *value,
			void *field)
{
	static const char form[] = "must be {\"file\": \"path\"} or {\"env\": \"NAME\"}";
	const struct json *source = json_first(value);
	size_t mark;
	bool good;

	(void)o;
	if (json_is(value, JSON_STRING) && !str_is_empty(json_str(value))) {
		option_warn(r, NULL,
			    "a secret in the configuration is read by all who read that: "
			    "{\"file\": \"path\"} keeps it in a file of its own");
		return set_secret(r, json_str(value), field);
	}
	if (!json_is(value, JSON_OBJECT) || json_count(value) != 1 ||
	    !json_is(source, JSON_STRING) || str_is_empty(json_str(source)) ||
	    (!json_get(value, "file") && !json_get(value, "env"))) {
		option_fault(r, NULL, "%s", form);
		return false;
	}
	mark = option_enter(r, json_key(source));
	good = json_get(value, "file") ? read_from_file(r, json_str(source), field)
				       : read_from_environment(r, json_str(source), field);
	option_leave(r, mark);
	return good;
}
