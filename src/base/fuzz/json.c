/*
 * base/fuzz/json.c - what was accepted is written, read and written again: nothing may
 * get lost on the way. Lines are asked for at every value.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

enum { TEXT_MAX = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_error(const struct error *err)
{
	ASSERT(err->kind == ERR_SYNTAX || err->kind == ERR_LIMIT);
	ASSERT(err->text[0] != '\0');
	ASSERT(str_is_utf8(str_from(err->text)) && str_is_utf8(str_from(err->pointer)));
	ASSERT(err->kind == ERR_LIMIT || err->line > 0);
}

/* Lines never go back from one element to the next. */
static void check_lines(const struct json_doc *doc, unsigned last)
{
	const struct json *root = json_root(doc);
	unsigned before = json_line(doc, "");
	size_t index = 0;

	for (const struct json *v = json_first(root); v && index < 50; v = json_next(v), index++) {
		char pointer[128] = "";
		unsigned line;

		if (json_is(root, JSON_OBJECT))
			json_pointer_push(pointer, sizeof(pointer), json_key(v));
		else
			json_pointer_push_index(pointer, sizeof(pointer), index);
		if (strlen(pointer) > 100)
			continue; /* perhaps cut, then it names another place */
		line = json_line(doc, pointer);
		ASSERT(line >= before && line <= last);
		before = line;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str text = str_from_len((const char *)data, len);
	struct json_doc *doc, *again;
	struct error err = {.kind = ERR_NONE};
	struct buf first, second;
	unsigned last = 1;

	if (!json_parse(text, TEXT_MAX, "fuzz.json", &doc, &err)) {
		check_error(&err);
		return 0;
	}
	ASSERT(str_is_utf8(text));
	for (size_t i = 0; i < len; i++)
		last += data[i] == '\n';
	check_lines(doc, last);
	buf_init(&first, 16 * TEXT_MAX);
	buf_init(&second, 16 * TEXT_MAX);
	json_append_value(&first, json_root(doc));
	ASSERT(!buf_failed(&first));
	ASSERT(json_parse(buf_str(&first), SIZE_MAX, NULL, &again, &err));
	json_append_value(&second, json_root(again));
	ASSERT(str_equal(buf_str(&first), buf_str(&second)));
	buf_done(&first);
	buf_done(&second);
	json_doc_free(again);
	json_doc_free(doc);
	return 0;
}
