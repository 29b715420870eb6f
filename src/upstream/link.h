/*
 * upstream/link.h - one connection to a server of an upstream: TCP or Unix, plain or TLS.
 *
 *   CONNECT --> (HANDSHAKE) --> OPEN          CONNECT, HANDSHAKE --failure, deadline--> FAILED
 *
 * CONNECT    a socket is connecting to one of the server's addresses, tried in turn
 * HANDSHAKE  TLS is coming up
 * OPEN       bytes flow; LINK_OPENED was told, or is about to be
 * FAILED     no descriptor; failure and error say why; LINK_FAILED was told, or is about to be
 *
 * The descriptor is watched edge-triggered from connecting to closing, so that a call
 * over a kept link costs no epoll_ctl. Therefore readiness is remembered here: can_read
 * and can_write fall when the kernel has said "not now", and rise with an event.
 */
#ifndef SALLYPORT_UPSTREAM_LINK_H
#define SALLYPORT_UPSTREAM_LINK_H

#include "io/loop.h"
#include "upstream/client.h"
#include "upstream/tls_client.h"

/* Where links lead, and what those to one server share. */
struct link_target {
	struct loop *loop;
	const struct upstream_config *config;
	const struct upstream_server_config *server;
	struct tls_client *tls;			/* NULL for plain servers */
	struct tls_resumption resumption;
	char addresses[UPSTREAM_MAX_ADDRESSES][ENDPOINT_TEXT_SIZE];	/* for people */
};

enum link_state { LINK_CONNECT, LINK_HANDSHAKE, LINK_OPEN, LINK_FAILED };

/* Told from the loop. The owner may close the link from inside. */
enum link_event {
	LINK_IS_OPEN,
	LINK_HAS_FAILED,
	LINK_IS_READY,			/* can_read or can_write rose, or it was hung up */
	LINK_HAS_EXPIRED,		/* the timer of an open link, which is its owner's to set */
};

struct link {
	struct link_target *target;
	void (*on_event)(struct link *l, enum link_event event);
	void *owner;

	enum link_state state;
	struct watch watch;
	struct timer timer;
	struct task task;		/* tells LINK_IS_OPEN and LINK_HAS_FAILED */
	struct tls_link *tls;
	int fd;
	size_t address;			/* the one in use, of the server's */
	int64_t deadline_ms;		/* of connecting and handshake */

	bool can_read;
	bool can_write;
	bool is_hung_up;		/* the peer has closed; bytes may still be there */

	enum upstream_failure failure;
	struct error error;

	/* Of the pool. */
	struct link *newer, *older;
	bool is_reused;			/* has served a call before */
	int64_t idle_until_ms;
};

/* Start connecting; the outcome comes as an event. NULL when out of memory. */
MUST_CHECK struct link *link_open(struct link_target *target,
				  void (*on_event)(struct link *l, enum link_event event),
				  void *owner);
void link_close(struct link *l);		/* in any state */

enum { LINK_WAIT = 0, LINK_END = -1, LINK_BROKEN = -2 };
/* > 0 how many; LINK_WAIT an event will come; LINK_END; LINK_BROKEN and err. */
ssize_t link_read(struct link *l, char *out, size_t max, struct error *err);
/*
 * Send some of first and then second; one of them may be empty. > 0 how many bytes of
 * both; LINK_WAIT; LINK_BROKEN and err. Over TLS there is no second, and what was not
 * taken must come again, first: callers keep it in a buffer of theirs.
 */
ssize_t link_write(struct link *l, struct str first, struct str second, struct error *err);

/* Is it open with not one unread byte? Asks the kernel when can_read leaves a doubt. */
bool link_is_quiet(struct link *l);
/* The same of this very moment: what came since the loop last looked is not in can_read yet. */
bool link_is_quiet_now(struct link *l);
/* No call uses it for now: only what the peer does is of interest. */
void link_rest(struct link *l);
bool link_is_tls(const struct link *l);
const char *link_address(const struct link *l);

/* Record a failure, the name of the upstream and its server in front. Returns false. */
bool link_fault(const struct link *l, struct error *err, enum error_kind kind, const char *fmt,
		...) PRINTF_LIKE(4, 5);

#endif
