// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/postgres_hosts.h"

#include "base/buffer.h"

#include <assert.h>

enum { MAX_OPTIONS = 96, MAX_LIST_BYTES = 64 * 1024 };

struct options {
    const char *names[MAX_OPTIONS + 1], *values[MAX_OPTIONS + 1];
    size_t count;
};

static void add(struct options *options, const char *name, const char *value)
{
    assert(options->count < MAX_OPTIONS); /* libpq has half as many */
    options->names[options->count] = name;
    options->values[options->count++] = value;
}

/* The place behind the `first`-th comma, counted round. */
static size_t begin_of(struct text list, unsigned first)
{
    size_t parts = 1, at = 0;
    for (size_t i = 0; i < list.size; i++)
        parts += list.data[i] == ',';
    for (size_t skip = first % parts; skip > 0; at++)
        skip -= list.data[at] == ',';
    return at;
}

/* "a,b,c" from b on: "b,c,a", and its end. */
static void append_turned(struct text list, unsigned first, struct buffer *out)
{
    size_t at = begin_of(list, first);
    buffer_text(out, text_from(list, at));
    if (at > 0) {
        buffer_byte(out, ',');
        buffer_text(out, text_make(list.data, at - 1));
    }
    buffer_byte(out, 0);
}

PGconn *postgres_hosts_begin(const char *url, unsigned first)
{
    static const char *const lists[] = {"host", "hostaddr", "port"};
    struct options options = {.count = 0};
    struct buffer turned[3];
    PQconninfoOption *parsed = PQconninfoParse(url, NULL);
    if (!parsed)
        return PQconnectStart(url);
    add(&options, "fallback_application_name", "sostenuto");
    add(&options, "keepalives_idle", "10");
    add(&options, "keepalives_interval", "5");
    add(&options, "keepalives_count", "3");
    add(&options, "tcp_user_timeout", "10000");
    for (const PQconninfoOption *option = parsed; option->keyword; option++)
        if (option->val)
            add(&options, option->keyword, option->val); /* later ones win: the URL's */
    for (size_t i = 0; i < 3; i++) {
        buffer_init(&turned[i], MAX_LIST_BYTES);
        for (size_t j = 0; j < options.count; j++) {
            if (strcmp(options.names[j], lists[i]) != 0)
                continue;
            append_turned(text_of(options.values[j]), first, &turned[i]);
            options.values[j] = turned[i].overflowed ? options.values[j] : turned[i].data;
        }
    }
    PGconn *connection = PQconnectStartParams(options.names, options.values, 0);
    for (size_t i = 0; i < 3; i++)
        buffer_release(&turned[i]);
    PQconninfoFree(parsed);
    return connection;
}
