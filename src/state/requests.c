// SPDX-License-Identifier: GPL-3.0-or-later
/* The view: a request's two cells, which may come in any order, as one. */
#include "state/requests.h"

#include "base/map.h"
#include "base/mem.h"
#include "io/random.h"
#include "state/views.h"

enum { MAX_REQUESTS = 100000 };

struct request_key {
    struct uid account, id;
};

struct request_record {
    struct kept_request request;
    char *name, *why;
    bool was_asked; /* else only the decision came so far */
};

struct requests {
    struct map *map; /* request_key → request_record */
};

static const char *const what_words[REQUEST_WHATS] = {
    [REQUEST_MAKE] = "make", [REQUEST_CHANGE] = "change", [REQUEST_DELETE] = "delete"};

const char *request_what_word(enum request_what what) { return what_words[what]; }

bool request_what_from(struct text word, enum request_what *ret)
{
    for (unsigned i = 0; i < REQUEST_WHATS; i++) {
        *ret = i;
        if (text_equal(word, text_of(what_words[i])))
            return true;
    }
    return false;
}

struct requests *requests_new(void)
{
    struct requests *requests = MEM_NEW(struct requests);
    requests->map = map_new(random_u64(), MAX_REQUESTS);
    return requests;
}

static void record_free(struct request_record *record)
{
    mem_free(record->name);
    mem_free(record->why);
    mem_free(record);
}

void requests_free(struct requests **requests)
{
    size_t cursor = 0;
    struct text key;
    void *value;
    if (!*requests)
        return;
    while (map_next((*requests)->map, &cursor, &key, &value))
        record_free(value);
    map_free(&(*requests)->map);
    mem_free_p(requests);
}

static struct text key_view(const struct request_key *key)
{
    return text_make((const char *)key, sizeof *key);
}

/* NULL when there is no room for one more. */
static struct request_record *obtain(struct requests *requests, const struct request_key *key)
{
    struct request_record *record = map_get(requests->map, key_view(key));
    if (record)
        return record;
    record = MEM_NEW(struct request_record);
    record->request.id = key->id;
    record->request.account = key->account;
    if (!map_put(requests->map, key_view(key), record))
        mem_free_p(&record);
    return record;
}

static struct text replace(char **words, struct text text)
{
    mem_free(*words);
    *words = text_dup(text);
    return text_make(*words, text.size);
}

static void take_request(struct request_record *record, const struct request_value *value)
{
    struct kept_request *request = &record->request;
    record->was_asked = true;
    request->session = value->session;
    request->asked_ms = value->asked_ms;
    request->wish = (struct account_wish){
        .what = value->what,
        .about = value->about,
        .name = replace(&record->name, value->name),
        .has_admin = value->members & REQUEST_HAS_ADMIN,
        .is_admin = value->members & REQUEST_ADMIN,
        .has_disabled = value->members & REQUEST_HAS_DISABLED,
        .is_disabled = value->members & REQUEST_DISABLED,
        .has_libraries = value->members & REQUEST_HAS_LIBRARIES,
        .libraries = value->libraries,
    };
}

static void take_decision(struct request_record *record, const struct decision_value *value)
{
    record->request.state = value->is_done ? REQUEST_DONE : REQUEST_REFUSED;
    record->request.decided_ms = value->decided_ms;
    record->request.why = replace(&record->why, value->why);
}

void requests_apply(struct requests *requests, struct uid account, enum space space,
                    struct text key, struct text value)
{
    struct request_key name = {.account = account};
    struct request_value asked;
    struct decision_value decision;
    if ((space != SPACE_REQUEST && space != SPACE_REQUEST_DECIDED) || key.size != UID_BYTES)
        return;
    memcpy(name.id.bytes, key.data, UID_BYTES);
    if (value.size == 0) { /* forgotten, which is said of both */
        struct request_record *record = map_remove(requests->map, key_view(&name));
        if (record)
            record_free(record);
        return;
    }
    bool is_asked = space == SPACE_REQUEST && request_value_read(value, &asked);
    bool is_decided = space == SPACE_REQUEST_DECIDED && decision_value_read(value, &decision);
    struct request_record *record = is_asked || is_decided ? obtain(requests, &name) : NULL;
    if (record && is_asked)
        take_request(record, &asked);
    else if (record)
        take_decision(record, &decision);
}

const struct kept_request *requests_get(const struct requests *requests, struct uid account,
                                        struct uid id)
{
    const struct request_key key = {account, id};
    const struct request_record *record = map_get(requests->map, key_view(&key));
    return record && record->was_asked ? &record->request : NULL;
}

const struct kept_request *requests_next(const struct requests *requests, size_t *cursor)
{
    struct text key;
    void *value;
    while (map_next(requests->map, cursor, &key, &value))
        if (((struct request_record *)value)->was_asked)
            return &((struct request_record *)value)->request;
    return NULL;
}

size_t requests_count(const struct requests *requests) { return map_count(requests->map); }
