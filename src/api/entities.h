// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/call.h"

/*
 * entities: the members of songs, albums, artists and folders as OpenSubsonic spells them, from the
 * catalogue's row and what the listener did with it.
 *
 * Each function writes the members of an object that the caller has opened and will end.  Clients
 * drop a song that lacks any of id, title, size, suffix, duration, type (music-servers.md), so
 * those are always there. Members of OpenSubsonic's own are written even when empty, as it asks,
 * and never for a plain client.
 */
void entity_song(struct call *call, uint32_t track);    /* Child */
void entity_album(struct call *call, uint32_t album);   /* AlbumID3 */
void entity_artist(struct call *call, uint32_t artist); /* ArtistID3 */
void entity_album_child(struct call *call,
                        uint32_t album); /* Child with isDir, for getAlbumList, search2 … */
void entity_folder_child(struct call *call, uint32_t folder); /* Child with isDir */
void entity_plain_artist(struct call *call, uint32_t artist); /* Artist, for search2, getStarred */

/* Members of one item each, in a list named `name`. */
typedef void entity_writer(struct call *call, uint32_t number);
void entity_list(struct call *call, const char *name, const struct page *page,
                 entity_writer *writer);
/* Songs by subject, leaving out those that are gone or not for this listener. */
void entity_songs_of(struct call *call, const char *name, const struct subject *subjects,
                     size_t count);

/* An id as a member: "tr-…". */
void entity_id(struct call *call, const char *name, enum catalog_kind kind,
               const struct catalog_id *id);
void entity_subject(struct call *call, const char *name, struct subject subject);
bool entity_find(const struct call *call, struct subject subject, enum catalog_kind kind,
                 uint32_t *ret) MUST_USE;
