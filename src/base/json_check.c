/*
 * base/json_check.c - the grammar of RFC 8259, with what we refuse beyond it.
 *
 * This runs before cJSON, which takes much that is no JSON. It keeps its own stack, so
 * that no text can exhaust ours. Messages name keys, never values: those may be secrets.
 */
#include "base/json_check.h"

#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/utf8.h"

enum {
	NUMBER_MAX = 63, /* cJSON copies a number into a buffer of this size and forgets the rest */
	KEY_SHOWN_MAX = 60,
};

struct level {
	char close;	/* '}' or ']' */
	struct str key; /* the latest key of an object, with its escapes */
};

struct check {
	struct str text;
	size_t at;
	unsigned depth;
	struct level levels[JSON_MAX_DEPTH];
	struct error *err;
};

unsigned json_line_of(struct str text, size_t offset)
{
	struct str before = str_slice(text, 0, offset);
	unsigned line = 1;
	size_t newline;

	while ((newline = str_find_char(before, '\n')) != STR_NONE) {
		line++;
		before = str_after(before, newline + 1);
	}
	return line;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(struct str text, size_t at)
{
	while (at < text.len && is_space(text.ptr[at]))
		at++;
	return at;
}

static struct str rest_of(const struct check *c)
{
	return str_after(c->text, c->at);
}

static bool next_is(const struct check *c, char wanted)
{
	return c->at < c->text.len && c->text.ptr[c->at] == wanted;
}

/* Add the line of at to the fault that was recorded. */
static bool with_line(struct check *c, size_t at)
{
	if (c->err && c->err->line == 0)
		c->err->line = json_line_of(c->text, at);
	return false;
}

static bool fault_at(struct check *c, size_t at, const char *text)
{
	error_set(c->err, ERR_SYNTAX, "%s", text);
	return with_line(c, at);
}

static bool fault(struct check *c, const char *text)
{
	return fault_at(c, c->at, text);
}

/* Four hexadecimal digits at an offset; -1 when they are not there. */
static int hex4(const struct check *c, size_t at)
{
	int value = 0;

	for (size_t i = 0; i < 4; i++) {
		int digit = at + i < c->text.len ? ascii_hex_value(c->text.ptr[at + i]) : -1;

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* The part of an escape behind "\u", at is on its first digit. */
static bool check_unicode_escape(struct check *c)
{
	int unit = hex4(c, c->at);

	if (unit < 0)
		return fault(c, "\\u is not followed by four hexadecimal digits");
	if (unit == 0)
		return fault(c, "\\u0000 is not accepted in a string");
	c->at += 4;
	if (unit < 0xd800 || unit > 0xdfff)
		return true;
	if (unit < 0xdc00 && str_starts_with(rest_of(c), STR("\\u"))) {
		int low = hex4(c, c->at + 2);

		c->at += 6;
		if (low >= 0xdc00 && low <= 0xdfff)
			return true;
	}
	return fault(c, "a surrogate stands alone in a \\u escape");
}

static bool check_escape(struct check *c)
{
	char kind;

	c->at++;
	if (c->at >= c->text.len)
		return fault(c, "a string is not closed");
	kind = c->text.ptr[c->at++];
	if (kind == 'u')
		return check_unicode_escape(c);
	if (str_find_char(STR("\"\\/bfnrt"), kind) == STR_NONE)
		return fault(c, "unknown escape after \\ in a string");
	return true;
}

/* A string, at on its opening quote. ret_inside gets what stands between the quotes. */
static bool check_string(struct check *c, struct str *ret_inside)
{
	size_t start = c->at++;

	while (c->at < c->text.len) {
		unsigned char byte = (unsigned char)c->text.ptr[c->at];
		size_t length;

		if (byte == '"') {
			*ret_inside = str_slice(c->text, start + 1, c->at - start - 1);
			c->at++;
			return true;
		}
		if (byte == '\n')
			return fault_at(c, start, "a string is not closed on its line");
		if (byte < 0x20)
			return fault(c, "a control character in a string must be escaped");
		if (byte == '\\') {
			if (!check_escape(c))
				return false;
			continue;
		}
		length = byte < 0x80 ? 1 : utf8_decode(rest_of(c), NULL);
		if (length == 0)
			return fault(c, "a string is not valid UTF-8");
		c->at += length;
	}
	return fault_at(c, start, "a string is not closed");
}

static bool skip_digits(struct check *c)
{
	size_t start = c->at;

	while (c->at < c->text.len && ascii_is_digit(c->text.ptr[c->at]))
		c->at++;
	return c->at > start;
}

static bool check_number(struct check *c)
{
	char digits[NUMBER_MAX + 1];
	size_t start = c->at;
	size_t first;

	if (next_is(c, '-'))
		c->at++;
	first = c->at;
	if (!skip_digits(c))
		return fault(c, "a number without digits");
	if (c->text.ptr[first] == '0' && c->at > first + 1)
		return fault(c, "a number with a leading zero");
	if (next_is(c, '.')) {
		c->at++;
		if (!skip_digits(c))
			return fault(c, "a number without digits behind its point");
	}
	if (next_is(c, 'e') || next_is(c, 'E')) {
		c->at++;
		if (next_is(c, '+') || next_is(c, '-'))
			c->at++;
		if (!skip_digits(c))
			return fault(c, "a number without digits in its exponent");
	}
	if (!str_copy(digits, sizeof(digits), str_slice(c->text, start, c->at - start)))
		return fault(c, "a number with more than 63 characters");
	if (!isfinite(strtod(digits, NULL)))
		return fault(c, "a number too large to be represented");
	return true;
}

static bool check_scalar(struct check *c)
{
	static const struct str words[] = {STR_INIT("true"), STR_INIT("false"), STR_INIT("null")};
	struct str inside;

	if (next_is(c, '"'))
		return check_string(c, &inside);
	if (next_is(c, '-') || (c->at < c->text.len && ascii_is_digit(c->text.ptr[c->at])))
		return check_number(c);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_starts_with(rest_of(c), words[i])) {
			c->at += words[i].len;
			return true;
		}
	}
	if (c->at >= c->text.len)
		return fault(c, "a value is missing at the end of the text");
	return fault(c, "expected a value");
}

/* A key and its colon, up to where the value may begin. */
static bool check_key(struct check *c)
{
	struct level *top = &c->levels[c->depth - 1];

	c->at = skip_space(c->text, c->at);
	if (!next_is(c, '"'))
		return fault(c, next_is(c, '}') ? "a comma stands before '}'"
						: "expected a key in quotes");
	if (!check_string(c, &top->key))
		return false;
	c->at = skip_space(c->text, c->at);
	if (!next_is(c, ':'))
		return fault(c, "expected ':' after a key");
	c->at++;
	return true;
}

/* Enter the container at is on. An empty one is entered and left: ret_entered is false. */
static bool open_container(struct check *c, bool *ret_entered)
{
	char close = next_is(c, '{') ? '}' : ']';

	if (c->depth >= JSON_MAX_DEPTH) {
		error_set(c->err, ERR_LIMIT, "nested deeper than %d levels", JSON_MAX_DEPTH);
		return with_line(c, c->at);
	}
	c->at = skip_space(c->text, c->at + 1);
	*ret_entered = !next_is(c, close);
	if (!*ret_entered) {
		c->at++;
		return true;
	}
	c->levels[c->depth++] = (struct level){.close = close};
	return close == ']' || check_key(c);
}

static bool fault_between(struct check *c, size_t at)
{
	const struct level *top = &c->levels[c->depth - 1];
	struct str key = top->key;

	if (top->close == ']')
		return fault_at(c, at, "expected ',' or ']' after an element");
	if (key.len > KEY_SHOWN_MAX)
		return fault_at(c, at, "expected ',' or '}' after a value");
	error_set(c->err, ERR_SYNTAX, "expected ',' or '}' after \"%.*s\"", STR_ARG(key));
	return with_line(c, at);
}

/*
 * Behind a value: leave the containers that end here. ret_more tells whether another
 * value follows (at is then on it, or on the space before it).
 */
static bool after_value(struct check *c, bool *ret_more)
{
	while (c->depth > 0) {
		char close = c->levels[c->depth - 1].close;
		size_t value_end = c->at;

		c->at = skip_space(c->text, c->at);
		if (next_is(c, ',')) {
			c->at++;
			*ret_more = true;
			return close == ']' || check_key(c);
		}
		/* On the line of the value, where the comma is missing. */
		if (!next_is(c, close))
			return fault_between(c, value_end);
		c->at++;
		c->depth--;
	}
	*ret_more = false;
	return true;
}

bool json_check(struct str text, struct error *err)
{
	struct check c = {.text = text, .err = err};
	bool more = true;

	if (str_starts_with(text, STR("\xef\xbb\xbf")))
		return fault(&c, "the text begins with a byte order mark");
	while (more) {
		bool entered = false;

		c.at = skip_space(text, c.at);
		if (next_is(&c, '{') || next_is(&c, '[')) {
			if (!open_container(&c, &entered))
				return false;
			if (entered)
				continue;
		} else if (!check_scalar(&c)) {
			return false;
		}
		if (!after_value(&c, &more))
			return false;
	}
	c.at = skip_space(text, c.at);
	if (c.at < text.len)
		return fault(&c, "something stands behind the value");
	return true;
}

/* The three below trust the grammar, never the bounds. */

static size_t skip_string(struct str text, size_t at)
{
	for (at++; at < text.len && text.ptr[at] != '"'; at++) {
		if (text.ptr[at] == '\\')
			at++;
	}
	return at < text.len ? at + 1 : text.len;
}

static size_t skip_value(struct str text, size_t at)
{
	unsigned depth = 0;

	while (at < text.len) {
		char c = text.ptr[at];

		if (c == '"') {
			at = skip_string(text, at);
			if (depth == 0)
				return at;
			continue;
		}
		if (depth == 0 && (c == ',' || c == ']' || c == '}' || is_space(c)))
			return at;
		at++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			return at;
	}
	return at;
}

size_t json_locate(struct str text, const size_t *steps, size_t count)
{
	size_t at = skip_space(text, 0);

	for (size_t i = 0; i < count && at < text.len; i++) {
		bool is_object = text.ptr[at] == '{';

		at = skip_space(text, at + 1);
		for (size_t child = 0; at < text.len; child++) {
			if (is_object) {
				at = skip_space(text, skip_string(text, at));
				at = skip_space(text, at + 1);
			}
			if (child == steps[i])
				break;
			at = skip_space(text, skip_value(text, at));
			at = skip_space(text, at + 1);
		}
	}
	return at;
}
