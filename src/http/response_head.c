/*
 * http/response_head.c - the head of an upstream's response.
 *
 * The end is found first, by lines, so that a head that comes in many pieces costs no
 * memory until it is whole; a line that ends in a bare LF is refused right there, or it
 * would be waited for until the deadline. What is then parsed is taken literally:
 * tolerance towards an upstream is how one user gets another's response.
 */
#include "http/response_head.h"

#include "http/header_fold.h"

struct framing {
	bool has_length;
	bool has_coding;
	bool says_close;
	bool says_keep_alive;
};

/* As response_head_parse returns: 1 and the length, 0 for more, -1. */
static int head_find_end(struct str raw, size_t *ret_len, struct error *err)
{
	size_t start = 0;
	size_t newline;

	while ((newline = str_find_char(str_after(raw, start), '\n')) != STR_NONE) {
		if (start + newline >= RESPONSE_MAX_HEAD)
			break;
		if (newline == 0 || raw.ptr[start + newline - 1] != '\r') {
			error_set(err, ERR_SYNTAX, "line of the response head ends without CR");
			return -1;
		}
		start += newline + 1;
		if (newline == 1) {
			*ret_len = start;
			return 1;
		}
	}
	if (raw.len >= RESPONSE_MAX_HEAD) {
		error_set(err, ERR_LIMIT, "response head longer than %d bytes", RESPONSE_MAX_HEAD);
		return -1;
	}
	return 0;
}

/* Take a line and its CRLF. The head is known to be made of such. */
static struct str line_take(struct str *rest)
{
	size_t newline = str_find_char(*rest, '\n');
	struct str line = str_slice(*rest, 0, newline - 1);

	*rest = str_after(*rest, newline + 1);
	return line;
}

/* RFC 9112, section 4. A missing SP before an empty reason is common and harmless. */
static bool status_line_parse(struct str line, struct response_head *out, struct error *err)
{
	uint64_t status;

	if (line.len < 12 || !str_starts_with(line, STR("HTTP/1.")) ||
	    (line.ptr[7] != '0' && line.ptr[7] != '1') || line.ptr[8] != ' ' ||
	    !str_to_u64(str_slice(line, 9, 3), &status) || (line.len > 12 && line.ptr[12] != ' '))
		return error_set(err, ERR_SYNTAX, "malformed status line");
	if (status < 100 || status > 599)
		return error_set(err, ERR_SYNTAX, "status %u is out of range", (unsigned)status);
	if (!header_value_is_valid(str_trim(str_after(line, 12))))
		return error_set(err, ERR_SYNTAX, "control byte in the reason phrase");
	out->status = (unsigned)status;
	out->minor_version = line.ptr[7] == '1';
	return true;
}

static bool content_length_note(struct str value, struct response_head *out, struct framing *f,
				struct error *err)
{
	if (f->has_length)
		return error_set(err, ERR_SYNTAX, "repeated Content-Length");
	if (!str_to_u64(value, &out->content_length) || out->content_length > INT64_MAX)
		return error_set(err, ERR_SYNTAX, "Content-Length is no plain number");
	f->has_length = true;
	return true;
}

static bool transfer_encoding_note(struct str value, struct framing *f, struct error *err)
{
	if (f->has_coding)
		return error_set(err, ERR_SYNTAX, "repeated Transfer-Encoding");
	if (!str_equal_fold(value, STR("chunked")))
		return error_set(err, ERR_SYNTAX, "transfer coding other than \"chunked\"");
	f->has_coding = true;
	return true;
}

static bool header_note(struct header h, struct response_head *out, struct framing *f,
			struct error *err)
{
	switch (h.name.len) {
	case 10:
		if (!str_equal_fold(h.name, STR("connection")))
			return true;
		f->says_close |= header_list_has(h.value, STR("close"));
		f->says_keep_alive |= header_list_has(h.value, STR("keep-alive"));
		return true;
	case 14:
		if (!str_equal_fold(h.name, STR("content-length")))
			return true;
		return content_length_note(h.value, out, f, err);
	case 17:
		if (!str_equal_fold(h.name, STR("transfer-encoding")))
			return true;
		return transfer_encoding_note(h.value, f, err);
	default: return true;
	}
}

static bool header_line_parse(struct str line, struct header *ret, struct error *err)
{
	size_t colon = str_find_char(line, ':');

	/* A folded line and a space before the colon both show as a name that is no token. */
	ret->name = str_slice(line, 0, colon == STR_NONE ? 0 : colon);
	if (!header_name_is_token(ret->name))
		return error_set(err, ERR_SYNTAX, "header line without a valid name");
	ret->value = str_trim(str_after(line, colon + 1));
	if (!header_value_is_valid(ret->value))
		return error_set(err, ERR_SYNTAX, "control byte in the value of header \"%.*s\"",
				 ret->name.len < 40 ? (int)ret->name.len : 40, ret->name.ptr);
	return true;
}

static bool status_has_no_body(unsigned status)
{
	return status < 200 || status == 204 || status == 304;
}

/*
 * RFC 9112, section 6.3. Where the status forbids a body and the head announces one all
 * the same, the upstream may send it: the connection is then not used again.
 */
static bool framing_decide(const struct framing *f, struct str request_method,
			   struct response_head *out, struct error *err)
{
	bool announces_body = f->has_coding || (f->has_length && out->content_length > 0);

	if (f->has_coding && f->has_length)
		return error_set(err, ERR_SYNTAX, "both Transfer-Encoding and Content-Length");
	if (f->has_coding && !out->minor_version)
		return error_set(err, ERR_SYNTAX, "Transfer-Encoding in HTTP/1.0");
	if (out->status < 200 && announces_body)
		return error_set(err, ERR_SYNTAX, "interim response announces a body");

	out->keep_alive = !f->says_close && (out->minor_version || f->says_keep_alive);
	if (status_has_no_body(out->status) || str_equal(request_method, STR("HEAD"))) {
		out->body = HTTP_BODY_NONE;
		if (out->status == 101 || (out->status == 204 && announces_body) ||
		    (out->status == 304 && f->has_coding))
			out->keep_alive = false;
	} else if (f->has_coding) {
		out->body = HTTP_BODY_CHUNKED;
	} else if (f->has_length) {
		out->body = HTTP_BODY_LENGTH;
	} else {
		out->body = HTTP_BODY_UNTIL_CLOSE;
		out->keep_alive = false;
	}
	return true;
}

static bool head_parse(struct arena *a, struct str head, struct str request_method,
		       struct response_head *out, struct error *err)
{
	struct framing framing = {.has_length = false};
	struct str rest = head;
	struct str line;

	if (!status_line_parse(line_take(&rest), out, err))
		return false;
	while ((line = line_take(&rest)).len) {
		struct header header;

		if (out->headers.count == RESPONSE_MAX_HEADERS)
			return error_set(err, ERR_LIMIT, "more than %d headers in the response",
					 RESPONSE_MAX_HEADERS);
		if (!header_line_parse(line, &header, err) ||
		    !header_note(header, out, &framing, err))
			return false;
		if (!headers_add(a, &out->headers, header.name, header.value))
			return error_set(err, ERR_LIMIT,
					 "no memory left in the exchange for headers");
	}
	return framing_decide(&framing, request_method, out, err);
}

int response_head_parse(struct arena *a, struct str raw, struct str request_method,
			struct response_head *ret, size_t *ret_len, struct error *err)
{
	struct response_head out = {.status = 0};
	struct str version = STR("HTTP/1.");
	size_t len;
	int found;

	if (!str_starts_with(version, str_slice(raw, 0, version.len))) {
		error_set(err, ERR_SYNTAX, "the response does not start with HTTP/1");
		return -1;
	}
	found = head_find_end(raw, &len, err);
	if (found <= 0)
		return found;
	if (!head_parse(a, str_slice(raw, 0, len), request_method, &out, err))
		return -1;
	*ret = out;
	*ret_len = len;
	return 1;
}
