/*
 * policy/query.c - the request's query, decoded on the stack of a decision.
 *
 * form_parse() reads the same language into an arena; a decision allocates nothing, so
 * this one writes into a buffer as large as the longest target. A fuzzer holds the two
 * against each other.
 */
#include "policy/match.h"

/* Decode one name or value to the end of used; false on a bad triplet, NUL or bad UTF-8. */
static bool decode(struct query *q, size_t *used, struct str raw, struct str *ret)
{
	char *out = q->bytes + *used;
	size_t len = 0;

	for (size_t i = 0; i < raw.len; i++) {
		char c = raw.ptr[i];

		if (!c)
			return false;
		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			int high = i + 2 < raw.len ? ascii_hex_value(raw.ptr[i + 1]) : -1;
			int low = i + 2 < raw.len ? ascii_hex_value(raw.ptr[i + 2]) : -1;

			if (high < 0 || low < 0 || !(high | low))
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		out[len++] = c;
	}
	*ret = str_from_len(out, len);
	*used += len;
	return str_is_utf8(*ret);
}

static bool read_pair(struct query *q, size_t *used, struct str part)
{
	size_t equals = str_find_char(part, '=');
	struct str name = equals == STR_NONE ? part : str_slice(part, 0, equals);
	struct str value = equals == STR_NONE ? STR("") : str_after(part, equals + 1);
	struct form_pair *pair = &q->pairs[q->count];

	if (!decode(q, used, name, &pair->name) || !decode(q, used, value, &pair->value))
		return false;
	q->count++;
	return true;
}

void query_read(struct query *q, struct str raw)
{
	struct str part;
	size_t used = 0;

	q->state = QUERY_BAD;
	q->count = 0;
	if (raw.len > sizeof(q->bytes))
		return;
	while (str_next(&raw, '&', &part)) {
		if (!part.len)
			continue;
		if (q->count == FORM_MAX_PAIRS || !read_pair(q, &used, part))
			return;
	}
	q->state = QUERY_GOOD;
}
