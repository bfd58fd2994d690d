// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The catalogue at 1,000,000 tracks, and SQLite's FTS5 over the same rows and queries in the same
 * run. usage: catalog_bench FOLDER [TRACKS] [QUERIES] [FTS_QUERIES]     FOLDER is emptied; prints
 * figures and PASS or FAIL
 *
 * Times are CPU time of this thread, so that neighbours on the machine do not count.
 */
#include "base/mem.h"
#include "catalog/depot.h"
#include "catalog/search.h"
#include "catalog_rows.h"
#include <malloc.h>
#include <sqlite3.h>
#include <unistd.h>

static double cpu_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* "VmRSS" or "VmHWM" of this process, in MiB. */
static double memory_mib(const char *what)
{
    char line[256];
    double kib = 0;
    FILE *status = fopen("/proc/self/status", "re");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, what, strlen(what)) == 0)
            kib = strtod(line + strlen(what) + 1, NULL);
    if (status)
        (void)fclose(status);
    return kib / 1024;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct figures {
    double p50, p95, p99, worst, mean;
};

static struct figures figures_of(double *times, size_t count)
{
    struct figures f = {0};
    qsort(times, count, sizeof *times, compare_doubles);
    for (size_t i = 0; i < count; i++)
        f.mean += times[i] / (double)count;
    f.p50 = times[count / 2], f.p95 = times[count * 95 / 100], f.p99 = times[count * 99 / 100],
    f.worst = times[count - 1];
    return f;
}

static void print_figures(const char *name, struct figures f)
{
    printf("%-34s p50 %8.3f  p95 %8.3f  p99 %8.3f  worst %8.3f  mean %8.3f ms\n", name, f.p50,
           f.p95, f.p99, f.worst, f.mean);
}

static bool all_pass = true;
static void judge(const char *claim, bool holds)
{
    all_pass = all_pass && holds;
    printf("%s  %s\n", holds ? "PASS" : "FAIL", claim);
}

/* --- ours --- */

static uint32_t plays_of(void *context, enum catalog_kind kind, const struct catalog_id *id)
{
    (void)context, (void)kind;
    return id->bytes[0] < 8 ? id->bytes[1] : 0; /* a listener has played a few */
}

static size_t search(const struct catalog *catalog, const char *words)
{
    uint32_t numbers[SEARCH_KINDS][20];
    struct search_query query = {.words = text_of(words), .plays = plays_of};
    for (unsigned kind = 0; kind < SEARCH_KINDS; kind++)
        query.pages[kind] = (struct search_page){.max = 20, .ret = numbers[kind]};
    catalog_search((struct catalog_view){catalog, CATALOG_ALL_LIBRARIES}, &query);
    return query.pages[SEARCH_ARTISTS].total + query.pages[SEARCH_ALBUMS].total +
           query.pages[SEARCH_SONGS].total;
}

static struct figures time_searches(const struct catalog *catalog, const struct rows_sample *rows,
                                    uint32_t count, double by_kind[ROWS_QUERY_KINDS],
                                    size_t *ret_silent)
{
    double *times = mem_alloc(count * sizeof *times);
    size_t silent = 0;
    for (uint32_t i = 0; i < count; i++) {
        char words[256];
        (void)rows_query(rows, i, i, words);
        double start = cpu_ms();
        silent += search(catalog, words) == 0;
        times[i] = cpu_ms() - start;
        by_kind[i % ROWS_QUERY_KINDS] += times[i] / ((double)count / ROWS_QUERY_KINDS);
    }
    struct figures f = figures_of(times, count);
    mem_free(times);
    *ret_silent = silent;
    return f;
}

/* What an album page needs: find it, its row, all its tracks with every field, its picture. */
static size_t album_page(struct catalog_view view, uint32_t album_number)
{
    struct catalog_id id = rows_album_id(album_number);
    uint32_t tracks[500], album = catalog_find(view, CATALOG_ALBUM, &id);
    struct album_row album_row;
    catalog_album(view.catalog, album, &album_row);
    size_t read = catalog_artwork(view, CATALOG_ALBUM, album).bytes[0];
    size_t count = catalog_album_tracks(view, album, 0, tracks, ARRAY_SIZE(tracks));
    for (size_t i = 0; i < count; i++) {
        struct track_row row;
        catalog_track(view.catalog, tracks[i], &row);
        read += row.title.size + row.path.size + row.size_bytes + (size_t)row.title.data[0];
        for (uint32_t credit = 0; credit < row.credits.count; credit++)
            read += catalog_credits_at(&row.credits, credit).name.size;
    }
    return read;
}

static struct figures time_album_pages(const struct catalog *catalog, uint32_t albums)
{
    enum { PAGES = 20000 };
    double *times = mem_alloc(PAGES * sizeof *times);
    size_t read = 0;
    for (uint32_t i = 0; i < PAGES; i++) {
        double start = cpu_ms();
        read += album_page((struct catalog_view){catalog, CATALOG_ALL_LIBRARIES},
                           (uint32_t)(i * UINT64_C(2654435761) % albums));
        times[i] = cpu_ms() - start;
    }
    if (read == 0) /* and so the compiler reads, too */
        abort();
    struct figures f = figures_of(times, PAGES);
    mem_free(times);
    return f;
}

/* Lists at any depth, as the API asks for them, 500 at a time. */
static struct figures time_lists(const struct catalog *catalog, uint32_t libraries)
{
    enum { ROUNDS = 300, KINDS = 8 };
    struct catalog_view view = {catalog, libraries};
    double *times = mem_alloc(ROUNDS * KINDS * sizeof *times);
    uint32_t ret[500], tracks = catalog_count(view, CATALOG_TRACK),
                       albums = catalog_count(view, CATALOG_ALBUM);
    for (uint32_t i = 0; i < ROUNDS * KINDS; i++) {
        uint32_t depth = (uint32_t)(i * UINT64_C(40503) % 1000);
        struct catalog_album_query by = {
            .order = (enum catalog_order)(i % 5), .genre = (uint32_t)CATALOG_NONE, .seed = i};
        struct catalog_song_query songs = {
            .genre = (uint32_t)CATALOG_NONE, .from_year = 1990, .to_year = 1999, .seed = i};
        double start = cpu_ms();
        if (i % KINDS < 5)
            (void)catalog_albums(view, &by, (size_t)albums * depth / 1000, ret, 500);
        else if (i % KINDS == 5)
            (void)catalog_all(view, CATALOG_TRACK, (size_t)tracks * depth / 1000, ret, 500);
        else if (i % KINDS == 6)
            (void)catalog_random_songs(view, &songs, 0, ret, 500);
        else
            (void)catalog_genre_tracks(view, depth % catalog_genres(catalog),
                                       (size_t)tracks / 10 * depth / 1000, ret, 500);
        times[i] = cpu_ms() - start;
    }
    struct figures f = figures_of(times, ROUNDS * KINDS);
    mem_free(times);
    return f;
}

/* --- SQLite --- */

static void must(int code, sqlite3 *db)
{
    if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW) {
        (void)fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(db));
        exit(2);
    }
}

static sqlite3 *fill_sqlite(const char *path, const struct rows_sample *rows)
{
    sqlite3 *db;
    sqlite3_stmt *insert;
    must(sqlite3_open(path, &db), db);
    must(sqlite3_exec(
             db,
             "PRAGMA journal_mode=off; PRAGMA synchronous=off; PRAGMA cache_size=-262144; BEGIN;"
             "CREATE VIRTUAL TABLE f USING fts5(title, album, artist, prefix='2 3',"
             " tokenize='unicode61 remove_diacritics 2')",
             NULL, NULL, NULL),
         db);
    must(sqlite3_prepare_v2(db, "INSERT INTO f VALUES(?,?,?)", -1, &insert, NULL), db);
    for (uint32_t i = 0; i < rows_tracks(rows); i++) {
        struct rows_track track = rows_track(rows, i);
        must(sqlite3_bind_text(insert, 1, track.title.data, (int)track.title.size, SQLITE_STATIC),
             db);
        must(sqlite3_bind_text(insert, 2, track.album.data, (int)track.album.size, SQLITE_STATIC),
             db);
        must(sqlite3_bind_text(insert, 3, track.artist.data, (int)track.artist.size, SQLITE_STATIC),
             db);
        must(sqlite3_step(insert), db);
        must(sqlite3_reset(insert), db);
    }
    must(sqlite3_finalize(insert), db);
    must(sqlite3_exec(db, "COMMIT; INSERT INTO f(f) VALUES('optimize')", NULL, NULL, NULL), db);
    return db;
}

/* Each word as a prefix, as servers on FTS5 ask: "word"* "word"* */
static void match_of(const char *words, char out[600])
{
    struct text rest = text_of(words), word;
    size_t size = 0;
    while (text_split(&rest, ' ', &word) && size < 500)
        size += (size_t)snprintf(out + size, 600 - size, "\"%.*s\"* ", TEXT_ARGS(word));
    out[size] = 0;
}

static struct figures time_sqlite(sqlite3 *db, const struct rows_sample *rows, uint32_t count,
                                  double by_kind[ROWS_QUERY_KINDS])
{
    double *times = mem_alloc(count * sizeof *times);
    sqlite3_stmt *select;
    must(sqlite3_prepare_v2(db, "SELECT rowid FROM f WHERE f MATCH ? ORDER BY bm25(f) LIMIT 20", -1,
                            &select, NULL),
         db);
    for (uint32_t i = 0; i < count; i++) {
        char words[256], match[600];
        (void)rows_query(rows, i, i, words);
        match_of(words, match);
        double start = cpu_ms();
        must(sqlite3_bind_text(select, 1, match, -1, SQLITE_STATIC), db);
        while (sqlite3_step(select) == SQLITE_ROW)
            (void)sqlite3_column_int64(select, 0);
        must(sqlite3_reset(select), db);
        times[i] = cpu_ms() - start;
        by_kind[i % ROWS_QUERY_KINDS] += times[i] / ((double)count / ROWS_QUERY_KINDS);
    }
    must(sqlite3_finalize(select), db);
    struct figures f = figures_of(times, count);
    mem_free(times);
    return f;
}

/* --- the run --- */

static struct catalog *build_ours(const char *folder, const struct rows_sample *rows)
{
    char why[256], path[512];
    struct depot *depot;
    (void)snprintf(path, sizeof path, "%s/catalog", folder);
    struct depot_config config = {.folder = path, .library = 1};
    if (depot_open(&config, &depot, why) != 0)
        exit(2);
    double start = cpu_ms();
    struct build *build = depot_begin(depot);
    rows_give(rows, build);
    double given = cpu_ms();
    if (depot_replace(depot, &build) != 0)
        exit(2);
    double built = cpu_ms();
    struct catalog *catalog = depot_snapshot(&depot, 1);
    double opened = cpu_ms();
    printf("build: rows %.0f ms, segment written and checked %.0f ms, snapshot opened %.0f ms; "
           "peak %.0f MiB\n",
           given - start, built - given, opened - built, memory_mib("VmHWM"));
    depot_close(&depot);
    return catalog;
}

static void print_sizes(const char *folder)
{
    char command[600];
    (void)snprintf(command, sizeof command, "%s/catalog", folder);
    static const char *const suffixes[] = {"core", "detail"};
    for (unsigned i = 0; i < ARRAY_SIZE(suffixes); i++) {
        (void)snprintf(command, sizeof command, "%s/catalog/0000000000000001.%s", folder,
                       suffixes[i]);
        FILE *file = fopen(command, "re");
        if (file && fseek(file, 0, SEEK_END) == 0)
            printf("size: %s %.1f MiB\n", suffixes[i], (double)ftell(file) / 1048576);
        if (file)
            (void)fclose(file);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    uint32_t tracks = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000000;
    uint32_t queries = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 2000;
    uint32_t fts_queries = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 300;
    double by_kind[ROWS_QUERY_KINDS] = {0}, same_kind[ROWS_QUERY_KINDS] = {0},
           fts_kind[ROWS_QUERY_KINDS] = {0};
    size_t silent = 0;
    struct rows_sample *rows = rows_new(1, tracks);
    double before = memory_mib("VmRSS");
    struct catalog *catalog = build_ours(argv[1], rows);
    double peak = memory_mib("VmHWM");
    print_sizes(argv[1]);
    struct figures ours = time_searches(catalog, rows, queries, by_kind, &silent);
    struct figures albums = time_album_pages(catalog, rows_albums(rows));
    struct figures lists = time_lists(catalog, CATALOG_ALL_LIBRARIES);
    (void)malloc_trim(0);
    double resident = memory_mib("VmRSS");
    printf("memory: resident %.0f MiB, peak while building %.0f MiB; the invented rows are %.0f "
           "MiB of both\n",
           resident, peak, before);
    print_figures("search", ours);
    for (unsigned kind = 0; kind < ROWS_QUERY_KINDS; kind++) {
        char words[256];
        printf("  %-24s mean %8.3f ms\n", rows_query(rows, kind, kind, words), by_kind[kind]);
    }
    printf("  %zu of %u queries found nothing\n", silent, queries);
    print_figures("album page", albums);
    print_figures("lists of 500, any depth", lists);
    judge("memory in all, building too, at most 1 GiB", peak <= 1024);
    judge("search p99 at most 20 ms", ours.p99 <= 20);
    judge("album page p99 at most 1 ms", albums.p99 <= 1);
    judge("lists p99 at most 10 ms", lists.p99 <= 10);
    if (fts_queries) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/fts5.db", argv[1]);
        double start = cpu_ms();
        sqlite3 *db = fill_sqlite(path, rows);
        printf("sqlite: filled in %.0f ms\n", cpu_ms() - start);
        struct figures same = time_searches(catalog, rows, fts_queries, same_kind, &silent);
        struct figures fts = time_sqlite(db, rows, fts_queries, fts_kind);
        print_figures("ours, the same queries", same);
        print_figures("SQLite FTS5 bm25", fts);
        for (unsigned kind = 0; kind < ROWS_QUERY_KINDS; kind++) {
            char words[256];
            printf("  %-24s ours %8.3f  FTS5 %8.3f ms   ratio %6.1f\n",
                   rows_query(rows, kind, kind, words), same_kind[kind], fts_kind[kind],
                   fts_kind[kind] / same_kind[kind]);
        }
        printf("ratio: mean %.1f  p50 %.1f  p95 %.1f  p99 %.1f\n", fts.mean / same.mean,
               fts.p50 / same.p50, fts.p95 / same.p95, fts.p99 / same.p99);
        judge("at least 5 x faster than FTS5 bm25 (mean)", fts.mean >= 5 * same.mean);
        judge("at least 5 x faster than FTS5 bm25 (p99)", fts.p99 >= 5 * same.p99);
        must(sqlite3_close(db), db);
    }
    catalog_unref(&catalog);
    rows_free(&rows);
    return all_pass ? 0 : 1;
}
