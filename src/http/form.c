/*
 * http/form.c - application/x-www-form-urlencoded (WHATWG URL, section 5.1), strictly.
 *
 * Queries come in front of authentication, so all of this is read from strangers: the
 * number of pairs is bounded, and a form that two decoders could read differently is
 * no form at all.
 */
#include "http/form.h"

#include "http/uri.h"

static size_t form_count_parts(struct str raw)
{
	struct str part;
	size_t count = 0;

	while (count <= FORM_MAX_PAIRS && str_next(&raw, '&', &part))
		count += part.len > 0;
	return count;
}

static bool form_decode_text(struct arena *a, struct str raw, struct str *ret)
{
	return uri_decode(a, raw, true, ret) && str_is_utf8(*ret);
}

static bool form_decode_pair(struct arena *a, struct str part, struct form_pair *ret)
{
	size_t equals = str_find_char(part, '=');
	struct str name = str_slice(part, 0, equals == STR_NONE ? part.len : equals);
	struct str value = equals == STR_NONE ? STR("") : str_after(part, equals + 1);

	return form_decode_text(a, name, &ret->name) && form_decode_text(a, value, &ret->value);
}

bool form_parse(struct arena *a, struct str raw, struct form *ret)
{
	struct form form = {NULL, 0};
	size_t count = form_count_parts(raw);
	struct str part;

	if (count > FORM_MAX_PAIRS)
		return false;
	if (count) {
		form.items = arena_alloc_array(a, count, sizeof(*form.items));
		if (!form.items)
			return false;
	}
	while (str_next(&raw, '&', &part)) {
		if (part.len && !form_decode_pair(a, part, &form.items[form.count++]))
			return false;
	}
	*ret = form;
	return true;
}

enum form_presence form_get(const struct form *f, const char *name, struct str *ret_value)
{
	struct str wanted = str_from(name);
	const struct form_pair *found = NULL;

	for (size_t i = 0; i < f->count; i++) {
		if (!str_equal(f->items[i].name, wanted))
			continue;
		if (found)
			return FORM_REPEATED;
		found = &f->items[i];
	}
	if (!found)
		return FORM_ABSENT;
	*ret_value = found->value;
	return FORM_ONCE;
}

void form_append(struct buf *b, struct str name, struct str value)
{
	if (b->len && b->ptr[b->len - 1] != '?' && b->ptr[b->len - 1] != '&')
		buf_append_char(b, '&');
	uri_append_encoded(b, name);
	buf_append_char(b, '=');
	uri_append_encoded(b, value);
}
