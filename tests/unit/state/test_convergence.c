// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Random histories over five replicas, with loss, repetition, reordering and clocks that are
 * wrong: once everybody has got everything at least once, all are in the same state, and every
 * play counts once.
 *
 *   test_convergence [SEED]     prints its seed; give it to see the same history again, SHOW=1 to
 *                               see the states
 *
 * Compiled a second time with -DBROKEN_MERGE (the last to arrive wins): then main() expects it to
 * fail.
 */
#include "history.h"
#include "io/random.h"
#include "tap.h"

enum { ROUNDS = 25 };

/* --- who hears of it when, and stamped by whom --- */

struct replica {
    struct model model;
};

static void deliver(struct replica *replica, unsigned i, unsigned acceptor)
{
    const char *why = NULL;
    struct operation operation = history[i].operation;
    operation.accepted_ms =
        10000000 + (int64_t)i * 20 + (int64_t)acceptor * 40000; /* acceptors disagree, too */
    enum model_verdict verdict = model_merge(&replica->model, &operation, NULL, &why);
    if (verdict != MODEL_MERGED && verdict != MODEL_BEFORE)
        printf("# %s: verdict %d %s\n", history[i].payload, (int)verdict, why ? why : "");
}

static void shuffle(unsigned order[OPERATIONS * 2], size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = draw(i);
        unsigned kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}

/* Two acceptors may have stamped an operation; every replica hears of both stamps in the end, in
 * any order, some twice. */
static void deliver_all(struct replica *replica)
{
    static unsigned order[OPERATIONS * 4];
    size_t count = 0;
    for (unsigned i = 0; i < OPERATIONS * 2; i++) {
        order[count++] = i;
        if (draw(3) == 0)
            order[count++] = i;
    }
    shuffle(order, count);
    for (size_t i = 0; i < count; i++)
        deliver(replica, order[i] % OPERATIONS, order[i] / OPERATIONS);
}

/* --- what can be seen of a state, as words --- */

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void see_cells(struct replica *replica, struct buffer *out)
{
    char *lines[OPERATIONS * 4];
    size_t count = 0, cursor = 0;
    struct cell_name name;
    const struct cell *cell;
    while (cells_next(replica->model.cells, &cursor, &name, &cell)) {
        struct buffer line;
        buffer_init(&line, 4096);
        buffer_printf(&line, "%d/%d:", name.account.bytes[8], (int)name.space);
        for (size_t i = 0; i < name.key.size; i++)
            buffer_printf(&line, "%02x", (uint8_t)name.key.data[i]);
        buffer_printf(&line, "=%d,%llu,%llu:", cell->order.is_final,
                      (unsigned long long)cell->order.hlc, (unsigned long long)cell->order.seq);
        for (size_t i = 0; i < cell->value.size; i++)
            buffer_printf(&line, "%02x", (uint8_t)cell->value.data[i]);
        lines[count++] = text_dup(buffer_view(&line));
        buffer_release(&line);
    }
    qsort(lines, count, sizeof *lines, compare_lines);
    for (size_t i = 0; i < count; i++) {
        buffer_printf(out, "%s\n", lines[i]);
        mem_free(lines[i]);
    }
}

static void see_listener(struct replica *replica, struct uid account, struct buffer *out)
{
    const struct listener *listener = listeners_get(replica->model.listeners, account);
    for (uint64_t i = 0; i < THINGS; i++) {
        struct subject subject = {{'t', 'r'}, uid_number(i)};
        struct plays plays = listener_plays(listener, subject);
        buffer_printf(out, "%llu: star %lld rating %u plays %llu last %lld\n",
                      (unsigned long long)i, (long long)listener_starred_ms(listener, subject),
                      listener_rating(listener, subject), (unsigned long long)plays.count,
                      (long long)plays.last_ms);
    }
    for (enum listener_ranking r = RANKING_STARRED; r <= RANKING_RECENT; r++)
        for (size_t i = 0; i < listener_ranked_count(listener, r, "tr"); i++)
            buffer_printf(out, "ranking %d: %d\n", (int)r,
                          listener_ranked(listener, r, "tr", i).uid.bytes[8]);
}

static void see_playlists(struct replica *replica, struct uid account, struct buffer *out)
{
    size_t cursor = 0;
    for (const struct playlist *p;
         (p = playlists_next(replica->model.playlists, account, &cursor));) {
        buffer_printf(out, "playlist %d %.*s changed %lld:", p->id.bytes[8], TEXT_ARGS(p->name),
                      (long long)p->changed_ms);
        for (size_t i = 0; i < p->entry_count; i++)
            buffer_printf(out, " %d@%.*s", p->entries[i]->track.uid.bytes[8],
                          TEXT_ARGS(p->entries[i]->position));
        buffer_printf(out, "\n");
    }
}

static uint64_t see(struct replica *replica, uint64_t *ret_plays)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    see_cells(replica, &out);
    *ret_plays = 0;
    for (uint64_t i = 0; i < ACCOUNTS; i++) {
        see_listener(replica, uid_number(i), &out);
        see_playlists(replica, uid_number(i), &out);
    }
    for (uint64_t i = 0; i < THINGS; i++)
        *ret_plays +=
            listeners_total(replica->model.listeners, (struct subject){{'t', 'r'}, uid_number(i)});
    uint64_t digest = hash_bytes((struct hash_key){1, 2}, out.data, out.size);
    if (getenv("SHOW"))
        printf("=====\n%.*s", TEXT_ARGS(buffer_view(&out)));
    buffer_release(&out);
    return digest;
}

/* --- the claim --- */

static bool run_round(void)
{
    static struct replica replicas[REPLICAS];
    const struct model_limits limits = {100000, 100000, 1000, 10000};
    uint64_t digests[REPLICAS], plays = 0, counted;
    bool is_same = true;
    make_history();
    for (unsigned i = 0; i < OPERATIONS; i++)
        plays += text_equal(history[i].operation.kind, TEXT("play"));
    for (int r = 0; r < REPLICAS; r++) {
        replicas[r] = (struct replica){0};
        model_init(&replicas[r].model, &limits);
        model_settle(&replicas[r].model);
        for (unsigned i = 0; i < OPERATIONS;
             i++) /* some early, in order; the rest was lost and comes later */
            if (draw(2))
                deliver(&replicas[r], i, (unsigned)draw(2));
        deliver_all(&replicas[r]);
        digests[r] = see(&replicas[r], &counted);
        is_same &= digests[r] == digests[0] && counted == plays;
    }
    for (int r = 0; r < REPLICAS; r++)
        model_release(&replicas[r].model);
    return is_same;
}

int main(int argc, char **argv)
{
    seed = random_u64();
    if (argc > 1 && !text_to_u64(text_of(argv[1]), &seed))
        return 2;
    printf("# seed %llu\n", (unsigned long long)seed);
    unsigned diverged = 0;
    for (int i = 0; i < ROUNDS && !diverged; i++)
        diverged += !run_round();
#ifdef BROKEN_MERGE
    OK(diverged > 0, "with a broken merge the replicas do not agree, and this test notices");
#else
    OK(diverged == 0, "five replicas that got everything agree, whatever was lost, repeated, "
                      "reordered or wrongly stamped");
#endif
    return tap_done();
}
