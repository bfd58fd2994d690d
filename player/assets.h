// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/exchange.h"

/*
 * assets: the web player's files, embedded in the binary by player/embed.py from player/dist.
 *
 * Everything is constant and lives as long as the program, so it may be sent by
 * exchange_send_asset() as it is. Files with a hash in their name never change under that name
 * (is_immutable); the others are revalidated by etag. The player has routes of its own: a GET that
 * asks for a page under no other prefix is answered with player_page(), so a reload at
 * /album/al-... works.
 */
struct player_asset {
    struct text path; /* "/app-0f3c….js" */
    struct text etag; /* opaque tag, no quotes */
    bool is_immutable;
    struct exchange_asset body; /* gzip and brotli are empty for what is compressed already */
};

extern const struct player_asset player_assets[]; /* sorted by path, at least "/index.html" */
extern const size_t player_assets_count;

/* The file with exactly this path ("/" is "/index.html"), or NULL. */
const struct player_asset *player_asset_find(struct text path);

/* index.html: the answer to every route of the player. */
const struct player_asset *player_page(void);

/* Cache-Control for this file. */
const char *player_asset_cache_control(const struct player_asset *asset);

/* printf: the origins of this service's other nodes (io/neighbours.h), three times.  No inline
 * script or style; script and style from here alone; blob: carries sound from memory into <audio>.
 */
#define PLAYER_CONTENT_SECURITY_POLICY                                                             \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: %.*s; "         \
    "font-src 'self'; connect-src 'self' %.*s; media-src 'self' blob: %.*s; manifest-src 'self'; " \
    "worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
