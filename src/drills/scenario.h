// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "base/guard.h"

/*
 * scenario: one drill as data: what runs, who listens, what breaks when, and what must hold.
 *
 * docs/formats/drill.md is the manual of the file; scenario.def, limits.def, faults.def and
 * fault_parameters.def are its keys.  A scenario that was read is whole and makes sense: every
 * fault lies within the run, has what it takes and nothing else, and its target exists.
 *
 * The values are those of the file; texts are owned by the scenario.
 */
#define SCENARIO_NOT_GIVEN INT64_MIN

enum {
    SCENARIO_MAX_FAULTS = 16,
    SCENARIO_MAX_LIST = 8,
    SCENARIO_MAX_EDGES = 4,
    SCENARIO_MAX_TEXT_BYTES = 400,
    SCENARIO_MAX_BYTES = 64 * 1024,
    SCENARIO_WHY_MAX_BYTES = 1024,
};

enum fault_kind {
#define FAULT(id, name, target, until, takes, help) FAULT_##id,
#include "drills/faults.def"
#undef FAULT
    FAULT_KINDS
};
enum fault_target { FAULT_TARGET_SERVER, FAULT_TARGET_LINE };
enum fault_direction { FAULT_BOTH, FAULT_DOWN, FAULT_UP }; /* down: towards the listener */
enum fault_node {
    FAULT_NODE_ORIGIN, /* or the server, where it is alone */
    FAULT_NODE_EDGE_1, /* SCENARIO_MAX_EDGES of them */
    FAULT_NODE_HALF_OF_EDGES = FAULT_NODE_EDGE_1 + SCENARIO_MAX_EDGES, /* rounded up */
    FAULT_NODE_EDGES,
    FAULT_NODE_ALL,
};

struct scenario_fault {
    enum fault_kind kind;
    enum fault_direction direction;
    enum fault_node node;
    int64_t at_s, until_s; /* until_s is SCENARIO_NOT_GIVEN for what takes a moment */
#define PARAMETER(name, default, least, most, help) int64_t name;
#include "drills/fault_parameters.def"
#undef PARAMETER
};

struct scenario_list {
    char *items[SCENARIO_MAX_LIST];
    size_t count;
};

struct scenario {
#define SECTION(section) struct scenario_##section {
#define SECTION_END(section) \
    }                        \
    section; /* NOLINT(bugprone-macro-parentheses): a name */
#define KEY_TEXT(section, name, needed, help) char *name;
#define KEY_LIST(section, name, help) struct scenario_list name;
#define KEY_NUMBER(section, name, default, least, most, help) int64_t name;
#define KEY_SWITCH(section, name, default, help) int64_t name;
#define KEY_CHOICE(section, name, default, words, help) int64_t name;
#include "drills/scenario.def"
#undef SECTION
#undef SECTION_END
#undef KEY_TEXT
#undef KEY_LIST
#undef KEY_NUMBER
#undef KEY_SWITCH
#undef KEY_CHOICE
    struct scenario_limits { /* SCENARIO_NOT_GIVEN: not judged */
#define LIMIT(name, unit, severity, kind, help) int64_t name;
#include "drills/limits.def"
#undef LIMIT
    } limits;
    struct scenario_fault faults[SCENARIO_MAX_FAULTS]; /* as in the file */
    size_t fault_count;
};

const char *fault_name(enum fault_kind kind);
const char *fault_node_name(enum fault_node node);
enum fault_target fault_target(enum fault_kind kind);
bool fault_lasts(enum fault_kind kind); /* has an end of its own */

/*
 * Reads `content`, the text of a file called `name`.  NULL with words in `why` ("NAME:LINE: what is
 * wrong; what instead"), at most SCENARIO_WHY_MAX_BYTES of them.
 */
struct scenario *scenario_parse(const char *name, struct text content, struct buffer *why) MUST_USE;
struct scenario *scenario_read(const char *path, struct buffer *why) MUST_USE;
void scenario_free(struct scenario **scenario);

/* Every key as rows of a Markdown table: what docs/formats/drill.md shows. */
void scenario_describe(struct buffer *out);
