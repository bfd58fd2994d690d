// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * `lock` guards the map and is held for no disk; `writing` guards the database and is taken first.
 */
#include "library/loudness.h"

#include "base/map.h"
#include "base/mem.h"
#include "io/random.h"
#include "library/database.h"

#include <pthread.h>

enum { MAX_UNSAVED = 256 };

struct entry {
    uint8_t track[16];
    struct loudness loudness;
    struct text blocks; /* the entry's own */
};

struct loudness_book {
    pthread_mutex_t lock, writing;
    struct map *entries; /* by track */
    struct database *database;
    struct entry unsaved[MAX_UNSAVED]; /* the oldest go when there are too many */
    size_t unsaved_count;
    size_t block_bytes; /* of all entries of the map */
};

static struct text key_of(const uint8_t track[16]) { return text_make((const char *)track, 16); }

static struct text copy_of(struct text blocks)
{
    return blocks.size ? text_make(mem_dup(blocks.data, blocks.size), blocks.size) : TEXT_NONE;
}

static void drop(struct text *blocks)
{
    mem_free((char *)(uintptr_t)blocks->data);
    *blocks = TEXT_NONE;
}

/* As long as there is room for it. */
static void keep_blocks(struct loudness_book *book, struct entry *entry, struct text blocks)
{
    book->block_bytes -= entry->blocks.size;
    drop(&entry->blocks);
    if (book->block_bytes + blocks.size <= LOUDNESS_MAX_BLOCK_BYTES)
        entry->blocks = copy_of(blocks);
    book->block_bytes += entry->blocks.size;
}

/* Copies.  The lock is held. */
static bool put(struct loudness_book *book, const struct entry *from)
{
    struct entry *entry = map_get(book->entries, key_of(from->track));
    if (!entry) {
        entry = MEM_NEW(struct entry);
        memcpy(entry->track, from->track, sizeof entry->track);
        if (!map_put(book->entries, key_of(from->track), entry)) {
            mem_free(entry);
            return false;
        }
    }
    entry->loudness = from->loudness;
    keep_blocks(book, entry, from->blocks);
    return true;
}

static void read_all(struct loudness_book *book)
{
    struct entry entry;
    sqlite3_stmt *rows = database_use(book->database, STATEMENT_LOUDNESS_ALL);
    while (database_step(book->database, rows)) {
        column_id(rows, 0, entry.track);
        entry.loudness.mlufs = sqlite3_column_int(rows, 1);
        entry.loudness.peak_ppm = (uint32_t)sqlite3_column_int64(rows, 2);
        entry.blocks = column_bytes(rows, 3);
        (void)put(book, &entry);
    }
}

int loudness_open(const char *path, struct loudness_book **ret, char ret_why[LOUDNESS_WHY_BYTES])
{
    struct loudness_book *book = MEM_NEW(struct loudness_book);
    int error = library_database_open(path, DATABASE_WRITE, &book->database, ret_why);
    pthread_mutex_init(&book->lock, NULL);
    pthread_mutex_init(&book->writing, NULL);
    book->entries = map_new(random_u64(), LOUDNESS_MAX_TRACKS);
    if (error) {
        loudness_close(&book);
        return error;
    }
    read_all(book);
    *ret = book;
    return 0;
}

/* What was measured and is not yet kept, the caller's now; `writing` is held. */
static size_t take_unsaved(struct loudness_book *book, struct entry into[MAX_UNSAVED])
{
    pthread_mutex_lock(&book->lock);
    size_t count = book->unsaved_count;
    memcpy(into, book->unsaved, count * sizeof *into);
    book->unsaved_count = 0;
    pthread_mutex_unlock(&book->lock);
    return count;
}

/* Takes over their blocks.  The lock is held. */
static void add_unsaved(struct loudness_book *book, const struct entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (book->unsaved_count == MAX_UNSAVED) {
            drop(&book->unsaved[0].blocks);
            memmove(book->unsaved, book->unsaved + 1,
                    --book->unsaved_count * sizeof *book->unsaved);
        }
        book->unsaved[book->unsaved_count++] = entries[i];
    }
}

static void save(struct loudness_book *book)
{
    struct entry entries[MAX_UNSAVED];
    pthread_mutex_lock(&book->writing);
    size_t count = take_unsaved(book, entries);
    database_begin(book->database);
    for (size_t i = 0; i < count; i++) {
        sqlite3_stmt *set = database_use(book->database, STATEMENT_LOUDNESS_SET);
        bind_bytes(set, 1, entries[i].track, sizeof entries[i].track);
        bind_i64(set, 2, entries[i].loudness.mlufs);
        bind_i64(set, 3, entries[i].loudness.peak_ppm);
        if (entries[i].blocks.size)
            bind_bytes(set, 4, entries[i].blocks.data, entries[i].blocks.size);
        else
            bind_null(set, 4);
        (void)database_run(book->database, set);
    }
    if (database_commit(book->database)) {
        pthread_mutex_lock(&book->lock);
        add_unsaved(book, entries, count);
        count = 0;
        pthread_mutex_unlock(&book->lock);
    }
    for (size_t i = 0; i < count; i++)
        drop(&entries[i].blocks);
    pthread_mutex_unlock(&book->writing);
}

void loudness_close(struct loudness_book **book_p)
{
    struct loudness_book *book = *book_p;
    size_t cursor = 0;
    struct text key;
    void *value;
    if (!book)
        return;
    if (book->unsaved_count)
        save(book);
    library_database_close(&book->database);
    for (size_t i = 0; i < book->unsaved_count; i++)
        drop(&book->unsaved[i].blocks);
    while (map_next(book->entries, &cursor, &key, &value)) {
        struct entry *entry = value;
        drop(&entry->blocks);
        mem_free(entry);
    }
    map_free(&book->entries);
    pthread_mutex_destroy(&book->lock);
    pthread_mutex_destroy(&book->writing);
    mem_free_p(book_p);
}

void loudness_note(struct loudness_book *book, const uint8_t track[16],
                   const struct loudness *loudness, struct text blocks)
{
    struct entry entry = {.loudness = *loudness, .blocks = copy_of(blocks)};
    memcpy(entry.track, track, sizeof entry.track);
    pthread_mutex_lock(&book->lock);
    bool is_kept = put(book, &entry);
    if (is_kept)
        add_unsaved(book, &entry, 1);
    pthread_mutex_unlock(&book->lock);
    if (is_kept)
        save(book);
    else
        drop(&entry.blocks);
}

bool loudness_find(struct loudness_book *book, const uint8_t track[16], struct loudness *ret)
{
    pthread_mutex_lock(&book->lock);
    const struct entry *entry = map_get(book->entries, key_of(track));
    if (entry)
        *ret = entry->loudness;
    pthread_mutex_unlock(&book->lock);
    return entry != NULL;
}

bool loudness_add_blocks(struct loudness_book *book, const uint8_t track[16], struct gating *sum)
{
    pthread_mutex_lock(&book->lock);
    const struct entry *entry = map_get(book->entries, key_of(track));
    bool is_known = entry && entry->blocks.size && gating_add(sum, entry->blocks);
    pthread_mutex_unlock(&book->lock);
    return is_known;
}
