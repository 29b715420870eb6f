/*
 * policy/operand.c - the strings that conditions compare with, each checked for slips.
 */
#include "policy/operand.h"

#include "config/option.h"
#include "http/header.h"
#include "policy/calendar.h"

bool operand_text(struct build *b, struct str text, union operand *ret)
{
	if (!text.len) {
		place_fault(&b->at, "an empty string is likely a slip");
		return false;
	}
	ret->text = arena_str(b->p->arena, text);
	return true;
}

bool operand_folded(struct build *b, struct str text, union operand *ret)
{
	char *copy = arena_cstr(b->p->arena, text);

	if (!copy) {
		build_out_of_memory(b);
		return false;
	}
	for (size_t i = 0; i < text.len; i++)
		copy[i] = ascii_lower(copy[i]);
	return operand_text(b, str_from_len(copy, text.len), ret);
}

bool operand_fingerprint(struct build *b, struct str text, union operand *ret)
{
	bool ok = text.len == 64;

	for (size_t i = 0; i < text.len && ok; i++)
		ok = ascii_hex_value(text.ptr[i]) >= 0;
	if (!ok) {
		place_fault(&b->at, "a SHA-256 fingerprint is 64 hex digits without separators");
		return false;
	}
	return operand_folded(b, text, ret);
}

bool operand_method(struct build *b, struct str text, union operand *ret)
{
	if (!header_name_is_token(text)) {
		place_fault(&b->at, "a method is a token such as \"GET\"");
		return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] >= 'a' && text.ptr[i] <= 'z') {
			place_fault(&b->at, "methods are written in upper case: requests with "
					    "others are refused before policy");
			return false;
		}
	}
	return operand_text(b, text, ret);
}

bool operand_path(struct build *b, struct str text, union operand *ret)
{
	struct str copy = arena_str(b->p->arena, text);
	struct error err = {0};

	if (path_pattern_parse(copy, &ret->path, &err))
		return true;
	place_fault(&b->at, "%s", err.text);
	return false;
}

bool operand_host(struct build *b, struct str text, union operand *ret)
{
	struct error err = {0};

	if (host_pattern_parse(b->p->arena, text, &ret->host, &err))
		return true;
	place_fault(&b->at, "%s", err.text);
	return false;
}

bool operand_prefix(struct build *b, struct str text, union operand *ret)
{
	struct error err = {0};

	if (ip_prefix_parse(text, &ret->prefix, &err))
		return true;
	place_fault(&b->at, "%s", err.text);
	return false;
}

bool operand_authenticated_by(struct build *b, struct str text, union operand *ret)
{
	const char *names[FACTS_CLIENT_CERTIFICATE + 1];

	for (uint32_t i = 0; i < ARRAY_LEN(names); i++) {
		names[i] = facts_method_name(i);
		if (str_equal(text, str_from(names[i]))) {
			ret->method = i;
			return true;
		}
	}
	place_unknown(&b->at, "method of authentication", text, names, ARRAY_LEN(names));
	return false;
}

bool operand_duration(struct build *b, struct str text, union operand *ret)
{
	int64_t ms;

	if (option_parse_duration(text, &ms) && ms > 0 && ms % 1000 == 0) {
		ret->seconds = ms / 1000;
		return true;
	}
	place_fault(&b->at, "a duration is whole seconds, more than none, with a unit: \"30s\", "
			    "\"12h\", \"7d\"");
	return false;
}

/* A date is the start of that day in the zone of its "time". */
bool operand_moment(struct build *b, struct str text, union operand *ret)
{
	int64_t days;

	if (calendar_parse_time(text, &ret->seconds))
		return true;
	if (calendar_parse_date(text, &days)) {
		ret->seconds = zone_moment(&b->p->zones[b->zone], days * DAY_S);
		return true;
	}
	place_fault(&b->at, "a time is a date such as \"2027-01-31\", or a date-time with its "
			    "offset such as \"2027-01-31T09:00:00Z\" (RFC 3339)");
	return false;
}
