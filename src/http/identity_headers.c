/*
 * http/identity_headers.c - the names that a client must not choose.
 *
 * One list for all routes, public ones included: an application behind the gate reads
 * these as the gate's word. What looks overdone is the lesson of other proxies, where
 * each forgotten alias of X-Forwarded-* became an advisory of its own.
 */
#include "http/header_fold.h"
#include "http/message.h"

static bool fold_is_identity_x(const struct header_fold *f)
{
	switch (f->len) {
	case 9:
		if (HEADER_FOLD_IS(f, "x-real-ip"))
			return true;
		break;
	case 11:
		if (HEADER_FOLD_IS(f, "x-client-ip") || HEADER_FOLD_IS(f, "x-forwarded"))
			return true;
		break;
	case 12:
		if (HEADER_FOLD_IS(f, "x-request-id"))
			return true;
		break;
	case 13:
		if (HEADER_FOLD_IS(f, "x-rewrite-url"))
			return true;
		break;
	case 19:
		if (HEADER_FOLD_IS(f, "x-cluster-client-ip"))
			return true;
		break;
	default: break;
	}
	return HEADER_FOLD_STARTS_WITH(f, "x-forwarded-") ||
	       HEADER_FOLD_STARTS_WITH(f, "x-original-") ||
	       HEADER_FOLD_STARTS_WITH(f, "x-sallyport-") ||
	       HEADER_FOLD_STARTS_WITH(f, "x-auth-request-");
}

bool header_fold_is_identity(const struct header_fold *f)
{
	switch (f->text[0]) {
	case 'x': return f->len > 2 && f->text[1] == '-' && fold_is_identity_x(f);
	case 'c':
		return HEADER_FOLD_IS(f, "client-cert") || HEADER_FOLD_IS(f, "client-cert-chain") ||
		       HEADER_FOLD_IS(f, "cf-connecting-ip");
	case 'f': return HEADER_FOLD_IS(f, "forwarded") || HEADER_FOLD_IS(f, "fastly-client-ip");
	case 'p': return HEADER_FOLD_IS(f, "proxy");
	case 'r':
		return HEADER_FOLD_IS(f, "remote-user") || HEADER_FOLD_IS(f, "remote-groups") ||
		       HEADER_FOLD_IS(f, "remote-email") || HEADER_FOLD_IS(f, "remote-name");
	case 't': return HEADER_FOLD_IS(f, "true-client-ip");
	default: return false;
	}
}

static bool name_is_one_of(struct str name, const struct str *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (header_name_fold_equal(name, names[i]))
			return true;
	}
	return false;
}

/* A name that is no token cannot be judged, and none is ever sent on: it goes too. */
static bool name_is_identity(struct str name, const struct str *extra, size_t extra_count)
{
	struct header_fold fold;

	return !header_fold_name(name, &fold) || header_fold_is_identity(&fold) ||
	       name_is_one_of(name, extra, extra_count);
}

size_t request_remove_identity_headers(struct headers *h, const struct str *extra,
				       size_t extra_count)
{
	size_t kept = 0;
	size_t removed;

	for (size_t i = 0; i < h->count; i++) {
		if (!name_is_identity(h->items[i].name, extra, extra_count))
			h->items[kept++] = h->items[i];
	}
	removed = h->count - kept;
	h->count = kept;
	return removed;
}
