/*
 * http/uri_authority.c - hosts, ports and absolute URLs.
 *
 * A host selects the route, so two spellings of one host must come out as the same
 * bytes: case folded, one trailing dot removed, an IPv6 address rewritten. Names that
 * some resolvers take for an IPv4 address in disguise ("127.1", "0x7f.1", "2130706433")
 * are refused; the WHATWG URL standard calls it "ends in a number".
 */
#include <stdio.h>
#include <string.h>

#include "base/ip.h"
#include "http/uri.h"

enum { HOST_MAX_LABEL = 63 };

static bool port_parse(struct str s, uint16_t *ret_port, struct error *err)
{
	uint64_t port;

	/* No empty port and no leading zero: a port has one spelling. */
	if (!s.len || s.len > 5 || s.ptr[0] == '0' || !str_to_u64(s, &port) || port > UINT16_MAX)
		return error_set(err, ERR_SYNTAX, "port is not a number from 1 to 65535");
	*ret_port = (uint16_t)port;
	return true;
}

/* "[...]" at the start of raw. Zones ("%eth0") are refused by ip_parse. */
static bool host_parse_ipv6(struct str raw, struct uri_authority *out, size_t *ret_used,
			    struct error *err)
{
	size_t end = str_find_char(raw, ']');
	char text[IP_TEXT_SIZE];
	struct str inside;
	struct ip ip;

	inside = str_slice(raw, 1, end == STR_NONE ? 0 : end - 1);
	if (str_find_char(inside, ':') == STR_NONE || !ip_parse(inside, &ip))
		return error_set(err, ERR_SYNTAX, "no IPv6 address between '[' and ']'");
	/* A v4-mapped address is written as the IPv4 one by ip_format; as a host it is another. */
	out->host_len = (size_t)snprintf(out->host, sizeof(out->host), "[%s%s]",
					 ip.is_v4 ? "::ffff:" : "", ip_format(&ip, text));
	*ret_used = end + 1;
	return true;
}

static bool label_is_number(struct str label)
{
	size_t i = 0;
	bool is_hex = str_starts_with(label, STR("0x"));

	for (i = is_hex ? 2 : 0; i < label.len; i++) {
		if (!(is_hex ? ascii_hex_value(label.ptr[i]) >= 0 : ascii_is_digit(label.ptr[i])))
			return false;
	}
	return true;
}

static bool host_check_number(struct str host, struct error *err)
{
	size_t dot = str_find_last_char(host, '.');
	struct ip ip;

	if (!label_is_number(str_after(host, dot == STR_NONE ? 0 : dot + 1)))
		return true;
	if (ip_parse(host, &ip) && ip.is_v4)
		return true;
	return error_set(err, ERR_SYNTAX, "host ends in a number but is no IPv4 address");
}

/* A name or IPv4 address at the start of raw, up to ':' or the end. */
static bool host_parse_name(struct str raw, struct uri_authority *out, size_t *ret_used,
			    struct error *err)
{
	size_t colon = str_find_char(raw, ':');
	size_t used = colon == STR_NONE ? raw.len : colon;
	size_t len = used;
	size_t label = 0;

	if (len && raw.ptr[len - 1] == '.')
		len--;
	if (len == 0 || len > URI_MAX_HOST)
		return error_set(err, ERR_SYNTAX, len ? "host is too long" : "host is empty");
	for (size_t i = 0; i < len; i++) {
		char c = ascii_lower(raw.ptr[i]);

		if (!ascii_is_alnum(c) && c != '.' && c != '-' && c != '_')
			return error_set(err, ERR_SYNTAX, "byte that no host may have");
		if (c == '.' && label == 0)
			return error_set(err, ERR_SYNTAX, "empty label in host");
		label = c == '.' ? 0 : label + 1;
		if (label > HOST_MAX_LABEL)
			return error_set(err, ERR_SYNTAX, "label of host is too long");
		out->host[i] = c;
	}
	if (label == 0)
		return error_set(err, ERR_SYNTAX, "empty label in host");
	out->host[len] = '\0';
	out->host_len = len;
	*ret_used = used;
	return host_check_number(str_from_len(out->host, len), err);
}

bool uri_parse_authority(struct str raw, struct uri_authority *ret, struct error *err)
{
	struct uri_authority out;
	size_t used = 0;

	out.port = 0;
	if (raw.len && raw.ptr[0] == '[') {
		if (!host_parse_ipv6(raw, &out, &used, err))
			return false;
	} else if (!host_parse_name(raw, &out, &used, err)) {
		return false;
	}
	if (used < raw.len) {
		if (raw.ptr[used] != ':')
			return error_set(err, ERR_SYNTAX, "text behind ']' of host");
		if (!port_parse(str_after(raw, used + 1), &out.port, err))
			return false;
	}
	memcpy(ret->host, out.host, out.host_len + 1);
	ret->host_len = out.host_len;
	ret->port = out.port;
	return true;
}

bool uri_authority_is_loopback(const struct uri_authority *authority)
{
	struct str host = str_from_len(authority->host, authority->host_len);
	struct ip ip;

	if (str_starts_with(host, STR("[")))
		host = str_slice(host, 1, host.len - 2);
	return str_equal(host, STR("localhost")) || (ip_parse(host, &ip) && ip_is_loopback(&ip));
}

static bool scheme_take(struct str *rest, bool *ret_is_https)
{
	static const struct {
		struct str text;
		bool is_https;
	} schemes[] = {{STR_INIT("https://"), true}, {STR_INIT("http://"), false}};

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (str_equal_fold(str_slice(*rest, 0, schemes[i].text.len), schemes[i].text)) {
			*rest = str_after(*rest, schemes[i].text.len);
			*ret_is_https = schemes[i].is_https;
			return true;
		}
	}
	return false;
}

static bool url_target_is_valid(struct str target)
{
	/* "http://host?query" is legal and yet a relative target: not one path in it. */
	if (target.len && target.ptr[0] != '/')
		return false;
	for (size_t i = 0; i < target.len; i++) {
		char c = target.ptr[i];

		if (c < 0x21 || c > 0x7e || c == '#' || c == '\\')
			return false;
	}
	return true;
}

bool uri_parse_url(struct str raw, struct uri_url *ret, struct error *err)
{
	struct uri_authority authority;
	struct str rest = raw;
	size_t end = 0;
	bool is_https;

	if (raw.len > URI_MAX_TARGET)
		return error_set(err, ERR_LIMIT, "URL longer than %d bytes", URI_MAX_TARGET);
	if (!scheme_take(&rest, &is_https))
		return error_set(err, ERR_SYNTAX, "URL does not start with https:// or http://");
	while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?' &&
	       rest.ptr[end] != '#')
		end++;
	if (!uri_parse_authority(str_slice(rest, 0, end), &authority, err))
		return false;
	rest = str_after(rest, end);
	if (!url_target_is_valid(rest))
		return error_set(err, ERR_SYNTAX,
				 "URL holds a fragment, a byte that must be "
				 "encoded, or a query without a path");
	ret->is_https = is_https;
	ret->authority = authority;
	ret->port = authority.port ? authority.port : is_https ? 443 : 80;
	ret->target = rest.len ? rest : STR("/");
	return true;
}
