/*
 * authn/session/record.c - a session's record, written and read.
 *
 * The session's key is the context of the seal: a record copied under another key, by
 * somebody who can write to the store, opens nothing.
 */
#include "authn/session/record.h"

#include "authn/jose/seal.h"

enum { RECORD_VERSION = 1 };

static void head_write(const struct session_record *r, struct buf *b)
{
	struct json_writer w;

	json_write_begin(&w, b);
	json_write_object(&w, NULL);
	json_write_i64(&w, "version", RECORD_VERSION);
	json_write_i64(&w, "created", r->created_s);
	json_write_i64(&w, "expires", r->expires_s);
	json_write_i64(&w, "last_seen", r->last_seen_s);
	json_write_str(&w, "host", r->host);
	json_write_str(&w, "public_id", r->public_id);
	json_write_end(&w);
	buf_append_char(b, '\n');
}

bool session_record_seal(const struct session_record *r, const struct keyring *keys,
			 const unsigned char key[SHA256_SIZE], struct buf *out, struct error *err)
{
	struct buf plain;
	bool ok;

	buf_init(&plain, SESSION_RECORD_MAX);
	head_write(r, &plain);
	buf_append(&plain, r->identity);
	if (buf_failed(&plain))
		ok = error_set(err, ERR_LIMIT, "a session record is too large");
	else
		ok = seal_append(out, keys, SEAL_SESSION_RECORD,
				 str_from_len((const char *)key, SHA256_SIZE), STR(""),
				 buf_str(&plain), err);
	buf_wipe(&plain);
	return ok;
}

static bool head_read(const struct json *head, struct session_record *r, struct error *err)
{
	int64_t version;

	if (!json_i64(json_get(head, "version"), &version) || version != RECORD_VERSION ||
	    !json_i64(json_get(head, "created"), &r->created_s) ||
	    !json_i64(json_get(head, "expires"), &r->expires_s) ||
	    !json_i64(json_get(head, "last_seen"), &r->last_seen_s))
		return error_set(err, ERR_SYNTAX, "a session record is of another make");
	r->host = json_str(json_get(head, "host"));
	r->public_id = json_str(json_get(head, "public_id"));
	return true;
}

bool session_record_open(struct str sealed, const struct keyring *keys,
			 const unsigned char key[SHA256_SIZE], struct session_record *ret,
			 struct error *err)
{
	struct session_record r = {0};
	struct str text;
	size_t line_end;

	buf_init(&r.plain, SESSION_RECORD_MAX);
	if (!seal_open(&r.plain, keys, SEAL_SESSION_RECORD,
		       str_from_len((const char *)key, SHA256_SIZE), STR(""), sealed, err))
		goto fail;
	text = buf_str(&r.plain);
	line_end = str_find_char(text, '\n');
	if (line_end == STR_NONE) {
		error_set(err, ERR_SYNTAX, "a session record is of another make");
		goto fail;
	}
	if (!json_parse(str_slice(text, 0, line_end), SESSION_RECORD_MAX_HEAD, NULL, &r.head,
			err) ||
	    !head_read(json_root(r.head), &r, err))
		goto fail;
	r.identity = str_after(text, line_end + 1);
	*ret = r;
	return true;
fail:
	session_record_done(&r);
	return false;
}

void session_record_done(struct session_record *r)
{
	json_doc_free(r->head);
	r->head = NULL;
	buf_wipe(&r->plain);
}
