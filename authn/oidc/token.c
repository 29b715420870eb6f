/*
 * authn/oidc/token.c - the token request and its answer.
 *
 * Basic credentials are form-encoded before they are joined (RFC 6749, section 2.3.1):
 * providers that skip it break on a ':' in a client_id, clients that skip it break on
 * those that do not. A space becomes %20, which both kinds of decoder understand.
 */
#include "authn/oidc/token.h"

#include "authn/oidc/provider_call.h"
#include "authn/oidc/request.h"
#include "base/encode.h"
#include "http/form.h"
#include "http/uri.h"

enum { MAX_CREDENTIALS = 16 * 1024, MAX_ERROR_WORD = 64 };

static const char what[] = "token endpoint";

/* --- Asking */

static void append_basic(struct buf *authorization, const struct provider_config *config)
{
	struct buf pair;

	buf_init(&pair, MAX_CREDENTIALS);
	uri_append_encoded(&pair, config->client_id);
	buf_append_char(&pair, ':');
	uri_append_encoded(&pair, secret_str(&config->client_secret));
	if (buf_failed(&pair))
		authorization->failed = true;
	buf_append_cstr(authorization, "Authorization: Basic ");
	base64_append(authorization, pair.ptr, pair.len);
	buf_wipe(&pair);
}

void token_request_append(struct buf *body, struct buf *authorization,
			  const struct provider_config *config, const struct token_request *request)
{
	struct buf redirect_uri;

	buf_init(&redirect_uri, body->ceiling);
	auth_request_append_redirect_uri(&redirect_uri, request->origin);
	if (buf_failed(&redirect_uri))
		body->failed = true;
	form_append(body, STR("grant_type"), STR("authorization_code"));
	form_append(body, STR("code"), request->code);
	form_append(body, STR("redirect_uri"), buf_str(&redirect_uri));
	form_append(body, STR("code_verifier"), request->verifier);
	buf_done(&redirect_uri);
	if (request->client_authentication == CLIENT_AUTH_POST) {
		form_append(body, STR("client_id"), config->client_id);
		form_append(body, STR("client_secret"), secret_str(&config->client_secret));
	} else {
		append_basic(authorization, config);
	}
}

/* --- The answer */

/* RFC 6749, section 5.2: an error is a word; anything else is not repeated. */
static bool is_error_word(struct str s)
{
	if (str_is_empty(s) || s.len > MAX_ERROR_WORD)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_alnum(s.ptr[i]) && s.ptr[i] != '_' && s.ptr[i] != '-' &&
		    s.ptr[i] != '.')
			return false;
	return true;
}

static enum login_outcome judge_refusal(unsigned status, const struct json *root, struct error *err)
{
	struct str word = json_str(json_get(root, "error"));

	const char *remedy = str_equal(word, STR("invalid_client"))
				     ? ": client_id or client_secret is not what the provider knows"
				     : "";

	error_set(err, ERR_PROTOCOL, "%s answered %u%s%.*s%s", what, status,
		  is_error_word(word) ? " " : "", is_error_word(word) ? (int)word.len : 0,
		  word.ptr ? word.ptr : "", remedy);
	if (str_equal(word, STR("invalid_grant")))
		return LOGIN_BAD_REQUEST;
	return LOGIN_PROVIDER_FAILED;
}

static bool has_text(const struct json *root, const char *name, size_t max, struct str *ret,
		     struct error *err)
{
	const struct json *v = json_get(root, name);
	struct str s = json_str(v);

	if (!json_is(v, JSON_STRING) || str_is_empty(s))
		return error_set(err, ERR_PROTOCOL, "%s: %s is %s", what, name,
				 v ? "not a text" : "missing");
	if (s.len > max)
		return error_set(err, ERR_LIMIT, "%s: %s is over %zu bytes", what, name, max);
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < 0x20 || s.ptr[i] > 0x7e)
			return error_set(err, ERR_PROTOCOL, "%s: %s is not printable ASCII", what,
					 name);
	*ret = s;
	return true;
}

static bool take_tokens(const struct json *root, struct token_answer *t, struct error *err)
{
	struct str type;

	if (!json_is(root, JSON_OBJECT))
		return error_set(err, ERR_PROTOCOL, "%s: the answer is not an object", what);
	if (json_get(root, "error"))
		return error_set(err, ERR_PROTOCOL, "%s answered 200 with an error", what);
	if (!has_text(root, "token_type", MAX_ERROR_WORD, &type, err))
		return false;
	if (!str_equal_fold(type, STR("Bearer")))
		return error_set(err, ERR_PROTOCOL, "%s: token_type is not Bearer", what);
	return has_text(root, "access_token", TOKEN_MAX_ACCESS_TOKEN, &t->access_token, err) &&
	       has_text(root, "id_token", TOKEN_MAX_BYTES, &t->id_token, err);
}

enum login_outcome token_answer_read(unsigned status, struct str body, struct token_answer *ret,
				     struct error *err)
{
	struct fetch_result result = {.ok = true, .status = status};
	struct token_answer t = {0};
	struct error fault = {0};
	enum login_outcome outcome;
	bool is_json = json_parse(body, TOKEN_MAX_BYTES, NULL, &t.doc, &fault);

	if (status == 400 || status == 401) {
		outcome = judge_refusal(status, is_json ? json_root(t.doc) : NULL, err);
	} else if (status != 200) {
		outcome = provider_call_judge(what, &result, err);
	} else if (!is_json) {
		error_set(err, fault.kind, "%s: %s", what, fault.text);
		outcome = provider_call_outcome(fault.kind);
	} else if (!take_tokens(json_root(t.doc), &t, err)) {
		outcome = LOGIN_PROVIDER_FAILED;
	} else {
		*ret = t;
		return LOGIN_OK;
	}
	token_answer_done(&t);
	return outcome;
}

void token_answer_done(struct token_answer *t)
{
	json_doc_free(t->doc);
	*t = (struct token_answer){0};
}
