/*
 * gate/version.c - what is running here.
 */
#include "gate/version.h"

#include <openssl/crypto.h>

#include "authn/jose/jws_verifier.h"
#include "base/json.h"
#include "front/http1.h"
#include "io/fetch.h"
#include "sallyport_version.h"

enum { VERSION_MAX_BYTES = 4096 };

static const char *const features[] = {"http1", "tls", "mtls", "oidc", "policy", "lmdb"};

void gate_version_print(bool as_json, FILE *out)
{
	const struct {
		const char *name, *version;
	} libraries[] = {
		{"openssl", OpenSSL_version(OPENSSL_VERSION_STRING)},
		{"libmicrohttpd", http1_library_version()},
		{"libcurl", fetch_library_version()},
		{"libjwt", jwt_library_version()},
		{"cjson", json_library_version()},
	};
	struct buf text;
	struct json_writer w;

	if (!as_json) {
		fprintf(out, "sallyport %s (%s)\n", SALLYPORT_VERSION, SALLYPORT_COMMIT);
		for (size_t i = 0; i < ARRAY_LEN(libraries); i++)
			fprintf(out, "  %-14s %s\n", libraries[i].name, libraries[i].version);
		fprintf(out, "  %-14s", "features");
		for (size_t i = 0; i < ARRAY_LEN(features); i++)
			fprintf(out, " %s", features[i]);
		fprintf(out, "\n");
		return;
	}
	buf_init(&text, VERSION_MAX_BYTES);
	json_write_begin(&w, &text);
	json_write_object(&w, NULL);
	json_write_str(&w, "version", STR(SALLYPORT_VERSION));
	json_write_str(&w, "commit", STR(SALLYPORT_COMMIT));
	json_write_object(&w, "libraries");
	for (size_t i = 0; i < ARRAY_LEN(libraries); i++)
		json_write_str(&w, libraries[i].name, str_from(libraries[i].version));
	json_write_end(&w);
	json_write_array(&w, "features");
	for (size_t i = 0; i < ARRAY_LEN(features); i++)
		json_write_str(&w, NULL, str_from(features[i]));
	json_write_end(&w);
	json_write_end(&w);
	fprintf(out, "%s\n", buf_failed(&text) ? "{}" : text.ptr);
	buf_done(&text);
}
