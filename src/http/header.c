/*
 * http/header.c - field lines: lists of them, valid names and values, folded names.
 *
 * Two folds live here and must not be mixed up. Letter case is what HTTP folds. The
 * identity fold also reads every other byte as '-', because CGI, WSGI and their heirs
 * turn both X-Forwarded-User and X_Forwarded.User into one variable.
 */
#include "http/header.h"

#include <string.h>

#include "http/header_fold.h"

enum { HEADERS_FIRST_CAPACITY = 32 };

/*
 * One byte of a name to its fold; ' ' where no token may have it (RFC 9110, section
 * 5.6.2). Rows of 32 bytes, from 0x00.
 */
static const char name_fold[256 + 1] = "                                "
				       " - -----  -- -- 0123456789      "
				       " abcdefghijklmnopqrstuvwxyz   --"
				       "-abcdefghijklmnopqrstuvwxyz - - "
				       "                                "
				       "                                "
				       "                                "
				       "                                ";

static char fold_byte(char c)
{
	char folded = name_fold[(unsigned char)c];

	return folded == ' ' ? '-' : folded;
}

static bool headers_grow(struct arena *a, struct headers *h)
{
	size_t capacity = h->capacity ? h->capacity * 2 : HEADERS_FIRST_CAPACITY;
	struct header *items = arena_alloc_array(a, capacity, sizeof(*items));

	if (!items)
		return false;
	if (h->count)
		memcpy(items, h->items, h->count * sizeof(*items));
	h->items = items;
	h->capacity = capacity;
	return true;
}

bool headers_add(struct arena *a, struct headers *h, struct str name, struct str value)
{
	if (h->count == h->capacity && !headers_grow(a, h))
		return false;
	h->items[h->count++] = (struct header){name, value};
	return true;
}

const struct str *headers_get(const struct headers *h, struct str name)
{
	for (size_t i = 0; i < h->count; i++) {
		if (h->items[i].name.len == name.len && str_equal_fold(h->items[i].name, name))
			return &h->items[i].value;
	}
	return NULL;
}

size_t headers_count(const struct headers *h, struct str name)
{
	size_t count = 0;

	for (size_t i = 0; i < h->count; i++) {
		if (h->items[i].name.len == name.len && str_equal_fold(h->items[i].name, name))
			count++;
	}
	return count;
}

size_t headers_remove(struct headers *h, struct str name)
{
	size_t kept = 0;
	size_t removed;

	for (size_t i = 0; i < h->count; i++) {
		if (h->items[i].name.len == name.len && str_equal_fold(h->items[i].name, name))
			continue;
		h->items[kept++] = h->items[i];
	}
	removed = h->count - kept;
	h->count = kept;
	return removed;
}

bool header_name_is_token(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name_fold[(unsigned char)name.ptr[i]] == ' ')
			return false;
	}
	return name.len > 0;
}

bool header_fold_name(struct str name, struct header_fold *ret)
{
	bool is_plain = true;

	for (size_t i = 0; i < name.len; i++) {
		char folded = name_fold[(unsigned char)name.ptr[i]];

		if (folded == ' ')
			return false;
		if (folded == '-' && name.ptr[i] != '-')
			is_plain = false;
		if (i < HEADER_FOLD_MAX)
			ret->text[i] = folded;
	}
	ret->len = name.len;
	ret->is_plain = is_plain;
	return name.len > 0;
}

static bool byte_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool byte_is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/*
 * Is there no control byte among eight? Values are most of what a request is made of,
 * and looked at byte by byte they took a third of reading it. A byte of x under n shows
 * in the top bits of (x - n) & ~x, n in every byte; one that is 0x7f, as 0 after XOR.
 */
static bool eight_have_no_control(const char *text)
{
	const uint64_t each = UINT64_C(0x0101010101010101);
	uint64_t x, del;

	memcpy(&x, text, sizeof(x));
	del = x ^ each * 0x7f;
	return !((((x - each * 0x20) & ~x) | ((del - each) & ~del)) & each * 0x80);
}

bool header_value_is_valid(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.len - i >= 8 && eight_have_no_control(value.ptr + i))
			i += 7;
		else if (byte_is_control(value.ptr[i]) && value.ptr[i] != '\t')
			return false;
	}
	return value.len == 0 ||
	       (!byte_is_blank(value.ptr[0]) && !byte_is_blank(value.ptr[value.len - 1]));
}

bool header_name_fold_equal(struct str a, struct str b)
{
	return a.len == b.len && header_name_fold_starts_with(a, b);
}

bool header_name_fold_starts_with(struct str name, struct str prefix)
{
	if (name.len < prefix.len)
		return false;
	for (size_t i = 0; i < prefix.len; i++) {
		if (fold_byte(name.ptr[i]) != fold_byte(prefix.ptr[i]))
			return false;
	}
	return true;
}

bool header_is_hop_by_hop(struct str name)
{
	switch (name.len) {
	case 2: return str_equal_fold(name, STR("te"));
	case 7: return str_equal_fold(name, STR("upgrade")) || str_equal_fold(name, STR("trailer"));
	case 10:
		return str_equal_fold(name, STR("connection")) ||
		       str_equal_fold(name, STR("keep-alive"));
	case 14: return str_equal_fold(name, STR("http2-settings"));
	case 16: return str_equal_fold(name, STR("proxy-connection"));
	case 17: return str_equal_fold(name, STR("transfer-encoding"));
	case 18: return str_equal_fold(name, STR("proxy-authenticate"));
	case 19: return str_equal_fold(name, STR("proxy-authorization"));
	case 25: return str_equal_fold(name, STR("proxy-authentication-info"));
	default: return false;
	}
}

bool header_list_next(struct str *rest, struct str *ret_element)
{
	struct str part;

	while (str_next(rest, ',', &part)) {
		part = str_trim(part);
		if (part.len) {
			*ret_element = part;
			return true;
		}
	}
	return false;
}

bool header_list_has(struct str value, struct str token)
{
	struct str element;

	while (header_list_next(&value, &element)) {
		if (str_equal_fold(element, token))
			return true;
	}
	return false;
}
