/*
 * io/log_sink.h - many threads' log lines into one destination, through one writer thread.
 *
 * Each producing thread has a ring of its own (io/ring.h) and never waits: not for the
 * destination, not for another producer. A ring that is full drops the line and counts
 * it; the writer tells the operator's log how many, once a second at most.
 *
 * The writer is woken by the first line after a silence. While lines keep coming it
 * empties the rings at intervals instead, without being called: a busy producer makes no
 * system call for a line, and a line is written some milliseconds after its exchange.
 */
#ifndef SALLYPORT_IO_LOG_SINK_H
#define SALLYPORT_IO_LOG_SINK_H

#include "base/base.h"
#include "base/error.h"

struct log_sink;
struct log_producer;	/* one thread's way into a sink */

enum {
	LOG_SINK_NAP_MS = 5,		/* between two looks at the rings, while lines come */
	LOG_SINK_RETRY_MS = 1000,	/* after a failed write; the lines wait in the rings */
	LOG_SINK_REPORT_MS = 1000,	/* between two reports to the operator's log */
	LOG_SINK_CLOSE_MS = 3000,	/* how long log_sink_close() waits for the destination */
};

/*
 * Open a destination and start its writer.
 *
 *   to   "stdout", "stderr", or the path of a file, appended to (made with mode 0640), of
 *        a FIFO that has a reader, or of a device
 *   err  ERR_IO, ERR_NOMEM
 */
MUST_CHECK struct log_sink *log_sink_open(const char *to, struct error *err);

/*
 * Write what the rings hold, stop the writer, free the sink and its producers, which
 * nobody may use any more. Waits LOG_SINK_CLOSE_MS at most: of a destination that takes
 * nothing for so long the rest is lost, and said to be. NULL is fine.
 */
void log_sink_close(struct log_sink *sink);

/*
 * A new producer with a ring of at least capacity bytes, for one thread at a time; at any
 * time, from any thread. It belongs to the sink. NULL when out of memory.
 */
MUST_CHECK struct log_producer *log_sink_add_producer(struct log_sink *sink, size_t capacity);

/*
 * Add one line, its newline included (it must end in one). Returns at once; false when the
 * ring had no room for it and the line is lost.
 */
bool log_producer_write(struct log_producer *p, const char *line, size_t len);

/*
 * Open the path again, after a log rotation renamed the file; nothing to do for "stdout"
 * and "stderr". On failure the writer keeps the file it has. Lines written from then on
 * may still reach the old file until log_sink_flush() has answered.
 */
MUST_CHECK bool log_sink_reopen(struct log_sink *sink, struct error *err);

/*
 * Wait until every line that was written before the call is at the destination. False
 * when timeout_ms passed first, or when writing failed. From any thread.
 */
bool log_sink_flush(struct log_sink *sink, unsigned timeout_ms);

uint64_t log_sink_dropped(struct log_sink *sink);	/* lines lost so far; from any thread */

#endif
