// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/playlists.h"

#include "base/map.h"
#include "base/mem.h"
#include "io/random.h"
#include "state/sorted.h"
#include "state/views.h"

enum { MAX_PLAYLISTS = 200000, MAX_ENTRIES = 100000, MAX_SHARES = 100000, POSITION_MAX = 64 };

struct entry_record {
    struct playlist_entry entry;
    int64_t changed_ms;
    char position[POSITION_MAX];
};

/* Named by (owner, id), so that nobody can write into another's; exists when it has a name. */
struct playlist_record {
    struct playlist playlist;
    char *name, *comment;
    struct map *entries;   /* entry id → entry_record, of removed ones too (no position) */
    struct sorted ordered; /* those that are there, by position, then id */
    int64_t field_changed_ms[SPACE_ENTRY - SPACE_PLAYLIST_NAME]; /* of its cells but the entries */
    bool is_changed_stale; /* playlist.changed_ms is the latest of all its cells, found when
                              somebody asks */
};

struct share_record {
    struct share share;
    char *storage; /* subjects, then description */
};

struct playlists {
    struct map *by_owner_and_id;
    struct sorted by_name; /* those that exist */
    struct map *shares;    /* id → share_record */
    bool is_loading;
};

struct owned {
    struct uid owner, id;
};

static int compare_entries(const void *a, const void *b)
{
    const struct playlist_entry *one = &((const struct entry_record *)a)->entry;
    const struct playlist_entry *other = &((const struct entry_record *)b)->entry;
    int order = text_compare(one->position, other->position);
    return order ? order : memcmp(one->id.bytes, other->id.bytes, UID_BYTES);
}

static int compare_names(const void *a, const void *b)
{
    const struct playlist *one = &((const struct playlist_record *)a)->playlist;
    const struct playlist *other = &((const struct playlist_record *)b)->playlist;
    int order = text_compare(one->name, other->name);
    order = order ? order : memcmp(one->id.bytes, other->id.bytes, UID_BYTES);
    return order ? order : memcmp(one->owner.bytes, other->owner.bytes, UID_BYTES);
}

/* --- life --- */

struct playlists *playlists_new(void)
{
    struct playlists *playlists = MEM_NEW(struct playlists);
    playlists->by_owner_and_id = map_new(random_u64(), MAX_PLAYLISTS);
    playlists->shares = map_new(random_u64(), MAX_SHARES);
    playlists->is_loading = true;
    sorted_init(&playlists->by_name, compare_names);
    return playlists;
}

static void drop_entries(struct playlist_record *record)
{
    size_t cursor = 0;
    struct text key;
    void *value;
    while (map_next(record->entries, &cursor, &key, &value))
        mem_free(value);
    map_free(&record->entries);
    sorted_release(&record->ordered);
}

static void playlist_free(struct playlist_record *record)
{
    drop_entries(record);
    mem_free(record->name);
    mem_free(record->comment);
    mem_free(record);
}

static void share_free(struct share_record *record)
{
    mem_free(record->storage);
    mem_free(record);
}

void playlists_free(struct playlists **playlists)
{
    size_t cursor;
    struct text key;
    void *value;
    if (!*playlists)
        return;
    for (cursor = 0; map_next((*playlists)->by_owner_and_id, &cursor, &key, &value);)
        playlist_free(value);
    for (cursor = 0; map_next((*playlists)->shares, &cursor, &key, &value);)
        share_free(value);
    map_free(&(*playlists)->by_owner_and_id);
    map_free(&(*playlists)->shares);
    sorted_release(&(*playlists)->by_name);
    mem_free_p(playlists);
}

static struct playlist_record *find(const struct playlists *playlists, struct uid owner,
                                    struct uid id)
{
    struct owned owned = {owner, id};
    return map_get(playlists->by_owner_and_id, text_make((char *)&owned, sizeof owned));
}

static struct playlist_record *obtain(struct playlists *playlists, struct uid owner, struct uid id)
{
    struct owned owned = {owner, id};
    struct playlist_record *record = find(playlists, owner, id);
    if (record)
        return record;
    record = MEM_NEW(struct playlist_record);
    record->playlist.id = id;
    record->playlist.owner = owner;
    record->entries = map_new(random_u64(), MAX_ENTRIES);
    sorted_init(&record->ordered, compare_entries);
    if (!map_put(playlists->by_owner_and_id, text_make((char *)&owned, sizeof owned), record)) {
        playlist_free(record);
        return NULL;
    }
    return record;
}

/* --- applying --- */

static void set_text(char **storage, struct text *ret, struct text value)
{
    mem_free(*storage);
    *storage = text_dup(value);
    *ret = text_make(*storage, value.size);
}

static void set_name(struct playlists *playlists, struct playlist_record *record, struct text name)
{
    if (record->playlist.name.size)
        sorted_remove(&playlists->by_name, record);
    set_text(&record->name, &record->playlist.name, name);
    if (name.size)
        sorted_insert(&playlists->by_name, record);
}

static void show_entries(struct playlist_record *record)
{
    record->playlist.entries = (const struct playlist_entry *const *)(void *)record->ordered.items;
    record->playlist.entry_count = record->ordered.count;
}

static struct entry_record *obtain_entry(struct playlist_record *record, struct uid id)
{
    struct entry_record *entry = map_get(record->entries, uid_view(&id));
    if (entry)
        return entry;
    entry = MEM_NEW(struct entry_record);
    entry->entry.id = id;
    if (!map_put(record->entries, uid_view(&id), entry))
        mem_free_p(&entry);
    return entry;
}

static void apply_entry(struct playlists *playlists, struct playlist_record *record, struct uid id,
                        struct text value, int64_t changed_ms)
{
    struct entry_record *entry = obtain_entry(record, id);
    if (!entry)
        return;
    entry->changed_ms = changed_ms;
    if (entry->entry.position.size)
        sorted_remove(&record->ordered, entry);
    struct text position = text_from(value, SUBJECT_BYTES);
    if (position.size > POSITION_MAX)
        position.size = 0;
    entry->entry.position = text_make(entry->position, position.size);
    if (position.size) {
        memcpy(&entry->entry.track, value.data, SUBJECT_BYTES);
        memcpy(entry->position, position.data, position.size);
        (playlists->is_loading ? sorted_append : sorted_insert)(&record->ordered, entry);
    }
    show_entries(record);
}

static void apply_share(struct playlists *playlists, struct uid owner, struct uid id,
                        struct text value)
{
    struct share_record *before = map_get(playlists->shares, uid_view(&id));
    struct share_value share;
    if (before && !uid_equal(before->share.owner, owner))
        return; /* an id is its first owner's */
    if (before)
        share_free(map_remove(playlists->shares, uid_view(&id)));
    if (value.size == 0 || !share_value_read(value, &share))
        return;
    struct share_record *record = MEM_NEW(struct share_record);
    size_t subjects_size = share.subjects.size;
    record->storage = mem_alloc(subjects_size + share.description.size + 1);
    bytes_copy(record->storage, share.subjects.data, subjects_size);
    bytes_copy(record->storage + subjects_size, share.description.data, share.description.size);
    record->share = (struct share){
        .id = id,
        .owner = owner,
        .subjects = (const struct subject *)(void *)record->storage,
        .count = subjects_size / SUBJECT_BYTES,
        .description = text_make(record->storage + subjects_size, share.description.size),
        .created_ms = share.created_ms,
        .expires_ms = share.expires_ms};
    if (!map_put(playlists->shares, uid_view(&id), record))
        share_free(record);
}

static void apply_playlist(struct playlists *playlists, struct playlist_record *record,
                           enum space space, struct text key, struct text value, int64_t changed_ms)
{
    struct uid entry;
    record->is_changed_stale = true;
    if (space != SPACE_ENTRY)
        record->field_changed_ms[space - SPACE_PLAYLIST_NAME] = changed_ms;
    if (space == SPACE_PLAYLIST_NAME) {
        set_name(playlists, record, value);
    } else if (space == SPACE_PLAYLIST_COMMENT) {
        set_text(&record->comment, &record->playlist.comment, value);
    } else if (space == SPACE_PLAYLIST_PUBLIC) {
        record->playlist.is_public = cell_integer(value) != 0;
    } else if (space == SPACE_PLAYLIST_CREATED) {
        record->playlist.created_ms = (int64_t)cell_integer(value);
    } else if (space == SPACE_ENTRY && key.size == 2 * UID_BYTES) {
        memcpy(entry.bytes, key.data + UID_BYTES, UID_BYTES);
        apply_entry(playlists, record, entry, value, changed_ms);
    }
}

void playlists_apply(struct playlists *playlists, struct uid account, enum space space,
                     struct text key, struct text value, int64_t changed_ms)
{
    struct uid id;
    bool is_playlist = space >= SPACE_PLAYLIST_NAME && space <= SPACE_ENTRY;
    if (key.size < UID_BYTES || (!is_playlist && space != SPACE_SHARE))
        return;
    memcpy(id.bytes, key.data, UID_BYTES);
    if (space == SPACE_SHARE) {
        apply_share(playlists, account, id, value);
        return;
    }
    struct playlist_record *record = obtain(playlists, account, id);
    if (record)
        apply_playlist(playlists, record, space, key, value, changed_ms);
}

void playlists_settle(struct playlists *playlists)
{
    size_t cursor = 0;
    struct text key;
    void *value;
    playlists->is_loading = false;
    while (map_next(playlists->by_owner_and_id, &cursor, &key, &value)) {
        sorted_settle(&((struct playlist_record *)value)->ordered);
        show_entries(value);
    }
}

bool playlists_entry_next(const struct playlists *playlists, struct uid owner, struct uid id,
                          size_t *cursor, struct uid *ret_entry)
{
    const struct playlist_record *record = find(playlists, owner, id);
    struct text key;
    void *value;
    if (!record || !map_next(record->entries, cursor, &key, &value))
        return false;
    *ret_entry = ((const struct entry_record *)value)->entry.id;
    return true;
}

void playlists_forget(struct playlists *playlists, struct uid owner, struct uid id)
{
    struct owned owned = {owner, id};
    struct playlist_record *record =
        map_remove(playlists->by_owner_and_id, text_make((char *)&owned, sizeof owned));
    if (!record)
        return;
    if (record->playlist.name.size)
        sorted_remove(&playlists->by_name, record);
    playlist_free(record);
}

/* --- reading --- */

static const struct playlist *shown(struct playlist_record *record)
{
    size_t cursor = 0;
    struct text key;
    void *value;
    if (!record->is_changed_stale)
        return &record->playlist;
    int64_t latest_ms = 0;
    for (size_t i = 0; i < ARRAY_SIZE(record->field_changed_ms); i++)
        latest_ms =
            record->field_changed_ms[i] > latest_ms ? record->field_changed_ms[i] : latest_ms;
    while (map_next(record->entries, &cursor, &key, &value)) {
        int64_t changed_ms = ((struct entry_record *)value)->changed_ms;
        latest_ms = changed_ms > latest_ms ? changed_ms : latest_ms;
    }
    record->playlist.changed_ms = latest_ms;
    record->is_changed_stale = false;
    return &record->playlist;
}

static bool is_visible(const struct playlist *playlist, struct uid viewer)
{
    return playlist->name.size && (playlist->is_public || uid_equal(playlist->owner, viewer));
}

const struct playlist *playlists_get(const struct playlists *playlists, struct uid viewer,
                                     struct uid id)
{
    struct playlist_record *own = find(playlists, viewer, id);
    if (own && own->playlist.name.size)
        return shown(own);
    for (size_t i = 0; i < playlists->by_name.count; i++) {
        struct playlist_record *record = playlists->by_name.items[i];
        if (uid_equal(record->playlist.id, id) && is_visible(&record->playlist, viewer))
            return shown(record);
    }
    return NULL;
}

const struct playlist *playlists_next(const struct playlists *playlists, struct uid viewer,
                                      size_t *cursor)
{
    while (*cursor < playlists->by_name.count) {
        struct playlist_record *record = playlists->by_name.items[(*cursor)++];
        if (is_visible(&record->playlist, viewer))
            return shown(record);
    }
    return NULL;
}

const struct share *playlists_share(const struct playlists *playlists, struct uid id)
{
    const struct share_record *record = map_get(playlists->shares, uid_view(&id));
    return record ? &record->share : NULL;
}

const struct share *playlists_share_next(const struct playlists *playlists, struct uid owner,
                                         size_t *cursor)
{
    struct text key;
    void *value;
    while (map_next(playlists->shares, cursor, &key, &value))
        if (uid_equal(((const struct share_record *)value)->share.owner, owner))
            return &((const struct share_record *)value)->share;
    return NULL;
}
