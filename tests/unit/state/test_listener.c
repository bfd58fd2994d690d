// SPDX-License-Identifier: GPL-3.0-or-later
#include "fixture.h"

static struct uid anna, bert;

static void test_marks(struct fixture *f)
{
    struct subject one = subject_number("tr", 1), two = subject_number("tr", 2),
                   album = subject_number("al", 1);
    struct batch *batch = fixture_batch(f, anna);
    batch_star(batch, one, true);
    batch_star(batch, album, true);
    batch_rating(batch, one, 4);
    batch_rating(batch, two, 5);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED, "stars and ratings are taken");
    const struct listener *listener = state_listener(f->state, anna);
    OK(listener_starred_ms(listener, one) >= NOW_MS && listener_starred_ms(listener, two) == 0,
       "a starred track has the time of its star");
    OK(listener_rating(listener, one) == 4 && listener_rating(listener, two) == 5,
       "ratings are kept");
    OK(listener_ranked_count(listener, RANKING_STARRED, "tr") == 1 &&
           listener_ranked_count(listener, RANKING_STARRED, "al") == 1,
       "lists are by kind");
    OK(subject_equal(listener_ranked(listener, RANKING_HIGHEST, "tr", 0), two),
       "the best rating comes first");
    OK(listener_starred_ms(state_listener(f->state, bert), one) == 0,
       "another listener has other stars");
    batch = fixture_batch(f, anna);
    batch_star(batch, one, false);
    batch_rating(batch, two, 0);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED && fixture_reopen(f), "both can be taken back");
    listener = state_listener(f->state, anna);
    OK(listener_ranked_count(listener, RANKING_STARRED, "tr") == 0 &&
           listener_ranked_count(listener, RANKING_HIGHEST, "tr") == 1,
       "and stay so after a restart");
    batch = fixture_batch(f, anna);
    batch_rating(batch, one, 6);
    OK(fixture_submit(f, batch) == OUTCOME_REFUSED && f->why[0],
       "six stars are refused, with a reason");
}

static enum outcome play(struct fixture *f, struct uid account, unsigned track, int64_t at_ms)
{
    struct subject artists[] = {subject_number("ar", 1), subject_number("ar", 2)};
    struct play play = {subject_number("tr", track), subject_number("al", 1), artists, 2, at_ms};
    struct batch *batch = fixture_batch(f, account);
    batch_play(batch, &play);
    return fixture_submit(f, batch);
}

static void test_plays(struct fixture *f)
{
    OK(play(f, anna, 1, NOW_MS - 5000) == OUTCOME_ACCEPTED, "a play is taken");
    OK(play(f, anna, 1, NOW_MS - 5000) == OUTCOME_DUPLICATE, "told again, it is the same play");
    OK(play(f, anna, 1, NOW_MS - 9000) == OUTCOME_ACCEPTED &&
           play(f, anna, 2, NOW_MS - 1000) == OUTCOME_ACCEPTED,
       "others are others");
    OK(play(f, bert, 1, NOW_MS - 5000) == OUTCOME_ACCEPTED,
       "somebody else's at the same moment too");
    for (int restart = 0; restart < 2; restart++) {
        const struct listener *listener = state_listener(f->state, anna);
        struct plays plays = listener_plays(listener, subject_number("tr", 1));
        OK(plays.count == 2 && plays.last_ms == NOW_MS - 5000,
           "plays are counted, the last is the latest, not the last told");
        OK(listener_plays(listener, subject_number("al", 1)).count == 3 &&
               listener_plays(listener, subject_number("ar", 2)).count == 3,
           "for the album and each artist too");
        OK(subject_equal(listener_ranked(listener, RANKING_FREQUENT, "tr", 0),
                         subject_number("tr", 1)) &&
               subject_equal(listener_ranked(listener, RANKING_RECENT, "tr", 0),
                             subject_number("tr", 2)),
           "the most played and the last played lead their lists");
        OK(state_plays_total(f->state, subject_number("tr", 1)) == 3,
           "and everybody's plays are summed");
        OK(fixture_reopen(f), "the same after a restart");
    }
    OK(play(f, anna, 1, NOW_MS - 5000) == OUTCOME_DUPLICATE, "which knows what was told before");
    OK(play(f, anna, 3, 4102444800000) == OUTCOME_ACCEPTED &&
           listener_plays(state_listener(f->state, anna), subject_number("tr", 3)).last_ms ==
               NOW_MS + 60000,
       "a clock set to 2100 wins a minute, no more");
}

static void test_queue(struct fixture *f)
{
    struct subject tracks[] = {subject_number("tr", 1), subject_number("tr", 2),
                               subject_number("tr", 1)};
    struct batch *batch = fixture_batch(f, anna);
    batch_queue(batch, tracks, 3, 1, 12345);
    batch_bookmark(batch, tracks[0], 60000, TEXT("the fugue"));
    batch_setting(batch, TEXT("theme"), TEXT("{\"dark\":true}"));
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED && fixture_reopen(f),
       "queue, bookmark and setting are taken");
    const struct listener *listener = state_listener(f->state, anna);
    const struct play_queue *queue = listener_queue(listener);
    OK(queue && queue->count == 3 && queue->current == 1 && queue->position_ms == 12345 &&
           subject_equal(queue->tracks[2], tracks[0]),
       "the queue comes back as it was, repeats and all");
    OK_TEXT(queue->changed_by, TEXT("test"), "with the app that saved it");
    size_t cursor = 0;
    const struct bookmark *bookmark = listener_bookmark_next(listener, &cursor);
    OK(bookmark && bookmark->position_ms == 60000 && !listener_bookmark_next(listener, &cursor),
       "so does the bookmark");
    OK_TEXT(bookmark->comment, TEXT("the fugue"), "with its comment");
    OK_TEXT(listener_setting(listener, TEXT("theme")), TEXT("{\"dark\":true}"), "and the setting");
    batch = fixture_batch(f, anna);
    batch_queue(batch, NULL, 0, 0, 0);
    batch_bookmark_delete(batch, tracks[0]);
    batch_setting(batch, TEXT("theme"), TEXT(""));
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED, "all three can be emptied");
    listener = state_listener(f->state, anna);
    cursor = 0;
    OK(listener_queue(listener)->count == 0 && !listener_bookmark_next(listener, &cursor) &&
           !listener_setting(listener, TEXT("theme")).data,
       "and are empty then");
}

static void test_now_playing(struct fixture *f)
{
    struct now_playing now;
    size_t cursor = 0, count = 0;
    state_now_playing_set(f->state, anna, TEXT("a"), subject_number("tr", 1), NOW_MS);
    state_now_playing_set(f->state, bert, TEXT("a"), subject_number("tr", 2), NOW_MS + 1);
    state_now_playing_set(f->state, anna, TEXT("a"), subject_number("tr", 3), NOW_MS + 2);
    OK(state_now_playing_next(f->state, NOW_MS + 3, &cursor, &now) &&
           subject_equal(now.track, subject_number("tr", 3)) && text_equal(now.client, TEXT("a")),
       "what somebody plays now replaces what they played before");
    for (cursor = 0; state_now_playing_next(f->state, NOW_MS + 3, &cursor, &now);)
        count++;
    OK(count == 2, "each listener and app is there once");
    cursor = 0;
    OK(!state_now_playing_next(f->state, NOW_MS + 11 * 60000, &cursor, &now), "for ten minutes");
    for (int i = 0; i < 1000; i++)
        state_now_playing_set(f->state, uid_random(), TEXT("b"), subject_number("tr", 1), NOW_MS);
    for (count = cursor = 0; state_now_playing_next(f->state, NOW_MS, &cursor, &now);)
        count++;
    OK(count <= 256, "and the list is bounded");
}

int main(void)
{
    struct fixture fixture;
    fixture_init(&fixture);
    OK(fixture_open(&fixture), "a state opens");
    anna = fixture_account(&fixture, "anna");
    bert = fixture_account(&fixture, "bert");
    test_marks(&fixture);
    test_plays(&fixture);
    test_queue(&fixture);
    test_now_playing(&fixture);
    fixture_release(&fixture);
    return tap_done();
}
