/*
 * io/fetch_head.c - see io/fetch_head.h.
 */
#include "io/fetch_head.h"

#include <string.h>

/* RFC 9111, section 1.2.2: a greater number of seconds means this one. */
static const uint64_t max_delta_seconds = (uint64_t)1 << 31;

static void forget(struct fetch_head *head)
{
	head->content_type[0] = '\0';
	head->max_age_s = -1;
	head->no_store = false;
}

void fetch_head_init(struct fetch_head *head)
{
	head->bytes = 0;
	forget(head);
}

/* RFC 9110, section 8.3.1. One that does not fit is none we know. */
static void take_content_type(struct fetch_head *head, struct str value)
{
	struct str type = str_trim(str_slice(value, 0, str_find_char(value, ';')));

	if (!str_copy(head->content_type, sizeof(head->content_type), type))
		return;
	for (size_t i = 0; i < type.len; i++)
		head->content_type[i] = ascii_lower(head->content_type[i]);
}

static bool is_digits(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!ascii_is_digit(s.ptr[i]))
			return false;
	}
	return s.len > 0;
}

/* RFC 9111, section 5.2.2.1. Of several the first counts; one that is no number does not. */
static void take_max_age(struct fetch_head *head, struct str argument)
{
	uint64_t seconds;

	if (!is_digits(argument) || head->max_age_s >= 0)
		return;
	if (!str_to_u64(argument, &seconds) || seconds > max_delta_seconds)
		seconds = max_delta_seconds;
	head->max_age_s = (int64_t)seconds;
}

static void take_cache_control(struct fetch_head *head, struct str value)
{
	const struct str max_age = STR("max-age=");
	struct str directive;

	while (str_next(&value, ',', &directive)) {
		directive = str_trim(directive);
		if (str_equal_fold(str_slice(directive, 0, max_age.len), max_age))
			take_max_age(head, str_after(directive, max_age.len));
		else if (str_equal_fold(directive, STR("no-store")) ||
			 str_equal_fold(directive, STR("no-cache")))
			head->no_store = true;
	}
}

static struct str without_line_end(struct str line)
{
	while (line.len > 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
		line.len--;
	return line;
}

bool fetch_head_take(struct fetch_head *head, struct str line, size_t max)
{
	if (head->bytes > max || line.len > max - head->bytes)
		return false;
	head->bytes += line.len;
	if (str_starts_with(line, STR("HTTP/"))) {
		forget(head);
		return true;
	}
	line = without_line_end(line);
	size_t colon = str_find_char(line, ':');
	if (colon == STR_NONE)
		return true;
	struct str name = str_slice(line, 0, colon);
	struct str value = str_trim(str_after(line, colon + 1));
	if (str_equal_fold(name, STR("content-type")))
		take_content_type(head, value);
	else if (str_equal_fold(name, STR("cache-control")))
		take_cache_control(head, value);
	return true;
}

int64_t fetch_head_max_age_s(const struct fetch_head *head)
{
	return head->no_store ? 0 : head->max_age_s;
}
