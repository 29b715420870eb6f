/*
 * authn/session/session_config.c - the options of "sessions".
 */
#include "authn/session/session_config.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define DAY    (24 * 60 * MINUTE)
#define MIB    (INT64_C(1) << 20)

/* Slips that cannot be refused: each is what somebody may want for a while. */
static void session_check(struct option_reader *r, void *object)
{
	const struct session_config *sessions = object;
	char idle[OPTION_UNIT_SIZE], lifetime[OPTION_UNIT_SIZE];

	if (sessions->idle_timeout_ms > sessions->lifetime_ms)
		option_warn(r, "idle_timeout",
			    "has no effect: %s is longer than the lifetime of %s",
			    option_format_duration(sessions->idle_timeout_ms, idle),
			    option_format_duration(sessions->lifetime_ms, lifetime));
}

static const char *const session_stores[] = {[SESSION_STORE_EMBEDDED] = "embedded", NULL};

static const struct option session_rows[] = {
	{.key = "store",
	 .type = OPTION_ENUM,
	 .words = session_stores,
	 .offset = offsetof(struct session_config, store),
	 .standard = "\"embedded\"",
	 .help = "Where sessions are kept: \"embedded\" is a file in the state directory, sealed "
		 "with the gate's keys."},
	{.key = "lifetime",
	 .type = OPTION_DURATION,
	 .min = SECOND,
	 .max = 90 * DAY,
	 .offset = offsetof(struct session_config, lifetime_ms),
	 .standard = "\"12h\"",
	 .help = "From the login on, whatever happens: a working day, after which the provider is "
		 "asked again whether this person is still one of yours."},
	{.key = "idle_timeout",
	 .type = OPTION_DURATION,
	 .min = SECOND,
	 .max = 90 * DAY,
	 .offset = offsetof(struct session_config, idle_timeout_ms),
	 .standard = "\"1h\"",
	 .help = "From the last request on: ends the session of a browser left open."},
	{.key = "max_size",
	 .type = OPTION_SIZE,
	 .min = MIB,
	 .max = INT64_C(1) << 40,
	 .offset = offsetof(struct session_config, max_bytes),
	 .standard = "\"1GiB\"",
	 .help = "The most that the store's file may grow to, some 2 KiB a session. The space is "
		 "reserved in the address range, not on the disk."},
};

const struct option_table session_options = {
	.name = "sessions",
	.options = session_rows,
	.count = ARRAY_LEN(session_rows),
	.size = sizeof(struct session_config),
	.check = session_check,
};
