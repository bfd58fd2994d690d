// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/listener.h"

#include "base/map.h"
#include "base/mem.h"
#include "io/random.h"
#include "state/ranking.h"
#include "state/views.h"

enum { MAX_LISTENERS = 100000, MAX_MARKS = 4000000, MAX_SETTINGS = 10000 };

struct bookmark_record {
    struct bookmark bookmark;
    char *comment;
};

struct listener {
    struct map *marks;         /* subject → struct mark */
    struct rankings *rankings; /* readers put them in order */
    struct sorted bookmarks;   /* by creation */
    struct map *settings;      /* name → char * of JSON */
    struct play_queue queue;
    char *queue_storage; /* NULL: no queue.  The client's name, then the tracks */
};

struct listeners {
    struct map *by_account;
    struct map *totals; /* subject → struct total */
    bool is_loading;
};
struct total {
    uint64_t plays;
};

/* --- life --- */

static int compare_bookmarks(const void *a, const void *b)
{
    const struct bookmark *one = &((const struct bookmark_record *)a)->bookmark;
    const struct bookmark *other = &((const struct bookmark_record *)b)->bookmark;
    if (one->created_ms != other->created_ms)
        return one->created_ms < other->created_ms ? -1 : 1;
    return memcmp(&one->subject, &other->subject, SUBJECT_BYTES);
}

static struct listener *listener_new(void)
{
    struct listener *listener = MEM_NEW(struct listener);
    listener->marks = map_new(random_u64(), MAX_MARKS);
    listener->settings = map_new(random_u64(), MAX_SETTINGS);
    listener->rankings = MEM_NEW(struct rankings);
    rankings_init(listener->rankings);
    sorted_init(&listener->bookmarks, compare_bookmarks);
    return listener;
}

static void free_values(struct map **map)
{
    size_t cursor = 0;
    struct text key;
    void *value;
    while (map_next(*map, &cursor, &key, &value))
        mem_free(value);
    map_free(map);
}

static void bookmark_free(struct bookmark_record *record)
{
    mem_free(record->comment);
    mem_free(record);
}

static void listener_free(struct listener *listener)
{
    free_values(&listener->marks);
    free_values(&listener->settings);
    rankings_release(listener->rankings);
    mem_free(listener->rankings);
    for (size_t i = 0; i < listener->bookmarks.count; i++)
        bookmark_free(listener->bookmarks.items[i]);
    sorted_release(&listener->bookmarks);
    mem_free(listener->queue_storage);
    mem_free(listener);
}

struct listeners *listeners_new(void)
{
    struct listeners *listeners = MEM_NEW(struct listeners);
    listeners->by_account = map_new(random_u64(), MAX_LISTENERS);
    listeners->totals = map_new(random_u64(), MAX_MARKS);
    listeners->is_loading = true;
    return listeners;
}

void listeners_free(struct listeners **listeners)
{
    size_t cursor = 0;
    struct text key;
    void *value;
    if (!*listeners)
        return;
    while (map_next((*listeners)->by_account, &cursor, &key, &value))
        listener_free(value);
    map_free(&(*listeners)->by_account);
    free_values(&(*listeners)->totals);
    mem_free_p(listeners);
}

static struct listener *obtain(struct listeners *listeners, struct uid account)
{
    struct listener *listener = map_get(listeners->by_account, uid_view(&account));
    if (listener)
        return listener;
    listener = listener_new();
    if (!map_put(listeners->by_account, uid_view(&account), listener)) {
        listener_free(listener);
        return NULL;
    }
    return listener;
}

/* --- marks --- */

static struct mark *obtain_mark(struct listener *listener, struct subject subject)
{
    struct mark *mark = map_get(listener->marks, subject_view(&subject));
    if (mark)
        return mark;
    mark = MEM_NEW(struct mark);
    mark->subject = subject;
    if (!map_put(listener->marks, subject_view(&subject), mark))
        mem_free_p(&mark);
    return mark;
}

static void apply_mark(struct listeners *listeners, struct listener *listener, enum space space,
                       struct text key, struct text value)
{
    struct subject subject;
    memcpy(&subject, key.data, sizeof subject);
    struct mark *mark = obtain_mark(listener, subject);
    if (!mark)
        return;
    const struct mark before = *mark;
    if (space == SPACE_STAR)
        mark->starred_ms = (int64_t)cell_integer(value);
    else
        mark->rating = (uint8_t)cell_integer(value);
    if (!listeners->is_loading)
        rankings_move(listener->rankings, &before, mark);
}

static void add_total(struct listeners *listeners, struct subject subject, uint64_t count)
{
    struct total *total = map_get(listeners->totals, subject_view(&subject));
    if (!total) {
        total = MEM_NEW(struct total);
        if (!map_put(listeners->totals, subject_view(&subject), total)) {
            mem_free(total);
            return;
        }
    }
    total->plays += count;
}

struct plays listeners_play(struct listeners *listeners, struct uid account, struct subject subject,
                            uint64_t count, int64_t last_ms)
{
    struct listener *listener = obtain(listeners, account);
    struct mark *mark = listener ? obtain_mark(listener, subject) : NULL;
    if (!mark)
        return (struct plays){0, 0};
    const struct mark before = *mark;
    mark->plays += count;
    if (last_ms > mark->last_ms)
        mark->last_ms = last_ms;
    if (!listeners->is_loading)
        rankings_move(listener->rankings, &before, mark);
    add_total(listeners, subject, count);
    return (struct plays){mark->plays, mark->last_ms};
}

struct plays listeners_set(struct listeners *listeners, struct uid account, struct subject subject,
                           uint64_t count, int64_t last_ms)
{
    struct plays held = listener_plays(listeners_get(listeners, account), subject);
    return listeners_play(listeners, account, subject, count - held.count, last_ms); /* mod 2^64 */
}

void listeners_settle(struct listeners *listeners)
{
    size_t cursor = 0, marks_cursor;
    struct text key;
    void *value, *mark;
    listeners->is_loading = false;
    while (map_next(listeners->by_account, &cursor, &key, &value)) {
        struct listener *listener = value;
        for (marks_cursor = 0; map_next(listener->marks, &marks_cursor, &key, &mark);)
            rankings_append(listener->rankings, mark);
        rankings_settle(listener->rankings);
    }
}

/* --- queue, bookmarks, settings --- */

static void apply_queue(struct listener *listener, struct text value, int64_t changed_ms)
{
    struct queue_value queue;
    mem_free_p(&listener->queue_storage);
    if (value.size == 0 || !queue_value_read(value, &queue))
        return;
    size_t subjects_at = 0, client_at = queue.subjects.size;
    listener->queue_storage = mem_alloc(queue.subjects.size + queue.client.size + 1);
    bytes_copy(listener->queue_storage + subjects_at, queue.subjects.data, queue.subjects.size);
    bytes_copy(listener->queue_storage + client_at, queue.client.data, queue.client.size);
    listener->queue = (struct play_queue){
        .tracks = (const struct subject *)(void *)listener->queue_storage,
        .count = queue.subjects.size / SUBJECT_BYTES,
        .current = queue.current,
        .position_ms = queue.position_ms,
        .changed_ms = changed_ms,
        .changed_by = text_make(listener->queue_storage + client_at, queue.client.size)};
}

static void apply_bookmark(struct listener *listener, struct text key, struct text value,
                           int64_t changed_ms)
{
    struct bookmark_value bookmark;
    for (size_t i = 0; i < listener->bookmarks.count; i++) {
        struct bookmark_record *record = listener->bookmarks.items[i];
        if (memcmp(&record->bookmark.subject, key.data, SUBJECT_BYTES) != 0)
            continue;
        sorted_remove(&listener->bookmarks, record);
        bookmark_free(record);
        break;
    }
    if (value.size == 0 || !bookmark_value_read(value, &bookmark))
        return;
    struct bookmark_record *record = MEM_NEW(struct bookmark_record);
    record->comment = text_dup(bookmark.comment);
    record->bookmark =
        (struct bookmark){.position_ms = bookmark.position_ms,
                          .created_ms = bookmark.created_ms,
                          .changed_ms = changed_ms,
                          .comment = text_make(record->comment, bookmark.comment.size)};
    memcpy(&record->bookmark.subject, key.data, SUBJECT_BYTES);
    sorted_insert(&listener->bookmarks, record);
}

static void apply_setting(struct listener *listener, struct text key, struct text value)
{
    mem_free(map_remove(listener->settings, key));
    if (value.size == 0)
        return;
    char *json = text_dup(value);
    if (!map_put(listener->settings, key, json))
        mem_free(json);
}

void listeners_apply(struct listeners *listeners, struct uid account, enum space space,
                     struct text key, struct text value, int64_t changed_ms)
{
    bool is_mark = (space == SPACE_STAR || space == SPACE_RATING) && key.size == SUBJECT_BYTES;
    bool is_bookmark = space == SPACE_BOOKMARK && key.size == SUBJECT_BYTES;
    if (!is_mark && !is_bookmark && space != SPACE_QUEUE && space != SPACE_SETTING)
        return;
    struct listener *listener = obtain(listeners, account);
    if (!listener)
        return;
    if (is_mark)
        apply_mark(listeners, listener, space, key, value);
    else if (is_bookmark)
        apply_bookmark(listener, key, value, changed_ms);
    else if (space == SPACE_QUEUE)
        apply_queue(listener, value, changed_ms);
    else
        apply_setting(listener, key, value);
}

/* --- reading --- */

const struct listener *listeners_get(const struct listeners *listeners, struct uid account)
{
    return map_get(listeners->by_account, uid_view(&account));
}

uint64_t listeners_total(const struct listeners *listeners, struct subject subject)
{
    const struct total *total = map_get(listeners->totals, subject_view(&subject));
    return total ? total->plays : 0;
}

static const struct mark *mark_of(const struct listener *listener, struct subject subject)
{
    static const struct mark nothing;
    const struct mark *mark = listener ? map_get(listener->marks, subject_view(&subject)) : NULL;
    return mark ? mark : &nothing;
}

int64_t listener_starred_ms(const struct listener *listener, struct subject subject)
{
    return mark_of(listener, subject)->starred_ms;
}

unsigned listener_rating(const struct listener *listener, struct subject subject)
{
    return mark_of(listener, subject)->rating;
}

struct plays listener_plays(const struct listener *listener, struct subject subject)
{
    const struct mark *mark = mark_of(listener, subject);
    return (struct plays){mark->plays, mark->last_ms};
}

size_t listener_ranked_count(const struct listener *listener, enum listener_ranking ranking,
                             const char *kind)
{
    const struct sorted *ranked =
        listener ? rankings_read(listener->rankings, ranking, kind) : NULL;
    return ranked ? ranked->count : 0;
}

struct subject listener_ranked(const struct listener *listener, enum listener_ranking ranking,
                               const char *kind, size_t position)
{
    const struct mark *mark = rankings_read(listener->rankings, ranking, kind)->items[position];
    return mark->subject;
}

const struct play_queue *listener_queue(const struct listener *listener)
{
    return listener && listener->queue_storage ? &listener->queue : NULL;
}

const struct bookmark *listener_bookmark_next(const struct listener *listener, size_t *cursor)
{
    if (!listener || *cursor >= listener->bookmarks.count)
        return NULL;
    return &((const struct bookmark_record *)listener->bookmarks.items[(*cursor)++])->bookmark;
}

struct text listener_setting(const struct listener *listener, struct text name)
{
    return listener ? text_of(map_get(listener->settings, name)) : TEXT_NONE;
}
