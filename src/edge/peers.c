// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/peers.h"

#include "base/counters.h"
#include "base/mem.h"
#include "edge/fetch.h"
#include "edge/peers_state.h"
#include "media/manifest_read.h"
#include "media/pieces.h"
#include "media/rendition.h"

#include <stdatomic.h>
#include <string.h>

/* --- names: "/m/{track}/{rendition}.{generation}/{object}" --- */

struct media_name {
    struct text track, rendition, generation, object;
};

static bool parse(struct text target, struct media_name *ret)
{
    struct text rest = target, part;
    if (!text_starts(target, TEXT("/m/")) || text_find_byte(target, '?') != SIZE_MAX)
        return false;
    rest = text_from(target, 3);
    *ret = (struct media_name){0};
    if (!text_split(&rest, '/', &ret->track) || !rest.data)
        return false;
    if (text_find_byte(rest, '/') == SIZE_MAX) {
        ret->object = rest;
        return true;
    }
    if (!text_split(&rest, '/', &part) || !text_split(&part, '.', &ret->rendition) || !part.data)
        return false;
    ret->generation = part;
    ret->object = rest;
    return true;
}

/* "/m/{track}/original.{version}.{ext}", "/art/{digest}/{size}.{fmt}" */
static bool has_pieces(struct text target)
{
    struct text rest = target, part;
    size_t count = 0;
    while (text_split(&rest, '/', &part))
        count++;
    bool is_file = count == 4 && text_find_byte(part, '.') != SIZE_MAX;
    return is_file && (text_starts(target, TEXT("/art/")) ||
                       (text_starts(target, TEXT("/m/")) && text_starts(part, TEXT("original."))));
}

static bool is_pieces(struct text target)
{
    struct text of = target;
    if (!text_ends(target, TEXT(PIECES_SUFFIX)))
        return false;
    of.size -= sizeof PIECES_SUFFIX - 1;
    return has_pieces(of);
}

enum peer_object peer_object_of(struct text target, struct buffer *ret_proof)
{
    struct media_name name;
    if (text_find_byte(target, '?') != SIZE_MAX)
        return PEER_OBJECT_OTHER;
    if (is_pieces(target))
        return PEER_OBJECT_SIGNED;
    if (has_pieces(target)) {
        buffer_printf(ret_proof, "%.*s" PIECES_SUFFIX, TEXT_ARGS(target));
        return PEER_OBJECT_PIECES;
    }
    if (!parse(target, &name))
        return PEER_OBJECT_OTHER;
    if (!name.rendition.data)
        return text_equal(name.object, TEXT("manifest")) || text_equal(name.object, TEXT("lyrics"))
                   ? PEER_OBJECT_SIGNED
                   : PEER_OBJECT_OTHER;
    if (!text_equal(name.object, TEXT("init.mp4")) && !text_ends(name.object, TEXT(".m4s")))
        return PEER_OBJECT_OTHER;
    buffer_printf(ret_proof, "/m/%.*s/manifest", TEXT_ARGS(name.track));
    return PEER_OBJECT_DIGEST;
}

bool peer_rendition_of(struct text target, enum rendition *ret)
{
    struct media_name name;
    return parse(target, &name) && name.rendition.data && rendition_from(name.rendition, ret);
}

/* "init.mp4", "12.m4s", "12.lead.m4s" */
static const struct package_object *find(const struct manifest_body *body, enum rendition rendition,
                                         struct text object)
{
    struct text rest = object, digits;
    uint64_t number;
    if (text_equal(object, TEXT("init.mp4")))
        return manifest_find(body, rendition, SEGMENTER_INIT, 0);
    if (!text_split(&rest, '.', &digits) || !text_to_u64(digits, &number) || number > UINT32_MAX)
        return NULL;
    return manifest_find(body, rendition,
                         text_equal(rest, TEXT("lead.m4s")) ? SEGMENTER_LEAD : SEGMENTER_SEGMENT,
                         (uint32_t)number);
}

bool peer_digest_of(struct text manifest_body, struct text target, uint8_t ret_sha256[32])
{
    struct media_name name;
    struct manifest_body body = {0};
    enum rendition rendition;
    char why[MANIFEST_WHY_BYTES], generation[32];
    const struct package_object *object = NULL;
    if (!parse(target, &name) || !name.rendition.data ||
        !rendition_from(name.rendition, &rendition) || !manifest_read(manifest_body, &body, why))
        return false;
    (void)snprintf(generation, sizeof generation, "%016llx",
                   (unsigned long long)body.renditions[rendition].generation);
    if (text_equal(name.track, text_of(body.track)) &&
        text_equal(name.generation, text_of(generation)))
        object = find(&body, rendition, name.object);
    if (object)
        memcpy(ret_sha256, object->sha256, sizeof object->sha256);
    manifest_body_release(&body);
    return object;
}

/* --- the list --- */

struct peers {
    _Atomic uint32_t refs;
    size_t count;
    struct peer {
        struct origins *origins; /* one */
        atomic_llong aside_until_ms;
    } each[PEERS_MAX];
};

struct peers *peers_new(const struct text *urls, size_t count, const char *ca_file,
                        const struct fetch_limits *limits)
{
    struct peers *peers = MEM_NEW(struct peers);
    atomic_init(&peers->refs, 1);
    for (size_t i = 0; i < count && peers->count < PEERS_MAX; i++) {
        char url[300], why[300];
        const char *one = url;
        if (snprintf(url, sizeof url, "%.*s", TEXT_ARGS(urls[i])) >= (int)sizeof url)
            continue;
        const struct origins_config config = {.urls = &one,
                                              .url_count = 1,
                                              .ca_file = ca_file,
                                              .limits = *limits,
                                              .may_have_nothing = true};
        struct peer *peer = &peers->each[peers->count];
        peer->origins = origins_new(&config, why, sizeof why);
        atomic_init(&peer->aside_until_ms, 0);
        peers->count += peer->origins != NULL;
    }
    return peers;
}

struct peers *peers_ref(struct peers *peers)
{
    atomic_fetch_add(&peers->refs, 1);
    return peers;
}

void peers_unref(struct peers **peers)
{
    if (*peers && atomic_fetch_sub(&(*peers)->refs, 1) == 1) {
        for (size_t i = 0; i < (*peers)->count; i++)
            origins_free(&(*peers)->each[i].origins);
        mem_free(*peers);
    }
    *peers = NULL;
}

size_t peers_count(const struct peers *peers) { return peers->count; }

bool peers_are(const struct peers *peers, const struct text *urls, size_t count)
{
    bool are = peers->count == count;
    for (size_t i = 0; are && i < count; i++)
        are = text_equal(origins_url(peers->each[i].origins, 0), urls[i]);
    return are;
}

bool peers_may_ask(struct peers *peers, size_t i, int64_t now_ms)
{
    return atomic_load(&peers->each[i].aside_until_ms) <= now_ms;
}

void peers_put_aside(struct peers *peers, size_t i, int64_t now_ms, int64_t for_ms)
{
    counter_add(COUNTER_PEERS_PUT_ASIDE, 1);
    atomic_store(&peers->each[i].aside_until_ms, now_ms + for_ms);
}

/* --- of one loop --- */

struct peer_line {
    struct peers *peers; /* whose these are */
    struct fetcher *fetchers[PEERS_MAX];
};

void peer_line_free(struct peer_line **line)
{
    if (!*line)
        return;
    for (size_t i = 0; i < PEERS_MAX; i++)
        fetcher_free(&(*line)->fetchers[i]);
    peers_unref(&(*line)->peers);
    mem_free_p(line);
}

static bool is_idle(const struct peer_line *line)
{
    bool is_idle = true;
    for (size_t i = 0; i < PEERS_MAX; i++)
        is_idle = is_idle && (!line->fetchers[i] || fetcher_is_idle(line->fetchers[i]));
    return is_idle;
}

/* Another list is taken up when nothing of the old one is under way on this loop. */
struct fetcher *peer_line_fetcher(struct peer_line **line, struct peers *peers, size_t i,
                                  struct loop *loop, struct workers *resolvers)
{
    char why[200];
    if (*line && (*line)->peers != peers && is_idle(*line))
        peer_line_free(line);
    if (*line && (*line)->peers != peers)
        return NULL;
    if (!*line) {
        *line = MEM_NEW(struct peer_line);
        (*line)->peers = peers_ref(peers);
    }
    if (!(*line)->fetchers[i])
        (*line)->fetchers[i] =
            fetcher_new(peers->each[i].origins, loop, resolvers, why, sizeof why);
    return (*line)->fetchers[i];
}
