// SPDX-License-Identifier: GPL-3.0-or-later
#include "fixture.h"
#include "state/position.h"

static struct uid anna, bert;

/* The tracks' numbers in order, as "1 2 3". */
static struct text order_of(const struct fixture *f, struct uid id, char storage[256])
{
    const struct playlist *playlist = state_playlist(f->state, anna, id);
    size_t size = 0;
    for (size_t i = 0; playlist && i < playlist->entry_count && size < 240; i++)
        size += (size_t)snprintf(storage + size, 256 - size, "%s%d", i ? " " : "",
                                 playlist->entries[i]->track.uid.bytes[0]);
    return text_make(storage, playlist ? size : 0);
}

static void test_edit(struct fixture *f)
{
    char storage[256];
    struct subject tracks[] = {subject_number("tr", 1), subject_number("tr", 2),
                               subject_number("tr", 3), subject_number("tr", 2)};
    struct batch *batch = fixture_batch(f, anna);
    struct uid id = batch_playlist_create(batch, TEXT("Morning"), tracks, 4);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED, "a playlist is made");
    OK_TEXT(order_of(f, id, storage), TEXT("1 2 3 2"),
            "with its tracks in order, one of them twice");
    batch = fixture_batch(f, anna);
    batch_playlist_append(batch, id, tracks + 2, 1);
    batch_playlist_remove_at(batch, id, (size_t[]){1, 77}, 2);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED, "a track is added and another removed");
    OK_TEXT(order_of(f, id, storage), TEXT("1 3 2 3"), "by its place, not by what it is");
    OK(fixture_reopen(f), "a restart");
    OK_TEXT(order_of(f, id, storage), TEXT("1 3 2 3"), "changes nothing");
    batch = fixture_batch(f, anna);
    batch_playlist_replace(batch, id, tracks, 2);
    bool is_public = true;
    batch_playlist_change(batch, id, TEXT("Evening"), TEXT("calm"), &is_public);
    fixture_submit(f, batch);
    OK_TEXT(order_of(f, id, storage), TEXT("1 2"), "all its tracks can be replaced");
    const struct playlist *playlist = state_playlist(f->state, bert, id);
    OK(playlist && text_equal(playlist->name, TEXT("Evening")) &&
           text_equal(playlist->comment, TEXT("calm")) && playlist->created_ms == NOW_MS &&
           playlist->changed_ms >= NOW_MS,
       "a public one is seen by others, with name, comment and dates");
    batch = fixture_batch(f, bert);
    batch_playlist_append(batch, id, tracks, 1);
    OK(fixture_submit(f, batch) == OUTCOME_FORBIDDEN, "who cannot change it");
    batch = fixture_batch(f, anna);
    batch_playlist_delete(batch, id);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED && !state_playlist(f->state, anna, id),
       "deleted, it is gone");
    OK(fixture_reopen(f) && !state_playlist(f->state, anna, id), "for good");
}

static void test_large(struct fixture *f)
{
    enum { MANY = 5000 };
    static struct subject tracks[MANY];
    for (unsigned i = 0; i < MANY; i++)
        tracks[i] = subject_number("tr", i);
    struct batch *batch = fixture_batch(f, anna);
    struct uid id = batch_playlist_create(batch, TEXT("Everything"), tracks, MANY);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED && fixture_reopen(f), "5,000 tracks at once");
    const struct playlist *playlist = state_playlist(f->state, anna, id);
    bool is_right = playlist && playlist->entry_count == MANY;
    for (size_t i = 0; is_right && i < MANY; i++)
        is_right = subject_equal(playlist->entries[i]->track, tracks[i]) &&
                   playlist->entries[i]->position.size <= 8;
    OK(is_right, "come back in order, with short positions");
    size_t cursor = 0;
    OK(state_playlist_next(f->state, anna, &cursor) &&
           !state_playlist_next(f->state, anna, &cursor),
       "a walk finds the one there is");
    cursor = 0;
    OK(!state_playlist_next(f->state, bert, &cursor), "and nobody else's private one");
}

static void test_shares(struct fixture *f)
{
    struct subject album = subject_number("al", 9);
    struct batch *batch = fixture_batch(f, anna);
    struct uid id = batch_share_create(batch, &album, 1, TEXT("listen to this"), NOW_MS + 5);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED && fixture_reopen(f), "a share is made");
    const struct share *share = state_share(f->state, id);
    OK(share && share->count == 1 && subject_equal(share->subjects[0], album) &&
           share->expires_ms == NOW_MS + 5,
       "and kept");
    batch = fixture_batch(f, bert);
    batch_share_change(batch, id, TEXT("mine"), 0);
    OK(fixture_submit(f, batch) == OUTCOME_FORBIDDEN, "another cannot change it");
    batch = fixture_batch(f, anna);
    batch_share_delete(batch, id);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED && !state_share(f->state, id),
       "deleted, it is gone");
}

static void test_positions(void)
{
    struct position low = {""}, high = {""}, middle;
    bool is_between = true;
    OK(position_between(TEXT(""), TEXT(""), &middle) && strcmp(middle.digits, "V") == 0,
       "the first position is the middle");
    for (int i = 0; i < 20000; i++) { /* at the end */
        is_between &= position_between(text_of(low.digits), TEXT(""), &middle) &&
                      strcmp(low.digits, middle.digits) < 0 && strlen(middle.digits) <= 8 &&
                      position_is_valid(text_of(middle.digits));
        low = middle;
    }
    OK(is_between, "20,000 positions at the end stay short and ascend");
    for (int i = 0; i < 20000; i++) {
        is_between &= position_between(TEXT(""), text_of(high.digits), &middle) &&
                      (i == 0 || strcmp(middle.digits, high.digits) < 0);
        high = middle;
    }
    OK(is_between, "so do as many at the start");
    snprintf(low.digits, sizeof low.digits, "V");
    snprintf(high.digits, sizeof high.digits, "W");
    int depth = 0;
    while (depth < 1000 && position_between(text_of(low.digits), text_of(high.digits), &middle)) {
        is_between &= strcmp(low.digits, middle.digits) < 0 &&
                      strcmp(middle.digits, high.digits) < 0 &&
                      position_is_valid(text_of(middle.digits));
        *(depth++ % 2 ? &low : &high) = middle;
    }
    OK(is_between && depth > 300 && depth < 1000,
       "between two there is room some hundred times, then it says no");
    OK(!position_is_valid(TEXT("")) && !position_is_valid(TEXT("V0")) &&
           !position_is_valid(TEXT("V-")),
       "strange positions are not valid");
}

int main(void)
{
    struct fixture fixture;
    fixture_init(&fixture);
    OK(fixture_open(&fixture), "a state opens");
    anna = fixture_account(&fixture, "anna");
    bert = fixture_account(&fixture, "bert");
    test_edit(&fixture);
    test_large(&fixture);
    test_shares(&fixture);
    fixture_release(&fixture);
    test_positions();
    return tap_done();
}
