/*
 * Sessions as the gate uses them: made, found on every worker, ended on every worker,
 * expired; and what the store does when it is full, broken or restarted.
 */
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/authn/session/world.h"

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	world_start(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_end(*state);
	free(*state);
	return 0;
}

/* --- Making and finding --------------------------------------------------------------- */

static void check_session(const char *name, const struct session *s)
{
	check_str(name, "subject", STR("u1"), s->identity->subject);
	check_i64(name, "groups", 1, (int64_t)s->identity->groups_count);
	check_i64(name, "method", AUTHN_SESSION, s->identity->method);
	check_cstr(name, "host", "app.example", s->host);
	check_i64(name, "public id length", 22, (int64_t)strlen(s->public_id));
	check_i64(name, "created", FAKE_CLOCK_START_S, s->created_s);
	check_i64(name, "expires", FAKE_CLOCK_START_S + WORLD_LIFETIME_S, s->expires_s);
	CHECK(name, !s->ended);
}

static void test_create_and_find(void **state)
{
	struct world *w = *state;
	char id[SESSION_ID_TEXT + 1];
	struct session *a, *again, *b;

	world_must_create(w, id);
	assert_int_equal(strlen(id), SESSION_ID_TEXT);
	assert_int_equal(session_store_count(w->store), 1);
	a = world_must_find(w->a, id);
	again = world_must_find(w->a, id);
	b = world_must_find(w->b, id);
	check_session("a", a);
	check_session("b", b);
	assert_ptr_equal(a, again);
	assert_ptr_not_equal(a, b);
	check_cstr("both", "public id", a->public_id, b->public_id);
	assert_null(strstr(id, a->public_id));
	session_unref(a);
	session_unref(again);
	session_unref(b);
	check_done();
}

static void test_ids_differ(void **state)
{
	struct world *w = *state;
	char first[SESSION_ID_TEXT + 1], second[SESSION_ID_TEXT + 1];
	struct session *a, *b;

	world_must_create(w, first);
	world_must_create(w, second);
	assert_string_not_equal(first, second);
	a = world_must_find(w->a, first);
	b = world_must_find(w->a, second);
	assert_string_not_equal(a->public_id, b->public_id);
	session_unref(a);
	session_unref(b);
}

static const struct id_row {
	const char *name;
	struct str id;
} absent_ids[] = {
	{"empty", STR_INIT("")},
	{"percents", STR_INIT("%%%")},
	{"42 characters", STR_INIT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")},
	{"43, unknown", STR_INIT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")},
	{"43, bits behind the end", STR_INIT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB")},
	{"44", STR_INIT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")},
	{"padded", STR_INIT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")},
	{"other alphabet", STR_INIT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+A")},
	{"NUL", STR_INIT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0")},
	{"43 dots", STR_INIT("...........................................")},
};

static void test_absent_ids(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(absent_ids); i++) {
		struct session *s = NULL;
		struct error err = {0};

		check_i64(absent_ids[i].name, "result", SESSION_ABSENT,
			  session_find(w->a, absent_ids[i].id, &s, &err));
		CHECK(absent_ids[i].name, s == NULL && err.kind == ERR_NONE);
	}
	check_done();
}

static void test_every_character_counts(void **state)
{
	struct world *w = *state;
	char id[SESSION_ID_TEXT + 1];

	world_must_create(w, id);
	for (size_t i = 0; i < SESSION_ID_TEXT; i++) {
		char before = id[i];

		id[i] = before == 'A' ? 'Q' : 'A';
		if (world_probe(w->a, id) != SESSION_ABSENT)
			fail_msg("found with character %zu changed", i);
		id[i] = before;
	}
	assert_int_equal(world_probe(w->a, id), SESSION_FOUND);
}

static void test_many_at_once(void **state)
{
	enum { COUNT = 1000 };
	struct world *w = *state;
	char(*ids)[SESSION_ID_TEXT + 1] = calloc(COUNT, sizeof(*ids));
	struct outcome *outcomes = calloc(COUNT, sizeof(*outcomes));
	struct identity *i = world_identity(WORLD_RECORD("u1"));

	assert_non_null(ids);
	assert_non_null(outcomes);
	for (size_t n = 0; n < COUNT; n++)
		assert_non_null(session_create(w->a, i, STR("h"), STR(""), ids[n], outcome_take,
					       &outcomes[n], NULL));
	identity_unref(i);
	world_wait(w, &outcomes[COUNT - 1]);
	for (size_t n = 0; n < COUNT; n++) {
		CHECK("created", outcomes[n].calls == 1 && outcomes[n].ok);
		check_i64("found", "result", SESSION_FOUND, world_probe(w->b, ids[n]));
	}
	assert_int_equal(session_store_count(w->store), COUNT);
	free(ids);
	free(outcomes);
	check_done();
}

static void test_host_bound(void **state)
{
	struct world *w = *state;
	struct identity *i = world_identity(WORLD_RECORD("u1"));
	char id[SESSION_ID_TEXT + 1], host[257];
	struct error err = {0};
	struct outcome o = {0};

	memset(host, 'h', sizeof(host));
	assert_null(session_create(w->a, i, str_from_len(host, 256), STR(""), id, outcome_take, &o,
				   &err));
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_non_null(session_create(w->a, i, str_from_len(host, 255), STR(""), id, outcome_take,
				       &o, NULL));
	world_wait(w, &o);
	assert_int_equal(world_probe(w->a, id), SESSION_FOUND);
	identity_unref(i);
}

/* --- Ending --------------------------------------------------------------------------- */

static void test_end(void **state)
{
	struct world *w = *state;
	char id[SESSION_ID_TEXT + 1], other[SESSION_ID_TEXT + 1];
	struct session *a, *b;
	struct outcome o = {0};

	world_must_create(w, id);
	world_must_create(w, other);
	a = world_must_find(w->a, id);
	b = world_must_find(w->b, id);
	assert_non_null(session_end(w->a, a, outcome_take, &o, NULL));
	world_wait(w, &o);
	assert_true(o.ok);
	assert_true(a->ended);
	assert_true(b->ended);
	assert_int_equal(world_probe(w->a, id), SESSION_ABSENT);
	assert_int_equal(world_probe(w->b, id), SESSION_ABSENT);
	assert_int_equal(session_store_count(w->store), 1);
	assert_int_equal(world_probe(w->b, other), SESSION_FOUND);
	assert_true(str_equal(a->identity->subject, STR("u1"))); /* a reference keeps it */
	session_unref(a);
	session_unref(b);
	world_reopen(w);
	assert_int_equal(world_probe(w->a, id), SESSION_ABSENT);
}

/* Nobody is told that a session has ended while a worker could still let it in. */
static void test_end_waits_for_every_worker(void **state)
{
	struct world *w = *state;
	char id[SESSION_ID_TEXT + 1];
	struct session *a;
	struct outcome o = {0};

	world_must_create(w, id);
	a = world_must_find(w->a, id);
	assert_int_equal(world_probe(w->b, id), SESSION_FOUND);
	assert_non_null(session_end(w->a, a, outcome_take, &o, NULL));
	session_unref(a);
	while (session_store_count(w->store) != 0)
		loop_turn(w->a_loop, 1);
	for (int i = 0; i < 20; i++)
		loop_turn(w->a_loop, 1);
	assert_int_equal(o.calls, 0); /* committed, but B has not turned */
	world_wait(w, &o);
	assert_int_equal(world_probe(w->b, id), SESSION_ABSENT);
}

static void test_end_twice(void **state)
{
	struct world *w = *state;
	char id[SESSION_ID_TEXT + 1];
	struct outcome first = {0}, second = {0};
	struct session *a;

	world_must_create(w, id);
	a = world_must_find(w->a, id);
	assert_non_null(session_end(w->a, a, outcome_take, &first, NULL));
	assert_non_null(session_end(w->a, a, outcome_take, &second, NULL));
	world_wait(w, &first);
	world_wait(w, &second);
	assert_true(first.ok && second.ok);
	session_unref(a);
}

/* Row 47: a login gives a new id, and the one the browser came with is dead. */
static void test_replace(void **state)
{
	struct world *w = *state;
	char old[SESSION_ID_TEXT + 1], id[SESSION_ID_TEXT + 1];
	struct session *held;
	struct outcome o;

	world_must_create(w, old);
	assert_int_equal(world_probe(w->a, old), SESSION_FOUND);
	held = world_must_find(w->b, old);
	o = world_create(w, w->a, WORLD_RECORD("u2"), old, id);
	assert_true(o.ok);
	assert_string_not_equal(old, id);
	assert_true(held->ended);
	assert_int_equal(world_probe(w->a, old), SESSION_ABSENT);
	assert_int_equal(world_probe(w->b, old), SESSION_ABSENT);
	assert_int_equal(world_probe(w->b, id), SESSION_FOUND);
	assert_int_equal(session_store_count(w->store), 1);
	session_unref(held);
}

static void test_replace_of_nothing(void **state)
{
	static const char *const replaced[] = {"", "%%%",
					       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(replaced); i++) {
		char id[SESSION_ID_TEXT + 1];

		CHECK(replaced[i], world_create(w, w->a, WORLD_RECORD("u"), replaced[i], id).ok);
		check_i64(replaced[i], "found", SESSION_FOUND, world_probe(w->b, id));
	}
	check_done();
}

/* --- Time ----------------------------------------------------------------------------- */

static void test_lifetime(void **state)
{
	struct world *w = *state;
	char id[SESSION_ID_TEXT + 1];
	struct session *held;

	world_must_create(w, id);
	/* Used all the time, on both: that moves the idle time, never the lifetime. */
	for (int s = 0; s < WORLD_LIFETIME_S; s += 1800) {
		fake_clock_s = FAKE_CLOCK_START_S + s;
		assert_int_equal(world_probe(w->a, id), SESSION_FOUND);
		assert_int_equal(world_probe(w->b, id), SESSION_FOUND);
	}
	fake_clock_s = FAKE_CLOCK_START_S + WORLD_LIFETIME_S - 1;
	held = world_must_find(w->a, id);
	fake_clock_s = FAKE_CLOCK_START_S + WORLD_LIFETIME_S;
	assert_int_equal(world_probe(w->a, id), SESSION_ABSENT); /* from the cache */
	assert_true(held->ended);
	session_unref(held);
	assert_int_equal(world_probe(w->a, id), SESSION_ABSENT); /* from the store */
}

static void test_idle(void **state)
{
	struct world *w = *state;
	char id[SESSION_ID_TEXT + 1];

	world_must_create(w, id);
	assert_int_equal(world_probe(w->a, id), SESSION_FOUND);
	fake_clock_s += WORLD_IDLE_S;
	assert_int_equal(world_probe(w->a, id), SESSION_FOUND);
	world_settle(w);
	fake_clock_s += WORLD_IDLE_S + 1;
	assert_int_equal(world_probe(w->a, id), SESSION_ABSENT);
	assert_int_equal(world_probe(w->b, id), SESSION_ABSENT);
}

/* In use on A alone: B's copy is stale, but B asks the store before it believes it. */
static void test_idle_is_of_all_workers(void **state)
{
	struct world *w = *state;
	char id[SESSION_ID_TEXT + 1];

	world_must_create(w, id);
	assert_int_equal(world_probe(w->b, id), SESSION_FOUND);
	for (int i = 0; i < 4; i++) {
		fake_clock_s += WORLD_IDLE_S / 2;
		assert_int_equal(world_probe(w->a, id), SESSION_FOUND);
	}
	world_settle(w);
	assert_int_equal(world_probe(w->b, id), SESSION_FOUND);
	assert_int_equal(world_probe(w->a, id), SESSION_FOUND);
}

static void test_touch_is_written_once_a_minute(void **state)
{
	static const struct {
		const char *name;
		int at, stored;
	} steps[] = {
		{"at once", 0, 0},	{"59 s later", 59, 0},	  {"60 s later", 60, 60},
		{"soon after", 61, 60}, {"119 s later", 119, 60}, {"120 s later", 120, 120},
	};
	struct world *w = *state;
	char id[SESSION_ID_TEXT + 1];

	world_must_create(w, id);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct session *s;

		fake_clock_s = FAKE_CLOCK_START_S + steps[i].at;
		s = world_must_find(w->a, id);
		check_i64(steps[i].name, "seen", fake_clock_s, s->last_seen_s);
		session_unref(s);
		world_settle(w);
		check_i64(steps[i].name, "stored", FAKE_CLOCK_START_S + steps[i].stored,
			  world_stored_last_seen(w, id));
	}
	check_done();
}

/* A worker whose clock reads earlier, or whose touch comes late, takes nothing back. */
static void test_touch_keeps_the_newer(void **state)
{
	struct world *w = *state;
	char id[SESSION_ID_TEXT + 1];

	world_must_create(w, id);
	assert_int_equal(world_probe(w->a, id), SESSION_FOUND);
	assert_int_equal(world_probe(w->b, id), SESSION_FOUND);
	fake_clock_s = FAKE_CLOCK_START_S + 300;
	assert_int_equal(world_probe(w->a, id), SESSION_FOUND);
	fake_clock_s = FAKE_CLOCK_START_S + 200;
	assert_int_equal(world_probe(w->b, id), SESSION_FOUND);
	world_settle(w);
	assert_int_equal(world_stored_last_seen(w, id), FAKE_CLOCK_START_S + 300);
}

static void test_touch_does_not_revive(void **state)
{
	struct world *w = *state;
	char id[SESSION_ID_TEXT + 1];
	struct outcome o = {0};
	struct session *a;

	world_must_create(w, id);
	a = world_must_find(w->a, id);
	fake_clock_s += 100;
	assert_non_null(session_end(w->a, a, outcome_take, &o, NULL));
	session_unref(a);
	assert_int_equal(world_probe(w->b, id), SESSION_FOUND); /* queues a touch behind the end */
	world_wait(w, &o);
	world_settle(w);
	assert_int_equal(session_store_count(w->store), 0);
	assert_int_equal(world_probe(w->b, id), SESSION_ABSENT);
}

static void test_short_idle_timeout(void **state)
{
	struct world *w = *state;
	char id[SESSION_ID_TEXT + 1];

	w->config.idle_timeout_ms = 8000;
	world_reopen(w);
	world_must_create(w, id);
	for (int i = 0; i < 20; i++) { /* now here, now there */
		fake_clock_s += 3;
		assert_int_equal(world_probe(i % 2 ? w->a : w->b, id), SESSION_FOUND);
		world_settle(w);
	}
	fake_clock_s += 9;
	assert_int_equal(world_probe(w->a, id), SESSION_ABSENT);
}

static void wait_for_count(struct world *w, int64_t want)
{
	int64_t until = clock_ms() + WORLD_PATIENCE_MS;

	while (session_store_count(w->store) != want && clock_ms() < until)
		world_turn(w);
	assert_int_equal(session_store_count(w->store), want);
}

static void test_purge(void **state)
{
	struct world *w = *state;
	char id[SESSION_ID_TEXT + 1];
	int64_t until;

	for (int i = 0; i < 200; i++)
		world_must_create(w, id);
	fake_clock_s += WORLD_IDLE_S - 60;
	assert_int_equal(world_probe(w->a, id), SESSION_FOUND); /* the last one is in use */
	world_settle(w);
	/* Idle for too long, yet not by so much that a touch could still be on its way. */
	fake_clock_s += 61;
	until = clock_ms() + 1500;
	while (clock_ms() < until)
		world_turn(w);
	assert_int_equal(session_store_count(w->store), 200);
	fake_clock_s += 2 * SESSION_TOUCH_INTERVAL_S;
	wait_for_count(w, 1);
	assert_int_equal(world_probe(w->b, id), SESSION_FOUND);
	world_settle(w);
	fake_clock_s += WORLD_LIFETIME_S;
	wait_for_count(w, 0);
}

/* --- Restart, keys, damage ------------------------------------------------------------ */

static void test_restart(void **state)
{
	struct world *w = *state;
	char id[SESSION_ID_TEXT + 1];
	struct session *s;

	world_must_create(w, id);
	world_reopen(w);
	s = world_must_find(w->a, id);
	check_session("after a restart", s);
	session_unref(s);
	check_done();
}

/* What done has said is on the disk, though the process gets no chance to close. */
static void test_kill(void **state)
{
	struct world *w = *state;
	char id[SESSION_ID_TEXT + 1];
	int pipe_fds[2], status;
	pid_t child;

	world_close(w);
	assert_int_equal(pipe(pipe_fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		world_open(w);
		world_must_create(w, id);
		if (write(pipe_fds[1], id, sizeof(id)) != sizeof(id))
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(read(pipe_fds[0], id, sizeof(id)), sizeof(id));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	world_open(w);
	assert_int_equal(world_probe(w->a, id), SESSION_FOUND);
}

static void test_other_master_key(void **state)
{
	struct world *w = *state;
	char id[SESSION_ID_TEXT + 1];
	struct error err = {0};
	struct session *s;

	world_must_create(w, id);
	world_close(w);
	keyring_free(w->keys);
	assert_int_equal(unlink(scratch_path(w->folder, "keys/master")), 0);
	assert_true(keyring_open(w->folder, &w->keys, NULL));
	world_open(w);
	assert_int_equal(session_find(w->a, str_from(id), &s, &err), SESSION_ABSENT);
	assert_int_equal(err.kind, ERR_NONE);
	/* It is of no use, so it goes when it is due. */
	fake_clock_s += WORLD_LIFETIME_S;
	wait_for_count(w, 0);
}

static void test_modes(void **state)
{
	struct world *w = *state;

	assert_int_equal(scratch_mode(scratch_path(w->folder, "sessions")), 0700);
	assert_int_equal(scratch_mode(scratch_path(w->folder, "sessions/data.mdb")), 0600);
	assert_int_equal(scratch_mode(scratch_path(w->folder, "sessions/lock.mdb")), 0600);
}

static void test_damaged_file(void **state)
{
	static const struct {
		const char *name;
		off_t length;
		bool garbage;
	} rows[] = {
		{"garbage", 65536, true},
		{"cut short", 8192, false},
		{"cut inside the first page", 100, false},
	};
	struct world *w = *state;
	char id[SESSION_ID_TEXT + 1];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *path;
		struct error err = {0};

		for (int n = 0; n < 10; n++)
			world_must_create(w, id);
		world_close(w);
		path = scratch_path(w->folder, "sessions/data.mdb");
		if (rows[i].garbage) {
			char *garbage = malloc((size_t)rows[i].length);

			assert_non_null(garbage);
			memset(garbage, 0x5a, (size_t)rows[i].length);
			scratch_write(path, garbage, (size_t)rows[i].length, 0600);
			free(garbage);
		} else {
			assert_int_equal(truncate(path, rows[i].length), 0);
		}
		CHECK(rows[i].name,
		      !session_store_open(w->folder, w->keys, &w->config, &w->store, &err));
		check_i64(rows[i].name, "kind", ERR_IO, err.kind);
		check_contains(rows[i].name, "sessions", err.file);
		assert_int_equal(unlink(scratch_path(w->folder, "sessions/data.mdb")), 0);
		world_open(w);
	}
	check_done();
}

static void test_folder_cannot_be_made(void **state)
{
	struct world *w = *state;
	struct error err = {0};

	world_close(w);
	assert_int_equal(unlink(scratch_path(w->folder, "sessions/data.mdb")), 0);
	assert_int_equal(unlink(scratch_path(w->folder, "sessions/lock.mdb")), 0);
	assert_int_equal(rmdir(scratch_path(w->folder, "sessions")), 0);
	scratch_write(scratch_path(w->folder, "sessions"), "x", 1, 0600);
	assert_false(session_store_open(w->folder, w->keys, &w->config, &w->store, &err));
	assert_true(err.kind == ERR_IO || err.kind == ERR_NOT_FOUND);
	assert_int_equal(unlink(scratch_path(w->folder, "sessions")), 0);
	world_open(w);
}

/* --- A full store --------------------------------------------------------------------- */

static size_t fill(struct world *w, char (*ids)[SESSION_ID_TEXT + 1], size_t max,
		   struct error *ret_err)
{
	for (size_t n = 0; n < max; n++) {
		struct outcome o = world_create(w, w->a, WORLD_RECORD("u1"), "", ids[n]);

		if (!o.ok) {
			*ret_err = o.err;
			return n;
		}
	}
	return max;
}

static void end_one(struct world *w, const char *id)
{
	struct session *s = world_must_find(w->a, id);
	struct outcome o = {0};

	assert_non_null(session_end(w->a, s, outcome_take, &o, NULL));
	session_unref(s);
	world_wait(w, &o);
	assert_true(o.ok);
}

static void test_full(void **state)
{
	enum { MAX = 5000 };
	struct world *w = *state;
	char(*ids)[SESSION_ID_TEXT + 1] = calloc(MAX, sizeof(*ids)), extra[SESSION_ID_TEXT + 1];
	struct error err = {0};
	size_t count, again;

	assert_non_null(ids);
	w->config.max_bytes = 1024 * 1024;
	world_reopen(w);
	count = fill(w, ids, MAX, &err);
	check_i64("full", "kind", ERR_LIMIT, err.kind);
	check_contains("full", "full", err.text);
	assert_in_range(count, 300, MAX - 1);
	for (size_t i = 0; i < count; i++) /* what is there is found, */
		check_i64("full", "found", SESSION_FOUND, world_probe(w->b, ids[i]));
	fake_clock_s += 100;
	assert_int_equal(world_probe(w->a, ids[1]), SESSION_FOUND); /* used, */
	world_settle(w);
	check_i64("full", "touched", fake_clock_s, world_stored_last_seen(w, ids[1]));
	assert_false(world_create(w, w->a, WORLD_RECORD("u"), "", extra).ok);
	for (size_t i = 0; i < count; i++) /* and ended. */
		end_one(w, ids[i]);
	assert_int_equal(session_store_count(w->store), 0);
	again = fill(w, ids, MAX, &err);
	assert_in_range(again, count * 9 / 10, MAX - 1);
	free(ids);
	check_done();
}

/* --- Cancelling, and caches that go --------------------------------------------------- */

static void test_cancel(void **state)
{
	struct world *w = *state;
	struct identity *i = world_identity(WORLD_RECORD("u1"));
	char id[SESSION_ID_TEXT + 1];
	struct outcome o = {0};
	struct session_op *op;

	op = session_create(w->a, i, STR("h"), STR(""), id, outcome_take, &o, NULL);
	assert_non_null(op);
	session_op_cancel(op);
	session_op_cancel(NULL);
	identity_unref(i);
	world_settle(w);
	assert_int_equal(o.calls, 0);
	assert_int_equal(world_probe(w->b, id), SESSION_FOUND); /* the write still happens */
}

static void test_cache_goes_with_writes_under_way(void **state)
{
	struct world *w = *state;
	struct identity *i = world_identity(WORLD_RECORD("u1"));
	char ids[8][SESSION_ID_TEXT + 1], old[SESSION_ID_TEXT + 1];
	struct outcome o = {0};
	struct session *held;

	world_must_create(w, old);
	held = world_must_find(w->a, old);
	for (size_t n = 0; n < ARRAY_LEN(ids); n++)
		assert_non_null(session_create(w->a, i, STR("h"), str_from(old), ids[n],
					       outcome_take, &o, NULL));
	session_cache_free(w->a);
	loop_free(w->a_loop);
	assert_int_equal(o.calls, 0);
	assert_true(str_equal(held->identity->subject, STR("u1")));
	session_unref(held);
	w->a = NULL;
	assert_non_null(w->a_loop = loop_new(NULL));
	assert_true(session_cache_new(w->store, w->a_loop, 4, &w->a, NULL));
	world_settle(w);
	for (size_t n = 0; n < ARRAY_LEN(ids); n++)
		assert_int_equal(world_probe(w->b, ids[n]), SESSION_FOUND);
	assert_int_equal(world_probe(w->b, old), SESSION_ABSENT);
	identity_unref(i);
}

/* Its loop has the answer already, and not looked at it: done is not run all the same. */
static void test_cache_goes_with_answers_waiting(void **state)
{
	struct world *w = *state;
	struct identity *i = world_identity(WORLD_RECORD("u1"));
	char id[SESSION_ID_TEXT + 1];
	struct outcome o = {0};

	assert_non_null(session_create(w->a, i, STR("h"), STR(""), id, outcome_take, &o, NULL));
	identity_unref(i);
	while (session_store_count(w->store) != 1)
		usleep(1000);
	usleep(50000);
	session_cache_free(w->a);
	loop_free(w->a_loop);
	assert_int_equal(o.calls, 0);
	w->a = NULL;
	assert_non_null(w->a_loop = loop_new(NULL));
}

/* B has an invalidation waiting when it goes: the one who ended still hears. */
static void test_cache_goes_before_it_answers(void **state)
{
	struct world *w = *state;
	char id[SESSION_ID_TEXT + 1];
	struct outcome o = {0};
	struct session *a;

	world_must_create(w, id);
	a = world_must_find(w->a, id);
	assert_int_equal(world_probe(w->b, id), SESSION_FOUND);
	assert_non_null(session_end(w->a, a, outcome_take, &o, NULL));
	session_unref(a);
	while (session_store_count(w->store) != 0)
		loop_turn(w->a_loop, 1);
	session_cache_free(w->b);
	loop_free(w->b_loop);
	w->b = NULL;
	assert_non_null(w->b_loop = loop_new(NULL));
	world_wait(w, &o);
	assert_true(o.ok);
}

static void test_close_with_writes_queued(void **state)
{
	struct world *w = *state;
	struct identity *i = world_identity(WORLD_RECORD("u1"));
	char ids[50][SESSION_ID_TEXT + 1];
	struct outcome o = {0};

	for (size_t n = 0; n < ARRAY_LEN(ids); n++)
		assert_non_null(
			session_create(w->a, i, STR("h"), STR(""), ids[n], outcome_take, &o, NULL));
	identity_unref(i);
	world_reopen(w);
	assert_int_equal(session_store_count(w->store), ARRAY_LEN(ids));
}

/* --- The cache ------------------------------------------------------------------------ */

static void test_capacity(void **state)
{
	static const size_t capacities[] = {0, 1, 2, 3, 17};
	struct world *w = *state;
	char ids[9][SESSION_ID_TEXT + 1];

	for (size_t n = 0; n < ARRAY_LEN(ids); n++)
		world_must_create(w, ids[n]);
	for (size_t c = 0; c < ARRAY_LEN(capacities); c++) {
		w->capacity = capacities[c];
		world_reopen(w);
		for (size_t n = 0; n < 200; n++) {
			const char *id = ids[n * 7 % ARRAY_LEN(ids)];

			check_i64("capacity", "found", SESSION_FOUND, world_probe(w->a, id));
		}
	}
	check_done();
}

static unsigned attachments_freed;

static void attachment_free(void *attached)
{
	attachments_freed++;
	free(attached);
}

static void attach(struct session *s)
{
	s->attached = malloc(1);
	assert_non_null(s->attached);
	s->attached_free = attachment_free;
}

/* The least recently used goes, with what hangs on it; the others stay as they are. */
static void test_least_recent_goes(void **state)
{
	struct world *w = *state;
	char ids[3][SESSION_ID_TEXT + 1];

	w->capacity = 2;
	world_reopen(w);
	attachments_freed = 0;
	for (size_t n = 0; n < ARRAY_LEN(ids); n++)
		world_must_create(w, ids[n]);
	for (size_t n = 0; n < 2; n++) {
		struct session *s = world_must_find(w->a, ids[n]);

		attach(s);
		session_unref(s);
	}
	assert_int_equal(world_probe(w->a, ids[0]), SESSION_FOUND);
	assert_int_equal(attachments_freed, 0);
	assert_int_equal(world_probe(w->a, ids[2]), SESSION_FOUND); /* pushes 1 out */
	assert_int_equal(attachments_freed, 1);
	for (size_t n = 0; n < ARRAY_LEN(ids); n++) {
		struct session *s = world_must_find(w->a, ids[n]);

		if (n == 0)
			assert_non_null(s->attached);
		session_unref(s);
	}
}

/* Pushed out of the cache while held: still the one object, and still told of its end. */
static void test_held_session_hears_of_its_end(void **state)
{
	struct world *w = *state;
	char id[SESSION_ID_TEXT + 1], others[4][SESSION_ID_TEXT + 1];
	struct session *held, *again;

	w->capacity = 1;
	world_reopen(w);
	world_must_create(w, id);
	held = world_must_find(w->a, id);
	for (size_t n = 0; n < ARRAY_LEN(others); n++) {
		world_must_create(w, others[n]);
		assert_int_equal(world_probe(w->a, others[n]), SESSION_FOUND);
	}
	again = world_must_find(w->a, id);
	assert_ptr_equal(held, again);
	session_unref(again);
	assert_int_equal(world_probe(w->a, others[0]), SESSION_FOUND);
	assert_false(held->ended);
	end_one(w, id);
	assert_true(held->ended);
	session_unref(held);
}

/* What was looked for in vain is not remembered. */
static void test_absence_is_not_cached(void **state)
{
	struct world *w = *state;
	struct identity *i = world_identity(WORLD_RECORD("u1"));
	char id[SESSION_ID_TEXT + 1];
	struct outcome o = {0};

	assert_non_null(session_create(w->a, i, STR("h"), STR(""), id, outcome_take, &o, NULL));
	world_probe(w->a, id); /* before or after the commit: either is fine */
	world_probe(w->b, id);
	world_wait(w, &o);
	assert_int_equal(world_probe(w->a, id), SESSION_FOUND);
	assert_int_equal(world_probe(w->b, id), SESSION_FOUND);
	identity_unref(i);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_create_and_find),
		TEST(test_ids_differ),
		TEST(test_absent_ids),
		TEST(test_every_character_counts),
		TEST(test_many_at_once),
		TEST(test_host_bound),
		TEST(test_end),
		TEST(test_end_waits_for_every_worker),
		TEST(test_end_twice),
		TEST(test_replace),
		TEST(test_replace_of_nothing),
		TEST(test_lifetime),
		TEST(test_idle),
		TEST(test_idle_is_of_all_workers),
		TEST(test_touch_is_written_once_a_minute),
		TEST(test_touch_keeps_the_newer),
		TEST(test_touch_does_not_revive),
		TEST(test_short_idle_timeout),
		TEST(test_purge),
		TEST(test_restart),
		TEST(test_kill),
		TEST(test_other_master_key),
		TEST(test_modes),
		TEST(test_damaged_file),
		TEST(test_folder_cannot_be_made),
		TEST(test_full),
		TEST(test_cancel),
		TEST(test_cache_goes_with_writes_under_way),
		TEST(test_cache_goes_with_answers_waiting),
		TEST(test_cache_goes_before_it_answers),
		TEST(test_close_with_writes_queued),
		TEST(test_capacity),
		TEST(test_least_recent_goes),
		TEST(test_held_session_hears_of_its_end),
		TEST(test_absence_is_not_cached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
