// SPDX-License-Identifier: GPL-3.0-or-later
/* A node that forwards: its journal keeps what has not arrived, and what the origin says is merged.
 */
#include "state/arrival.h"
#include "twin.h"
#include "fixture.h"
#include "store/journal_tail.h"
#include "trust/keys.h"

enum { MOST = 64 };

static struct fixture origin, edge;
static struct state_forwarded forwarded;
static struct uid anna;
static struct subject song, other;

struct gathered {
    struct buffer bytes;
    struct arrival arrivals[MOST];
    size_t starts[MOST + 1], count;
    uint64_t lsn;
};

static bool gather(void *context, uint64_t lsn, struct text record)
{
    struct gathered *gathered = context;
    gathered->starts[gathered->count++] = gathered->bytes.size;
    buffer_text(&gathered->bytes, record);
    gathered->lsn = lsn;
    return true;
}

/* What the edge's journal holds behind its mark. */
static void read_outbox(struct gathered *gathered)
{
    struct journal_tail tail;
    bool has_more = true;
    *gathered = (struct gathered){.count = 0};
    buffer_init(&gathered->bytes, 1 << 20);
    journal_tail_init(&tail, state_outbox(edge.state).journal, forwarded.lsn);
    while (has_more && journal_tail_read(&tail, gather, gathered, &has_more) == 0)
        ;
    gathered->starts[gathered->count] = gathered->bytes.size;
    for (size_t i = 0; i < gathered->count; i++)
        gathered->arrivals[i].operation = text_make(gathered->bytes.data + gathered->starts[i],
                                                    gathered->starts[i + 1] - gathered->starts[i]);
    journal_tail_release(&tail);
}

static void deliver(struct gathered *gathered)
{
    struct operation operation;
    const char *why;
    struct batch *batch = batch_new(origin.state, &(struct batch_author){.now_ms = NOW_MS + 1000});
    for (size_t i = 0; i < gathered->count; i++)
        if (operation_decode(gathered->arrivals[i].operation, &operation, &why))
            batch_forwarded(batch, &operation, OUTCOME_ACCEPTED, NULL);
    (void)fixture_submit(&origin, batch);
    for (size_t i = 0; i < gathered->count; i++)
        gathered->arrivals[i].outcome = origin.outcomes[i];
}

static bool is_durable;

static void on_told(void *context, bool durable)
{
    is_durable = durable;
    loop_stop(context);
}

static void tell(const struct gathered *gathered, int64_t at_ms)
{
    is_durable = false;
    state_arrived(edge.state, gathered->arrivals, gathered->count, gathered->lsn, at_ms, on_told,
                  edge.loop);
    loop_run(edge.loop);
    OK(is_durable, "what the origin said is durable");
    forwarded.lsn = gathered->lsn;
    journal_hold(state_outbox(edge.state).journal, gathered->lsn);
}

static void carry_back(int64_t made_ms)
{
    struct buffer copy;
    const char *why = "";
    buffer_init(&copy, 1 << 20);
    state_copy_write(origin.state, anna, made_ms, &copy);
    OK(state_copy_learn(edge.state, anna, buffer_view(&copy), NULL, &why) == STATE_COPY_LEARNT,
       "the origin's copy comes");
    buffer_release(&copy);
}

static uint64_t plays(const struct fixture *at, struct subject subject)
{
    return listener_plays(state_listener(at->state, anna), subject).count;
}

static void play(struct fixture *at, struct subject subject, int64_t at_ms)
{
    struct batch *batch = fixture_batch(at, anna);
    batch_play(batch, &(struct play){.track = subject, .at_ms = at_ms});
    OK(outcome_status(fixture_submit(at, batch)) == 200, "a play is taken");
}

static void reopen_edge(void)
{
    forwarded.journal = state_outbox(edge.state).journal_id;
    OK(fixture_reopen(&edge), "the edge starts again");
}

static void plays_are_counted_once(void)
{
    struct gathered gathered;
    play(&origin, song, NOW_MS - 5000);
    play(&edge, song, NOW_MS - 5000); /* the same, told to both */
    play(&edge, song, NOW_MS - 4000);
    OK(plays(&edge, song) == 2 && plays(&origin, song) == 1, "each counts what it was told");
    reopen_edge();
    OK(plays(&edge, song) == 2, "also after a restart");
    read_outbox(&gathered);
    OK(gathered.count == 2 && state_waiting_since_ms(edge.state) != 0, "two wait");
    deliver(&gathered);
    OK(gathered.arrivals[0].outcome == OUTCOME_DUPLICATE &&
           gathered.arrivals[1].outcome == OUTCOME_ACCEPTED && plays(&origin, song) == 2,
       "the origin knows the one that it had");
    carry_back(NOW_MS +
               500); /* was made before by its own word: ours is not in it for all we know */
    tell(&gathered, NOW_MS + 2000);
    OK(state_waiting_since_ms(edge.state) == 0, "nothing waits any more");
    carry_back(NOW_MS + 3000);
    OK(plays(&edge, song) == 2, "and the echo counts nothing twice");
    reopen_edge();
    OK(plays(&edge, song) == 2, "nor does a restart");
    buffer_release(&gathered.bytes);
}

static void star_by(struct fixture *at, const char *device, struct subject subject)
{
    char body[400];
    const char *why = "";
    struct subject_text storage;
    struct batch *batch = fixture_batch(at, anna);
    int size =
        snprintf(body, sizeof body,
                 "{\"device\":\"%s\",\"operations\":[{\"seq\":1,\"hlc\":\"117656690688000000\","
                 "\"kind\":\"star\",\"payload\":{\"id\":\"%.*s\",\"on\":true}}]}",
                 device, TEXT_ARGS(subject_text(&storage, subject)));
    OK(batch_json(batch, text_make(body, (size_t)size), &why) &&
           fixture_submit(at, batch) == OUTCOME_ACCEPTED,
       "a copied device stars something");
}

static bool is_starred(const struct fixture *at, struct subject subject)
{
    return listener_starred_ms(state_listener(at->state, anna), subject) != 0;
}

static void conflicts_are_journalled_anew(void)
{
    struct gathered gathered;
    star_by(&origin, "AAAAAAAAAAAAAAAAAAAAAg", song);
    star_by(&edge, "AAAAAAAAAAAAAAAAAAAAAg", other);
    read_outbox(&gathered);
    deliver(&gathered);
    OK(gathered.arrivals[0].outcome == OUTCOME_CONFLICT && !is_starred(&origin, other),
       "its id is another operation at the origin");
    uint64_t first = forwarded.lsn;
    tell(&gathered, NOW_MS + 4000);
    forwarded.lsn = first; /* as if the mark had not been written: it is all told again */
    tell(&gathered, NOW_MS + 4000);
    buffer_release(&gathered.bytes);
    read_outbox(&gathered);
    OK(gathered.count == 1, "it waits under another id, once however often that is said");
    deliver(&gathered);
    OK(gathered.arrivals[0].outcome == OUTCOME_ACCEPTED && is_starred(&origin, other),
       "under which the origin takes it");
    tell(&gathered, NOW_MS + 5000);
    buffer_release(&gathered.bytes);
}

static struct uid ask(void)
{
    const struct account_wish wish = {.what = REQUEST_MAKE, .about = {{8}}, .name = TEXT("bella")};
    struct batch *batch = fixture_batch(&edge, anna);
    struct uid id = batch_request(batch, (struct uid){{7}}, &wish);
    OK(fixture_submit(&edge, batch) == OUTCOME_ACCEPTED, "a request is taken");
    return id;
}

static void requests_arrive_or_end(void)
{
    struct gathered gathered;
    struct uid taken = ask(), refused = ask();
    read_outbox(&gathered);
    deliver(&gathered);
    gathered.arrivals[1].outcome = OUTCOME_REFUSED;
    tell(&gathered, NOW_MS + 4500);
    const struct kept_request *one = state_request(edge.state, anna, refused);
    OK(state_request(edge.state, anna, taken)->state == REQUEST_WAITING &&
           state_request(origin.state, anna, taken)->state == REQUEST_WAITING,
       "one that the origin took waits for its decision");
    OK(one->state == REQUEST_REFUSED && one->decided_ms == NOW_MS + 4500 && one->why.size,
       "one that it did not take waits no more");
    buffer_release(&gathered.bytes);
    reopen_edge();
    OK(state_request(edge.state, anna, refused)->state == REQUEST_REFUSED, "also after a restart");
}

static void too_late(void)
{
    forwarded.max_waiting_ms = 1000;
    play(&edge, other, NOW_MS - 300);
    reopen_edge();
    struct batch *batch =
        batch_new(edge.state, &(struct batch_author){.account = anna, .now_ms = NOW_MS + 5000});
    batch_star(batch, song, false);
    OK_GUARDED(GUARD_WRITES_LATE, fixture_submit(&edge, batch) == OUTCOME_FULL,
               "while something waits for longer than it may, nothing more is taken");
    struct gathered gathered;
    read_outbox(&gathered);
    deliver(&gathered);
    tell(&gathered, NOW_MS + 6000);
    buffer_release(&gathered.bytes);
    batch = batch_new(edge.state, &(struct batch_author){.account = anna, .now_ms = NOW_MS + 5000});
    batch_star(batch, other, true);
    OK(fixture_submit(&edge, batch) == OUTCOME_ACCEPTED, "when it has arrived, it goes on");
}

int main(void)
{
    twin_begin();
    song = subject_number("tr", 1);
    other = subject_number("tr", 2);
    fixture_init(&origin);
    fixture_init(&edge);
    edge.config.forwarded = &forwarded;
    if (!fixture_open(&origin) || !fixture_open(&edge))
        return 1;
    anna = fixture_account(&origin, "anna");
    carry_back(NOW_MS);
    plays_are_counted_once();
    conflicts_are_journalled_anew();
    requests_arrive_or_end();
    too_late();
    fixture_release(&origin);
    fixture_release(&edge);
    return tap_done();
}
