/*
 * http/cookie.c - the Cookie and Set-Cookie fields.
 *
 * Browsers promise less than one hopes: a sibling domain can plant a cookie beside
 * ours, and a cookie without a name is sent as its bare value, which then looks like
 * any pair. So a name that is there twice is nobody's, and what is withheld from the
 * application is matched more broadly than what is read by ourselves.
 */
#include "http/cookie.h"

#include "http/header.h"

/* Take the next part before a ';', trimmed; false at the end. */
static bool part_next(struct str *rest, struct str *ret_part)
{
	if (!str_next(rest, ';', ret_part))
		return false;
	*ret_part = str_trim(*ret_part);
	return true;
}

static bool part_split(struct str part, struct str *ret_name, struct str *ret_value)
{
	size_t equals = str_find_char(part, '=');
	struct str value;

	if (equals == STR_NONE)
		return false;
	*ret_name = str_trim(str_slice(part, 0, equals));
	value = str_trim(str_after(part, equals + 1));
	if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
		value = str_slice(value, 1, value.len - 2);
	*ret_value = value;
	return ret_name->len > 0;
}

bool cookie_next(struct str *rest, struct str *ret_name, struct str *ret_value)
{
	struct str part, name, value;

	while (part_next(rest, &part)) {
		if (part_split(part, &name, &value)) {
			*ret_name = name;
			*ret_value = value;
			return true;
		}
	}
	return false;
}

bool cookie_find(struct str cookie_header, struct str name, struct str *ret_value)
{
	struct str rest = cookie_header;
	struct str part, found_name, value;
	struct str found = {NULL, 0};
	size_t parts = 0;
	size_t count = 0;

	while (part_next(&rest, &part)) {
		if (++parts > COOKIE_MAX_PAIRS)
			return false;
		if (part_split(part, &found_name, &value) && str_equal(found_name, name)) {
			found = value;
			count++;
		}
	}
	if (count != 1)
		return false;
	*ret_value = found;
	return true;
}

/*
 * Case does not count here, nor do '=' in front (a cookie with an empty name): other
 * readers may be kinder than cookie_find.
 */
static bool part_has_prefix(struct str part, struct str prefix)
{
	while (part.len && (part.ptr[0] == '=' || part.ptr[0] == ' ' || part.ptr[0] == '\t'))
		part = str_after(part, 1);
	return str_equal_fold(str_slice(part, 0, prefix.len), prefix);
}

void cookie_append_without(struct buf *out, struct str cookie_header, struct str prefix)
{
	struct str rest = cookie_header;
	struct str part;
	bool is_first = true;

	while (part_next(&rest, &part)) {
		if (!part.len || part_has_prefix(part, prefix))
			continue;
		if (!is_first)
			buf_append(out, STR("; "));
		buf_append(out, part);
		is_first = false;
	}
}

/* cookie-octet of RFC 6265, section 4.1.1 */
static bool value_is_octets(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (c < 0x21 || c > 0x7e || c == '"' || c == ',' || c == ';' || c == '\\')
			return false;
	}
	return true;
}

void cookie_append_set(struct buf *out, struct str name, struct str value, int64_t max_age_s)
{
	if (!header_name_is_token(name) || !value_is_octets(value)) {
		out->failed = true;
		return;
	}
	buf_append(out, name);
	buf_append_char(out, '=');
	buf_append(out, value);
	buf_append(out, STR("; Path=/; Secure; HttpOnly; SameSite=Lax"));
	if (max_age_s >= 0) {
		buf_append(out, STR("; Max-Age="));
		buf_append_u64(out, (uint64_t)max_age_s);
	}
}
