/*
 * authn/oidc/response.c - the callback's query.
 *
 * A parameter that is there twice has two readers in mind. RFC 6749, section 3.1, forbids
 * it for all, so no list of names decides which repetitions count.
 */
#include "authn/oidc/response.h"

#include "http/form.h"

enum { MAX_WORD = 64, MAX_DESCRIPTION = 120 };

static bool has_repetition(const struct form *form)
{
	for (size_t i = 0; i < form->count; i++)
		for (size_t j = i + 1; j < form->count; j++)
			if (str_equal(form->items[i].name, form->items[j].name))
				return true;
	return false;
}

static struct str get(const struct form *form, const char *name)
{
	struct str value = STR("");

	(void)form_get(form, name, &value);
	return value;
}

/* RFC 6749, appendix A: state and code are printable ASCII. */
static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < 0x20 || s.ptr[i] > 0x7e)
			return false;
	return true;
}

bool response_parse(struct arena *a, struct str query, struct auth_response *ret, struct error *err)
{
	struct auth_response r = {0};
	struct form form;

	if (!form_parse(a, query, &form))
		return error_set(err, ERR_SYNTAX, "the callback's query cannot be read");
	if (has_repetition(&form))
		return error_set(err, ERR_SYNTAX, "the callback repeats a parameter");
	r.state = get(&form, "state");
	r.code = get(&form, "code");
	r.error = get(&form, "error");
	r.error_description = get(&form, "error_description");
	r.has_iss = form_get(&form, "iss", &r.iss) == FORM_ONCE;
	if (str_is_empty(r.state) || !is_printable(r.state))
		return error_set(err, ERR_SYNTAX, "the callback has no state");
	if (str_is_empty(r.code) == str_is_empty(r.error) || !is_printable(r.code))
		return error_set(err, ERR_SYNTAX, "the callback needs either a code or an error");
	*ret = r;
	return true;
}

bool response_check_issuer(const struct auth_response *response, struct str issuer,
			   bool promises_iss, struct error *err)
{
	if (response->has_iss && !str_equal(response->iss, issuer))
		return error_set(err, ERR_DENIED, "the callback comes from another issuer");
	if (!response->has_iss && promises_iss)
		return error_set(err, ERR_DENIED,
				 "the callback names no issuer, which the provider promises");
	return true;
}

struct str response_printable(struct arena *a, struct str s, size_t max)
{
	struct str cut = str_slice(s, 0, max);
	char *copy = arena_cstr(a, cut);

	if (!copy)
		return STR("");
	for (size_t i = 0; i < cut.len; i++)
		if (copy[i] < 0x20 || copy[i] > 0x7e)
			copy[i] = '?';
	return str_from_len(copy, cut.len);
}

/* RFC 6749, section 4.1.2.1, and OpenID Connect Core, section 3.1.2.6. */
static const struct {
	struct str word;
	enum login_outcome outcome;
} known_errors[] = {
	{STR_INIT("temporarily_unavailable"), LOGIN_UNAVAILABLE},
	{STR_INIT("server_error"), LOGIN_UNAVAILABLE},
	/* Our request was wrong: nothing the person can do about, nor did anybody say no. */
	{STR_INIT("invalid_request"), LOGIN_PROVIDER_FAILED},
	{STR_INIT("unauthorized_client"), LOGIN_PROVIDER_FAILED},
	{STR_INIT("unsupported_response_type"), LOGIN_PROVIDER_FAILED},
	{STR_INIT("invalid_scope"), LOGIN_PROVIDER_FAILED},
};

enum login_outcome response_judge(struct arena *a, const struct auth_response *response,
				  struct error *err)
{
	struct str word = response_printable(a, response->error, MAX_WORD);
	struct str more = response_printable(a, response->error_description, MAX_DESCRIPTION);

	if (str_is_empty(response->error))
		return LOGIN_OK;
	error_set(err, ERR_PROTOCOL, "sign-in was refused: %.*s%s%.*s%s", STR_ARG(word),
		  str_is_empty(more) ? "" : " (", STR_ARG(more), str_is_empty(more) ? "" : ")");
	for (size_t i = 0; i < ARRAY_LEN(known_errors); i++)
		if (str_equal(response->error, known_errors[i].word))
			return known_errors[i].outcome;
	return LOGIN_REFUSED;
}
