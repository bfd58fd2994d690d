// SPDX-License-Identifier: GPL-3.0-or-later
/* What was asked of an edge: kept, decided, forgotten, in any order of arrival. */
#include "fixture.h"
#include "state/copy.h"
#include "state/requests.h"
#include "state/state_internal.h"

static struct uid session = {{7}};

static struct account_wish some_wish(void)
{
    return (struct account_wish){.what = REQUEST_CHANGE,
                                 .about = {{9}},
                                 .name = TEXT("bella"),
                                 .has_admin = true,
                                 .is_admin = true,
                                 .has_libraries = true,
                                 .libraries = 5};
}

static struct uid ask(struct fixture *f, struct uid account, const struct account_wish *wish)
{
    struct batch *batch = fixture_batch(f, account);
    struct uid id = batch_request(batch, session, wish);
    return fixture_submit(f, batch) == OUTCOME_ACCEPTED ? id : (struct uid){{0}};
}

static bool is_as_asked(const struct kept_request *got)
{
    const struct account_wish wish = some_wish();
    return got && uid_equal(got->session, session) && got->wish.what == wish.what &&
           uid_equal(got->wish.about, wish.about) && text_equal(got->wish.name, wish.name) &&
           got->wish.has_admin && got->wish.is_admin && !got->wish.has_disabled &&
           got->wish.has_libraries && got->wish.libraries == 5 && got->asked_ms == NOW_MS;
}

static void decide(struct fixture *f, const struct kept_request *request, bool is_done)
{
    struct batch *batch = fixture_operator(f);
    batch_request_decided(batch, request, is_done, "The last admin.");
    (void)fixture_submit(f, batch);
}

static void a_request_lives(struct fixture *f)
{
    struct uid anna = fixture_account(f, "anna"), bert = fixture_account(f, "bert");
    const struct account_wish wish = some_wish();
    struct uid id = ask(f, anna, &wish);
    OK(is_as_asked(state_request(f->state, anna, id)), "what was asked is there");
    OK(fixture_reopen(f) && is_as_asked(state_request(f->state, anna, id)) &&
           state_request(f->state, anna, id)->state == REQUEST_WAITING,
       "and waits, also after a restart");
    OK(!state_request(f->state, bert, id), "it is nobody else's");
    struct batch *batch = fixture_batch(f, anna);
    batch_request_decided(batch, state_request(f->state, anna, id), true, NULL);
    OK(fixture_submit(f, batch) == OUTCOME_FORBIDDEN, "who asked does not decide");
    decide(f, state_request(f->state, anna, id), false);
    const struct kept_request *got = state_request(f->state, anna, id);
    OK(got && got->state == REQUEST_REFUSED && text_equal(got->why, TEXT("The last admin.")) &&
           got->decided_ms == NOW_MS && fixture_reopen(f) &&
           state_request(f->state, anna, id)->state == REQUEST_REFUSED,
       "the origin's word and its reason stay");
    batch = fixture_operator(f);
    batch_request_forget(batch, state_request(f->state, anna, id));
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED && !state_request(f->state, anna, id) &&
           state_request_count(f->state) == 0,
       "what is forgotten is gone");
    OK(fixture_reopen(f) && !state_request(f->state, anna, id), "for ever");
}

static void another_node_shows_it(struct fixture *f)
{
    struct fixture other;
    struct buffer copy;
    const char *why = NULL;
    struct uid anna = fixture_account(f, "anja");
    const struct account_wish wish = some_wish();
    struct uid id = ask(f, anna, &wish);
    decide(f, state_request(f->state, anna, id), true);
    buffer_init(&copy, 1 << 20);
    state_copy_write(f->state, anna, NOW_MS, &copy);
    fixture_init(&other);
    OK(fixture_open(&other) &&
           state_copy_learn(other.state, anna, buffer_view(&copy), NULL, &why) == STATE_COPY_LEARNT,
       "a copy has it");
    const struct kept_request *got = state_request(other.state, anna, id);
    OK(is_as_asked(got) && got->state == REQUEST_DONE, "with what became of it");
    buffer_release(&copy);
    fixture_release(&other);
}

static bool is_read(const char *kind, const char *payload)
{
    struct changes changes;
    const char *why;
    const struct operation operation = {.seq = 1,
                                        .hlc = (uint64_t)NOW_MS << 16,
                                        .accepted_ms = NOW_MS,
                                        .kind = text_of(kind),
                                        .payload = text_of(payload)};
    changes_init(&changes);
    bool is = payload_read(&operation, &changes, &why);
    changes_release(&changes);
    return is;
}

#define ID "\"AAAAAAAAAAAAAAAAAAAAAQ\""

static void only_whole_ones_are_read(void)
{
    static const struct {
        const char *payload;
        bool is_good;
    } cases[] = {
        {"{\"id\": " ID ", \"session\": " ID ", \"about\": " ID ", \"what\": \"delete\"}", true},
        {"{\"id\": " ID ", \"session\": " ID ", \"about\": " ID ", \"what\": \"promote\"}", false},
        {"{\"id\": " ID ", \"session\": " ID ", \"about\": " ID "}", false},
        {"{\"id\": " ID ", \"session\": " ID ", \"about\": " ID ", \"what\": \"make\"}", false},
        {"{\"id\": " ID ", \"about\": " ID ", \"what\": \"delete\"}", false},
        {"{\"id\": " ID ", \"session\": " ID ", \"about\": " ID
         ", \"what\": \"change\", \"admin\": 1}",
         false},
        {"{\"id\": " ID ", \"session\": " ID ", \"about\": " ID
         ", \"what\": \"change\", \"libraries\": \"5\"}",
         false},
    };
    bool is_all = true;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        is_all &= is_read("request", cases[i].payload) == cases[i].is_good;
    OK(is_all, "a request says who, what and about whom, or is refused");
    OK(is_read("request.decided", "{\"id\": " ID ", \"done\": true}") &&
           !is_read("request.decided", "{\"id\": " ID "}"),
       "a decision says which way");
}

static bool merge(struct model *model, const char *kind, const char *payload, uint64_t seq)
{
    const char *why;
    const struct operation operation = {.device = {{3}},
                                        .seq = seq,
                                        .hlc = ((uint64_t)NOW_MS << 16) + seq,
                                        .accepted_ms = NOW_MS,
                                        .account = {{1}},
                                        .kind = text_of(kind),
                                        .payload = text_of(payload)};
    return model_merge(model, &operation, NULL, &why) == MODEL_MERGED;
}

static void order_does_not_matter(void)
{
    static const char *const kinds[] = {"request", "request.decided", "request.forget"};
    static const char *const payloads[] = {"{\"id\": " ID ", \"session\": " ID ", \"about\": " ID
                                           ", \"what\": \"delete\"}",
                                           "{\"id\": " ID ", \"done\": true}", "{\"id\": " ID "}"};
    static const unsigned orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                         {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    bool is_gone = true, is_done = true;
    for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
        struct model model;
        model_init(&model, &(struct model_limits){1000, 1000, 100, 100});
        for (size_t k = 0; k < 3; k++) {
            unsigned n = orders[i][k];
            is_gone &= merge(&model, kinds[n], payloads[n], n + 1);
        }
        is_gone &= requests_count(model.requests) == 0;
        model_release(&model);
        model_init(&model, &(struct model_limits){1000, 1000, 100, 100});
        for (size_t k = 0; k < 2; k++)
            is_done &= merge(&model, kinds[(i + k) % 2], payloads[(i + k) % 2], (i + k) % 2 + 1);
        size_t cursor = 0;
        const struct kept_request *one = requests_next(model.requests, &cursor);
        is_done &= one && one->state == REQUEST_DONE;
        model_release(&model);
    }
    OK(is_done, "a decision may come before what it decides");
    OK(is_gone, "and what is forgotten does not come back, however late its parts arrive");
}

int main(void)
{
    struct fixture f;
    fixture_init(&f);
    if (!fixture_open(&f))
        return 1;
    a_request_lives(&f);
    another_node_shows_it(&f);
    fixture_release(&f);
    only_whole_ones_are_read();
    order_does_not_matter();
    return tap_done();
}
