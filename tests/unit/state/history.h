// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
/*
 * history: what people do, at random, on devices whose clocks are wrong; the same again from the
 * same seed.  For the tests in which several replicas must come to agree.
 */
#include "base/hash.h"
#include "base/mem.h"
#include "state/model.h"

enum { REPLICAS = 5, OPERATIONS = 250, ACCOUNTS = 2, THINGS = 3 };

static uint64_t seed;
static inline uint64_t draw(uint64_t below)
{
    seed += 0x9e3779b97f4a7c15U;
    return hash_mix(seed) % below;
}

static inline struct uid uid_number(uint64_t number)
{
    struct uid uid = {{1}};
    memcpy(uid.bytes + 8, &number, sizeof number);
    return uid;
}

struct made {
    struct operation operation;
    char payload[512];
};
static struct made history[OPERATIONS];
static int64_t clock_of[REPLICAS]; /* how wrong, in ms */

/* --- what people do --- */

static inline const char *random_payload(char *out, size_t size, enum operation_kind kind)
{
    struct uid_text id_text, entry_text;
    struct subject_text subject;
    const char *thing =
        subject_text(&subject, (struct subject){{'t', 'r'}, uid_number(draw(THINGS))}).data;
    const char *id = uid_text(&id_text, uid_number(100 + draw(THINGS))).data;
    const char *entry = uid_text(&entry_text, uid_number(200 + draw(THINGS))).data;
    unsigned long long number = draw(5);
    if (kind == KIND_PLAY)
        snprintf(out, size, "{\"track\":\"%s\",\"at\":%llu}", thing,
                 (unsigned long long)(1000000 + draw(2000000)));
    else if (kind == KIND_STAR)
        snprintf(out, size, "{\"id\":\"%s\",\"on\":%s}", thing, draw(2) ? "true" : "false");
    else if (kind == KIND_RATING)
        snprintf(out, size, "{\"id\":\"%s\",\"stars\":%llu}", thing, number);
    else if (kind == KIND_SETTING)
        snprintf(out, size, "{\"name\":\"s%llu\",\"value\":%llu}", (unsigned long long)draw(2),
                 number);
    else if (kind == KIND_PLAYLIST)
        snprintf(out, size, "{\"id\":\"%s\",\"name\":\"n%llu\",\"public\":%s}", id, number,
                 draw(2) ? "true" : "false");
    else if (kind == KIND_PLAYLIST_PUT)
        snprintf(out, size,
                 "{\"id\":\"%s\",\"entries\":[{\"entry\":\"%s\",\"track\":\"%s\",\"position\":\"V%"
                 "llu\"}]}",
                 id, entry, thing, number + 1);
    else if (kind == KIND_PLAYLIST_REMOVE)
        snprintf(out, size, "{\"id\":\"%s\",\"entries\":[\"%s\"]}", id, entry);
    else if (kind == KIND_QUEUE)
        snprintf(out, size, "{\"tracks\":[\"%s\"],\"current\":0,\"position_ms\":%llu}", thing,
                 number);
    else if (kind == KIND_BOOKMARK)
        snprintf(out, size, "{\"id\":\"%s\",\"position_ms\":%llu}", thing, number);
    else if (kind == KIND_BOOKMARK_DELETE)
        snprintf(out, size, "{\"id\":\"%s\"}", thing);
    else
        snprintf(out, size, "{\"id\":\"%s\"}", id);
    return out;
}

static inline enum operation_kind random_kind(void)
{
    static const enum operation_kind kinds[] = {KIND_PLAY,
                                                KIND_PLAY,
                                                KIND_STAR,
                                                KIND_STAR,
                                                KIND_RATING,
                                                KIND_SETTING,
                                                KIND_QUEUE,
                                                KIND_PLAYLIST,
                                                KIND_PLAYLIST,
                                                KIND_PLAYLIST_PUT,
                                                KIND_PLAYLIST_PUT,
                                                KIND_PLAYLIST_PUT,
                                                KIND_PLAYLIST_REMOVE,
                                                KIND_BOOKMARK,
                                                KIND_BOOKMARK_DELETE};
    return draw(40) == 0 ? KIND_PLAYLIST_DELETE : kinds[draw(ARRAY_SIZE(kinds))];
}

static inline void make_history(void)
{
    for (int i = 0; i < REPLICAS; i++) /* up to an hour wrong; the last one a century */
        clock_of[i] = (int64_t)draw(7200000) - 3600000;
    clock_of[REPLICAS - 1] = 3155760000000;
    for (unsigned i = 0; i < OPERATIONS; i++) {
        struct made *made = &history[i];
        enum operation_kind kind = random_kind();
        uint64_t device = draw(REPLICAS);
        int64_t now_ms = 10000000 + (int64_t)i * 20;
        made->operation =
            (struct operation){.device = uid_number(1000 + device),
                               .seq = i + 1,
                               .hlc = clock_stamp(now_ms + clock_of[device]) + draw(3),
                               .account = uid_number(draw(ACCOUNTS)),
                               .kind = text_of(operation_kind_name(kind))};
        made->operation.payload =
            text_of(random_payload(made->payload, sizeof made->payload, kind));
    }
}
