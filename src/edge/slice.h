// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/state.h"

/*
 * slice: one aligned part of a large object: its name, and the one request upstream that brings it.
 *
 *     under the URL (or a variant of it)    the header, without a body: STORED_SLICED
 *     under slice_key(…, n)                 bytes n × slice_bytes … of that very version
 *
 * A slice's key holds what names the version (caching_version_of()) and the length of its whole.
 * Two versions so have no slice in common, and an answer that took its version from one header
 * cannot mix two: a slice that comes from the origin is kept only when it says that it is of that
 * version (RFC 9110 13.1.5, 14.4, 15.3.7).  What the header says of freshness holds for all slices;
 * it is validated, they are not.
 */
struct slice_of { /* which object; texts are borrowed */
    struct text url_key, version;
    uint64_t length, slice_bytes;
};
/* Empty (data NULL) past a key's bounds. */
struct text slice_key(const struct slice_of *of, uint64_t index, struct buffer *out);
bool slice_may_name(struct text version); /* it may stand in a key */
/* By what a header that is held for slices named them. */
struct text slice_version(struct caching_fields stored);
uint64_t slice_size(const struct slice_of *of, uint64_t index); /* the last may be shorter */

/* Whether an answer is that slice of that version, and all of it. */
bool slice_fits(const struct slice_of *of, uint64_t index, const struct http_response *response);

/*
 * A request for a slice, upstream but for who asked: made once on its loop, it hops to the home
 * loop of the URL's key, where many for the same slice are one (edge/flight.h), and back.
 */
enum slice_result {
    SLICE_COMES,   /* `object` has it, or is being written */
    SLICE_CHANGED, /* there is another version now; the header of the old one is gone */
    SLICE_FAILED,  /* nothing came */
};
/* What goes upstream; shared by the requests of one reader, with its own copies. */
struct slice_origin;
struct slice_origin *slice_origin_new(const struct slice_of *of, struct text head_key,
                                      struct text host, struct text target,
                                      struct caching_fields fields) MUST_USE;
void slice_origin_unref(struct slice_origin *origin); /* NULL is fine */

struct slice_ask;
/* Called once on the asking loop; the object, if any, is the callee's to unref. */
typedef void slice_told(void *context, enum slice_result result, struct cache_object *object);
struct slice_ask *slice_ask(struct edge_loop *here, struct slice_origin *origin, uint64_t index,
                            slice_told *told, void *context) MUST_USE;
void slice_ask_cancel(struct slice_ask *ask); /* before it is told */

/* Of `size` bytes; *ret is a second reference, for those who read along. */
bool slice_write_begin(struct edge *edge, struct text key, uint64_t size,
                       struct cache_writer **ret_writer, struct cache_object **ret);

/* --- on the home loop, for a lead that writes the first slice itself --- */
/* Others who ask for it read along until slice_flight_end().  NULL: somebody brings it already. */
struct flight *slice_flight_begin(struct edge_loop *home, struct text key,
                                  struct cache_object *object) MUST_USE;
void slice_flight_end(struct edge_loop *home, struct flight **flight);
void slice_cut_all(struct edge_loop *home);
