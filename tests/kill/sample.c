// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Writes a sample of operations through a real state, for readers of the format:
 *
 *   journal_sample FOLDER      makes state.db and journal/ there; prints what the state holds as
 * JSON
 */
#include "base/json.h"
#include "io/loop.h"
#include "state/state.h"
#include <stdio.h>

#define NOW_MS 1795287000000LL

static struct loop *loop;

static void done(void *context, const struct batch_result *result)
{
    if (result->whole != OUTCOME_ACCEPTED)
        fprintf(stderr, "%s\n", outcome_help(result->whole));
    *(enum outcome *)context = result->whole;
    loop_stop(loop);
}

static bool submit(struct batch *batch)
{
    enum outcome whole;
    batch_submit(&batch, done, &whole);
    loop_run(loop);
    return whole == OUTCOME_ACCEPTED;
}

static struct subject subject_of(const char *kind, uint8_t number)
{
    return (struct subject){{kind[0], kind[1]}, {{number}}};
}

static bool write_sample(struct state *state, struct uid *ret_account)
{
    struct batch_author author = {.now_ms = NOW_MS, .is_operator = true};
    struct subject tracks[] = {subject_of("tr", 1), subject_of("tr", 2), subject_of("tr", 3)};
    struct batch *batch = batch_new(state, &author);
    struct uid account =
        batch_account_create(batch, TEXT("Åsa"), TEXT("$argon2id$x"), true, ACCOUNT_ALL_LIBRARIES);
    author = (struct batch_author){.account = account, .client = TEXT("sample"), .now_ms = NOW_MS};
    bool is_good = submit(batch);
    batch = batch_new(state, &author);
    batch_star(batch, tracks[0], true);
    batch_star(batch, tracks[1], true);
    batch_star(batch, tracks[1], false);
    batch_rating(batch, tracks[0], 2);
    batch_rating(batch, tracks[0], 5);
    for (int i = 0; i < 3; i++)
        batch_play(batch, &(struct play){tracks[0], subject_of("al", 9), NULL, 0, NOW_MS - i});
    batch_setting(batch, TEXT("theme"), TEXT("{\"dark\":true}"));
    struct uid list = batch_playlist_create(batch, TEXT("Morning"), tracks, 3);
    struct uid gone = batch_playlist_create(batch, TEXT("Gone"), tracks, 1);
    is_good &= submit(batch);
    batch = batch_new(state, &author);
    batch_playlist_remove_at(batch, list, (size_t[]){1}, 1);
    batch_playlist_append(batch, list, tracks, 1);
    batch_playlist_delete(batch, gone);
    *ret_account = account;
    return submit(batch) && is_good;
}

static void print_state(const struct state *state, struct uid account)
{
    const struct listener *listener = state_listener(state, account);
    struct buffer out;
    struct json json;
    struct uid_text uid;
    struct subject_text text;
    size_t cursor = 0;
    buffer_init(&out, 1 << 16);
    json_init(&json, &out);
    json_begin_object(&json);
    json_member_text(&json, "account", uid_text(&uid, account));
    json_member_text(&json, "name", state_account(state, account)->name);
    json_name(&json, "tracks");
    json_begin_object(&json);
    for (uint8_t i = 1; i <= 3; i++) {
        struct subject track = subject_of("tr", i);
        json_name(&json, subject_text(&text, track).data);
        json_begin_array(&json);
        json_bool(&json, listener_starred_ms(listener, track) != 0);
        json_u64(&json, listener_rating(listener, track));
        json_u64(&json, listener_plays(listener, track).count);
        json_end_array(&json);
    }
    json_end_object(&json);
    json_name(&json, "playlists");
    json_begin_object(&json);
    for (const struct playlist *playlist;
         (playlist = state_playlist_next(state, account, &cursor));) {
        json_name(&json, "Morning");
        json_begin_array(&json);
        for (size_t i = 0; i < playlist->entry_count; i++)
            json_text(&json, subject_text(&text, playlist->entries[i]->track));
        json_end_array(&json);
    }
    json_end_object(&json);
    json_end_object(&json);
    printf("%.*s\n", TEXT_ARGS(buffer_view(&out)));
    buffer_release(&out);
}

int main(int argc, char **argv)
{
    struct state *state;
    struct state_error error;
    struct uid account;
    if (argc != 2)
        return 2;
    struct keys *keys = keys_ephemeral();
    loop = loop_new();
    struct state_config config = {.folder = argv[1], .keys = keys, .loop = loop, .now_ms = NOW_MS};
    if (state_open(&config, &state, &error) != 0) {
        fprintf(stderr, "%s\n", error.words);
        return 1;
    }
    bool is_good = write_sample(state, &account);
    print_state(state, account);
    state_close(&state);
    loop_free(&loop);
    keys_free(&keys);
    return is_good ? 0 : 1;
}
