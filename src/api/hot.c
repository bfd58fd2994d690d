// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/hot.h"

#include "base/mem.h"
#include "catalog/catalog.h"
#include "io/server.h"

#include <string.h>

enum { FILES_FRESH_US = 2 * 1000 * 1000, SIGNED_TAIL_BYTES = 40 };

struct hot {
    struct hash_key seed;
    struct catalog *catalog;
    struct open_files *files;
    struct hot_proof proofs[HOT_PROOFS]; /* a grant has one place, the later one stays */
};

struct hot *hot_new(struct loop *loop, struct hash_key seed, const struct server_limits *limits)
{
    const struct open_files_limits files = {.max_files = limits->open_files,
                                            .object_bytes = limits->hot_object_bytes,
                                            .memory_bytes = limits->hot_memory_bytes,
                                            .fresh_us = FILES_FRESH_US,
                                            .recheck_us = UINT64_C(1000) * limits->file_recheck_ms};
    struct hot *hot = MEM_NEW(struct hot);
    hot->seed = seed;
    hot->files = open_files_new(loop, &files);
    return hot;
}

void hot_free(struct hot **hot)
{
    if (!*hot)
        return;
    open_files_free(&(*hot)->files);
    catalog_unref(&(*hot)->catalog);
    mem_free_p(hot);
}

/* Some bytes of the signature are as good as a hash of the whole: nobody chooses them. */
static size_t place_of(const struct hot *hot, const char *grant)
{
    uint64_t word;
    memcpy(&word, grant + GRANT_TEXT_BYTES - SIGNED_TAIL_BYTES, sizeof word);
    return hash_mix(word ^ hot->seed.k0) % HOT_PROOFS;
}

const struct hot_proof *hot_recall(const struct hot *hot, struct text grant, int64_t now_ms)
{
    if (grant.size != GRANT_TEXT_BYTES)
        return NULL;
    const struct hot_proof *proof = &hot->proofs[place_of(hot, grant.data)];
    bool holds = proof->mark && memcmp(proof->grant, grant.data, GRANT_TEXT_BYTES) == 0 &&
                 now_ms < proof->until_ms && atomic_load(proof->mark) == proof->mark_value;
    return holds ? proof : NULL;
}

void hot_learn(struct hot *hot, const struct hot_proof *proof)
{
    hot->proofs[place_of(hot, proof->grant)] = *proof;
}

void hot_forget_proofs(struct hot *hot) { memset(hot->proofs, 0, sizeof hot->proofs); }

bool hot_proof_opens_art(const struct hot_proof *proof)
{
    static const uint8_t any[GRANT_TRACK_BYTES];
    return memcmp(proof->track, any, sizeof any) == 0;
}

bool hot_proof_opens(const struct hot_proof *proof, const uint8_t track[GRANT_TRACK_BYTES])
{
    return hot_proof_opens_art(proof) || memcmp(proof->track, track, GRANT_TRACK_BYTES) == 0;
}

void hot_take_catalog(struct hot *hot, struct catalog *catalog)
{
    catalog_unref(&hot->catalog);
    hot->catalog = catalog;
}

const struct catalog *hot_catalog(const struct hot *hot) { return hot->catalog; }

struct open_files *hot_files(struct hot *hot) { return hot->files; }
