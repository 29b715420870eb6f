/*
 * proxy/proxy_config.c - the options of a route and of the logs.
 *
 * A route's hosts and path are compared with requests that were made canonical first,
 * so they must be canonical too: a route written in another way would match nothing,
 * or something else than its author reads.
 */
#include "proxy/proxy_config.h"

#include "base/ip.h"
#include "base/log.h"
#include "config/option_values.h"
#include "http/header.h"
#include "http/uri.h"

enum { MAX_PATH_BYTES = 1024, MAX_HOSTS = 256 };

/* --- match.hosts */

static bool is_address(const struct uri_authority *authority)
{
	struct ip ip;

	return authority->host[0] == '[' ||
	       ip_parse(str_from_len(authority->host, authority->host_len), &ip);
}

static bool read_host(struct option_reader *r, struct str written, struct str *ret)
{
	bool is_wildcard = str_starts_with(written, STR("*."));
	struct str name = is_wildcard ? str_after(written, 2) : written;
	struct uri_authority authority;
	struct error err = {0};

	if (str_find_char(name, '*') != STR_NONE) {
		option_fault(r, NULL, "a '*' stands for the whole first label: \"*.example.com\"");
	} else if (!uri_parse_authority(name, &authority, &err)) {
		option_fault(r, NULL,
			     "must be a host such as \"wiki.example.com\" or \"*.example.com\": %s",
			     err.text);
	} else if (authority.port != 0 || str_ends_with(name, STR(":"))) {
		option_fault(r, NULL, "a route's host has no port: it is served on every listener");
	} else if (is_wildcard && is_address(&authority)) {
		option_fault(r, NULL, "an address has no names below it");
	} else {
		*ret = arena_printf(r->arena, "%s%.*s", is_wildcard ? "*." : "",
				    (int)authority.host_len, authority.host);
		return true;
	}
	return false;
}

static void check_hosts(struct option_reader *r, struct route_match_config *match)
{
	size_t mark = option_enter(r, STR("hosts"));

	for (size_t i = 0; i < match->hosts.count; i++) {
		size_t entry = option_enter_index(r, i);

		if (read_host(r, match->hosts.items[i], &match->hosts.items[i])) {
			for (size_t j = 0; j < i; j++)
				if (str_equal(match->hosts.items[i], match->hosts.items[j]))
					option_fault(r, NULL, "is the same host as entry %zu", j);
		}
		option_leave(r, entry);
	}
	option_leave(r, mark);
}

/* --- match.path */

/* The clause that says why a path cannot be a route's; NULL when it can. */
static const char *path_problem(struct str path)
{
	struct str rest = str_after(path, 1), segment;

	if (!str_starts_with(path, STR("/")))
		return "must start with '/'";
	for (size_t i = 0; i < path.len; i++) {
		if (path.ptr[i] <= 0x20 || path.ptr[i] > 0x7e)
			return "must be visible ASCII characters";
		if (str_find_char(STR("%;?#\\\"<>^`{|}*"), path.ptr[i]) != STR_NONE)
			return "must hold none of % ; ? # * \\ \" < > ^ ` { | }: it is compared as "
			       "it is, segment by segment";
	}
	while (str_next(&rest, '/', &segment)) {
		if (str_is_empty(segment))
			return "must have no empty segment (\"//\")";
		if (str_equal(segment, STR(".")) || str_equal(segment, STR("..")))
			return "must have no dot segment";
	}
	return NULL;
}

/* "/wiki/" and "/wiki" are one route: both match whole segments. */
static void check_path(struct option_reader *r, struct route_match_config *match)
{
	const struct str reserved = STR("/.sallyport");
	const char *problem;

	if (str_is_empty(match->path))
		return;
	problem = path_problem(match->path);
	if (problem) {
		option_fault(r, "path", "%s", problem);
		return;
	}
	if (match->path.len > 1 && str_ends_with(match->path, STR("/")))
		match->path = arena_str(r->arena, str_slice(match->path, 0, match->path.len - 1));
	if (str_equal(match->path, reserved) || str_starts_with(match->path, STR("/.sallyport/")))
		option_fault(r, "path", "everything below %.*s is the gate's own",
			     STR_ARG(reserved));
}

static void match_check(struct option_reader *r, void *object)
{
	check_hosts(r, object);
	check_path(r, object);
}

static const struct option match_rows[] = {
	{.key = "hosts",
	 .type = OPTION_STRINGS,
	 .min = 1,
	 .max = MAX_HOSTS,
	 .required = true,
	 .offset = offsetof(struct route_match_config, hosts),
	 .help = "Host names, without port. \"*.example.com\" stands for every name below "
		 "example.com; an exact name goes before it. Case and a trailing dot do not "
		 "count."},
	{.key = "path",
	 .type = OPTION_STRING,
	 .max = MAX_PATH_BYTES,
	 .offset = offsetof(struct route_match_config, path),
	 .standard = "\"/\"",
	 .help = "The path and everything below it, by whole segments: /wiki matches /wiki and "
		 "/wiki/x, never /wikix. The longest match wins, wherever it stands in the file."},
};

static const struct option_table match_options = {
	.name = "match",
	.options = match_rows,
	.count = ARRAY_LEN(match_rows),
	.size = sizeof(struct route_match_config),
	.check = match_check,
};

/* --- authenticate */

static bool methods_have(const struct route_authenticate_config *a, enum authn_method method)
{
	for (size_t i = 0; i < a->methods.count; i++)
		if (a->methods.items[i] == (int)method)
			return true;
	return false;
}

bool route_needs_provider(const struct route_config *route)
{
	return methods_have(&route->authenticate, AUTHN_SESSION) ||
	       methods_have(&route->authenticate, AUTHN_BEARER);
}

bool route_has_method(const struct route_config *route, enum authn_method method)
{
	return methods_have(&route->authenticate, method);
}

static void authenticate_check(struct option_reader *r, void *object)
{
	const struct route_authenticate_config *a = object;

	if (methods_have(a, AUTHN_NONE) && a->methods.count > 1)
		option_fault(r, "methods", "\"none\" makes a public route, so it stands alone");
}

static const char *const method_words[] = {
	[AUTHN_NONE] = "none",
	[AUTHN_SESSION] = "session",
	[AUTHN_BEARER] = "bearer",
	[AUTHN_CLIENT_CERTIFICATE] = "client_certificate",
	NULL,
};

static const struct option authenticate_rows[] = {
	{.key = "methods",
	 .type = OPTION_ENUMS,
	 .words = method_words,
	 .min = 1,
	 .max = 4,
	 .required = true,
	 .offset = offsetof(struct route_authenticate_config, methods),
	 .help = "How clients may prove who they are, in the order tried. [\"none\"] makes the "
		 "route public; that has to be written, it is never assumed."},
	{.key = "provider",
	 .type = OPTION_NAME,
	 .offset = offsetof(struct route_authenticate_config, provider),
	 .help = "The identity provider that \"session\" and \"bearer\" rely on; needed with "
		 "them."},
};

static const struct option_table authenticate_options = {
	.name = "authenticate",
	.options = authenticate_rows,
	.count = ARRAY_LEN(authenticate_rows),
	.size = sizeof(struct route_authenticate_config),
	.check = authenticate_check,
};

/* --- identity_headers */

/*
 * What a header of that name would break; NULL when it may carry a claim. Compared under
 * the fold that applications apply: X_Forwarded_User is X-Forwarded-User to many.
 */
static const char *header_problem(struct str name)
{
	static const struct str framing[] = {
		STR_INIT("Host"),	  STR_INIT("Content-Length"),
		STR_INIT("Content-Type"), STR_INIT("Content-Encoding"),
		STR_INIT("Expect"),	  STR_INIT("Via"),
	};
	static const struct str credentials[] = {
		STR_INIT("Cookie"),
		STR_INIT("Authorization"),
	};
	static const struct str ours[] = {
		STR_INIT("X-Real-IP"),	 STR_INIT("X-Request-Id"),	STR_INIT("Forwarded"),
		STR_INIT("Client-Cert"), STR_INIT("Client-Cert-Chain"),
	};

	if (!header_name_is_token(name))
		return "is no header name";
	if (header_is_hop_by_hop(name))
		return "belongs to one connection and is never sent on";
	for (size_t i = 0; i < ARRAY_LEN(framing); i++)
		if (header_name_fold_equal(name, framing[i]))
			return "says how the request is to be read";
	for (size_t i = 0; i < ARRAY_LEN(credentials); i++)
		if (header_name_fold_equal(name, credentials[i]))
			return "carries the client's own credentials";
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (header_name_fold_equal(name, ours[i]))
			return "is set by the gate itself";
	if (header_name_fold_starts_with(name, STR("x-forwarded-")) ||
	    header_name_fold_starts_with(name, STR("x-sallyport-")))
		return "is set by the gate itself";
	return NULL;
}

static void check_identity_headers(struct option_reader *r, const struct str_map *map)
{
	size_t mark = option_enter(r, STR("identity_headers"));

	for (size_t i = 0; i < map->count; i++) {
		size_t entry = option_enter(r, map->keys[i]);
		const char *problem = header_problem(map->keys[i]);
		struct str claim = map->values[i];

		if (problem)
			option_fault(r, NULL, "\"%.*s\" %s: choose another name",
				     (int)(map->keys[i].len < 64 ? map->keys[i].len : 64),
				     map->keys[i].ptr, problem);
		for (size_t j = 0; j < i; j++)
			if (header_name_fold_equal(map->keys[i], map->keys[j]))
				option_fault(r, NULL,
					     "many applications read \"%.*s\" and \"%.*s\" as one "
					     "name",
					     STR_ARG(map->keys[j]), STR_ARG(map->keys[i]));
		if (str_starts_with(claim, STR("/")) || str_ends_with(claim, STR("/")) ||
		    str_find(claim, STR("//")) != STR_NONE)
			option_fault(r, NULL,
				     "a claim path is names joined by '/', such as "
				     "\"realm_access/roles\"");
		option_leave(r, entry);
	}
	option_leave(r, mark);
}

/* --- routes */

static void route_check(struct option_reader *r, void *object)
{
	const struct route_config *route = object;

	check_identity_headers(r, &route->identity_headers);
}

#define FIELD(member) .offset = offsetof(struct route_config, member)

static const struct option route_rows[] = {
	{.key = "name",
	 .type = OPTION_NAME,
	 FIELD(name),
	 .required = true,
	 .help = "What logs, metrics and the audience of assertions call this route."},
	{.key = "match",
	 .type = OPTION_OBJECT,
	 FIELD(match),
	 .required = true,
	 .table = &match_options,
	 .help = "Which requests take this route."},
	{.key = "authenticate",
	 .type = OPTION_OBJECT,
	 FIELD(authenticate),
	 .required = true,
	 .table = &authenticate_options,
	 .help = "Who is asking: how clients prove it."},
	{.key = "policy",
	 .type = OPTION_NAME,
	 FIELD(policy),
	 .required = true,
	 .help = "The policy that decides whether they may. Public routes have one too."},
	{.key = "upstream",
	 .type = OPTION_NAME,
	 FIELD(upstream),
	 .required = true,
	 .help = "The application that allowed requests are forwarded to."},
	{.key = "identity_headers",
	 .type = OPTION_STRING_MAP,
	 .max = 64,
	 FIELD(identity_headers),
	 .standard = "{}",
	 .help = "Further headers for the application, from header name to claim: "
		 "{\"Remote-User\": \"preferred_username\"}. What clients send under these names "
		 "is removed."},
	{.key = "max_body",
	 .type = OPTION_SIZE,
	 FIELD(max_body_bytes),
	 .standard = "\"0B\"",
	 .help = "The largest request body; larger ones are answered 413. \"0B\" sets no limit: "
		 "bodies are passed on as they come and never held whole."},
};

const struct option_table route_options = {
	.name = "route",
	.options = route_rows,
	.count = ARRAY_LEN(route_rows),
	.size = sizeof(struct route_config),
	.check = route_check,
};

/* --- log */

/* One of words as it is, anything else as a path. */
static bool read_target(struct option_reader *r, const struct json *value, const char *const *words,
			struct str *field)
{
	struct str text = json_str(value);

	if (!option_expect(r, value, JSON_STRING, "a path or a word"))
		return false;
	for (size_t i = 0; words[i]; i++) {
		if (str_equal(text, str_from(words[i]))) {
			*field = str_from(words[i]);
			return true;
		}
	}
	if (str_is_empty(text)) {
		option_fault(r, NULL, "is empty: \"off\" says that there is no such log");
		return false;
	}
	return option_resolve_path(r, text, field);
}

static bool read_access_target(struct option_reader *r, const struct json *value, void *field)
{
	static const char *const words[] = {"stdout", "stderr", "off", NULL};

	return read_target(r, value, words, field);
}

/* A file called stdout is not what anybody who writes that means. */
static bool read_decisions_target(struct option_reader *r, const struct json *value, void *field)
{
	static const char *const words[] = {"off", NULL};

	if (str_equal(json_str(value), STR("stdout")) ||
	    str_equal(json_str(value), STR("stderr"))) {
		option_fault(r, NULL, "decisions are written to a file: give a path, or \"off\"");
		return false;
	}
	return read_target(r, value, words, field);
}

static const struct option access_rows[] = {
	{.key = "to",
	 .type = OPTION_CUSTOM,
	 .offset = offsetof(struct log_access_config, to),
	 .read = read_access_target,
	 .standard = "\"stdout\"",
	 .form = "{\"type\":\"string\"}",
	 .help = "\"stdout\", \"stderr\", \"off\", or the path of a file to append to."},
};
static const struct option_table access_options = {
	.name = "access",
	.options = access_rows,
	.count = ARRAY_LEN(access_rows),
	.size = sizeof(struct log_access_config),
};

static const struct option decisions_rows[] = {
	{.key = "to",
	 .type = OPTION_CUSTOM,
	 .offset = offsetof(struct log_decisions_config, to),
	 .read = read_decisions_target,
	 .standard = "\"off\"",
	 .form = "{\"type\":\"string\"}",
	 .help = "\"off\", or the path of a file to append to: one JSON line per decision, with "
		 "its rule, its reason and the hash of the policy."},
};
static const struct option_table decisions_options = {
	.name = "decisions",
	.options = decisions_rows,
	.count = ARRAY_LEN(decisions_rows),
	.size = sizeof(struct log_decisions_config),
};

static const char *const level_words[] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARNING] = "warning",
	[LOG_ERROR] = "error",
	NULL,
};

static const struct option log_rows[] = {
	{.key = "access",
	 .type = OPTION_OBJECT,
	 .offset = offsetof(struct log_config, access),
	 .table = &access_options,
	 .help = "One JSON line per exchange, allowed or refused."},
	{.key = "decisions",
	 .type = OPTION_OBJECT,
	 .offset = offsetof(struct log_config, decisions),
	 .table = &decisions_options,
	 .help = "One JSON line per policy decision."},
	{.key = "level",
	 .type = OPTION_ENUM,
	 .words = level_words,
	 .offset = offsetof(struct log_config, level),
	 .standard = "\"info\"",
	 .help = "The least that is written to the operator's log on standard error."},
};

const struct option_table log_options = {
	.name = "log",
	.options = log_rows,
	.count = ARRAY_LEN(log_rows),
	.size = sizeof(struct log_config),
};
