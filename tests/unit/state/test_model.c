// SPDX-License-Identifier: GPL-3.0-or-later
/* Bounds of the model, and deleted playlists; convergence has its own test. */
#include "state/model.h"
#include "tap.h"

static struct model model;
static uint64_t next_seq = 1;

static enum model_verdict merge(struct uid account, const char *kind, const char *payload)
{
    const char *why;
    struct operation operation = {
        {{7}},         next_seq,        clock_stamp(1000) + next_seq, 1000, account,
        text_of(kind), text_of(payload)};
    next_seq++;
    return model_merge(&model, &operation, NULL, &why);
}

static enum model_verdict rate(struct uid account, unsigned number)
{
    struct subject_text text;
    char payload[80];
    struct subject subject = {{'t', 'r'}, {{(uint8_t)number}}};
    snprintf(payload, sizeof payload, "{\"id\":\"%s\",\"stars\":3}",
             subject_text(&text, subject).data);
    return merge(account, "rating", payload);
}

static void test_bounds(void)
{
    const struct model_limits limits = {6, 4, 10, 10};
    struct uid anna = uid_random(), bert = uid_random();
    unsigned merged = 0;
    model_init(&model, &limits);
    model_settle(&model);
    for (unsigned i = 0; i < 4; i++)
        merged += rate(anna, i) == MODEL_MERGED;
    OK(merged == 4 && rate(anna, 4) == MODEL_FULL, "an account may have so many cells");
    OK(rate(bert, 0) == MODEL_MERGED, "another still has room");
    OK(rate(bert, 1) == MODEL_MERGED && rate(bert, 2) == MODEL_FULL,
       "until all together have none");
    model_release(&model);
}

static void test_deleted_playlist(void)
{
    static const char PUT[] =
        "{\"id\":\"AAAAAAAAAAAAAAAAAAAAAQ\",\"entries\":[{\"entry\":\"AAAAAAAAAAAAAAAAAAAAAg\","
        "\"track\":\"tr-AAAAAAAAAAAAAAAAAAAAAA\",\"position\":\"V\"}]}";
    const struct model_limits limits = {100, 100, 10, 10};
    struct uid anna = uid_random();
    model_init(&model, &limits);
    model_settle(&model);
    merge(anna, "playlist",
          "{\"id\":\"AAAAAAAAAAAAAAAAAAAAAQ\",\"name\":\"x\",\"comment\":\"c\",\"public\":true}");
    merge(anna, "playlist.put", PUT);
    OK(cells_count(model.cells) == 4, "a playlist is some cells");
    merge(anna, "playlist.delete", "{\"id\":\"AAAAAAAAAAAAAAAAAAAAAQ\"}");
    OK(cells_count(model.cells) == 1, "deleted, one is left to remember it");
    merge(anna, "playlist.put", PUT);
    merge(anna, "playlist",
          "{\"id\":\"AAAAAAAAAAAAAAAAAAAAAQ\",\"name\":\"again\",\"public\":true}");
    size_t cursor = 0;
    OK(cells_count(model.cells) == 1 && !playlists_next(model.playlists, anna, &cursor),
       "which swallows whatever is said later");
    model_release(&model);
}

int main(void)
{
    test_bounds();
    test_deleted_playlist();
    return tap_done();
}
