// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
/*
 * fixture: a state in a temporary folder, with its own loop; submit() waits for the answer.
 */
#include "io/loop.h"
#include "state/state.h"
#include "tap.h"
#include <assert.h>
#include <ftw.h>
#include <unistd.h>

enum { FIXTURE_NOW_MS = 1795287000 };
#define NOW_MS (1000LL * FIXTURE_NOW_MS)

struct fixture {
    char folder[64];
    struct loop *loop;
    struct keys *keys;
    struct state *state;
    struct state_config config;
    struct state_error error;
    enum outcome whole, outcomes[BATCH_MAX_OPERATIONS];
    char why[200];
    bool is_answered;
};

static inline int fixture_remove(const char *path, const struct stat *status, int type,
                                 struct FTW *ftw)
{
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

static inline void fixture_init(struct fixture *fixture)
{
    *fixture = (struct fixture){.folder = "/tmp/test_state.XXXXXX"};
    char *made = mkdtemp(fixture->folder);
    assert(made);
    fixture->loop = loop_new();
    fixture->keys = keys_ephemeral();
    fixture->config = (struct state_config){
        .folder = fixture->folder, .keys = fixture->keys, .loop = fixture->loop, .now_ms = NOW_MS};
}

static inline bool fixture_open(struct fixture *fixture)
{
    int error = state_open(&fixture->config, &fixture->state, &fixture->error);
    if (error)
        printf("# %s (%d)\n", fixture->error.words, error);
    return error == 0;
}

/* As a restart: what is in memory is thrown away. */
static inline bool fixture_reopen(struct fixture *fixture)
{
    state_close(&fixture->state);
    return fixture_open(fixture);
}

static inline void fixture_release(struct fixture *fixture)
{
    state_close(&fixture->state);
    loop_free(&fixture->loop);
    keys_free(&fixture->keys);
    nftw(fixture->folder, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void fixture_answered(void *context, const struct batch_result *result)
{
    struct fixture *fixture = context;
    fixture->whole = result->whole;
    fixture->why[0] = '\0';
    for (size_t i = 0; i < result->count; i++) {
        fixture->outcomes[i] = result->outcomes[i].outcome;
        if (result->outcomes[i].why)
            snprintf(fixture->why, sizeof fixture->why, "%s", result->outcomes[i].why);
    }
    fixture->is_answered = true;
    loop_stop(fixture->loop);
}

static inline struct batch *fixture_batch(struct fixture *fixture, struct uid account)
{
    return batch_new(
        fixture->state,
        &(struct batch_author){.account = account, .client = TEXT("test"), .now_ms = NOW_MS});
}

static inline struct batch *fixture_operator(struct fixture *fixture)
{
    return batch_new(fixture->state, &(struct batch_author){.now_ms = NOW_MS, .is_operator = true});
}

static inline enum outcome fixture_submit(struct fixture *fixture, struct batch *batch)
{
    fixture->is_answered = false;
    batch_submit(&batch, fixture_answered, fixture);
    assert(!fixture->is_answered);
    loop_run(fixture->loop);
    assert(fixture->is_answered);
    return fixture->whole;
}

static inline struct uid fixture_account(struct fixture *fixture, const char *name)
{
    struct batch *batch = fixture_operator(fixture);
    struct uid id = batch_account_create(batch, text_of(name), TEXT("$argon2id$test"), false,
                                         ACCOUNT_ALL_LIBRARIES);
    return fixture_submit(fixture, batch) == OUTCOME_ACCEPTED ? id : (struct uid){{0}};
}

static inline struct subject subject_number(const char *kind, unsigned number)
{
    uint8_t bytes[UID_BYTES] = {0};
    memcpy(bytes, &number, sizeof number);
    return subject_make(kind, bytes);
}
