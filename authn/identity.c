/*
 * authn/identity.c - an identity is its record, parsed once; every string of it points
 * into the parsed text.
 *
 * What surprised: providers disagree about e-mail. Some send addresses that nobody
 * verified, some "email_verified": "true" as a string, and an address with two @ signs
 * has passed for one of the domain behind the last of them. So the member email is set
 * only for one plain address beside the JSON value true; the claims keep what was sent.
 */
#include "authn/identity.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

struct identity_counted {
	struct identity identity; /* what the rest of the tree sees */
	atomic_uint refs;
	struct json_doc *doc;
	char *record; /* ends in NUL */
};

static const char *const method_names[] = {
	[AUTHN_NONE] = "none",
	[AUTHN_SESSION] = "session",
	[AUTHN_BEARER] = "bearer",
	[AUTHN_CLIENT_CERTIFICATE] = "client_certificate",
};

const char *authn_method_name(enum authn_method method)
{
	ASSERT((size_t)method < ARRAY_LEN(method_names));
	return method_names[method];
}

/* "none" is not among them: nobody is identified by it. */
static bool method_parse(struct str name, enum authn_method *ret)
{
	for (size_t i = AUTHN_SESSION; i < ARRAY_LEN(method_names); i++) {
		if (str_equal(name, str_from(method_names[i]))) {
			*ret = (enum authn_method)i;
			return true;
		}
	}
	return false;
}

/*
 * Some providers name claims by URL ("https://example.com/groups"): such a name is one name.
 * Every other '/' leads into an object, and a flat claim that is spelled like a path is none.
 * Policies read names in the same way.
 */
const struct json *identity_claim_at(const struct json *claims, struct str path)
{
	const struct json *v = claims;
	struct str rest = path, name;

	if (str_find(path, STR("://")) != STR_NONE)
		return json_get_str(claims, path);
	if (str_is_empty(path) || path.ptr[path.len - 1] == '/')
		return NULL;
	while (v && str_next(&rest, '/', &name))
		v = json_get_str(v, name);
	return v;
}

/* One @ with something on both sides, and no byte that could mean something elsewhere. */
static bool email_is_plain(struct str email)
{
	size_t at = str_find_char(email, '@');

	if (at == STR_NONE || at == 0 || at + 1 == email.len ||
	    at != str_find_last_char(email, '@'))
		return false;
	for (size_t i = 0; i < email.len; i++) {
		unsigned char c = (unsigned char)email.ptr[i];
		if (c <= ' ' || c == 0x7f || c == ',' || c == ';' || c == '<' || c == '>')
			return false;
	}
	return true;
}

static struct str verified_email(const struct json *claims)
{
	struct str email = json_str(json_get(claims, "email"));

	if (json_bool(json_get(claims, "email_verified")) && email_is_plain(email))
		return email;
	return (struct str){0};
}

/*
 * The strings of a claim that is a list, or the one it is. Elements of other types are
 * left out: nothing here could compare them to a name.
 */
static bool strings_read(const struct json *v, const char *what, struct str **ret_items,
			 size_t *ret_count, struct error *err)
{
	bool single = json_is(v, JSON_STRING);
	size_t room = single ? 1 : json_is(v, JSON_ARRAY) ? json_count(v) : 0;
	struct str *items;
	size_t count = 0;

	if (room == 0)
		return true;
	if (room > IDENTITY_MAX_GROUPS)
		return error_set(err, ERR_LIMIT, "more than %d %s", IDENTITY_MAX_GROUPS, what);
	items = calloc(room, sizeof(*items));
	if (!items)
		return error_set(err, ERR_NOMEM, "out of memory for %s", what);
	if (single) {
		items[count++] = json_str(v);
	} else {
		for (const struct json *e = json_first(v); e; e = json_next(e)) {
			if (json_is(e, JSON_STRING))
				items[count++] = json_str(e);
		}
	}
	*ret_items = items;
	*ret_count = count;
	return true;
}

static bool identity_read_claims(struct identity *i, struct str groups_claim, struct error *err)
{
	const struct json *claims = i->claims;
	const struct json *groups = identity_claim_at(claims, groups_claim);

	i->subject = json_str(json_get(claims, "sub"));
	if (str_is_empty(i->subject))
		return error_set(err, ERR_SYNTAX, "the claims name no subject (sub)");
	i->email = verified_email(claims);
	i->name = json_str(json_get(claims, "name"));
	i->preferred_username = json_str(json_get(claims, "preferred_username"));
	i->acr = json_str(json_get(claims, "acr"));
	i->sid = json_str(json_get(claims, "sid"));
	return strings_read(groups, "groups", &i->groups, &i->groups_count, err) &&
	       strings_read(json_get(claims, "amr"), "authentication methods (amr)", &i->amr,
			    &i->amr_count, err);
}

static bool identity_read(struct identity *i, const struct json *root, struct error *err)
{
	if (!json_is(root, JSON_OBJECT))
		return error_set(err, ERR_SYNTAX, "an identity record is an object");
	if (!method_parse(json_str(json_get(root, "method")), &i->method))
		return error_set(err, ERR_SYNTAX, "an identity record names an unknown method");
	if (!json_i64(json_get(root, "auth_time"), &i->auth_time_s))
		return error_set(err, ERR_SYNTAX, "an identity record lacks auth_time");
	i->claims = json_get(root, "claims");
	if (!json_is(i->claims, JSON_OBJECT))
		return error_set(err, ERR_SYNTAX, "an identity record lacks claims");
	i->provider = json_str(json_get(root, "provider"));
	i->issuer = json_str(json_get(root, "issuer"));
	return identity_read_claims(i, json_str(json_get(root, "groups_claim")), err);
}

static char *copy_text(struct str text)
{
	char *copy = malloc(text.len + 1);

	if (copy && !str_copy(copy, text.len + 1, text)) {
		free(copy);
		copy = NULL;
	}
	return copy;
}

bool identity_parse(struct str record, struct identity **ret, struct error *err)
{
	struct identity_counted *c = calloc(1, sizeof(*c));

	if (!c)
		return error_set(err, ERR_NOMEM, "out of memory for an identity");
	atomic_init(&c->refs, 1);
	if (!json_parse(record, IDENTITY_MAX_BYTES, NULL, &c->doc, err) ||
	    !identity_read(&c->identity, json_root(c->doc), err))
		goto fail;
	c->record = copy_text(record);
	if (!c->record) {
		error_set(err, ERR_NOMEM, "out of memory for an identity");
		goto fail;
	}
	c->identity.record = str_from_len(c->record, record.len);
	*ret = &c->identity;
	return true;
fail:
	identity_unref(&c->identity);
	return false;
}

/*
 * Policies and headers call groups "groups" wherever the provider keeps them: a moved claim is
 * found under that name too, in place of one that was there.
 */
static void write_claims(struct json_writer *w, const struct identity_draft *draft)
{
	const struct json *moved = str_equal(draft->groups_claim, STR("groups"))
					   ? NULL
					   : identity_claim_at(draft->claims, draft->groups_claim);

	if (!moved) {
		json_write_value(w, "claims", draft->claims);
		return;
	}
	json_write_object(w, "claims");
	for (const struct json *v = json_first(draft->claims); v; v = json_next(v))
		if (!str_equal(json_key(v), STR("groups")))
			json_write_value(w, json_key(v).ptr, v);
	json_write_value(w, "groups", moved);
	json_write_end(w);
}

void identity_append_record(struct buf *b, const struct identity_draft *draft)
{
	struct json_writer w;

	json_write_begin(&w, b);
	json_write_object(&w, NULL);
	json_write_str(&w, "method", str_from(authn_method_name(draft->method)));
	json_write_str(&w, "provider", draft->provider);
	json_write_str(&w, "issuer", draft->issuer);
	json_write_str(&w, "groups_claim", draft->groups_claim);
	json_write_i64(&w, "auth_time", draft->auth_time_s);
	write_claims(&w, draft);
	json_write_end(&w);
}

struct identity *identity_ref(struct identity *i)
{
	struct identity_counted *c = CONTAINER_OF(i, struct identity_counted, identity);

	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return i;
}

void identity_unref(struct identity *i)
{
	struct identity_counted *c;

	if (!i)
		return;
	c = CONTAINER_OF(i, struct identity_counted, identity);
	if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (c->record)
		secret_wipe(c->record, i->record.len);
	free(c->record);
	free(i->groups);
	free(i->amr);
	json_doc_free(c->doc);
	free(c);
}
