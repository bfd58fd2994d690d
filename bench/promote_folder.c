// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The folder of an edge that held an invented origin, for `sostenuto promote`.
 * usage: promote_folder FOLDER [TRACKS] [ACCOUNTS]
 *     FOLDER/edge       catalogue of one library, /keys, accounts with a hundred stars each
 *     FOLDER/root.key   the root key of the origin that there never was
 */
#include "base/mem.h"
#include "catalog/depot.h"
#include "catalog_rows.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/loop.h"
#include "state/state.h"
#include "trust/keyfolder.h"
#include "trust/keys.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { STARS = 100 };

static void fail(const char *what)
{
    printf("FAIL %s\n", what);
    exit(1);
}

static void make_catalog(const char *folder, const struct rows_sample *rows)
{
    char path[PATH_MAX], why[256];
    struct depot *depot = NULL;
    (void)snprintf(path, sizeof path, "%s/edge/catalog/1", folder);
    if (file_make_dirs(AT_FDCWD, path, 0700) ||
        depot_open(&(struct depot_config){.folder = path, .library = 1}, &depot, why))
        fail(path);
    struct build *build = depot_begin(depot);
    rows_give(rows, build);
    if (depot_commit(depot, &build))
        fail("the catalogue");
    depot_close(&depot);
}

/* The origin's own folder of keys, of which the edge has the list. */
static void make_keys(const char *folder)
{
    char origin[PATH_MAX], from[PATH_MAX + 16], to[PATH_MAX];
    struct keys_error error;
    struct keyfolder *keys = NULL;
    (void)snprintf(origin, sizeof origin, "%s/origin-keys", folder);
    (void)snprintf(to, sizeof to, "%s/edge/replica", folder);
    if (file_make_dirs(AT_FDCWD, to, 0700) ||
        keyfolder_open(&(struct key_place){origin, NULL}, true, clock_unix_ms() / 1000, &keys,
                       &error))
        fail("the keys");
    struct keyring *ring = keyfolder_ring(keys);
    (void)snprintf(to, sizeof to, "%s/edge/replica/keys", folder);
    if (file_write_atomic(AT_FDCWD, to, keyring_object(ring), 0600))
        fail(to);
    keyring_unref(&ring);
    keyfolder_close(&keys);
    (void)snprintf(from, sizeof from, "%s/root.key", origin);
    (void)snprintf(to, sizeof to, "%s/root.key", folder);
    if (rename(from, to))
        fail(to);
}

static void on_done(void *context, const struct batch_result *result)
{
    if (result->whole != OUTCOME_ACCEPTED)
        fail("an account");
    loop_stop(context);
}

static void settle(struct loop *loop, struct batch *batch)
{
    batch_submit(&batch, on_done, loop);
    loop_run(loop);
}

static void add_account(struct loop *loop, struct state *state, const struct rows_sample *rows,
                        unsigned number)
{
    char name[32];
    const struct batch_author author = {.now_ms = clock_unix_ms(), .is_operator = true};
    struct batch *batch = batch_new(state, &author);
    (void)snprintf(name, sizeof name, "listener%u", number);
    struct uid id = batch_account_create(batch, text_of(name), TEXT("$argon2id$none"), false,
                                         ACCOUNT_ALL_LIBRARIES);
    settle(loop, batch);
    batch = batch_new(state, &author);
    batch_for(batch, id);
    for (unsigned i = 0; i < STARS; i++) {
        struct catalog_id track = rows_track_id((number * 7919 + i * 104729) % rows_tracks(rows));
        batch_star(batch, subject_make("tr", track.bytes), true);
    }
    settle(loop, batch);
}

static void make_state(const char *folder, const struct rows_sample *rows, unsigned accounts)
{
    char data[PATH_MAX], path[PATH_MAX + 8];
    struct keys *keys = NULL;
    struct state *state = NULL;
    struct keys_error keys_error;
    struct state_error error;
    struct loop *loop = loop_new();
    (void)snprintf(data, sizeof data, "%s/edge", folder);
    (void)snprintf(path, sizeof path, "%s/keys", data);
    if (keys_open(&(struct key_place){path, NULL}, true, &keys, &keys_error))
        fail(keys_error.words);
    const struct state_config config = {
        .folder = data, .keys = keys, .loop = loop, .now_ms = clock_unix_ms()};
    if (state_open(&config, &state, &error))
        fail(error.words);
    for (unsigned i = 0; i < accounts; i++)
        add_account(loop, state, rows, i);
    state_close(&state);
    keys_free(&keys);
    loop_free(&loop);
}

int main(int count, char **arguments)
{
    uint32_t tracks = count > 2 ? (uint32_t)strtoul(arguments[2], NULL, 10) : 100000;
    unsigned accounts = count > 3 ? (unsigned)strtoul(arguments[3], NULL, 10) : 100;
    if (count < 2)
        return 2;
    struct rows_sample *rows = rows_new(1, tracks);
    make_catalog(arguments[1], rows);
    make_keys(arguments[1]);
    make_state(arguments[1], rows, accounts);
    rows_free(&rows);
    printf("%s/edge: %u tracks, %u accounts\n", arguments[1], tracks, accounts);
    return 0;
}
