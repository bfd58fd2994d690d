// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "adopt/adopt.h"
#include "programs/settings.h"

/*
 * edge_adopt: what makes an edge stand before a foreign OpenSubsonic server (--subsonic URL):
 * the operator's credentials, the folder's lock and keys, and adopt/.
 */
struct edge_adopt {
    const struct settings *settings;
    struct loop *loop;
    int lock_fd;
    struct keys *keys;
    struct adopt *adopt;
};

struct edge_adopt_config {
    const struct settings *settings;
    const struct logger *logger;
    struct loop *loop;
    struct server *server;
    struct edge *edge;
    struct workers *resolvers;
};

/*
 * What is asked upstream for audio and artwork besides the target (edge.h), into `ret`.  True and
 * nothing when no server is named.  False with words in `why`.
 */
enum { EDGE_ADOPT_QUERY_BYTES = 3100 };
bool edge_adopt_query(const struct settings *settings, char ret[EDGE_ADOPT_QUERY_BYTES],
                      struct buffer *why) MUST_USE;
/* As edge_follow.h's three; nothing without --subsonic. */
bool edge_adopt_open(struct edge_adopt *adopt, const struct edge_adopt_config *config,
                     struct buffer *why) MUST_USE;
void edge_adopt_stop(struct edge_adopt *adopt);
void edge_adopt_close(struct edge_adopt *adopt);
