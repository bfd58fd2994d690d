// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Random histories of an origin that is lost and three edges, one of which takes its place: of what
 * edges heard and of what waited in journals no play is lost, and none is counted twice.
 */
#include "state/arrival.h"
#include "state/offer.h"
#include "base/hash.h"
#include "fixture.h"
#include "store/journal_tail.h"

enum { EDGES = 3, HEIR = 0, MOST = 64, ROUNDS = 12, STEPS_BEFORE = 24, STEPS_AFTER = 24 };

static struct fixture lost;
static struct edge {
    struct fixture node;
    struct state_forwarded forwarded;
    uint64_t waiting; /* plays in its journal that no receipt came for */
    bool follows;     /* the promoted one */
} edges[EDGES];
static struct uid anna;
static struct subject song;
static int64_t clock_ms_now;
static uint64_t later; /* plays that only the promoted one can have counted */

static struct fixture *origin; /* of now */

static uint64_t random_state;
static int any(uint64_t below)
{
    random_state += 0x9e3779b97f4a7c15U;
    return (int)(hash_mix(random_state) % below);
}

static int64_t tick(void) { return ++clock_ms_now; }

static uint64_t count_at(const struct fixture *at)
{
    return listener_plays(state_listener(at->state, anna), song).count;
}

/* --- what nodes do --- */

static void play_at(struct fixture *at)
{
    struct batch *batch = fixture_batch(at, anna);
    batch_play(batch, &(struct play){.track = song, .at_ms = tick()});
    if (outcome_status(fixture_submit(at, batch)) != 200)
        OK(false, at->why);
}

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

static void read_outbox(struct edge *edge, struct gathered *gathered)
{
    struct journal_tail tail;
    bool has_more = true;
    *gathered = (struct gathered){.count = 0};
    buffer_init(&gathered->bytes, 1 << 20);
    journal_tail_init(&tail, state_outbox(edge->node.state).journal, edge->forwarded.lsn);
    while (has_more && journal_tail_read(&tail, gather, gathered, &has_more) == 0)
        ;
    gathered->starts[gathered->count] = gathered->bytes.size;
    for (size_t i = 0; i < gathered->count; i++)
        gathered->arrivals[i].operation = text_make(gathered->bytes.data + gathered->starts[i],
                                                    gathered->starts[i + 1] - gathered->starts[i]);
    journal_tail_release(&tail);
}

static void on_told(void *context, bool durable)
{
    if (!durable)
        OK(false, "a receipt is durable");
    loop_stop(context);
}

/* A parcel and its receipt. */
static void deliver(struct edge *edge)
{
    struct gathered gathered;
    struct operation operation;
    const char *why;
    read_outbox(edge, &gathered);
    if (gathered.count) {
        struct batch *batch = batch_new(origin->state, &(struct batch_author){.now_ms = tick()});
        for (size_t i = 0; i < gathered.count; i++)
            if (operation_decode(gathered.arrivals[i].operation, &operation, &why))
                batch_forwarded(batch, &operation, OUTCOME_ACCEPTED, NULL);
        (void)fixture_submit(origin, batch);
        for (size_t i = 0; i < gathered.count; i++)
            gathered.arrivals[i].outcome = origin->outcomes[i];
        state_arrived(edge->node.state, gathered.arrivals, gathered.count, gathered.lsn, tick(),
                      on_told, edge->node.loop);
        loop_run(edge->node.loop);
        edge->forwarded.lsn = gathered.lsn;
        journal_hold(state_outbox(edge->node.state).journal, gathered.lsn);
        edge->waiting = 0;
    }
    buffer_release(&gathered.bytes);
}

static void copy_to(struct edge *edge)
{
    struct buffer copy;
    const char *why = "";
    buffer_init(&copy, 1 << 20);
    state_copy_write(origin->state, anna, tick(), &copy);
    if (state_copy_learn(edge->node.state, anna, buffer_view(&copy), NULL, &why) !=
        STATE_COPY_LEARNT)
        OK(false, "a copy is learnt");
    buffer_release(&copy);
}

static void offer_from(struct edge *edge)
{
    struct buffer bytes;
    struct offer_taken taken;
    const char *why = "";
    const struct offer_rules rules = {.until_ms = NOW_MS, .now_ms = NOW_MS};
    buffer_init(&bytes, OFFER_MAX_BYTES);
    state_offer_write(edge->node.state, anna, NOW_MS, &bytes);
    if (state_offer_take(origin->state, anna, buffer_view(&bytes), &rules, &taken, &why) !=
        STATE_COPY_LEARNT)
        OK(false, "an offer is taken");
    buffer_release(&bytes);
}

static void reopen(struct edge *edge)
{
    edge->forwarded.journal = state_outbox(edge->node.state).journal_id;
    if (!fixture_reopen(&edge->node))
        OK(false, "a node starts again");
}

/* --- a history --- */

static void play_at_edge(struct edge *edge)
{
    play_at(&edge->node);
    edge->waiting++;
}

static void live(void)
{
    for (int i = 0; i < STEPS_BEFORE; i++) {
        struct edge *edge = &edges[any(EDGES)];
        switch (any(8)) {
        case 0:
            play_at(&lost);
            break;
        case 1:
        case 2:
        case 3:
            play_at_edge(edge);
            break;
        case 4:
        case 5:
            deliver(edge);
            break;
        case 6:
            copy_to(edge);
            break;
        default:
            if (any(4) == 0)
                reopen(edge);
        }
    }
}

/* What is known of the lost one's count: nobody heard of more. */
static uint64_t heard(void)
{
    uint64_t most = 0;
    for (int i = 0; i < EDGES; i++) {
        uint64_t one = count_at(&edges[i].node) - edges[i].waiting;
        most = one > most ? one : most;
    }
    return most;
}

static void promote(void)
{
    struct edge *heir = &edges[HEIR];
    later = heir->waiting;
    heir->forwarded.journal = state_outbox(heir->node.state).journal_id;
    heir->node.config.kept = &heir->forwarded;
    heir->node.config.forwarded = NULL;
    origin = &heir->node;
    if (!fixture_reopen(origin))
        OK(false, "the heir serves");
    state_offers_expect(origin->state);
}

static void follow(struct edge *edge)
{
    if (!edge->follows)
        state_offers_begin(edge->node.state);
    edge->follows = true;
}

static void rebuild(void)
{
    for (int i = 0; i < STEPS_AFTER; i++) {
        struct edge *edge = &edges[1 + any(EDGES - 1)];
        int what = any(8);
        if (what == 0) {
            play_at(origin);
            later++;
        } else if (what <= 2) {
            play_at_edge(edge);
        } else if (what == 3) {
            if (!fixture_reopen(origin))
                OK(false, "it starts again");
            state_offers_expect(origin->state);
        } else {
            follow(edge);
            if (what == 4) {
                later += edge->waiting;
                deliver(edge);
            } else if (what == 5) {
                copy_to(edge);
            } else {
                offer_from(edge);
            }
        }
    }
}

static void end(void)
{
    for (int round = 0; round < 2; round++)
        for (int i = 1; i < EDGES; i++) {
            follow(&edges[i]);
            later += edges[i].waiting;
            deliver(&edges[i]);
            offer_from(&edges[i]);
        }
}

static void begin(void)
{
    clock_ms_now = NOW_MS - 10000000;
    fixture_init(&lost);
    origin = &lost;
    bool is_open = fixture_open(&lost);
    anna = fixture_account(&lost, "anna");
    for (int i = 0; i < EDGES; i++) {
        edges[i] = (struct edge){.waiting = 0};
        fixture_init(&edges[i].node);
        edges[i].node.config.forwarded = &edges[i].forwarded;
        is_open = fixture_open(&edges[i].node) && is_open;
        copy_to(&edges[i]);
    }
    if (!is_open)
        OK(false, "four nodes");
}

static void release(void)
{
    fixture_release(&lost);
    for (int i = 0; i < EDGES; i++)
        fixture_release(&edges[i].node);
}

static void run(uint64_t seed)
{
    char words[100];
    random_state = seed;
    begin();
    live();
    uint64_t before = heard();
    promote();
    rebuild();
    end();
    snprintf(words, sizeof words, "history %llu: %llu heard of, %llu more",
             (unsigned long long)seed, (unsigned long long)before, (unsigned long long)later);
    OK(count_at(origin) == before + later, words);
    if (count_at(origin) != before + later)
        printf("# counted %llu\n", (unsigned long long)count_at(origin));
    release();
}

/* The one that drills found: the receipt came to one edge, and the other plays the same song. */
static void the_same_song_at_both(void)
{
    begin();
    play_at_edge(&edges[1]);
    deliver(&edges[1]);
    play_at_edge(&edges[HEIR]);
    promote();
    follow(&edges[1]);
    copy_to(&edges[1]);
    offer_from(&edges[1]);
    offer_from(&edges[1]);
    OK(count_at(origin) == 2, "a play that the lost one counted and one that waited are two");
    release();
}

/* It cannot tell whose count it has. */
static void an_edge_that_started_anew_doubles_nothing(void)
{
    begin();
    play_at_edge(&edges[HEIR]);
    promote();
    copy_to(&edges[1]);
    offer_from(&edges[1]);
    OK(count_at(origin) == 1, "what an edge has of the new one is not the lost one's");
    release();
}

static size_t segments_at(const struct fixture *at)
{
    return journal_status(state_outbox(at->state).journal).segments;
}

/* Some ten segments' worth. */
static void fill_journal(struct fixture *at)
{
    static struct subject tracks[5000];
    for (size_t i = 0; i < ARRAY_SIZE(tracks); i++)
        tracks[i] = subject_number("tr", (uint32_t)i);
    for (int i = 0; i < 300; i++) {
        struct batch *batch = fixture_batch(at, anna);
        batch_queue(batch, tracks, ARRAY_SIZE(tracks), 0, 0);
        if (outcome_status(fixture_submit(at, batch)) != 200)
            OK(false, at->why);
    }
}

/* An origin that was restored, which will never forward; and a promoted one, which may have to. */
static void a_journal_is_kept_as_long_as_offers_need_it(bool may_forward)
{
    struct fixture heir;
    const struct state_forwarded none = {.lsn = 0};
    fixture_init(&heir);
    heir.config.kept = &none;
    heir.config.kept_for_offers = !may_forward;
    OK(fixture_open(&heir), "an origin that took another's place");
    anna = fixture_account(&heir, "anna");
    state_offers_expect(heir.state);
    play_at(&heir);
    fill_journal(&heir);
    size_t segments = segments_at(&heir);
    OK(segments >= 3 && fixture_reopen(&heir) && segments_at(&heir) >= segments,
       "its journal stays while offers are to come");
    state_offers_expect(heir.state);
    state_offers_over(heir.state);
    play_at(&heir); /* what is applied next takes along what was applied before */
    OK(fixture_reopen(&heir) && count_at(&heir) == 2, "the last offer came, nothing is lost");
    if (may_forward)
        OK(segments_at(&heir) >= segments, "one that may become an edge again keeps it");
    else
        OK(segments_at(&heir) <= 2, "else it goes as any other does");
    fixture_release(&heir);
}

int main(int count, char **arguments)
{
    uint64_t first = 1, rounds = ROUNDS;
    song = subject_number("tr", 1);
    if (count > 2 && (!text_to_u64(text_of(arguments[1]), &first) ||
                      !text_to_u64(text_of(arguments[2]), &rounds)))
        return 2;
    the_same_song_at_both();
    an_edge_that_started_anew_doubles_nothing();
    a_journal_is_kept_as_long_as_offers_need_it(false);
    a_journal_is_kept_as_long_as_offers_need_it(true);
    for (uint64_t i = 0; i < rounds; i++)
        run(first + i);
    return tap_done();
}
