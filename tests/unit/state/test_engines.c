// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The same claims about both engines: what is written is what is read, twice is once, a change that
 * fails changes nothing.  And about the one that several may write to: whoever writes what in
 * whatever order, the rows are those of one writer who knew everything.
 *
 *   test_engines [SEED]
 */
#include "history.h"
#include "postgres_server.h"
#include "state/database_postgres.h"
#include "state/transfer.h"
#include "tap.h"

#include <stdarg.h>
#include <unistd.h>

static const struct model_limits limits = {100000, 100000, 1000, 10000};
static const struct uid journal = {{7}};
static struct state_error error;

/* --- all rows of a database, as sorted words --- */

struct listing {
    char *lines[OPERATIONS * 40];
    size_t count;
};

PRINTF_LIKE(2, 3) static bool line(struct listing *listing, const char *format, ...)
{
    va_list args;
    struct buffer words;
    char some[2048];
    va_start(args, format);
    vsnprintf(some, sizeof some, format, args);
    va_end(args);
    buffer_init(&words, sizeof some);
    buffer_text(&words, text_of(some));
    listing->lines[listing->count++] = text_dup(buffer_view(&words));
    buffer_release(&words);
    return true;
}

static const char *hex(struct text bytes)
{
    static char words[4][1024];
    static unsigned which;
    char *out = words[which++ % 4];
    size_t at = 0;
    for (size_t i = 0; i < bytes.size && at < 1000; i++)
        at += (size_t)snprintf(out + at, 3, "%02x", (uint8_t)bytes.data[i]);
    out[at] = '\0';
    return out;
}

static bool see_cell(void *context, const struct cell_name *name, const struct cell *cell)
{
    return line(context, "cell %s %d %s = %s by %d %llu %s %llu", hex(uid_view(&name->account)),
                (int)name->space, hex(name->key), hex(cell->value), cell->order.is_final,
                (unsigned long long)cell->order.hlc, hex(uid_view(&cell->order.device)),
                (unsigned long long)cell->order.seq);
}

static bool see_count(void *context, struct uid account, struct subject subject, struct plays plays)
{
    return line(context, "count %s %s %llu %lld", hex(uid_view(&account)),
                hex(subject_view(&subject)), (unsigned long long)plays.count,
                (long long)plays.last_ms);
}

static bool see_range(void *context, struct uid device, uint64_t first, uint64_t last)
{
    return line(context, "seen %s %llu to %llu", hex(uid_view(&device)), (unsigned long long)first,
                (unsigned long long)last);
}

static bool see_digest(void *context, struct uid device, uint64_t seq, uint64_t digest)
{
    return line(context, "digest %s %llu %llx", hex(uid_view(&device)), (unsigned long long)seq,
                (unsigned long long)digest);
}

static bool see_kept(void *context, struct text operation)
{
    return line(context, "kept %s", hex(operation));
}

static bool see_play(void *context, const struct database_play *play)
{
    return line(context, "play %s %llu %s %s %lld", hex(uid_view(&play->device)),
                (unsigned long long)play->seq, hex(uid_view(&play->account)),
                hex(subject_view(&play->track)), (long long)play->at_ms);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The caller frees. */
static char *list(struct database *database)
{
    static struct listing listing;
    struct buffer out;
    struct database_mark mark;
    const struct database_sink sink = {.cell = see_cell,
                                       .count = see_count,
                                       .range = see_range,
                                       .digest = see_digest,
                                       .kept = see_kept,
                                       .play = see_play,
                                       .context = &listing};
    buffer_init(&out, 1 << 24);
    listing.count = 0;
    if (database_load(database, &sink, &mark, &error) != 0)
        printf("# %s\n", error.words);
    qsort(listing.lines, listing.count, sizeof *listing.lines, compare_lines);
    for (size_t i = 0; i < listing.count; i++) {
        buffer_printf(&out, "%s\n", listing.lines[i]);
        mem_free(listing.lines[i]);
    }
    char *words = text_dup(buffer_view(&out));
    buffer_release(&out);
    return words;
}

static bool is_same(char *one, char *other)
{
    bool are_same = strcmp(one, other) == 0;
    if (!are_same && getenv("SHOW"))
        printf("=====\n%s=====\n%s", one, other);
    mem_free(one);
    mem_free(other);
    return are_same;
}

/* --- either engine --- */

static struct operation operation_at(unsigned i)
{
    struct operation operation = history[i].operation;
    operation.accepted_ms = 10000000 + (int64_t)i * 20;
    return operation;
}

static void write_history(struct database *database, bool is_twice)
{
    struct model model;
    struct effects *effects = effects_new();
    const char *why;
    int result = 0;
    model_init(&model, &limits);
    for (unsigned i = 0; i < OPERATIONS; i++) {
        struct operation operation = operation_at(i);
        (void)!model_merge(&model, &operation, effects, &why);
        effects->lsn = i + 1;
        if (draw(9) && i + 1 < OPERATIONS)
            continue;
        result |= database_write(database, effects, journal);
        if (is_twice)
            result |= database_write(database, effects, journal);
        effects_reset(effects);
    }
    OK(result == 0, "every write is taken");
    effects_free(&effects);
    model_release(&model);
}

static bool is_epoch(struct database *database, uint64_t epoch)
{
    struct transfer nowhere;
    struct database_mark mark;
    transfer_init(&nowhere, NULL);
    struct database_sink sink = transfer_sink(&nowhere); /* so little is gathered, not written */
    bool is_read = database_load(database, &sink, &mark, &error) == 0;
    effects_reset(nowhere.effects);
    return transfer_end(&nowhere) == 0 && is_read && mark.epoch == epoch;
}

static void test_engine(const char *name, struct database *database, struct database *other)
{
    struct database_mark mark;
    printf("# %s\n", name);
    write_history(database, false);
    char *first = list(database);
    OK(strlen(first) > 10000, "what was written is there");
    OK(database_clear(database) == 0, "it can be emptied");
    write_history(database, true);
    char *again = list(database);
    OK(is_same(first, again), "writing each transaction twice gives the same rows");
    OK(database_clear(other) == 0 && transfer_all(database, other, &mark, &error) == 0,
       "all of it moves to the other engine");
    OK(is_same(list(database), list(other)), "without loss");
    OK(database_set_mark(database, &(struct database_mark){.epoch = 5}) == 0 &&
           is_epoch(database, 5),
       "the epoch is kept");
}

/* --- several writers --- */

/* Each writer says what it heard of, in an order of its own; some of it was said by another, too.
 */
static bool push_shuffled(struct database *record, unsigned writers)
{
    struct changes scratch;
    struct effects *effects = effects_new();
    unsigned order[OPERATIONS * 2], count = 0;
    uint64_t number = 0, before = 0;
    bool is_ascending = true;
    changes_init(&scratch);
    for (unsigned i = 0; i < OPERATIONS; i++) {
        order[count++] = i;
        if (draw(3) == 0)
            order[count++] = i;
    }
    for (unsigned i = count; i > 1; i--) {
        unsigned j = (unsigned)draw(i), kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
    for (unsigned i = 0; i < count; i++) {
        struct operation operation = operation_at(order[i]);
        if (!model_project(&scratch, &operation, effects))
            return false;
        effects->lsn = i + 1;
        if (draw(20) && i + 1 < count)
            continue;
        if (database_push(record, effects, (struct uid){{(uint8_t)(1 + draw(writers))}}, &number) !=
            0)
            return false;
        is_ascending &= number > before;
        before = number;
        effects_reset(effects);
    }
    effects_free(&effects);
    changes_release(&scratch);
    return is_ascending;
}

/* What a model that knew everything would have written, whole. */
static char *expected(struct database *sqlite)
{
    OK(database_clear(sqlite) == 0, "an empty file");
    write_history(sqlite, false);
    return list(sqlite);
}

static void test_writers(struct database *record, struct database *sqlite)
{
    bool agrees = true;
    for (int round = 0; round < 4 && agrees; round++) {
        make_history();
        char *all = expected(sqlite);
        OK(database_clear(record) == 0 && push_shuffled(record, 3),
           "three writers push what they heard, shuffled and repeated");
        agrees = is_same(all, list(record));
        OK(agrees, "and the rows are those of one who knew everything");
    }
}

static void test_names(struct database *record)
{
    bool is_ours = false;
    struct uid anna = {{1}}, other = {{2}};
    OK(database_clear(record) == 0 &&
           database_claim_name(record, TEXT("anna"), anna, &is_ours) == 0 && is_ours,
       "a free name is the first one's who asks");
    OK(database_claim_name(record, TEXT("anna"), other, &is_ours) == 0 && !is_ours,
       "not the second one's");
    OK(database_claim_name(record, TEXT("anna"), anna, &is_ours) == 0 && is_ours,
       "the first may ask again");
    OK(database_check_keys(record, TEXT("0123456789abcdef"), &is_ours) == 0 && is_ours &&
           database_check_keys(record, TEXT("0123456789abcdef"), &is_ours) == 0 && is_ours &&
           database_check_keys(record, TEXT("another"), &is_ours) == 0 && !is_ours,
       "keys that are not the first origin's are noticed");
}

/* --- when the server goes --- */

static int push_one(struct database *record, uint64_t lsn)
{
    struct effects *effects = effects_new();
    uint64_t number;
    effects_add(effects, &(struct effect){EFFECT_SEEN, .seen = {{{9}}, {lsn, lsn, 0}, lsn, 1}});
    effects->lsn = lsn;
    int result = database_push(record, effects, (struct uid){{3}}, &number);
    effects_free(&effects);
    return result;
}

static void test_gone(struct database *record, const struct postgres_server *server)
{
    uint64_t lsn = 0;
    OK(push_one(record, 1) == 0, "while the server is there");
    postgres_server_stop(server);
    OK(push_one(record, 2) == DATABASE_UNREACHABLE && push_one(record, 2) == DATABASE_UNREACHABLE,
       "a stopped server is an answer");
    OK(postgres_server_start(server) && push_one(record, 2) == 0, "a new connection is made");
    OK(database_mark_of(record, (struct uid){{3}}, &lsn) == 0 && lsn == 2, "the mark moved");
    OK(database_mark_of(record, (struct uid){{99}}, &lsn) == 0 && lsn == 0,
       "an unknown journal has none");
}

int main(int argc, char **argv)
{
    struct postgres_server server;
    struct database *sqlite = NULL, *record = NULL;
    char path[256];
    seed = 20261122;
    if (argc > 1 && !text_to_u64(text_of(argv[1]), &seed))
        return 2;
    printf("# seed %llu\n", (unsigned long long)seed);
    if (!postgres_server_init(&server)) {
        printf("1..0 # SKIP this machine has no PostgreSQL\n");
        return 0;
    }
    snprintf(path, sizeof path, "%s.db", server.folder);
    OK(database_open(path, &sqlite, &error) == 0, "a file is opened");
    OK(database_open(server.url, &record, &error) == 0, "so is a database of a server");
    if (sqlite && record) {
        make_history();
        test_engine("SQLite", sqlite, record);
        test_engine("PostgreSQL", record, sqlite);
        test_writers(record, sqlite);
        test_names(record);
        test_gone(record, &server);
    } else {
        printf("# %s\n", error.words);
    }
    database_close(&sqlite);
    database_close(&record);
    unlink(path);
    postgres_server_release(&server);
    return tap_done();
}
