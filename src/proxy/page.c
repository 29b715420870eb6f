/*
 * proxy/page.c - templates compiled once into pieces, rendered by walking them.
 *
 * Escaping is not a choice of a template or a caller: the only piece that inserts a
 * value is PIECE_VALUE, and it escapes.
 */
#include "proxy/page.h"

#include <stdlib.h>
#include <string.h>

#include "templates/embedded.h"

enum { PAGE_MAX_PIECES = 128, PAGE_MAX_DEPTH = 4, PAGE_MAX_NAMES = 12 };

enum piece_kind { PIECE_TEXT, PIECE_VALUE, PIECE_IF, PIECE_IF_NOT, PIECE_END };

struct piece {
	enum piece_kind kind;
	struct str text;		/* literal text, or the name of a value */
};

struct template {
	const char *file;
	const char *names[PAGE_MAX_NAMES];	/* what it may use */
	struct piece pieces[PAGE_MAX_PIECES];
	size_t count;
};

static struct template templates[PAGE_COUNT] = {
	[PAGE_ERROR] = {.file = "error.html", .names = {"status", "title", "text", "request_id"}},
	[PAGE_DENIED] = {.file = "denied.html",
			 .names = {"status", "title", "text", "message", "user", "request_id",
				   "host", "sign_out"}},
	[PAGE_SIGN_IN_FAILED] = {.file = "sign_in_failed.html",
				 .names = {"status", "title", "text", "provider", "request_id",
					   "retry"}},
	[PAGE_SIGNED_OUT] = {.file = "signed_out.html",
			     .names = {"status", "title", "request_id", "host"}},
	[PAGE_WHOAMI] = {.file = "whoami.html",
			 .names = {"user", "name", "email", "groups", "provider",
				   "authenticated_by", "signed_in_at", "expires_at", "host",
				   "request_id", "sign_out"}},
};

static const struct {
	struct str name;
	const char *type;
} static_files[] = {
	{STR_INIT("style.css"), "text/css; charset=utf-8"},
};

static bool embedded_find(struct str name, struct str *ret_data)
{
	for (size_t i = 0; i < embedded_files_count; i++) {
		if (str_equal(str_from(embedded_files[i].name), name)) {
			*ret_data = str_from_len((const char *)embedded_files[i].data,
						 embedded_files[i].len);
			return true;
		}
	}
	return false;
}

bool page_static_file(struct str name, struct str *ret_data, const char **ret_type)
{
	for (size_t i = 0; i < ARRAY_LEN(static_files); i++) {
		if (str_equal(name, static_files[i].name)) {
			*ret_type = static_files[i].type;
			return embedded_find(name, ret_data);
		}
	}
	return false;
}

/* --- compiling */

static bool is_allowed_name(const struct template *t, struct str name)
{
	for (size_t i = 0; i < PAGE_MAX_NAMES && t->names[i]; i++)
		if (str_equal(str_from(t->names[i]), name))
			return true;
	return false;
}

static unsigned line_at(struct str whole, struct str rest)
{
	unsigned line = 1;

	for (const char *c = whole.ptr; c < rest.ptr; c++)
		line += *c == '\n';
	return line;
}

static bool add_piece(struct template *t, enum piece_kind kind, struct str text)
{
	if (t->count == PAGE_MAX_PIECES)
		return false;
	t->pieces[t->count++] = (struct piece){kind, text};
	return true;
}

/* What stands between the braces: "name", "#name", "^name" or "/name". */
static struct piece placeholder(struct str inside)
{
	enum piece_kind kind = PIECE_VALUE;

	if (str_starts_with(inside, STR("#")))
		kind = PIECE_IF;
	else if (str_starts_with(inside, STR("^")))
		kind = PIECE_IF_NOT;
	else if (str_starts_with(inside, STR("/")))
		kind = PIECE_END;
	return (struct piece){kind, kind == PIECE_VALUE ? inside : str_after(inside, 1)};
}

static bool template_compile(struct template *t, struct str whole, struct error *err)
{
	struct str open[PAGE_MAX_DEPTH];
	struct str rest = whole;
	unsigned depth = 0;
	const char *fault = NULL;

	t->count = 0;
	while (!fault && rest.len) {
		size_t start = str_find(rest, STR("{{"));
		size_t end = start == STR_NONE ? STR_NONE : str_find(str_after(rest, start), STR("}}"));
		struct piece p;

		if (!add_piece(t, PIECE_TEXT, str_slice(rest, 0, start)))
			fault = "has too many pieces";
		if (start == STR_NONE)
			break;
		rest = str_after(rest, start);
		if (end == STR_NONE) {
			fault = "has a placeholder without an end";
			break;
		}
		p = placeholder(str_slice(rest, 2, end - 2));
		if (!is_allowed_name(t, p.text))
			fault = "names a value that this page does not have";
		else if (!add_piece(t, p.kind, p.text))
			fault = "has too many pieces";
		else if (p.kind == PIECE_END && (!depth || !str_equal(open[--depth], p.text)))
			fault = "closes a part that is not open";
		else if ((p.kind == PIECE_IF || p.kind == PIECE_IF_NOT) && depth == PAGE_MAX_DEPTH)
			fault = "nests parts too deeply";
		else if (p.kind == PIECE_IF || p.kind == PIECE_IF_NOT)
			open[depth++] = p.text;
		if (!fault)
			rest = str_after(rest, end + 2);
	}
	if (!fault && depth)
		fault = "leaves a part open";
	if (!fault)
		return true;
	error_set(err, ERR_SYNTAX, "the template %s", fault);
	error_at_file(err, t->file);
	if (err)
		err->line = line_at(whole, rest);
	return false;
}

bool page_load(struct error *err)
{
	for (size_t i = 0; i < PAGE_COUNT; i++) {
		struct str text;

		if (!embedded_find(str_from(templates[i].file), &text))
			return error_set(err, ERR_NOT_FOUND, "the template %s is missing",
					 templates[i].file);
		if (!template_compile(&templates[i], text, err))
			return false;
	}
	return true;
}

/* --- rendering */

static const char *escape_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* The length of the well-formed UTF-8 sequence at the start of s, 0 when there is none. */
static size_t utf8_sequence(struct str s)
{
	for (size_t n = 1; n <= 4 && n <= s.len; n++)
		if (str_is_utf8(str_slice(s, 0, n)))
			return n;
	return 0;
}

void page_append_escaped(struct buf *out, struct str value)
{
	while (value.len) {
		const char *escape = escape_of(value.ptr[0]);
		unsigned char c = (unsigned char)value.ptr[0];
		size_t n = utf8_sequence(value);

		if (escape)
			buf_append_cstr(out, escape);
		else if (!n || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			buf_append_cstr(out, "\xef\xbf\xbd");
		else
			buf_append(out, str_slice(value, 0, n));
		value = str_after(value, n ? n : 1);
	}
}

static struct str value_of(const struct page_value *values, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_equal(str_from(values[i].name), name))
			return values[i].value;
	return STR("");
}

void page_render(struct buf *out, enum page page, const struct page_value *values, size_t count)
{
	const struct template *t = &templates[page];
	unsigned hidden = 0;	/* open parts inside the outermost one that is left out */

	for (size_t i = 0; i < t->count; i++) {
		const struct piece *p = &t->pieces[i];
		bool empty = p->kind != PIECE_TEXT && str_is_empty(value_of(values, count, p->text));

		switch (p->kind) {
		case PIECE_TEXT:
			if (!hidden)
				buf_append(out, p->text);
			break;
		case PIECE_VALUE:
			if (!hidden)
				page_append_escaped(out, value_of(values, count, p->text));
			break;
		case PIECE_IF:
			hidden += hidden || empty;
			break;
		case PIECE_IF_NOT:
			hidden += hidden || !empty;
			break;
		case PIECE_END:
			hidden -= hidden > 0;
			break;
		}
	}
}
