// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/accounts.h"

#include "base/map.h"
#include "base/mem.h"
#include "io/random.h"
#include "state/sorted.h"
#include "state/views.h"

enum { MAX_ACCOUNTS = 100000, MAX_APPS = 1000000, MAX_SESSIONS = 1000000 };

struct account_record {
    struct account account; /* exists when it has a name */
    char *name, *password_hash;
    struct session_record **sessions; /* its own, in no order */
    size_t session_count, session_capacity;
};
struct app_record {
    struct app app;
    char *label;
};
struct session_record {
    struct session session;
    char *label;
    struct account_record *of; /* NULL: there was no room for one */
    size_t place;              /* in its sessions */
};

enum { MARKS = 4096 };
#define APP_REVOKED_MS (90LL * 24 * 60 * 60 * 1000) /* nodes that were away longer start anew */

struct accounts {
    struct map *accounts; /* id → account_record; also of those that have no name (yet, any more) */
    struct map *by_name;     /* lower-case name → account_record */
    struct map *apps;        /* id → app_record */
    struct map *by_index;    /* secret index → app_record */
    struct sorted app_order; /* app_record by account, then age */
    struct map *sessions;    /* id → session_record */
    size_t count;
    struct revocations revocations;
    uint64_t revocations_version;
    atomic_uint marks[MARKS]; /* state_account_mark() */
};

static size_t mark_of(struct uid account)
{
    return ((size_t)account.bytes[0] << 8 | account.bytes[1]) % MARKS;
}

static int compare_apps(const void *a, const void *b)
{
    const struct app *one = &((const struct app_record *)a)->app,
                     *other = &((const struct app_record *)b)->app;
    int order = memcmp(one->account.bytes, other->account.bytes, UID_BYTES);
    if (!order && one->created_ms != other->created_ms)
        order = one->created_ms < other->created_ms ? -1 : 1;
    return order ? order : memcmp(one->id.bytes, other->id.bytes, UID_BYTES);
}

struct accounts *accounts_new(void)
{
    struct accounts *accounts = MEM_NEW(struct accounts);
    accounts->accounts = map_new(random_u64(), MAX_ACCOUNTS);
    accounts->by_name = map_new(random_u64(), MAX_ACCOUNTS);
    accounts->apps = map_new(random_u64(), MAX_APPS);
    accounts->by_index = map_new(random_u64(), MAX_APPS);
    accounts->sessions = map_new(random_u64(), MAX_SESSIONS);
    sorted_init(&accounts->app_order, compare_apps);
    return accounts;
}

static void account_free(struct account_record *record)
{
    mem_free(record->sessions);
    mem_free(record->name);
    mem_free(record->password_hash);
    mem_free(record);
}

static void app_free(struct app_record *record)
{
    mem_free(record->label);
    mem_free(record);
}

static void session_free(struct session_record *record)
{
    mem_free(record->label);
    mem_free(record);
}

void accounts_free(struct accounts **accounts_at)
{
    struct accounts *accounts = *accounts_at;
    size_t cursor;
    struct text key;
    void *value;
    if (!accounts)
        return;
    for (cursor = 0; map_next(accounts->accounts, &cursor, &key, &value);)
        account_free(value);
    for (cursor = 0; map_next(accounts->apps, &cursor, &key, &value);)
        app_free(value);
    for (cursor = 0; map_next(accounts->sessions, &cursor, &key, &value);)
        session_free(value);
    map_free(&accounts->accounts);
    map_free(&accounts->by_name);
    map_free(&accounts->apps);
    map_free(&accounts->by_index);
    map_free(&accounts->sessions);
    sorted_release(&accounts->app_order);
    revocations_release(&accounts->revocations);
    mem_free_p(accounts_at);
}

/* --- accounts --- */

static struct account_record *obtain(struct accounts *accounts, struct uid id)
{
    struct account_record *record = map_get(accounts->accounts, uid_view(&id));
    if (record)
        return record;
    record = MEM_NEW(struct account_record);
    record->account.id = id;
    record->account.libraries = ACCOUNT_ALL_LIBRARIES;
    if (!map_put(accounts->accounts, uid_view(&id), record))
        mem_free_p(&record);
    return record;
}

struct folded {
    char bytes[NAME_MAX_BYTES];
};

static struct text fold(struct folded *storage, struct text name)
{
    size_t size = name.size < sizeof storage->bytes ? name.size : sizeof storage->bytes;
    for (size_t i = 0; i < size; i++) {
        char c = name.data[i];
        storage->bytes[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    return text_make(storage->bytes, size);
}

/* Whose a name is when two have it (made on two islands): the older account's, then the smaller
 * id's. */
static bool is_before(const struct account *a, const struct account *b)
{
    int64_t a_ms = a->created_ms ? a->created_ms : INT64_MAX,
            b_ms = b->created_ms ? b->created_ms : INT64_MAX;
    if (a_ms != b_ms)
        return a_ms < b_ms;
    return memcmp(a->id.bytes, b->id.bytes, UID_BYTES) < 0;
}

static void claim_name(struct accounts *accounts, struct account_record *record)
{
    struct folded storage;
    struct text folded = fold(&storage, record->account.name);
    const struct account_record *holder = map_get(accounts->by_name, folded);
    if (folded.size && (!holder || is_before(&record->account, &holder->account)))
        (void)!map_put(accounts->by_name, folded, record); /* as many places as accounts */
}

/* Takes a name from `record`; whoever else has it gets it. */
static void release_name(struct accounts *accounts, const struct account_record *record,
                         struct text name)
{
    struct folded storage, other;
    struct text folded = fold(&storage, name), key;
    size_t cursor = 0;
    void *value;
    if (map_get(accounts->by_name, folded) != record)
        return;
    map_remove(accounts->by_name, folded);
    while (map_next(accounts->accounts, &cursor, &key, &value))
        if (text_equal(fold(&other, ((struct account_record *)value)->account.name), folded))
            claim_name(accounts, value);
}

static void set_name(struct accounts *accounts, struct account_record *record, struct text name)
{
    char *before = record->name;
    struct text name_before = record->account.name;
    accounts->count += (name.size > 0);
    accounts->count -= (name_before.size > 0);
    record->name = text_dup(name);
    record->account.name = text_make(record->name, name.size);
    release_name(accounts, record, name_before);
    claim_name(accounts, record);
    mem_free(before);
}

static void set_created(struct accounts *accounts, struct account_record *record,
                        int64_t created_ms)
{
    bool is_younger = record->account.created_ms && created_ms > record->account.created_ms;
    record->account.created_ms = created_ms;
    if (is_younger)
        release_name(accounts, record, record->account.name);
    claim_name(accounts, record);
}

static void set_password(struct account_record *record, struct text hash)
{
    mem_free(record->password_hash);
    record->password_hash = text_dup(hash);
    record->account.password_hash = text_make(record->password_hash, hash.size);
}

/* --- apps and sessions --- */

static void hold_session(struct account_record *of, struct session_record *record)
{
    record->of = of;
    if (!of)
        return;
    if (of->session_count == of->session_capacity) {
        of->session_capacity = of->session_capacity ? 2 * of->session_capacity : 4;
        of->sessions =
            mem_realloc_array(of->sessions, of->session_capacity, sizeof(struct session_record *));
    }
    record->place = of->session_count;
    of->sessions[of->session_count++] = record;
}

/* The last takes its place: who goes through them begins at the end (accounts_session_next()). */
static void let_session_go(struct session_record *record)
{
    struct account_record *of = record->of;
    if (!of)
        return;
    struct session_record *last = of->sessions[--of->session_count];
    last->place = record->place;
    of->sessions[last->place] = last;
}

static void remove_app(struct accounts *accounts, struct app_record *record)
{
    if (map_get(accounts->by_index,
                text_make((char *)record->app.index.bytes, SECRET_INDEX_BYTES)) == record)
        map_remove(accounts->by_index,
                   text_make((char *)record->app.index.bytes, SECRET_INDEX_BYTES));
    sorted_remove(&accounts->app_order, record);
    map_remove(accounts->apps, uid_view(&record->app.id));
    app_free(record);
}

static void apply_app(struct accounts *accounts, struct uid account, struct uid id,
                      struct text value)
{
    struct app_record *before = map_get(accounts->apps, uid_view(&id));
    struct app_value app;
    if (before && !uid_equal(before->app.account, account))
        return; /* an id is its first owner's */
    if (before)
        remove_app(accounts, before);
    if (value.size == 0 || !app_value_read(value, &app))
        return;
    struct app_record *record = MEM_NEW(struct app_record);
    record->label = text_dup(app.label);
    record->app = (struct app){.id = id, .account = account, .created_ms = app.created_ms};
    record->app.label = text_make(record->label, app.label.size);
    memcpy(record->app.index.bytes, app.index, SECRET_INDEX_BYTES);
    memcpy(record->app.sealed.bytes, app.sealed, SECRET_SEALED_BYTES);
    struct text index = text_make((char *)record->app.index.bytes, SECRET_INDEX_BYTES);
    if (!map_put(accounts->apps, uid_view(&id), record)) {
        app_free(record);
        return;
    }
    (void)!map_put(accounts->by_index, index, record);
    sorted_insert(&accounts->app_order, record);
}

static void apply_session(struct accounts *accounts, struct uid account, struct uid id,
                          struct text value)
{
    struct session_record *before = map_get(accounts->sessions, uid_view(&id));
    struct session_value session;
    int64_t used_ms = before ? before->session.used_ms : 0;
    if (before && !uid_equal(before->session.account, account))
        return;
    if (before) {
        map_remove(accounts->sessions, uid_view(&id));
        let_session_go(before);
        session_free(before);
    }
    if (value.size == 0 || !session_value_read(value, &session))
        return;
    struct session_record *record = MEM_NEW(struct session_record);
    record->label = text_dup(session.label);
    record->session = (struct session){.id = id,
                                       .account = account,
                                       .label = text_make(record->label, session.label.size),
                                       .rotated_ms = session.rotated_ms,
                                       .created_ms = session.created_ms,
                                       .expires_ms = session.expires_ms,
                                       .used_ms = used_ms};
    memcpy(record->session.current.bytes, session.current, sizeof record->session.current);
    memcpy(record->session.previous.bytes, session.previous, sizeof record->session.previous);
    if (map_put(accounts->sessions, uid_view(&id), record))
        hold_session(obtain(accounts, account), record);
    else
        session_free(record);
}

static bool key_uid(struct text key, struct uid *ret)
{
    if (key.size != UID_BYTES)
        return false;
    memcpy(ret->bytes, key.data, UID_BYTES);
    return true;
}

/* Nothing that was signed for it is good for longer. */
static void note_revoked(struct accounts *accounts, enum space space, struct uid id,
                         int64_t changed_ms)
{
    bool is_session = space == SPACE_SESSION;
    revocations_add(&accounts->revocations,
                    &(struct revocation){
                        .id = id,
                        .until_ms = changed_ms + (is_session ? REFRESH_LIFE_MS : APP_REVOKED_MS),
                        .kind = is_session ? REVOKED_SESSION : REVOKED_APP});
    accounts->revocations_version++;
}

static void apply_account(struct accounts *accounts, struct account_record *record,
                          enum space space, struct text value)
{
    if (space == SPACE_ACCOUNT_NAME)
        set_name(accounts, record, value);
    else if (space == SPACE_PASSWORD)
        set_password(record, value);
    else if (space == SPACE_ACCOUNT_ADMIN)
        record->account.is_admin = cell_integer(value) != 0;
    else if (space == SPACE_ACCOUNT_DISABLED)
        record->account.is_disabled = cell_integer(value) != 0;
    else if (space == SPACE_ACCOUNT_LIBRARIES)
        record->account.libraries = value.size ? cell_integer(value) : ACCOUNT_ALL_LIBRARIES;
    else if (space == SPACE_ACCOUNT_CREATED)
        set_created(accounts, record, (int64_t)cell_integer(value));
}

void accounts_apply(struct accounts *accounts, struct uid id, enum space space, struct text key,
                    struct text value, int64_t changed_ms)
{
    struct uid uid;
    if (space == SPACE_APP && key_uid(key, &uid))
        apply_app(accounts, id, uid, value);
    else if (space == SPACE_SESSION && key_uid(key, &uid))
        apply_session(accounts, id, uid, value);
    else if (space >= SPACE_ACCOUNT_NAME && space <= SPACE_PASSWORD) {
        struct account_record *record = obtain(accounts, id);
        if (record)
            apply_account(accounts, record, space, value);
    }
    if ((space == SPACE_SESSION || space == SPACE_APP) && !value.size && key_uid(key, &uid))
        note_revoked(accounts, space, uid, changed_ms);
    if (space == SPACE_ACCOUNT_NAME || space == SPACE_ACCOUNT_DISABLED)
        accounts->revocations_version++;
    if (space == SPACE_SESSION || space == SPACE_APP ||
        (space >= SPACE_ACCOUNT_NAME && space <= SPACE_PASSWORD))
        atomic_fetch_add(&accounts->marks[mark_of(id)], 1);
}

const atomic_uint *accounts_mark(const struct accounts *accounts, struct uid account)
{
    return &accounts->marks[mark_of(account)];
}

/* --- reading --- */

static const struct account *named(const struct account_record *record)
{
    return record && record->account.name.size ? &record->account : NULL;
}

const struct account *accounts_by_id(const struct accounts *accounts, struct uid id)
{
    return named(map_get(accounts->accounts, uid_view(&id)));
}

const struct account *accounts_by_name(const struct accounts *accounts, struct text name)
{
    struct folded storage;
    return name.size <= NAME_MAX_BYTES ? named(map_get(accounts->by_name, fold(&storage, name)))
                                       : NULL;
}

size_t accounts_count(const struct accounts *accounts) { return accounts->count; }

const struct account *accounts_next(const struct accounts *accounts, size_t *cursor)
{
    struct text key;
    void *value;
    while (map_next(accounts->accounts, cursor, &key, &value))
        if (named(value))
            return named(value);
    return NULL;
}

/* An app or session of an account that is gone is gone with it. */
const struct app *accounts_app(const struct accounts *accounts, struct uid id)
{
    const struct app_record *record = map_get(accounts->apps, uid_view(&id));
    return record && accounts_by_id(accounts, record->app.account) ? &record->app : NULL;
}

const struct app *accounts_app_by_index(const struct accounts *accounts,
                                        const struct secret_index *index)
{
    const struct app_record *record =
        map_get(accounts->by_index, text_make((const char *)index->bytes, SECRET_INDEX_BYTES));
    return record && accounts_by_id(accounts, record->app.account) ? &record->app : NULL;
}

const struct app *accounts_app_next(const struct accounts *accounts, struct uid account,
                                    size_t *cursor)
{
    if (!accounts_by_id(accounts, account))
        return NULL;
    while (*cursor < accounts->app_order.count) {
        const struct app_record *record = accounts->app_order.items[(*cursor)++];
        if (uid_equal(record->app.account, account))
            return &record->app;
    }
    return NULL;
}

void accounts_app_used(struct accounts *accounts, struct uid id, int64_t now_ms)
{
    struct app_record *record = map_get(accounts->apps, uid_view(&id));
    if (record)
        record->app.last_used_ms = now_ms;
}

const struct session *accounts_session(const struct accounts *accounts, struct uid id)
{
    const struct session_record *record = map_get(accounts->sessions, uid_view(&id));
    return record && accounts_by_id(accounts, record->session.account) ? &record->session : NULL;
}

const struct session *accounts_session_next(const struct accounts *accounts, struct uid account,
                                            size_t *cursor)
{
    const struct account_record *record = map_get(accounts->accounts, uid_view(&account));
    size_t count = record ? record->session_count : 0, left = *cursor ? *cursor - 1 : count;
    left = left < count ? left : count; /* those before it may end meanwhile */
    if (left == 0)
        return NULL;
    *cursor = left;
    return &record->sessions[left - 1]->session;
}

void accounts_session_used(struct accounts *accounts, struct uid id, int64_t now_ms)
{
    struct session_record *record = map_get(accounts->sessions, uid_view(&id));
    if (record)
        record->session.used_ms = now_ms;
}

bool session_is_bound(const struct session *session)
{
    return memcmp(&session->current, &session->previous, sizeof session->current) == 0;
}

/* --- what ended before its time --- */

bool accounts_session_has_ended(const struct accounts *accounts, struct uid id)
{
    const struct session_record *record = map_get(accounts->sessions, uid_view(&id));
    if (record) {
        const struct account *account = accounts_by_id(accounts, record->session.account);
        return !account || account->is_disabled;
    }
    for (size_t i = 0; i < accounts->revocations.count; i++)
        if (accounts->revocations.items[i].kind == REVOKED_SESSION &&
            uid_equal(accounts->revocations.items[i].id, id))
            return true;
    return false;
}

/* An id is its first owner's: what is there still is not who ended it's. */
static bool is_anothers(const struct accounts *accounts, const struct revocation *revocation)
{
    const struct map *map =
        revocation->kind == REVOKED_SESSION ? accounts->sessions : accounts->apps;
    return map_get(map, uid_view(&revocation->id));
}

bool accounts_revocation_next(const struct accounts *accounts, struct revocation_cursor *cursor,
                              struct revocation *ret)
{
    struct text key;
    void *value;
    while (cursor->listed < accounts->revocations.count) {
        *ret = accounts->revocations.items[cursor->listed++];
        if (!is_anothers(accounts, ret))
            return true;
    }
    while (map_next(accounts->sessions, &cursor->sessions, &key, &value)) {
        const struct session *session = &((struct session_record *)value)->session;
        const struct account *account = accounts_by_id(accounts, session->account);
        if (account && !account->is_disabled)
            continue;
        *ret = (struct revocation){session->id, session->expires_ms, REVOKED_SESSION};
        return true;
    }
    return false;
}

uint64_t accounts_revocations_version(const struct accounts *accounts)
{
    return accounts->revocations_version;
}
