// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/sealed.h"

/*
 * catalog_objects: the catalogue for other nodes (docs/formats/catalog.md, "On the wire"):
 *
 *     /catalog/{library}                       the current list, signed
 *     /catalog/{library}/{version}             the list of that version, its body alone
 *     /catalog/{library}/{sha256}.core|detail  an object of a segment
 *
 * For sessions whose account has the library, by access token or grant; all answered on the home
 * loop, the bytes of segments by sendfile from the depot's files.
 */
struct api;
struct catalog_objects;
struct server;

struct catalog_objects *catalog_objects_new(struct api *api) MUST_USE;
void catalog_objects_free(struct catalog_objects **objects);
/* Of a node that follows: the origin's signed list "/catalog/{library}" is the one served. */
void catalog_objects_take(struct catalog_objects *objects, struct text name,
                          struct sealed_version version, struct text bytes);
void catalog_objects_routes(struct catalog_objects *objects, struct server *server);
