/*
 * proxy/respond.c - the answers of the gate itself.
 */
#include "proxy/respond.h"

#include "base/json.h"
#include "http/cookie.h"

enum { PAGE_MAX_BYTES = 256 * 1024, PAGE_MAX_VALUES = 16 };

void respond_add_header(struct exchange *e, const char *name, struct str value)
{
	if (!headers_add(e->arena, &e->response.headers, str_from(name), value))
		error_set(&e->error, ERR_LIMIT, "no room for the field %s of the answer", name);
}

bool respond_wants_html(const struct exchange *e)
{
	const struct str *accept = headers_get(&e->request.headers, STR("Accept"));

	return accept && str_find(*accept, STR("text/html")) != STR_NONE;
}

/* Start an answer of ours, whatever was there before. */
static void respond_begin(struct exchange *e, unsigned status, enum exchange_reason reason)
{
	e->response = (struct response){.status = status, .has_length = true};
	e->reason = reason;
	e->is_answered = true;
	respond_add_header(e, "Cache-Control", STR("no-store"));
	respond_add_header(e, "X-Content-Type-Options", STR("nosniff"));
	respond_add_header(e, "Referrer-Policy", STR("no-referrer"));
	respond_add_header(e, "Content-Security-Policy", STR(PAGE_CONTENT_SECURITY_POLICY));
	respond_add_header(e, "X-Frame-Options", STR("DENY"));
}

enum step_result respond_data(struct exchange *e, unsigned status, enum exchange_reason reason,
			      const char *media_type, struct str data)
{
	respond_begin(e, status, reason);
	respond_add_header(e, "Content-Type", str_from(media_type));
	e->response.data = data;
	e->response.length = data.len;
	return STEP_ANSWERED;
}

static struct str value_of(const struct page_value *values, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (str_equal(str_from(values[i].name), str_from(name)))
			return values[i].value;
	return STR("");
}

static void render_json(struct buf *out, unsigned status, const struct page_value *values,
			size_t count)
{
	static const char *const shown[] = {"title", "text", "message", "request_id"};
	struct json_writer w;

	json_write_begin(&w, out);
	json_write_object(&w, NULL);
	json_write_i64(&w, "status", status);
	for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
		struct str value = value_of(values, count, shown[i]);

		if (value.len)
			json_write_str(&w, shown[i], value);
	}
	json_write_end(&w);
}

enum step_result respond_page(struct exchange *e, unsigned status, enum exchange_reason reason,
			      enum page page, const struct page_value *values, size_t count)
{
	struct page_value all[PAGE_MAX_VALUES];
	bool html = respond_wants_html(e);
	struct buf out;
	struct str copy;

	ASSERT(count + 3 <= PAGE_MAX_VALUES);
	for (size_t i = 0; i < count; i++)
		all[i] = values[i];
	all[count++] = (struct page_value){"status", arena_printf(e->arena, "%u", status)};
	all[count++] = (struct page_value){"title", str_from(http_reason_phrase(status))};
	all[count++] = (struct page_value){"request_id", str_from(e->id)};
	buf_init(&out, PAGE_MAX_BYTES);
	if (html)
		page_render(&out, page, all, count);
	else
		render_json(&out, status, all, count);
	copy = arena_str(e->arena, buf_str(&out));
	if (buf_failed(&out))
		copy = STR("");
	buf_done(&out);
	return respond_data(e, status, reason,
			    html ? "text/html; charset=utf-8" : "application/json", copy);
}

enum step_result respond_error(struct exchange *e, unsigned status, enum exchange_reason reason,
			       const char *text)
{
	struct page_value values[] = {
		{"text", str_from(status == 500 ? "Something went wrong here." : text)}};

	return respond_page(e, status, reason, PAGE_ERROR, values, ARRAY_LEN(values));
}

enum step_result respond_redirect(struct exchange *e, unsigned status, enum exchange_reason reason,
				  struct str location)
{
	respond_begin(e, status, reason);
	respond_add_header(e, "Location", location);
	return STEP_ANSWERED;
}

void respond_bare(struct exchange *e, unsigned status, enum exchange_reason reason)
{
	static struct header no_store[] = {{STR_INIT("Cache-Control"), STR_INIT("no-store")}};

	e->response = (struct response){
		.status = status,
		.headers = {no_store, ARRAY_LEN(no_store), ARRAY_LEN(no_store)},
		.has_length = true,
		.close = true,
	};
	e->reason = reason;
	e->is_answered = true;
}

enum step_result respond_internal(struct exchange *e, const char *what)
{
	error_set(&e->error, ERR_BUG, "%s", what);
	respond_bare(e, 500, REASON_INTERNAL);
	return STEP_ANSWERED;
}

void respond_clear_cookie(struct exchange *e, struct str name)
{
	struct buf cookie;

	buf_init(&cookie, 512);
	cookie_append_set(&cookie, name, STR(""), 0);
	respond_add_header(e, "Set-Cookie", arena_str(e->arena, buf_str(&cookie)));
	buf_done(&cookie);
}
