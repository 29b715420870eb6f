/*
 * policy/pattern.c - patterns of paths and hosts.
 *
 * The comparison is with the decoded path, so a pattern is written in plain characters;
 * one with a percent-triplet would match nothing and is refused.
 */
#include "policy/pattern.h"

#include <string.h>

static bool is_dot_segment(struct str segment)
{
	return str_equal(segment, STR(".")) || str_equal(segment, STR(".."));
}

/* Bytes that a decoded, unambiguous path cannot hold, or that show a mistaken idea of patterns. */
static bool path_bytes_check(struct str s, struct error *err)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if ((unsigned char)c < 0x20 || c == 0x7f)
			return error_set(err, ERR_SYNTAX,
					 "a path pattern holds no control character");
		if (c == '?' || c == '#' || c == '\\')
			return error_set(err, ERR_SYNTAX, "a path pattern holds no '%c'", c);
		if (c == '%' && i + 2 < s.len && ascii_hex_value(s.ptr[i + 1]) >= 0 &&
		    ascii_hex_value(s.ptr[i + 2]) >= 0)
			return error_set(err, ERR_SYNTAX,
					 "a path pattern is compared with the decoded path: write "
					 "the character instead of \"%.3s\"",
					 s.ptr + i);
	}
	return true;
}

static bool path_segment_check(struct str segment, bool is_last, struct path_pattern *pattern,
			       struct error *err)
{
	if (is_dot_segment(segment))
		return error_set(err, ERR_SYNTAX, "a path pattern holds no dot segment");
	if (!segment.len && !is_last)
		return error_set(err, ERR_SYNTAX, "a path pattern holds no empty segment (\"//\")");
	if (str_equal(segment, STR("**"))) {
		if (!is_last)
			return error_set(err, ERR_SYNTAX, "\"**\" is the last segment or none");
		pattern->has_tail = true;
		return true;
	}
	if (str_equal(segment, STR("*"))) {
		pattern->has_star = true;
		return true;
	}
	if (str_find_char(segment, '*') != STR_NONE)
		return error_set(err, ERR_SYNTAX,
				 "'*' stands for a whole segment, \"**\" for a tail");
	return true;
}

bool path_pattern_parse(struct str s, struct path_pattern *ret, struct error *err)
{
	struct path_pattern pattern = {.text = s};
	size_t from = 1;

	if (!s.len || s.ptr[0] != '/')
		return error_set(err, ERR_SYNTAX, "a path pattern starts with '/'");
	if (!path_bytes_check(s, err))
		return false;
	for (;;) {
		size_t slash = str_find_char(str_after(s, from), '/');
		size_t len = slash == STR_NONE ? s.len - from : slash;

		if (!path_segment_check(str_slice(s, from, len), slash == STR_NONE, &pattern, err))
			return false;
		if (slash == STR_NONE)
			break;
		from += len + 1;
	}
	if (pattern.has_tail)
		pattern.text.len -= 2;
	pattern.text.len -= pattern.text.ptr[pattern.text.len - 1] == '/';
	*ret = pattern;
	return true;
}

/* What may stand behind the part that the pattern spells out. */
static bool is_good_rest(const struct path_pattern *p, struct str rest)
{
	if (!rest.len)
		return true;
	return rest.ptr[0] == '/' && (rest.len == 1 || p->has_tail);
}

/* The length of the segment at the front of s, which starts with its slash. */
static size_t segment_len(struct str s)
{
	size_t slash = str_find_char(str_after(s, 1), '/');

	return slash == STR_NONE ? s.len : slash + 1;
}

static bool starred_matches(const struct path_pattern *p, struct str path)
{
	struct str text = p->text;

	while (text.len) {
		size_t wanted = segment_len(text);
		size_t seen;

		if (!path.len || path.ptr[0] != '/')
			return false;
		seen = segment_len(path);
		if (str_equal(str_slice(text, 0, wanted), STR("/*"))) {
			if (seen < 2)
				return false;
		} else if (!str_equal(str_slice(text, 0, wanted), str_slice(path, 0, seen))) {
			return false;
		}
		text = str_after(text, wanted);
		path = str_after(path, seen);
	}
	return is_good_rest(p, path);
}

bool path_pattern_matches(const struct path_pattern *p, struct str path)
{
	if (!path.len || path.ptr[0] != '/')
		return false;
	if (p->has_star)
		return starred_matches(p, path);
	/* The byte behind is looked at first: it tells most paths apart without comparing them. */
	return path.len >= p->text.len &&
	       is_good_rest(p, (struct str){path.ptr + p->text.len, path.len - p->text.len}) &&
	       memcmp(path.ptr, p->text.ptr, p->text.len) == 0;
}

static bool is_ipv6_literal(struct str s)
{
	if (s.len < 4 || s.ptr[0] != '[' || s.ptr[s.len - 1] != ']')
		return false;
	for (size_t i = 1; i + 1 < s.len; i++) {
		if (ascii_hex_value(s.ptr[i]) < 0 && s.ptr[i] != ':' && s.ptr[i] != '.')
			return false;
	}
	return true;
}

static bool host_label_check(struct str label, struct error *err)
{
	if (!label.len)
		return error_set(err, ERR_SYNTAX, "a host holds no empty label");
	if (label.len > 63)
		return error_set(err, ERR_SYNTAX, "a label of a host has at most 63 characters");
	for (size_t i = 0; i < label.len; i++) {
		char c = label.ptr[i];

		if (c == '*')
			return error_set(
				err, ERR_SYNTAX,
				"'*' stands for the whole front of a host: \"*.example.com\"");
		if (c == ':')
			return error_set(err, ERR_SYNTAX, "a host is written without its port");
		if (!ascii_is_alnum(c) && c != '-' && c != '_')
			return error_set(err, ERR_SYNTAX,
					 "a host is letters, digits, '-' and '.'; an international "
					 "name is written in its \"xn--\" form");
	}
	return true;
}

bool host_pattern_parse(struct arena *a, struct str s, struct host_pattern *ret, struct error *err)
{
	struct host_pattern pattern = {.is_wildcard = str_starts_with(s, STR("*."))};
	struct str rest = pattern.is_wildcard ? str_after(s, 2) : s;
	char *folded;

	if (rest.len && rest.ptr[rest.len - 1] == '.')
		rest.len--;
	if (!rest.len || rest.len > 253)
		return error_set(err, ERR_SYNTAX, "a host has 1 to 253 characters");
	if (pattern.is_wildcard || !is_ipv6_literal(rest)) {
		for (size_t from = 0, len; from <= rest.len; from += len + 1) {
			len = str_find_char(str_after(rest, from), '.');
			if (len == STR_NONE)
				len = rest.len - from;
			if (!host_label_check(str_slice(rest, from, len), err))
				return false;
		}
	}
	if (pattern.is_wildcard) /* keep the dot: "*.b.c" is not "ab.c" */
		rest = (struct str){rest.ptr - 1, rest.len + 1};
	folded = arena_cstr(a, rest);
	if (!folded)
		return error_set(err, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < rest.len; i++)
		folded[i] = ascii_lower(folded[i]);
	pattern.text = str_from_len(folded, rest.len);
	*ret = pattern;
	return true;
}

bool host_pattern_matches(const struct host_pattern *p, struct str host)
{
	if (!p->is_wildcard)
		return str_equal(host, p->text);
	return host.len > p->text.len && str_ends_with(host, p->text);
}
