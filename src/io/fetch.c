/*
 * io/fetch.c - see io/fetch.h. With io/fetch_setup.c the one user of libcurl.
 *
 * libcurl tells which sockets it waits for (on_socket_interest) and when it wants to be
 * called at the latest (on_timer_interest); both become watches and one timer of the loop,
 * whose events go back through curl_multi_socket_action(). A call that ended is taken out
 * of libcurl at once and answered by a deferred task of its own, so that no frame of
 * libcurl is below the callback, which may do anything, freeing the fetcher included.
 *
 * What surprised its author:
 * - An easy handle waits for its resolver thread when it is closed early, and so would the
 *   loop: CURLOPT_QUICK_EXIT lets the thread finish alone.
 * - The OpenSSL backend keeps the parsed authorities between connections only where no CA
 *   directory is set, and one is by default; loading them takes some 20 ms each time.
 * - Idle connections are shared by all calls of a multi handle, whatever addresses they
 *   were allowed: the address is therefore checked twice, before connecting and before use.
 * - What libcurl copies (the URL, header lines, its network buffers) it does not wipe.
 */
#include "io/fetch.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/ip.h"
#include "base/secret.h"
#include "io/fetch_address.h"
#include "io/fetch_call.h"

/* A socket libcurl waits for. */
struct fetch_socket {
	struct watch watch;
	struct fetcher *fetcher;
	struct fetch_socket *next;
	struct fetch_socket **link;	/* what points here */
};

struct fetcher {
	struct loop *loop;
	CURLM *multi;
	struct timer timer;		/* always armed, so that moving it cannot fail */
	struct fetch *fetches;		/* started, and not yet answered or cancelled */
	size_t count;
	struct fetch_socket *sockets;
};

/* libcurl's sockets and timer on the loop */

static void take_ended(struct fetcher *f);

static void socket_free(struct fetch_socket *s)
{
	watch_stop(&s->watch);
	*s->link = s->next;
	if (s->next != NULL)
		s->next->link = s->link;
	free(s);
}

static void on_socket_event(struct watch *w, uint32_t events)
{
	struct fetcher *f = CONTAINER_OF(w, struct fetch_socket, watch)->fetcher;
	int running, mask = 0;

	/* A hang-up is found by reading or writing; CURL_CSELECT_ERR would drop unread data. */
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		mask |= CURL_CSELECT_IN;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		mask |= CURL_CSELECT_OUT;
	/* Its failures are about single calls, which have deadlines: nothing to do here. */
	(void)curl_multi_socket_action(f->multi, w->fd, mask, &running);
	take_ended(f);
}

static struct fetch_socket *socket_new(struct fetcher *f, int fd, uint32_t events,
				       struct error *err)
{
	struct fetch_socket *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		error_set(err, ERR_NOMEM, "out of memory for a connection");
		return NULL;
	}
	s->fetcher = f;
	s->watch = (struct watch)WATCH_INIT(on_socket_event);
	if (!loop_watch(f->loop, &s->watch, fd, events, err)) {
		free(s);
		return NULL;
	}
	s->next = f->sockets;
	s->link = &f->sockets;
	if (s->next != NULL)
		s->next->link = &s->next;
	f->sockets = s;
	return s;
}

/*
 * libcurl's CURLMOPT_SOCKETFUNCTION. An error returned from here would end every call of
 * the multi handle; one whose socket cannot be watched runs into its deadline instead, and
 * reports what is noted here.
 */
static int on_socket_interest(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct fetcher *f = arg;
	struct fetch_socket *s = socket_arg;
	struct fetch *call = NULL;
	uint32_t events = 0;

	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	if (what == CURL_POLL_REMOVE) {
		if (s != NULL)
			socket_free(s);
		return 0;
	}
	if (s != NULL) {
		watch_set_events(&s->watch, events);
		return 0;
	}
	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
	s = socket_new(f, fd, events, call != NULL ? &call->err : NULL);
	if (s != NULL)
		(void)curl_multi_assign(f->multi, fd, s);	/* fails for unknown sockets only */
	return 0;
}

static void timer_move(struct fetcher *f, int64_t deadline_ms)
{
	bool ok = timer_set(f->loop, &f->timer, deadline_ms);
	ASSERT(ok);
}

/* libcurl's CURLMOPT_TIMERFUNCTION. From the real time: the turn may be a long one. */
static int on_timer_interest(CURLM *multi, long timeout_ms, void *arg)
{
	(void)multi;
	timer_move(arg, timeout_ms < 0 ? INT64_MAX
				       : (clock_now_us() + 999) / 1000 + (int64_t)timeout_ms);
	return 0;
}

static void on_timer(struct timer *t)
{
	struct fetcher *f = CONTAINER_OF(t, struct fetcher, timer);
	int running;

	timer_move(f, INT64_MAX);	/* first of all: the place it had is still free */
	(void)curl_multi_socket_action(f->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_ended(f);
}

/* One call: what libcurl asks and brings */

static bool is_allowed(struct fetch *call, const struct ip *ip)
{
	char text[IP_TEXT_SIZE];

	if (call->allow_private || !fetch_address_is_special(ip))
		return true;
	return error_set(&call->err, ERR_DENIED, "%s has the forbidden address %s", call->origin,
			 ip_format(ip, text));
}

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct fetch *call = arg;
	struct ip ip;
	uint16_t port;

	if (purpose != CURLSOCKTYPE_IPCXN ||
	    !ip_from_sockaddr(&address->addr, &ip, &port) || !is_allowed(call, &ip))
		return CURL_SOCKET_BAD;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int on_connection_chosen(void *arg, char *remote_ip, char *local_ip, int remote_port,
				int local_port)
{
	struct fetch *call = arg;
	struct ip ip;

	(void)local_ip;
	(void)remote_port;
	(void)local_port;
	if (!ip_parse(str_from(remote_ip), &ip)) {
		error_set(&call->err, ERR_IO, "%s: the address of the connection is unknown",
			  call->origin);
		return CURL_PREREQFUNC_ABORT;
	}
	return is_allowed(call, &ip) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static size_t on_header_line(char *data, size_t size, size_t count, void *arg)
{
	struct fetch *call = arg;

	if (fetch_head_take(&call->head, str_from_len(data, size * count), FETCH_MAX_HEAD))
		return size * count;
	error_set(&call->err, ERR_LIMIT, "%s: the header of the response is larger than %d bytes",
		  call->origin, FETCH_MAX_HEAD);
	return 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct fetch *call = arg;
	size_t len = size * count;

	if (len > call->body.ceiling - call->body.len) {
		error_set(&call->err, ERR_LIMIT, "%s: the response is larger than %zu bytes",
			  call->origin, call->body.ceiling);
		return 0;
	}
	buf_append(&call->body, str_from_len(data, len));
	if (!buf_failed(&call->body))
		return len;
	error_set(&call->err, ERR_NOMEM, "out of memory for a response");
	return 0;
}

/* One call: its end */

static void wipe_headers(struct curl_slist *headers)
{
	for (struct curl_slist *h = headers; h != NULL; h = h->next)
		secret_wipe(h->data, strlen(h->data));
	curl_slist_free_all(headers);
}

/* Take it out of libcurl; nothing of libcurl runs for it from here on. */
static void release_easy(struct fetch *call)
{
	if (call->easy == NULL)
		return;
	(void)curl_multi_remove_handle(call->fetcher->multi, call->easy);
	curl_easy_cleanup(call->easy);
	call->easy = NULL;
	wipe_headers(call->headers);
	call->headers = NULL;
	buf_wipe(&call->request_body);
}

static void unlink_fetch(struct fetch *call)
{
	*call->link = call->next;
	if (call->next != NULL)
		call->next->link = call->link;
	call->fetcher->count--;
}

/* The memory of a call that libcurl and the fetcher know no more. */
static void fetch_destroy(struct fetch *call)
{
	wipe_headers(call->headers);
	buf_wipe(&call->request_body);
	buf_wipe(&call->body);
	free(call);
}

void fetch_cancel(struct fetch *call)
{
	if (call == NULL)
		return;
	loop_cancel_deferred(call->fetcher->loop, &call->answer);
	release_easy(call);
	unlink_fetch(call);
	fetch_destroy(call);
}

static void answer(struct task *t)
{
	struct fetch *call = CONTAINER_OF(t, struct fetch, answer);
	struct fetch_result result = {
		.ok = call->ok,
		.status = call->status,
		.max_age_s = -1,
		.err = call->err,
	};

	if (call->ok) {
		result.body = buf_str(&call->body);
		result.content_type = str_from(call->head.content_type);
		result.max_age_s = fetch_head_max_age_s(&call->head);
	}
	unlink_fetch(call);
	call->done(call->arg, &result);		/* the fetcher may be gone behind this */
	fetch_destroy(call);
}

static enum error_kind kind_of(CURLcode code)
{
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return ERR_TIMEOUT;
	case CURLE_OUT_OF_MEMORY:
		return ERR_NOMEM;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:	/* HTTP/0.9, an unknown version */
	case CURLE_BAD_CONTENT_ENCODING:
		return ERR_PROTOCOL;
	default:
		return ERR_IO;
	}
}

static void fetch_end(struct fetch *call, CURLcode code)
{
	long status = 0;

	if (code == CURLE_OK)
		code = curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	call->ok = code == CURLE_OK;
	call->status = (unsigned)status;
	if (call->ok)
		error_clear(&call->err);	/* one address failed, another one served */
	else
		error_set(&call->err, kind_of(code), "%s: %s", call->origin,
			  call->words[0] != '\0' ? call->words : curl_easy_strerror(code));
	release_easy(call);
	loop_defer(call->fetcher->loop, &call->answer);
}

static void take_ended(struct fetcher *f)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(f->multi, &left)) != NULL) {
		struct fetch *call = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		ASSERT(call != NULL && call->easy == message->easy_handle);
		fetch_end(call, code);
	}
}

/* One call: its start */

#define SET(option, value)                                                  \
	do {                                                                \
		if (code == CURLE_OK)                                       \
			code = curl_easy_setopt(call->easy, option, value); \
	} while (0)

static CURLcode set_callbacks(struct fetch *call)
{
	CURLcode code = CURLE_OK;

	SET(CURLOPT_PRIVATE, call);
	SET(CURLOPT_ERRORBUFFER, call->words);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	SET(CURLOPT_OPENSOCKETDATA, call);
	SET(CURLOPT_PREREQFUNCTION, on_connection_chosen);
	SET(CURLOPT_PREREQDATA, call);
	SET(CURLOPT_HEADERFUNCTION, on_header_line);
	SET(CURLOPT_HEADERDATA, call);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, call);
	return code;
}

#undef SET

static struct fetch *fetch_create(struct fetcher *f, const struct fetch_request *request,
				  struct error *err)
{
	struct fetch *call = calloc(1, sizeof(*call));

	if (call == NULL)
		goto no_memory;
	call->fetcher = f;
	call->allow_private = request->allow_private;
	call->answer.run = answer;
	fetch_head_init(&call->head);
	buf_init(&call->body, request->max_bytes);
	call->easy = curl_easy_init();
	if (call->easy == NULL)
		goto no_memory;
	return call;
no_memory:
	free(call);
	error_set(err, ERR_NOMEM, "out of memory for a call");
	return NULL;
}

struct fetch *fetch_start(struct fetcher *f, const struct fetch_request *request,
			  fetch_done *done, void *arg, struct error *err)
{
	ASSERT(request->timeout_ms > 0);
	if (f->count >= FETCHER_MAX_FETCHES) {
		error_set(err, ERR_LIMIT, "%d calls are under way already", FETCHER_MAX_FETCHES);
		return NULL;
	}
	struct fetch *call = fetch_create(f, request, err);
	if (call == NULL)
		return NULL;
	call->done = done;
	call->arg = arg;
	if (!fetch_setup(call, request, err))
		goto fail;
	CURLcode code = set_callbacks(call);
	if (code != CURLE_OK) {
		error_set(err, ERR_NOMEM, "libcurl refuses an option: %s",
			  curl_easy_strerror(code));
		goto fail;
	}
	/* Nothing runs in here yet: libcurl asks for its timer, and begins when that fires. */
	if (curl_multi_add_handle(f->multi, call->easy) != CURLM_OK) {
		error_set(err, ERR_NOMEM, "libcurl takes no more calls");
		goto fail;
	}
	call->next = f->fetches;
	call->link = &f->fetches;
	if (call->next != NULL)
		call->next->link = &call->next;
	f->fetches = call;
	f->count++;
	return call;
fail:
	curl_easy_cleanup(call->easy);
	fetch_destroy(call);
	return NULL;
}

/* The fetcher */

static CURLcode global_status;

static void global_init(void)
{
	global_status = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool configure_multi(struct fetcher *f)
{
	CURLMcode code = curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, on_socket_interest);

	if (code == CURLM_OK)
		code = curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
	if (code == CURLM_OK)
		code = curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, on_timer_interest);
	if (code == CURLM_OK)
		code = curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
	return code == CURLM_OK;
}

struct fetcher *fetcher_new(struct loop *loop, struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int status = pthread_once(&once, global_init);
	struct fetcher *f = calloc(1, sizeof(*f));

	if (f == NULL || status != 0 || global_status != CURLE_OK)
		goto fail;
	f->loop = loop;
	f->timer = (struct timer)TIMER_INIT(on_timer);
	f->multi = curl_multi_init();
	if (f->multi == NULL || !configure_multi(f) || !timer_set(loop, &f->timer, INT64_MAX))
		goto fail;
	return f;
fail:
	if (f != NULL)
		(void)curl_multi_cleanup(f->multi);
	free(f);
	error_set(err, ERR_NOMEM, "libcurl does not start");
	return NULL;
}

void fetcher_free(struct fetcher *f)
{
	if (f == NULL)
		return;
	while (f->fetches != NULL)
		fetch_cancel(f->fetches);
	/* Closes the idle connections, and may say so through the callbacks. */
	(void)curl_multi_cleanup(f->multi);
	while (f->sockets != NULL)
		socket_free(f->sockets);
	timer_cancel(&f->timer);
	free(f);
}

const char *fetch_library_version(void)
{
	return curl_version_info(CURLVERSION_NOW)->version;
}
