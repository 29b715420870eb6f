/*
 * http/uri_target.c - request targets: one reading, or none.
 *
 * A path is decoded once. What a second reader could take for something else (one that
 * decodes twice, knows backslashes, cuts at ';', merges slashes or resolves dots) is
 * marked. A path without marks is the same to all of them, and the fuzz target holds
 * that against such a reader. Dot segments are looked for between encoded slashes and
 * backslashes as well, so that a route that allows one of them by name does not get
 * "..%2f" along with it.
 */
#include "http/uri_path.h"

/*
 * What a raw byte is in a path. Rows of 32 bytes, from 0x00: 'x' refused, 'a' itself,
 * the others to be looked at.
 */
static const char path_class[256 + 1] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
					"xax#a%aaaaaaaa./aaaaaaaaaaa;xax?"
					"aaaaaaaaaaaaaaaaaaaaaaaaaaaaxaxa"
					"xaaaaaaaaaaaaaaaaaaaaaaaaaaxxxax"
					"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
					"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
					"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
					"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

const char *uri_ambiguity_name(unsigned bit)
{
	switch (bit) {
	case URI_DOT_SEGMENT: return "dot_segment";
	case URI_ENCODED_DOT: return "encoded_dot";
	case URI_ENCODED_SLASH: return "encoded_slash";
	case URI_ENCODED_BACKSLASH: return "encoded_backslash";
	case URI_PATH_PARAMETER: return "path_parameter";
	case URI_DOUBLE_ENCODING: return "double_encoding";
	case URI_EMPTY_SEGMENT: return "empty_segment";
	default: return NULL;
	}
}

int uri_triplet_value(struct str s, size_t at)
{
	int high, low;

	if (s.len - at < 3)
		return -1;
	high = ascii_hex_value(s.ptr[at + 1]);
	low = ascii_hex_value(s.ptr[at + 2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool uri_path_scan(struct str raw, size_t *ret_len, unsigned *ret_look)
{
	unsigned look = 0;
	char before = 'a';
	size_t i;

	for (i = 0; i < raw.len; i++) {
		char class = path_class[(unsigned char)raw.ptr[i]];

		if (class == 'x')
			return false;
		if (class == '?' || class == '#')
			break;
		if (class == '%')
			look |= URI_PATH_HAS_TRIPLET;
		else if (class != 'a' && (class != '/' || before == '/'))
			look |= URI_PATH_HAS_MARK;
		before = class;
	}
	*ret_len = i;
	*ret_look = look;
	return true;
}

/* "." or "..", alone or before a parameter. */
static bool segment_is_dots(struct str segment)
{
	size_t dots = 0;

	while (dots < segment.len && segment.ptr[dots] == '.')
		dots++;
	return (dots == 1 || dots == 2) && (dots == segment.len || segment.ptr[dots] == ';');
}

unsigned uri_path_ambiguities(struct str decoded)
{
	unsigned found = 0;
	size_t start = 1;

	for (size_t i = 1; i <= decoded.len; i++) {
		char c = i < decoded.len ? decoded.ptr[i] : '/';

		if (c == '/' || c == '\\') {
			if (segment_is_dots(str_slice(decoded, start, i - start)))
				found |= URI_DOT_SEGMENT;
			if (i == start && i < decoded.len)
				found |= URI_EMPTY_SEGMENT;
			start = i + 1;
		} else if (c == ';') {
			found |= URI_PATH_PARAMETER;
		} else if (c == '%' && uri_triplet_value(decoded, i) >= 0) {
			found |= URI_DOUBLE_ENCODING;
		}
	}
	return found;
}

static unsigned triplet_ambiguity(int value)
{
	switch (value) {
	case '.': return URI_ENCODED_DOT;
	case '/': return URI_ENCODED_SLASH;
	case '\\': return URI_ENCODED_BACKSLASH;
	default: return 0;
	}
}

static void canonical_put_triplet(struct uri_path *p, char c)
{
	static const char hex[] = "0123456789ABCDEF";

	if (!p->canonical)
		return;
	/* '.' is unreserved too, but stays as it came: its encoding is a mark of its own. */
	if (ascii_is_alnum(c) || c == '-' || c == '_' || c == '~') {
		p->canonical[p->canonical_len++] = c;
		return;
	}
	p->canonical[p->canonical_len++] = '%';
	p->canonical[p->canonical_len++] = hex[(unsigned char)c >> 4];
	p->canonical[p->canonical_len++] = hex[(unsigned char)c & 15];
}

bool uri_path_decode(struct str path, struct uri_path *p, struct error *err)
{
	p->decoded_len = p->canonical_len = 0;
	p->ambiguities = 0;
	for (size_t i = 0; i < path.len; i++) {
		int value;

		if (path.ptr[i] != '%') {
			p->decoded[p->decoded_len++] = path.ptr[i];
			if (p->canonical)
				p->canonical[p->canonical_len++] = path.ptr[i];
			continue;
		}
		value = uri_triplet_value(path, i);
		if (value < 0)
			return error_set(err, ERR_SYNTAX,
					 "'%%' without two hex digits in the path");
		if (value < 0x20 || value == 0x7f)
			return error_set(err, ERR_SYNTAX, "encoded control byte in the path");
		p->ambiguities |= triplet_ambiguity(value);
		p->decoded[p->decoded_len++] = (char)value;
		canonical_put_triplet(p, (char)value);
		i += 2;
	}
	if (!str_is_utf8(str_from_len(p->decoded, p->decoded_len)))
		return error_set(err, ERR_SYNTAX, "the decoded path is not UTF-8");
	p->ambiguities |= uri_path_ambiguities(str_from_len(p->decoded, p->decoded_len));
	return true;
}

/*
 * Encoded control bytes and other character sets than UTF-8 are common and harmless
 * in queries of forms, and nothing is decided on the raw query; only what decoders do
 * not agree on is refused.
 */
bool uri_query_is_valid(struct str query)
{
	for (size_t i = 0; i < query.len; i++) {
		char c = query.ptr[i];

		if (c < 0x21 || c > 0x7e || c == '#')
			return false;
		if (c == '%' && uri_triplet_value(query, i) <= 0)
			return false;
	}
	return true;
}

static bool target_read_path(struct arena *a, struct str path, struct uri_target *t,
			     struct error *err)
{
	struct uri_path p;

	p.decoded = arena_alloc(a, path.len * 2);
	if (!p.decoded)
		return error_set(err, ERR_LIMIT, "no memory left in the exchange for the path");
	p.canonical = p.decoded + path.len;
	if (!uri_path_decode(path, &p, err))
		return false;
	t->path = str_from_len(p.canonical, p.canonical_len);
	t->path_decoded = str_from_len(p.decoded, p.decoded_len);
	t->ambiguities = p.ambiguities;
	return true;
}

bool uri_parse_target(struct arena *a, struct str raw, struct uri_target *ret, struct error *err)
{
	struct uri_target t = {.is_asterisk = false};
	size_t path_len;
	unsigned look;

	if (raw.len > URI_MAX_TARGET)
		return error_set(err, ERR_LIMIT, "target longer than %d bytes", URI_MAX_TARGET);
	if (str_equal(raw, STR("*"))) {
		*ret = (struct uri_target){.is_asterisk = true, .path = raw, .path_decoded = raw};
		return true;
	}
	if (!raw.len || raw.ptr[0] != '/')
		return error_set(err, ERR_SYNTAX, "target does not start with '/'");
	if (!uri_path_scan(raw, &path_len, &look))
		return error_set(err, ERR_SYNTAX, "byte in the path that must be encoded");
	if (path_len < raw.len && raw.ptr[path_len] == '#')
		return error_set(err, ERR_SYNTAX, "fragment in the target");

	t.path = t.path_decoded = str_slice(raw, 0, path_len);
	if (path_len < raw.len) {
		t.has_query = true;
		t.query = str_after(raw, path_len + 1);
		if (!uri_query_is_valid(t.query))
			return error_set(err, ERR_SYNTAX, "byte or triplet that no query may have");
	}
	if (look & URI_PATH_HAS_TRIPLET) {
		if (!target_read_path(a, t.path, &t, err))
			return false;
	} else if (look & URI_PATH_HAS_MARK) {
		t.ambiguities = uri_path_ambiguities(t.path);
	}
	*ret = t;
	return true;
}
