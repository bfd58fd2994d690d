// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Durable operations a second through the whole write path (JSON batch → judge → journal → merge
 * → answer), 100 to a batch, 8 batches under way, against SQLite's own WAL with synchronous=FULL
 * taking the same batches as rows, one transaction each.
 *
 *   journal_bench [FOLDER]      FOLDER on the disk to be measured; the default is the current one
 */
#include "io/clock.h"
#include "io/loop.h"
#include "state/state.h"
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

enum { PER_BATCH = 100, BATCHES = 1000, UNDER_WAY = 8, BODY_BYTES = 64 * 1024 };
#define NOW_MS 1795287000000LL

struct bench {
    struct loop *loop;
    struct state *state;
    struct uid account, device;
    unsigned sent, answered;
    uint64_t sent_us[BATCHES], took_us[BATCHES];
    char body[BODY_BYTES];
};

static size_t write_body(struct bench *bench, unsigned batch)
{
    struct uid_text device;
    size_t size = (size_t)snprintf(bench->body, BODY_BYTES, "{\"device\":\"%s\",\"operations\":[",
                                   uid_text(&device, bench->device).data);
    for (unsigned i = 0; i < PER_BATCH; i++) {
        unsigned long long seq = (unsigned long long)batch * PER_BATCH + i + 1;
        size += (size_t)snprintf(bench->body + size, BODY_BYTES - size,
                                 "%s{\"seq\":%llu,\"hlc\":%llu,\"kind\":\"play\",\"payload\":{"
                                 "\"track\":\"tr-%021lluA\",\"at\":%llu}}",
                                 i ? "," : "", seq, ((unsigned long long)NOW_MS << 16) + seq,
                                 seq % 1000, NOW_MS - 1000 + seq % 1000);
    }
    return size + (size_t)snprintf(bench->body + size, BODY_BYTES - size, "]}");
}

static void answered(void *context, const struct batch_result *result);

static void send_batch(struct bench *bench)
{
    const char *why;
    struct batch *batch = batch_new(
        bench->state, &(struct batch_author){.account = bench->account, .now_ms = NOW_MS});
    size_t size = write_body(bench, bench->sent);
    if (!batch_json(batch, text_make(bench->body, size), &why))
        fprintf(stderr, "%s\n", why);
    bench->sent_us[bench->sent++] = clock_monotonic_us();
    batch_submit(&batch, answered, bench);
}

static void answered(void *context, const struct batch_result *result)
{
    struct bench *bench = context;
    if (result->whole != OUTCOME_ACCEPTED) {
        fprintf(stderr, "%s: %s\n", outcome_word(result->whole),
                result->outcomes[0].why ? result->outcomes[0].why : "");
        exit(1);
    }
    bench->took_us[bench->answered] = clock_monotonic_us() - bench->sent_us[bench->answered];
    if (++bench->answered == BATCHES)
        loop_stop(bench->loop);
    else if (bench->sent < BATCHES)
        send_batch(bench);
}

static void made(void *context, const struct batch_result *result)
{
    (void)result;
    loop_stop(context);
}

static int compare_times(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return one < other ? -1 : one > other;
}

static double run_ours(const char *folder)
{
    static struct bench bench;
    struct state_error error;
    struct keys *keys = keys_ephemeral();
    bench.loop = loop_new();
    bench.device = uid_random();
    struct state_config config = {
        .folder = folder, .keys = keys, .loop = bench.loop, .now_ms = NOW_MS};
    if (state_open(&config, &bench.state, &error) != 0) {
        fprintf(stderr, "%s\n", error.words);
        exit(1);
    }
    struct batch *batch =
        batch_new(bench.state, &(struct batch_author){.now_ms = NOW_MS, .is_operator = true});
    bench.account =
        batch_account_create(batch, TEXT("anna"), TEXT("$"), false, ACCOUNT_ALL_LIBRARIES);
    batch_submit(&batch, made, bench.loop);
    loop_run(bench.loop);
    uint64_t started_us = clock_monotonic_us();
    for (int i = 0; i < UNDER_WAY; i++)
        send_batch(&bench);
    loop_run(bench.loop);
    double seconds = (double)(clock_monotonic_us() - started_us) / 1e6;
    state_close(&bench.state);
    loop_free(&bench.loop);
    keys_free(&keys);
    qsort(bench.took_us, BATCHES, sizeof bench.took_us[0], compare_times);
    printf("sostenuto   %8.0f durable operations/s   acknowledged p50 %.1f ms, p99 %.1f ms\n",
           PER_BATCH * BATCHES / seconds, (double)bench.took_us[BATCHES / 2] / 1e3,
           (double)bench.took_us[BATCHES * 99 / 100] / 1e3);
    return PER_BATCH * BATCHES / seconds;
}

static double run_sqlite(const char *folder)
{
    char path[4096 + 16];
    sqlite3 *sqlite;
    sqlite3_stmt *insert;
    snprintf(path, sizeof path, "%s/peer.db", folder);
    if (sqlite3_open(path, &sqlite) != SQLITE_OK ||
        sqlite3_exec(sqlite,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE plays (device "
                     "BLOB, seq INTEGER,"
                     " payload TEXT, PRIMARY KEY (device, seq)) WITHOUT ROWID",
                     NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(sqlite, "INSERT INTO plays VALUES (x'01', ?, ?)", -1, &insert, NULL) !=
            SQLITE_OK)
        exit(1);
    uint64_t started_us = clock_monotonic_us();
    for (int i = 0; i < PER_BATCH * BATCHES; i++) {
        if (i % PER_BATCH == 0)
            sqlite3_exec(sqlite, "BEGIN", NULL, NULL, NULL);
        sqlite3_bind_int(insert, 1, i + 1);
        sqlite3_bind_text(insert, 2,
                          "{\"track\":\"tr-AAAAAAAAAAAAAAAAAAAAAA\",\"at\":1795287000000}", -1,
                          SQLITE_STATIC);
        sqlite3_step(insert);
        sqlite3_reset(insert);
        if (i % PER_BATCH == PER_BATCH - 1)
            sqlite3_exec(sqlite, "COMMIT", NULL, NULL, NULL);
    }
    double seconds = (double)(clock_monotonic_us() - started_us) / 1e6;
    sqlite3_finalize(insert);
    sqlite3_close(sqlite);
    printf("SQLite WAL  %8.0f durable rows/s\n", PER_BATCH * BATCHES / seconds);
    return PER_BATCH * BATCHES / seconds;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

int main(int argc, char **argv)
{
    char folder[4096];
    snprintf(folder, sizeof folder, "%s/journal_bench.XXXXXX", argc > 1 ? argv[1] : ".");
    if (!mkdtemp(folder)) {
        perror(folder);
        return 1;
    }
    double peer = run_sqlite(folder), ours = run_ours(folder);
    printf("ratio       %8.2f\n", ours / peer);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
