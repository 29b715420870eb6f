/*
 * authn/oidc/userinfo.c - when to ask, and what of the answer counts.
 *
 * The trap is email_verified: an ID token with one address and a userinfo that says
 * "verified" of another must not become a verified first one. So an address and the word
 * on it are taken from one document, unless both documents name the same address.
 */
#include "authn/oidc/userinfo.h"

#include "authn/identity.h"

/* --- When */

static bool has_scope(const struct provider_config *config, struct str scope)
{
	for (size_t i = 0; i < config->scopes.count; i++)
		if (str_equal(config->scopes.items[i], scope))
			return true;
	return false;
}

static bool wants_groups(const struct provider_config *config)
{
	for (size_t i = 0; i < config->claims_count; i++)
		if (str_equal(config->claims[i].name, STR("groups")))
			return true;
	return has_scope(config, STR("groups"));
}

bool userinfo_is_wanted(const struct provider_config *config, const struct metadata *metadata,
			const struct json *id_claims)
{
	if (config->userinfo != USERINFO_AUTO || str_is_empty(metadata->userinfo_endpoint))
		return config->userinfo == USERINFO_ALWAYS;
	if (has_scope(config, STR("profile")) && !json_get(id_claims, "name") &&
	    !json_get(id_claims, "preferred_username"))
		return true;
	if (has_scope(config, STR("email")) && !json_get(id_claims, "email"))
		return true;
	return wants_groups(config) && !identity_claim_at(id_claims, provider_groups_claim(config));
}

/* --- Reading */

static bool check_subject(const struct json *root, const struct json *id_claims, struct error *err)
{
	const struct json *sub = json_get(root, "sub");

	if (!json_is(root, JSON_OBJECT))
		return error_set(err, ERR_PROTOCOL, "userinfo: the answer is not an object");
	if (!json_is(sub, JSON_STRING) ||
	    !str_equal(json_str(sub), json_str(json_get(id_claims, "sub"))))
		return error_set(err, ERR_DENIED, "userinfo is not about the ID token's subject");
	return true;
}

bool userinfo_read(const struct fetch_result *result, const struct json *id_claims,
		   struct json_doc **ret, struct error *err)
{
	struct json_doc *doc = NULL;
	struct error fault = {0};

	if (!str_equal(result->content_type, STR("application/json")))
		return error_set(err, ERR_PROTOCOL, "userinfo: the answer is not application/json");
	if (!json_parse(result->body, USERINFO_MAX_BYTES, NULL, &doc, &fault))
		return error_set(err, fault.kind, "userinfo: %s", fault.text);
	if (!check_subject(json_root(doc), id_claims, err)) {
		json_doc_free(doc);
		return false;
	}
	*ret = doc;
	return true;
}

/* --- Merging */

static bool is_protocol_claim(struct str name)
{
	static const struct str names[] = {
		STR_INIT("iss"),     STR_INIT("sub"),	    STR_INIT("aud"),	STR_INIT("exp"),
		STR_INIT("nbf"),     STR_INIT("iat"),	    STR_INIT("jti"),	STR_INIT("nonce"),
		STR_INIT("azp"),     STR_INIT("auth_time"), STR_INIT("acr"),	STR_INIT("amr"),
		STR_INIT("at_hash"), STR_INIT("c_hash"),    STR_INIT("s_hash"), STR_INIT("sid"),
		STR_INIT("events"),  STR_INIT("cnf"),	    STR_INIT("act"),
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_equal(name, names[i]))
			return true;
	return false;
}

/* Words on a value that is a claim of its own (section 5.1). */
static const struct {
	struct str verified;
	const char *value;
} verdicts[] = {
	{STR_INIT("email_verified"), "email"},
	{STR_INIT("phone_number_verified"), "phone_number"},
};

static const char *judged_by(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
		if (str_equal(name, verdicts[i].verified))
			return verdicts[i].value;
	return NULL;
}

static bool same_text(const struct json *a, const struct json *b)
{
	return json_is(a, JSON_STRING) && json_is(b, JSON_STRING) &&
	       str_equal(json_str(a), json_str(b));
}

/* Does the merged object take this member of the ID token? A verdict on nothing is dropped. */
static bool keeps(const struct json *id_claims, const struct json *userinfo, struct str name)
{
	const char *value = judged_by(name);

	return !value || json_get(id_claims, value) || !json_get(userinfo, value);
}

/* And this one of userinfo? */
static bool adds(const struct json *id_claims, const struct json *userinfo, struct str name)
{
	const char *value = judged_by(name);

	if (is_protocol_claim(name))
		return false;
	if (!value)
		return !json_get_str(id_claims, name);
	if (json_get(id_claims, value))
		return !json_get_str(id_claims, name) &&
		       same_text(json_get(id_claims, value), json_get(userinfo, value));
	return json_get(userinfo, value) || !json_get_str(id_claims, name);
}

static void append_member(struct buf *b, bool *is_first, const struct json *v)
{
	if (!*is_first)
		buf_append_char(b, ',');
	*is_first = false;
	json_append_string(b, json_key(v));
	buf_append_char(b, ':');
	json_append_value(b, v);
}

void userinfo_append_merged(struct buf *b, const struct json *id_claims,
			    const struct json *userinfo)
{
	bool is_first = true;

	buf_append_char(b, '{');
	for (const struct json *v = json_first(id_claims); v; v = json_next(v))
		if (keeps(id_claims, userinfo, json_key(v)))
			append_member(b, &is_first, v);
	for (const struct json *v = json_first(userinfo); v; v = json_next(v))
		if (adds(id_claims, userinfo, json_key(v)))
			append_member(b, &is_first, v);
	buf_append_char(b, '}');
}
