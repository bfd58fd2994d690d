// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * groups: the working set of one scan.
 *
 *   files    what was added, with the keys' positions in `keys`
 *   keys     each distinct new key once, and the group it will mean
 *   olds     each group that some file was in, once, and how many of its members did not change
 *   claims   (old group, new key, number of files that went this way)
 */
#include "library/groups.h"
#include "base/map.h"
#include "base/mem.h"
#include "library/group_row.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_KEYS = 1 << 26, MAX_MBID = 36 };

struct group_key {
    enum group_kind kind;
    struct key key, name_key;
    char mbid[MAX_MBID + 1];
    char *name;
    uint32_t alias;  /* position + 1 of the key that this one really means; 0 itself */
    int64_t own;     /* the group that has this key already; 0 none */
    int64_t group;   /* decided; 0 not yet */
    int64_t members; /* changed files that now have this key */
};

struct old_group {
    int64_t group, members, remaining;
    bool is_claimed;
};

struct claim {
    int64_t group;
    uint32_t key;
    uint32_t count;
    bool is_own;
};

struct changed_file {
    int64_t file;
    bool was_counted, is_present;
    int64_t old_album;
    size_t first_old, old_count; /* in old_artists */
    uint32_t album;              /* in keys */
    size_t first_new, new_count; /* in credits: positions in keys */
};

struct groups {
    struct database *database;
    int64_t now_ms;
    struct map *by_key, *by_group; /* to position + 1 */
    struct group_key *keys;
    size_t key_count, key_capacity;
    struct old_group *olds;
    size_t old_count, old_capacity;
    struct changed_file *files;
    size_t file_count, file_capacity;
    struct claim *claims;
    size_t claim_count, claim_capacity;
    struct number_list old_artists, credits;
    struct number_set touched_albums;
};

#define PUSH(array, count, capacity)                                           \
    do {                                                                       \
        if ((count) == (capacity)) {                                           \
            (capacity) = (capacity) ? (capacity)*2 : 64;                       \
            (array) = mem_realloc_array((array), (capacity), sizeof *(array)); \
        }                                                                      \
        (count)++;                                                             \
    } while (0)

struct groups *groups_new(struct database *database, int64_t now_ms)
{
    struct groups *groups = MEM_NEW(struct groups);
    groups->database = database;
    groups->now_ms = now_ms;
    groups->by_key = map_new((uint64_t)now_ms ^ (uintptr_t)groups, MAX_KEYS);
    groups->by_group = map_new((uint64_t)now_ms ^ (uintptr_t)groups, MAX_KEYS);
    return groups;
}

void groups_free(struct groups **groups)
{
    struct groups *g = *groups;
    if (!g)
        return;
    for (size_t i = 0; i < g->key_count; i++)
        mem_free(g->keys[i].name);
    mem_free(g->keys);
    mem_free(g->olds);
    mem_free(g->files);
    mem_free(g->claims);
    map_free(&g->by_key);
    map_free(&g->by_group);
    number_list_release(&g->old_artists);
    number_list_release(&g->credits);
    number_set_release(&g->touched_albums);
    mem_free(g);
    *groups = NULL;
}

struct number_set groups_take_touched_albums(struct groups *groups)
{
    struct number_set taken = groups->touched_albums;
    groups->touched_albums = (struct number_set){0};
    return taken;
}

/* --- gathering --- */

static uint32_t position(void *value) { return (uint32_t)((uintptr_t)value - 1); }

static void *value_of(size_t at)
{
    return (void *)(uintptr_t)(at + 1); /* NOLINT: a number in a pointer's place, never followed */
}

static uint32_t key_at(struct groups *g, enum group_kind kind, struct key key, struct key name_key,
                       struct text mbid, struct text name)
{
    struct text bytes = {(const char *)key.bytes, sizeof key.bytes};
    void *found = map_get(g->by_key, bytes);
    if (found)
        return position(found);
    PUSH(g->keys, g->key_count, g->key_capacity);
    struct group_key *added = &g->keys[g->key_count - 1];
    *added =
        (struct group_key){.kind = kind, .key = key, .name_key = name_key, .name = text_dup(name)};
    if (mbid.size <= MAX_MBID && mbid.size)
        memcpy(added->mbid, mbid.data, mbid.size);
    if (!map_put(g->by_key, bytes, value_of(g->key_count - 1)))
        abort(); /* more keys than a catalogue can hold */
    return (uint32_t)(g->key_count - 1);
}

static struct old_group *old_at(struct groups *g, int64_t group)
{
    struct text bytes = {(const char *)&group, sizeof group};
    void *found = map_get(g->by_group, bytes);
    if (found)
        return &g->olds[position(found)];
    PUSH(g->olds, g->old_count, g->old_capacity);
    g->olds[g->old_count - 1] = (struct old_group){.group = group};
    if (!map_put(g->by_group, bytes, value_of(g->old_count - 1)))
        abort();
    return &g->olds[g->old_count - 1];
}

static void claim(struct groups *g, int64_t group, uint32_t key)
{
    PUSH(g->claims, g->claim_count, g->claim_capacity);
    g->claims[g->claim_count - 1] = (struct claim){.group = group, .key = key, .count = 1};
}

static bool is_repeated(const int64_t *items, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (items[i] == items[at])
            return true;
    return false;
}

/* The file's members move: each group and key counts a file once, however often it is credited. */
static void note_artists(struct groups *g, const struct changed_file *file)
{
    const int64_t *olds = g->old_artists.items ? g->old_artists.items + file->first_old : NULL;
    const int64_t *news = g->credits.items ? g->credits.items + file->first_new : NULL;
    size_t old_count = olds ? file->old_count : 0, new_count = news ? file->new_count : 0;
    bool is_parallel = old_count == new_count;
    for (size_t i = 0; i < old_count; i++)
        if (olds[i] && !is_repeated(olds, i))
            old_at(g, olds[i])->remaining -= file->was_counted;
    for (size_t i = 0; i < new_count; i++)
        if (!is_repeated(news, i))
            g->keys[news[i]].members++;
    for (size_t i = 0; i < old_count; i++) {
        if (!olds[i] || is_repeated(olds, i))
            continue;
        for (size_t k = is_parallel ? i : 0; k < (is_parallel ? i + 1 : new_count); k++)
            claim(g, olds[i], (uint32_t)news[k]);
    }
}

void groups_add(struct groups *g, const struct groups_file *in)
{
    PUSH(g->files, g->file_count, g->file_capacity);
    struct changed_file *file = &g->files[g->file_count - 1];
    *file = (struct changed_file){.file = in->file,
                                  .was_counted = in->was_counted,
                                  .is_present = in->album != NULL,
                                  .old_album = in->old_album,
                                  .first_old = g->old_artists.count,
                                  .old_count = in->old_artist_count,
                                  .first_new = g->credits.count};
    for (size_t i = 0; i < in->old_artist_count; i++)
        number_list_add(&g->old_artists, in->old_artists[i]);
    if (in->album) {
        file->album =
            key_at(g, GROUP_ALBUM, in->album->key, in->album->key, in->album->mbid, in->album_name);
        g->keys[file->album].members++;
        for (size_t i = 0; i < in->credit_count; i++) {
            const struct credit *credit = &in->credits[i];
            number_list_add(&g->credits, key_at(g, GROUP_ARTIST, credit->key, credit->name_key,
                                                credit->mbid, credit->name));
        }
        file->new_count = in->credit_count;
    }
    if (in->old_album) {
        old_at(g, in->old_album)->remaining -= in->was_counted;
        if (file->is_present)
            claim(g, in->old_album, file->album);
    }
    note_artists(g, file);
}

/* --- deciding --- */

static void read_olds(struct groups *g)
{
    for (size_t i = 0; i < g->old_count; i++) {
        struct old_group *old = &g->olds[i];
        old->members = group_row_members(g->database, old->group);
        old->remaining += old->members;
        /* members that did not change keep their group under its own key, be it in `keys` or not */
        old->is_claimed = old->remaining > 0;
    }
}

static void find_own(struct groups *g, struct group_key *key)
{
    int64_t members = 0;
    key->own = group_row_find(g->database, key->kind, &key->key, &members);
    if (!key->own)
        return;
    struct text bytes = {(const char *)&key->own, sizeof key->own};
    void *found = map_get(g->by_group, bytes);
    int64_t remaining = found ? g->olds[position(found)].remaining : members;
    if (key->mbid[0] || remaining > 0) {
        key->group = key->own;
        old_at(g, key->own)->is_claimed = true;
    }
}

/* The only new key with a MusicBrainz id for this name. */
struct namesakes {
    uint32_t first; /* position + 1 */
    bool has_more;
};

static struct text name_bytes(const struct group_key *key)
{
    return text_make((const char *)key->name_key.bytes, sizeof key->name_key.bytes);
}

/* By name, of the new artists with a MusicBrainz id; all[] holds what the map points to. */
static void list_namesakes(const struct groups *g, struct map *by_name, struct namesakes *all)
{
    for (size_t i = 0; i < g->key_count; i++) {
        const struct group_key *key = &g->keys[i];
        if (key->kind != GROUP_ARTIST || !key->mbid[0])
            continue;
        struct namesakes *same = map_get(by_name, name_bytes(key));
        if (same) {
            same->has_more = true;
            continue;
        }
        all[i].first = (uint32_t)i + 1;
        if (!map_put(by_name, name_bytes(key), &all[i]))
            abort();
    }
}

static void take_known(struct groups *g, struct group_key *key, int64_t group)
{
    if (!group)
        return;
    key->group = group;
    old_at(g, group)->is_claimed = true;
}

/* `same`: the new keys with a MusicBrainz id for its name; NULL none. */
static void join_namesake(struct groups *g, struct group_key *key, const struct namesakes *same)
{
    bool is_one = same && !same->has_more;
    if (key->mbid[0]) { /* a name that gains its MusicBrainz id keeps its artist */
        if (!key->own && is_one)
            take_known(g, key, group_row_namesake(g->database, &key->name_key, false));
        return;
    }
    if (same && !is_one)
        return;
    int64_t known = group_row_namesake(g->database, &key->name_key, true);
    const struct group_key *new = is_one ? &g->keys[same->first - 1] : NULL;
    if (new && (!known || known == new->own || known == new->group))
        key->alias = same->first;
    else if (!new && !key->group)
        take_known(g, key, known);
}

static void join_namesakes(struct groups *g)
{
    struct map *by_name = map_new((uintptr_t)g, MAX_KEYS);
    struct namesakes *all = mem_zalloc((g->key_count + 1) * sizeof *all);
    list_namesakes(g, by_name, all);
    for (size_t i = 0; i < g->key_count; i++)
        if (g->keys[i].kind == GROUP_ARTIST)
            join_namesake(g, &g->keys[i], map_get(by_name, name_bytes(&g->keys[i])));
    map_free(&by_name);
    mem_free(all);
}

static int by_group_and_key(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return (x->key > y->key) - (x->key < y->key);
}

static int by_strength(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    if (x->is_own != y->is_own)
        return x->is_own ? -1 : 1;
    return by_group_and_key(a, b);
}

static void add_up_claims(struct groups *g)
{
    if (!g->claim_count)
        return;
    qsort(g->claims, g->claim_count, sizeof *g->claims, by_group_and_key);
    size_t kept = 0;
    for (size_t i = 1; i < g->claim_count; i++) {
        if (by_group_and_key(&g->claims[kept], &g->claims[i]) == 0)
            g->claims[kept].count += g->claims[i].count;
        else
            g->claims[++kept] = g->claims[i];
    }
    g->claim_count = kept + 1;
    for (size_t i = 0; i < g->claim_count; i++)
        g->claims[i].is_own = g->keys[g->claims[i].key].own == g->claims[i].group;
    qsort(g->claims, g->claim_count, sizeof *g->claims, by_strength);
}

static void grant_claims(struct groups *g)
{
    for (size_t i = 0; i < g->claim_count; i++) {
        const struct claim *claim = &g->claims[i];
        struct group_key *key = &g->keys[claim->key];
        struct old_group *old = old_at(g, claim->group);
        int64_t smaller = old->members < key->members ? old->members : key->members;
        if (key->group || key->alias || old->is_claimed || (int64_t)claim->count * 2 < smaller)
            continue;
        key->group = claim->group;
        old->is_claimed = true;
    }
}

static struct group_identity identity_of(const struct group_key *key)
{
    return (struct group_identity){.kind = key->kind,
                                   .key = key->key,
                                   .name_key = key->name_key,
                                   .mbid = text_of(key->mbid),
                                   .name = text_of(key->name)};
}

static void rekey(struct groups *g, const struct group_key *key)
{
    const struct group_identity identity = identity_of(key);
    if (key->own && key->own != key->group)
        group_row_unkey(g->database, key->own);
    group_row_set_identity(g->database, key->group, &identity);
}

/* Whether the group was decided for this key itself, and not for an artist of the same name with a
 * MusicBrainz id. */
static bool is_its_own(const struct groups *g, const struct group_key *key)
{
    if (key->kind == GROUP_ALBUM || key->mbid[0] || key->own == key->group)
        return true;
    struct group_row row;
    return group_row_get(g->database, key->group, &row) && !row.mbid[0];
}

static void decide(struct groups *g)
{
    read_olds(g);
    for (size_t i = 0; i < g->key_count; i++)
        find_own(g, &g->keys[i]);
    join_namesakes(g);
    add_up_claims(g);
    grant_claims(g);
    for (size_t i = 0; i < g->key_count; i++) {
        struct group_key *key = &g->keys[i];
        if (key->alias)
            continue;
        if (!key->group && key->own && !old_at(g, key->own)->is_claimed) {
            key->group = key->own;
            old_at(g, key->own)->is_claimed = true;
        }
        const struct group_identity identity = identity_of(key);
        if (!key->group)
            key->group = group_row_make(g->database, &identity, g->now_ms);
        else if (is_its_own(g, key))
            rekey(g, key);
    }
}

/* --- writing --- */

static int64_t group_of(const struct groups *g, size_t at)
{
    const struct group_key *key = &g->keys[at];
    return key->alias ? g->keys[key->alias - 1].group : key->group;
}

static void count_artists(struct number_sums *sums, const int64_t *artists, size_t count,
                          int64_t delta)
{
    for (size_t i = 0; i < count; i++)
        if (!is_repeated(artists, i))
            number_sums_add(sums, artists[i], delta);
}

static void write_file(struct groups *g, struct number_sums *sums, const struct changed_file *file)
{
    if (file->old_album)
        (void)number_set_add(&g->touched_albums, (uint64_t)file->old_album);
    if (file->was_counted) {
        number_sums_add(sums, file->old_album, -1);
        if (file->old_count)
            count_artists(sums, g->old_artists.items + file->first_old, file->old_count, -1);
    }
    if (!file->is_present)
        return;
    int64_t album = group_of(g, file->album);
    int64_t artists[GROUPING_MAX_CREDITS];
    for (size_t i = 0; i < file->new_count; i++)
        artists[i] = group_of(g, (size_t)g->credits.items[file->first_new + i]);
    (void)number_set_add(&g->touched_albums, (uint64_t)album);
    number_sums_add(sums, album, 1);
    count_artists(sums, artists, file->new_count, 1);
    sqlite3_stmt *set = database_use(g->database, STATEMENT_FILE_SET_MEMBERSHIP);
    bind_i64(set, 1, file->file);
    bind_i64(set, 2, album);
    bind_bytes(set, 3, artists, file->new_count * sizeof *artists);
    database_run(g->database, set);
}

void groups_settle(struct groups *g)
{
    decide(g);
    struct number_sums members = {0};
    for (size_t i = 0; i < g->file_count; i++)
        write_file(g, &members, &g->files[i]);
    for (size_t i = 0; i < members.capacity; i++)
        if (members.slots[i].sum)
            group_row_add_members(g->database, members.slots[i].number, members.slots[i].sum);
    number_sums_release(&members);
}
