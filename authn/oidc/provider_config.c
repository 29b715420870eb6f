/*
 * authn/oidc/provider_config.c - the options of an identity provider.
 *
 * An issuer is compared byte for byte with what tokens say, so it is kept as written:
 * a slash at its end is part of its name.
 */
#include "authn/oidc/provider_config.h"

#include "config/option_values.h"
#include "config/tls_files.h"
#include "http/uri.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)

enum { MAX_CLAIMS = 64 };

/* --- claims: {"groups": {"claim": "realm_access/roles", "absent": "empty"}} */

struct claim_options {
	struct str claim;
	int absent;
};

enum { ABSENT_UNKNOWN, ABSENT_EMPTY };
static const char *const absent_words[] = {"unknown", "empty", NULL};

/* No empty segment: such a path could name nothing. */
static void claim_check(struct option_reader *r, void *object)
{
	const struct claim_options *claim = object;
	struct str path = claim->claim;

	if (str_starts_with(path, STR("/")) || str_ends_with(path, STR("/")) ||
	    str_find(path, STR("//")) != STR_NONE)
		option_fault(r, "claim",
			     "a claim path is names joined by '/', such as \"realm_access/roles\"");
}

static const struct option claim_rows[] = {
	{.key = "claim",
	 .type = OPTION_STRING,
	 .max = 256,
	 .offset = offsetof(struct claim_options, claim),
	 .help = "Where the provider puts it: a claim, or a path such as \"realm_access/roles\". "
		 "Only groups can be moved; by default they are in \"groups\"."},
	{.key = "absent",
	 .type = OPTION_ENUM,
	 .words = absent_words,
	 .offset = offsetof(struct claim_options, absent),
	 .standard = "\"unknown\"",
	 .help = "What it means that the provider does not send the claim: \"unknown\" satisfies "
		 "no allow and lets no deny pass; \"empty\" says that the person has none."},
};

static const struct option_table claim_options = {
	.name = "claim",
	.options = claim_rows,
	.count = ARRAY_LEN(claim_rows),
	.size = sizeof(struct claim_options),
	.check = claim_check,
};

static void read_claim(struct option_reader *r, const struct json *value,
		       struct provider_claim *claim)
{
	struct claim_options options = {0};
	struct str name = json_key(value);
	size_t mark = option_enter(r, name);

	option_read(r, &claim_options, value, &options);
	if (!str_is_empty(options.claim) && !str_equal(name, STR("groups")))
		option_fault(r, "claim",
			     "only \"groups\" can be moved; policies name every other claim by its "
			     "path");
	claim->name = arena_str(r->arena, name);
	claim->claim = str_is_empty(options.claim) ? claim->name : options.claim;
	claim->absent_is_empty = options.absent == ABSENT_EMPTY;
	option_leave(r, mark);
}

static bool read_claims(struct option_reader *r, const struct json *value, void *field)
{
	struct provider_config *provider = CONTAINER_OF(field, struct provider_config, claims);
	size_t count = json_count(value);

	if (!option_expect(r, value, JSON_OBJECT, "an object of claims by name"))
		return false;
	if (count > MAX_CLAIMS) {
		option_fault(r, NULL, "must hold at most %d claims, found %zu", MAX_CLAIMS, count);
		return false;
	}
	if (count == 0)
		return true;
	provider->claims = arena_alloc_array(r->arena, count, sizeof(*provider->claims));
	if (!provider->claims)
		return false;
	for (const struct json *v = json_first(value); v; v = json_next(v))
		read_claim(r, v, &provider->claims[provider->claims_count++]);
	return true;
}

struct str provider_groups_claim(const struct provider_config *p)
{
	for (size_t i = 0; i < p->claims_count; i++)
		if (str_equal(p->claims[i].name, STR("groups")))
			return p->claims[i].claim;
	return STR("groups");
}

/* --- checks */

/* OpenID Connect Discovery 1.0, section 2: an issuer has neither query nor fragment. */
static void check_issuer(struct option_reader *r, const struct provider_config *provider)
{
	struct error err = {0};
	struct uri_url url;

	if (str_is_empty(provider->issuer))
		return;
	if (str_find_char(provider->issuer, '?') != STR_NONE ||
	    str_find_char(provider->issuer, '#') != STR_NONE)
		option_fault(r, "issuer", "an issuer has neither query nor fragment");
	else if (!uri_parse_url(provider->issuer, &url, &err))
		option_fault(r, "issuer", "must be a URL such as \"https://id.example.com\": %s",
			     err.text);
	else if (!url.is_https && !provider->insecure && !uri_authority_is_loopback(&url.authority))
		option_fault(r, "issuer",
			     "http beyond loopback lets anybody on the way sign in as anybody: use "
			     "https, or say \"insecure\": true");
	else if (provider->insecure && (url.is_https || uri_authority_is_loopback(&url.authority)))
		option_warn(r, "insecure", "has no effect on this issuer");
}

/* RFC 6749, section 3.3: scope-token. */
static bool is_scope_token(struct str scope)
{
	for (size_t i = 0; i < scope.len; i++) {
		char c = scope.ptr[i];

		if (c < 0x21 || c > 0x7e || c == '"' || c == '\\')
			return false;
	}
	return true;
}

static void check_scopes(struct option_reader *r, const struct provider_config *provider)
{
	size_t mark = option_enter(r, STR("scopes"));
	bool has_openid = false;

	for (size_t i = 0; i < provider->scopes.count; i++) {
		size_t entry = option_enter_index(r, i);

		has_openid = has_openid || str_equal(provider->scopes.items[i], STR("openid"));
		if (!is_scope_token(provider->scopes.items[i]))
			option_fault(r, NULL,
				     "a scope holds no space, quote or backslash: list each as a "
				     "text of its own");
		option_leave(r, entry);
	}
	if (!has_openid)
		option_fault(r, NULL,
			     "\"openid\" is missing: without it a provider sends no ID token");
	option_leave(r, mark);
}

static void provider_check(struct option_reader *r, void *object)
{
	const struct provider_config *provider = object;

	check_issuer(r, provider);
	check_scopes(r, provider);
	tls_check_authorities_option(r, "authorities", provider->authorities);
}

/* --- the table */

static const char *const provider_types[] = {"oidc", NULL};
static const char *const client_authentications[] = {
	[CLIENT_AUTH_AUTO] = "auto",
	[CLIENT_AUTH_BASIC] = "client_secret_basic",
	[CLIENT_AUTH_POST] = "client_secret_post",
	NULL,
};
static const char *const userinfo_words[] = {
	[USERINFO_AUTO] = "auto",
	[USERINFO_ALWAYS] = "always",
	[USERINFO_NEVER] = "never",
	NULL,
};
/* In the order of enum jws_alg, authn/jose/jwks.h. */
static const char *const algorithm_words[] = {"RS256", "PS256", "ES256", "EdDSA", NULL};

#define FIELD(member) .offset = offsetof(struct provider_config, member)

static const struct option provider_rows[] = {
	{.key = "name",
	 .type = OPTION_NAME,
	 FIELD(name),
	 .required = true,
	 .help = "What routes, policies and logs call this provider."},
	{.key = "type",
	 .type = OPTION_ENUM,
	 .words = provider_types,
	 FIELD(type),
	 .required = true,
	 .help = "The protocol it speaks: \"oidc\" is OpenID Connect."},
	{.key = "issuer",
	 .type = OPTION_STRING,
	 .max = 1024,
	 FIELD(issuer),
	 .required = true,
	 .help = "Its issuer URL, exactly as tokens and the discovery document spell it. https; "
		 "http is accepted on a loopback address, or with \"insecure\"."},
	{.key = "client_id",
	 .type = OPTION_STRING,
	 .max = 1024,
	 FIELD(client_id),
	 .required = true,
	 .help = "The name under which the gate is registered there."},
	{.key = "client_secret",
	 .type = OPTION_SECRET,
	 FIELD(client_secret),
	 .required = true,
	 .help = "The secret of that registration, best as {\"file\": \"path\"}."},
	{.key = "client_authentication",
	 .type = OPTION_ENUM,
	 .words = client_authentications,
	 FIELD(client_authentication),
	 .standard = "\"auto\"",
	 .help = "How the secret is sent: in the Authorization field or in the form. \"auto\" "
		 "takes the field, unless the provider says that it accepts only the form."},
	{.key = "scopes",
	 .type = OPTION_STRINGS,
	 .min = 1,
	 .max = 64,
	 FIELD(scopes),
	 .standard = "[\"openid\", \"profile\", \"email\"]",
	 .help = "What is asked for at a login. \"openid\" must be among them; many providers send "
		 "groups only for a scope of its own."},
	{.key = "audiences",
	 .type = OPTION_STRINGS,
	 .max = 64,
	 FIELD(audiences),
	 .standard = "[]",
	 .help = "Audiences accepted in bearer tokens. When there are none it is the client_id "
		 "alone, so that a token made for another service opens nothing here."},
	{.key = "signing_algorithms",
	 .type = OPTION_ENUMS,
	 .words = algorithm_words,
	 .max = 4,
	 FIELD(signing_algorithms),
	 .standard = "[]",
	 .help = "Signatures accepted on its tokens. When there are none listed, all four; list "
		 "one to pin what the provider uses."},
	{.key = "userinfo",
	 .type = OPTION_ENUM,
	 .words = userinfo_words,
	 FIELD(userinfo),
	 .standard = "\"auto\"",
	 .help = "Whether the userinfo endpoint is asked at a login: \"auto\" when the ID token "
		 "lacks claims that were asked for."},
	{.key = "claims",
	 .type = OPTION_CUSTOM,
	 FIELD(claims),
	 .read = read_claims,
	 .table = &claim_options,
	 .help = "What is special about this provider's claims, by the name that policies use."},
	{.key = "authorities",
	 .type = OPTION_PATH,
	 FIELD(authorities),
	 .help = "File of certificate authorities (PEM) to trust for the provider's TLS instead of "
		 "the system's."},
	{.key = "insecure",
	 .type = OPTION_BOOL,
	 FIELD(insecure),
	 .standard = "false",
	 .help = "http beyond loopback is meant. Whoever can change that traffic can sign in as "
		 "anybody."},
	{.key = "timeout",
	 .type = OPTION_DURATION,
	 .min = SECOND,
	 .max = 60 * SECOND,
	 FIELD(timeout_ms),
	 .standard = "\"10s\"",
	 .help = "For one call to the provider. A person is waiting, so it is rather short."},
	{.key = "clock_leeway",
	 .type = OPTION_DURATION,
	 .min = 0,
	 .max = 5 * MINUTE,
	 FIELD(clock_leeway_ms),
	 .standard = "\"30s\"",
	 .help = "How far the provider's clock may be off. Every second of it also prolongs the "
		 "life of an expired token."},
	{.key = "login_timeout",
	 .type = OPTION_DURATION,
	 .min = MINUTE,
	 .max = 60 * MINUTE,
	 FIELD(login_timeout_ms),
	 .standard = "\"10m\"",
	 .help = "How long a person may take at the provider. It must suffice to find a second "
		 "factor; afterwards the login starts anew."},
};

const struct option_table provider_options = {
	.name = "identity provider",
	.options = provider_rows,
	.count = ARRAY_LEN(provider_rows),
	.size = sizeof(struct provider_config),
	.check = provider_check,
};
