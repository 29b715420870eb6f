/*
 * authn/identity_certificate.c - the identity that a verified client certificate proves.
 */
#include "authn/identity.h"
#include "http/client_certificate.h"

/* The name a service is known by: SPIFFE and the like first, then DNS, then the CN. */
static struct str certificate_subject(const struct client_certificate *c)
{
	if (c->san_uri_count)
		return c->san_uri[0];
	if (c->san_dns_count)
		return c->san_dns[0];
	return c->common_name.len ? c->common_name : c->fingerprint_sha256;
}

static void append_claims(struct buf *out, const struct client_certificate *c)
{
	struct json_writer w;

	json_write_begin(&w, out);
	json_write_object(&w, NULL);
	json_write_str(&w, "sub", certificate_subject(c));
	if (c->common_name.len)
		json_write_str(&w, "name", c->common_name);
	json_write_end(&w);
}

bool identity_from_certificate(const struct client_certificate *c, struct identity **ret,
			       struct error *err)
{
	struct identity_draft draft = {.method = AUTHN_CLIENT_CERTIFICATE, .groups_claim = STR("groups")};
	struct json_doc *claims = NULL;
	struct buf text;
	bool ok;

	buf_init(&text, IDENTITY_MAX_BYTES);
	append_claims(&text, c);
	ok = !buf_failed(&text) && json_parse(buf_str(&text), IDENTITY_MAX_BYTES, NULL, &claims, err);
	if (ok) {
		draft.claims = json_root(claims);
		buf_clear(&text);
		identity_append_record(&text, &draft);
		ok = !buf_failed(&text) && identity_parse(buf_str(&text), ret, err);
	}
	if (!ok)
		error_set(err, ERR_NOMEM, "no memory for a certificate's identity");
	json_doc_free(claims);
	buf_done(&text);
	return ok;
}
