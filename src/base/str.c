/*
 * base/str.c - borrowed byte strings.
 *
 * Nothing here hands a NULL pointer to memcmp and its like, not even with length 0:
 * that is undefined, and compilers take it as proof that the pointer is not NULL.
 */
#include "base/str.h"

#include <string.h>

#include "base/utf8.h"

struct str str_from(const char *cstr)
{
	return (struct str){cstr, cstr ? strlen(cstr) : 0};
}

struct str str_from_len(const char *ptr, size_t len)
{
	return (struct str){ptr, len};
}

struct str str_slice(struct str s, size_t from, size_t len)
{
	struct str rest = str_after(s, from);

	return (struct str){rest.ptr, len < rest.len ? len : rest.len};
}

struct str str_after(struct str s, size_t from)
{
	if (s.len == 0)
		return s;
	if (from > s.len)
		from = s.len;
	return (struct str){s.ptr + from, s.len - from};
}

bool str_is_empty(struct str s)
{
	return s.len == 0;
}

bool str_equal(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_equal_fold(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
			return false;
	}
	return true;
}

bool str_starts_with(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_equal(str_slice(s, 0, prefix.len), prefix);
}

bool str_ends_with(struct str s, struct str suffix)
{
	return s.len >= suffix.len && str_equal(str_after(s, s.len - suffix.len), suffix);
}

int str_compare(struct str a, struct str b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

size_t str_find_char(struct str s, char c)
{
	const char *found = s.len ? memchr(s.ptr, c, s.len) : NULL;

	return found ? (size_t)(found - s.ptr) : STR_NONE;
}

size_t str_find_last_char(struct str s, char c)
{
	for (size_t i = s.len; i > 0; i--) {
		if (s.ptr[i - 1] == c)
			return i - 1;
	}
	return STR_NONE;
}

size_t str_find(struct str s, struct str needle)
{
	const char *found;

	if (needle.len == 0)
		return 0;
	if (s.len < needle.len)
		return STR_NONE;
	found = memmem(s.ptr, s.len, needle.ptr, needle.len);
	return found ? (size_t)(found - s.ptr) : STR_NONE;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
	while (s.len > 0 && is_blank(s.ptr[0]))
		s = str_after(s, 1);
	while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

bool str_next(struct str *rest, char separator, struct str *ret_part)
{
	size_t at;

	if (rest->len == 0)
		return false;
	at = str_find_char(*rest, separator);
	if (at == STR_NONE) {
		*ret_part = *rest;
		*rest = str_after(*rest, rest->len);
	} else {
		*ret_part = str_slice(*rest, 0, at);
		*rest = str_after(*rest, at + 1);
	}
	return true;
}

bool str_to_u64(struct str s, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint64_t digit;

		if (!ascii_is_digit(s.ptr[i]))
			return false;
		digit = (uint64_t)(s.ptr[i] - '0');
		if (value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*ret_value = value;
	return true;
}

bool str_is_utf8(struct str s)
{
	size_t at = 0;

	while (at < s.len) {
		size_t length = utf8_decode(str_after(s, at), NULL);

		if (length == 0)
			return false;
		at += length;
	}
	return true;
}

bool str_copy(char *dst, size_t dst_size, struct str s)
{
	if (dst_size == 0)
		return false;
	if (s.len >= dst_size) {
		dst[0] = '\0';
		return false;
	}
	if (s.len > 0)
		memcpy(dst, s.ptr, s.len);
	dst[s.len] = '\0';
	return true;
}

char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool ascii_is_alpha(char c)
{
	char lower = ascii_lower(c);

	return lower >= 'a' && lower <= 'z';
}

bool ascii_is_alnum(char c)
{
	return ascii_is_digit(c) || ascii_is_alpha(c);
}

int ascii_hex_value(char c)
{
	char lower = ascii_lower(c);

	if (ascii_is_digit(c))
		return c - '0';
	if (lower >= 'a' && lower <= 'f')
		return lower - 'a' + 10;
	return -1;
}

enum { NEAREST_MAX = 64 }; /* longer words are no slips of the finger */

/*
 * Edits that turn a into b, case folded; swapping two neighbours counts as one, being
 * the commonest slip of all. Both are at most NEAREST_MAX long.
 */
static size_t edit_distance(struct str a, struct str b)
{
	size_t rows[3][NEAREST_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *oldest = before;
		char ca = ascii_lower(a.ptr[i - 1]);

		before = above;
		above = row;
		row = oldest;
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			char cb = ascii_lower(b.ptr[j - 1]);
			size_t best = above[j - 1] + (ca != cb);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && ca == ascii_lower(b.ptr[j - 2]) &&
			    cb == ascii_lower(a.ptr[i - 2]) && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
	}
	return row[b.len];
}

const char *str_nearest(struct str written, const char *const *words, size_t count)
{
	const char *nearest = NULL;
	size_t nearest_distance = written.len / 3 + 1; /* one more than is near enough */

	if (written.len > NEAREST_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		struct str word = str_from(words[i]);
		size_t distance;

		if (word.len > NEAREST_MAX)
			continue;
		distance = edit_distance(written, word);
		if (distance < nearest_distance) {
			nearest_distance = distance;
			nearest = words[i];
		}
	}
	return nearest;
}
