/*
 * proxy/page.h - the gate's own pages: templates with placeholders, escaped by construction.
 *
 * A template (templates/NAME.html, embedded in the binary) knows three things only:
 *
 *     {{name}}                     the value, HTML-escaped
 *     {{#name}} ... {{/name}}      this part only when the value is not empty
 *     {{^name}} ... {{/name}}      this part only when the value is empty
 *
 * There is no way to insert a value unescaped. The names a template may use are listed
 * here with each page, and a test holds the templates to them.
 */
#ifndef SALLYPORT_PROXY_PAGE_H
#define SALLYPORT_PROXY_PAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

enum page {
	PAGE_ERROR,		/* error.html: status title text request_id */
	PAGE_DENIED,		/* denied.html: status title text message user request_id host sign_out */
	PAGE_SIGN_IN_FAILED,	/* sign_in_failed.html: status title text provider request_id retry */
	PAGE_SIGNED_OUT,	/* signed_out.html: host */
	PAGE_WHOAMI,		/* whoami.html: user name email groups provider authenticated_by
				   signed_in_at expires_at host request_id sign_out */
	PAGE_COUNT,
};

struct page_value {
	const char *name;
	struct str value;	/* any bytes; invalid UTF-8 comes out as U+FFFD */
};

/*
 * Check and compile all embedded templates, once at start. An unknown placeholder, an
 * unclosed part or a missing template is an error that names the template and line.
 */
MUST_CHECK bool page_load(struct error *err);

/* Append the page. Values that are not given are empty. */
void page_render(struct buf *out, enum page page, const struct page_value *values, size_t count);

/* The parts of the values that page_render needs most, escaped for text and attributes. */
void page_append_escaped(struct buf *out, struct str value);

/*
 * A file below /.sallyport/static/ by its name ("style.css"); false when there is none.
 * ret_type is its media type. The name is looked up in a fixed list: it is no path.
 */
bool page_static_file(struct str name, struct str *ret_data, const char **ret_type);

/* The fields every page of ours carries: Content-Security-Policy and the like. */
#define PAGE_CONTENT_SECURITY_POLICY \
	"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; " \
	"base-uri 'none'; frame-ancestors 'none'"

#endif
