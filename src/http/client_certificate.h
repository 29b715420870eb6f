/*
 * http/client_certificate.h - what a verified client certificate says, and how it is
 * told to applications (Client-Cert, RFC 9440).
 *
 * Read once per connection, after the chain was verified. A name that holds a NUL or
 * another control byte is left out, so that it can match nothing.
 */
#ifndef SALLYPORT_HTTP_CLIENT_CERTIFICATE_H
#define SALLYPORT_HTTP_CLIENT_CERTIFICATE_H

#include "base/error.h"
#include "base/str.h"

struct client_certificate {
	struct str subject;		/* RFC 2253 text, "CN=deploy-bot,O=Example" */
	struct str issuer;
	struct str common_name;		/* the last CN of the subject, "" when none */
	const struct str *san_dns;	/* lower case */
	size_t san_dns_count;
	const struct str *san_uri;
	size_t san_uri_count;
	const struct str *san_email;
	size_t san_email_count;
	struct str fingerprint_sha256;	/* 64 hex digits, lower case */
	struct str field;		/* the Client-Cert value: ":base64 of DER:" */
};

/* Read a DER certificate (at most 64 KiB). The result owns all its strings. ERR_SYNTAX, ERR_NOMEM. */
MUST_CHECK bool client_certificate_read(const unsigned char *der, size_t len,
					struct client_certificate **ret, struct error *err);
void client_certificate_free(struct client_certificate *c);	/* NULL is fine */

#endif
