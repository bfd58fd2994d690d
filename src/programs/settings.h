// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "edge/edge.h"
#include "io/server.h"
#include "replica/replica.h"

/*
 * settings: what the operator chose, from four places: defaults, then the file, then the
 * environment, then flags.
 *
 * settings.def is the one table; this module turns text into checked values and says in words what
 * was wrong and what to write instead.  Every origin goes through settings_set(), so a value means
 * the same wherever it stands.
 */
struct settings_list {
    char **items;
    size_t count; /* at most SETTINGS_LIST_MAX */
};
enum { SETTINGS_LIST_MAX = 64, SETTINGS_VALUE_MAX_BYTES = 4096, SETTINGS_WHY_MAX_BYTES = 4096 };

enum settings_log_format { SETTINGS_LOG_TEXT, SETTINGS_LOG_JSON };
enum settings_plain_http { SETTINGS_PLAIN_PRIVATE, SETTINGS_PLAIN_ANYWHERE };
enum settings_tls { SETTINGS_TLS_AUTO, SETTINGS_TLS_OFF };

struct settings {
#define SETTING_TEXT(name, when, default_text, check, help) char *name;
#define SETTING_LIST(name, when, default_text, check, help) struct settings_list name;
#define SETTING_NUMBER(name, when, default_text, least, most, help) uint32_t name;
#define SETTING_SWITCH(name, when, default_text, help) bool name;
#define SETTING_CHOICE(name, when, default_text, choices, help) unsigned name;
#include "programs/settings.def"
#undef SETTING_TEXT
#undef SETTING_LIST
#undef SETTING_NUMBER
#undef SETTING_SWITCH
#undef SETTING_CHOICE
    struct server_limits limits;
    struct edge_policy edge_policy;
    struct replica_limits replica_limits;
    struct fetch_limits fetch_limits;
};

enum setting_kind {
    SETTING_KIND_TEXT,
    SETTING_KIND_LIST,
    SETTING_KIND_NUMBER,
    SETTING_KIND_SWITCH,
    SETTING_KIND_CHOICE
};
enum setting_when { SETTING_START, SETTING_LIVE };
enum setting_check {
    CHECK_NONE,
    CHECK_PATH,         /* not empty */
    CHECK_ADDRESS,      /* 0.0.0.0:4747, [::1]:4747; port 0 lets the kernel choose */
    CHECK_URL,          /* http or https origin without a path */
    CHECK_DATABASE,     /* postgresql://… without a password */
    CHECK_HOST,         /* a DNS name or an address */
    CHECK_DOMAIN,       /* a DNS name, no address */
    CHECK_CIDR,         /* 10.0.0.0/8, fd00::/8 or a single address */
    CHECK_LIBRARY,      /* /path or Name=/path */
    CHECK_USER,         /* a user name of this system */
    CHECK_LABEL,        /* 1 to 63 printable characters */
    CHECK_NODES,        /* auto, off, or as ADDRESS */
    CHECK_NODE_ADDRESS, /* music.example.org:4748: a name will do */
    CHECK_TOKEN,        /* of sostenuto invite; never shown */
    CHECK_TARGET,       /* /path as it stands in a request, perhaps with a query */
    CHECK_PREFETCH,     /* a pattern of edge/prefetch.h */
    CHECK_EXPECT,       /* a rule of edge/expect.h */
    CHECK_RENDITION,    /* a word of media/renditions.def */
    CHECK_HOURS,        /* 02:00-06:00: edge/hours.h */
};

struct setting {
    const char *name;
    const char *default_text;
    const char *choices; /* CHOICE only */
    const char *help;
    uint64_t least, most; /* NUMBER only */
    size_t offset;
    enum setting_kind kind;
    enum setting_when when;
    enum setting_check check;
};

/* The table: settings.def, then the bounds of io/server.def, edge/edge.def and edge/fetch.def. */
size_t setting_count(void);
const struct setting *setting_at(size_t i);
const struct setting *setting_named(struct text name); /* underscores; NULL when there is none */
/* The name of some setting at most three edits away, or NULL: for "did you mean". */
const char *setting_nearest(struct text name);

/* Defaults throughout.  Release leaves an empty struct behind. */
void settings_init(struct settings *settings);
void settings_release(struct settings *settings);

/* False with words in `why`, changing nothing, when `value` will not do.  A list is replaced; ','
 * parts its items. */
bool settings_set(struct settings *settings, const struct setting *setting, struct text value,
                  struct buffer *why) MUST_USE;
/* Replaces a list by `count` items. */
bool settings_set_list(struct settings *settings, const struct setting *setting,
                       const struct text *items, size_t count, struct buffer *why) MUST_USE;
/* The check of one value (of one item of a list) alone. */
bool setting_accepts(const struct setting *setting, struct text value, struct buffer *why) MUST_USE;

/* True when both hold the same value. */
bool setting_same(const struct setting *setting, const struct settings *a,
                  const struct settings *b);
/* The value as one would write it in a flag. */
void setting_show(const struct setting *setting, const struct settings *settings,
                  struct buffer *out);
