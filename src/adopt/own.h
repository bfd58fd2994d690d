// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "adopt/book.h"

/*
 * own: what is one listener's: stars, ratings, playlists, as the foreign server last told them,
 * with the writes laid over it that it has not been told of yet.
 *
 *     {"starred2": {"artist": […], "album": […], "song": […]}, "starred": {…},
 *      "playlists": [{"id", "name", …, "entry": [song …]} …], "ratings": {id: stars},
 *      "user": {…}}
 */
json_t *own_view(struct book *book, struct text listener) MUST_USE; /* new reference, never NULL */

/* The same for one write on a view: `parameters` is {name: [value …]}.  Pure but for the entities
 * that it looks up in the book.  False: it names a playlist that is not there. */
bool own_apply(struct book *book, json_t *view, struct text endpoint, const json_t *parameters,
               int64_t at_ms);

/* A playlist of the view by its id, or by the id that it had here before it was made there;
 * borrowed. */
json_t *own_playlist(struct book *book, json_t *view, struct text id) MUST_USE;

/* Writes "starred" and "userRating" into everything that the view says so of. */
void own_mark(const json_t *view, const char *name, json_t *value);

/* Songs by their ids, or a placeholder of the id alone; new reference. */
json_t *own_song(struct book *book, struct text id) MUST_USE;

/* Parameters of a write. */
struct text own_parameter(const json_t *parameters, const char *name, size_t at);
size_t own_parameter_count(const json_t *parameters, const char *name);
