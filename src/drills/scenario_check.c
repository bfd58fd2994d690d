// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/scenario_check.h"

#include "drills/scenario_keys.h"
#include <string.h>

/* --- one fault --- */

struct parameter {
    const char *name;
    int64_t fallback, *value;
};

static bool check_parameter(const struct scenario_fault *fault, const struct parameter *parameter,
                            struct buffer *why)
{
    const char *kind = fault_name(fault->kind);
    bool takes = fault_takes(fault->kind, parameter->name);
    if (!takes && *parameter->value != SCENARIO_NOT_GIVEN) {
        buffer_printf(why, "%s is nothing that a %s takes", parameter->name, kind);
        return false;
    }
    if (takes && *parameter->value == SCENARIO_NOT_GIVEN)
        *parameter->value = parameter->fallback;
    if (takes && *parameter->value == SCENARIO_NOT_GIVEN) {
        buffer_printf(why, "a %s needs %s", kind, parameter->name);
        return false;
    }
    return true;
}

static bool check_times(const struct scenario_fault *fault, struct buffer *why)
{
    const char *kind = fault_name(fault->kind);
    bool has_end = fault->until_s != SCENARIO_NOT_GIVEN;
    if (fault->at_s == SCENARIO_NOT_GIVEN)
        buffer_printf(why, "a %s needs at_s, the second in which it begins", kind);
    else if (fault_lasts(fault->kind) && !has_end)
        buffer_printf(why, "a %s needs until_s, the second in which it ends", kind);
    else if (!fault_lasts(fault->kind) && has_end)
        buffer_printf(why, "a %s takes a moment: it has no until_s", kind);
    else if (has_end && fault->until_s <= fault->at_s)
        buffer_printf(why, "until_s must be later than at_s");
    else
        return true;
    return false;
}

bool scenario_check_fault(struct scenario_fault *fault, struct buffer *why)
{
    const struct parameter parameters[] = {
#define PARAMETER(name, default, least, most, help) {#name, default, &fault->name},
#include "drills/fault_parameters.def"
    };
    bool is_good = check_times(fault, why);
    for (size_t i = 0; is_good && i < ARRAY_SIZE(parameters); i++)
        is_good = check_parameter(fault, &parameters[i], why);
    return is_good;
}

/* --- the whole --- */

static bool is_word(const char *text)
{
    return text[0] && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(text) &&
           strlen(text) <= 64;
}

static bool check_about(const struct scenario *scenario, const char *name, struct buffer *why)
{
    static const char kinds[] = "crash change clock disk network crowd abuse island";
    struct text rest = text_of(kinds), word;
    const char *needed = !scenario->about.name     ? "name"
                         : !scenario->about.class  ? "class"
                         : !scenario->about.proves ? "proves"
                                                   : NULL;
    if (needed)
        buffer_printf(why, "%s: a scenario needs %s", name, needed);
    else if (!is_word(scenario->about.name))
        buffer_printf(why, "%s: name is one word of a-z, 0-9 and dashes; not \"%s\"", name,
                      scenario->about.name);
    while (why->size == 0 && text_split(&rest, ' ', &word))
        if (text_equal(word, text_of(scenario->about.class)))
            return true;
    if (why->size == 0)
        buffer_printf(why, "%s: class is one of: %s; not \"%s\"", name, kinds,
                      scenario->about.class);
    return false;
}

static bool is_guard(struct text wanted)
{
    size_t at = 0;
    while (at < GUARD_COUNT && !text_equal(text_of(guard_name((enum guard)at)), wanted))
        at++;
    return at < GUARD_COUNT;
}

/* Of those that go together, each. */
static bool check_guards(const struct scenario *scenario, const char *name, struct buffer *why)
{
    for (size_t i = 0; i < scenario->about.guards.count; i++) {
        struct text rest = text_of(scenario->about.guards.items[i]), wanted;
        while (text_split(&rest, ',', &wanted))
            if (!is_guard(wanted)) {
                buffer_printf(why, "%s: there is no guard \"%.*s\"; src/base/guards.def lists them",
                              name, TEXT_ARGS(wanted));
                return false;
            }
    }
    return true;
}

static bool check_bit_rate(const struct scenario *scenario, const char *name, struct buffer *why)
{
    static const int64_t rates[] = {32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320};
    for (size_t i = 0; i < ARRAY_SIZE(rates); i++)
        if (scenario->topology.track_kbit == rates[i])
            return true;
    buffer_printf(why,
                  "%s: track_kbit is one of an MP3's bit rates: 32 40 48 56 64 80 96 112 128 "
                  "160 192 224 256 320",
                  name);
    return false;
}

static bool has_node(const struct scenario *scenario, enum fault_node node)
{
    int64_t edges = scenario->topology.edges;
    if (node == FAULT_NODE_ORIGIN)
        return true;
    return node >= FAULT_NODE_HALF_OF_EDGES ? edges > 0 : node - FAULT_NODE_EDGE_1 < edges;
}

static bool is_destroyable(const struct scenario *scenario, const struct scenario_fault *fault)
{
    return fault->node == FAULT_NODE_ORIGIN && scenario->topology.edges > 0 &&
           scenario->topology.data_mib == 0;
}

static bool check_faults(const struct scenario *scenario, const char *name, struct buffer *why)
{
    for (size_t i = 0; i < scenario->fault_count; i++) {
        const struct scenario_fault *fault = &scenario->faults[i];
        int64_t end = fault_lasts(fault->kind) ? fault->until_s : fault->at_s;
        const char *kind = fault_name(fault->kind);
        if (end >= scenario->about.seconds)
            buffer_printf(why,
                          "%s: %s ends at %lld s, but the run ends at %lld s: nothing would "
                          "show whether it recovered",
                          name, kind, (long long)end, (long long)scenario->about.seconds);
        else if (fault_target(fault->kind) == FAULT_TARGET_LINE && !scenario->topology.proxy)
            buffer_printf(why, "%s: %s needs topology { proxy = \"yes\" }", name, kind);
        else if (!has_node(scenario, fault->node))
            buffer_printf(why, "%s: %s aims at a node that topology { edges = %lld } has not", name,
                          kind, (long long)scenario->topology.edges);
        else if (fault->kind == FAULT_DISK_FULL && scenario->topology.data_mib == 0)
            buffer_printf(why, "%s: %s needs topology { data_mib = … }, a disk to fill", name,
                          kind);
        else if (fault->kind == FAULT_DESTROY && !is_destroyable(scenario, fault))
            buffer_printf(why, "%s: %s is the origin's, with an edge and without data_mib", name,
                          kind);
        else if (fault->kind == FAULT_STEAL &&
                 (fault->node < FAULT_NODE_EDGE_1 || fault->node >= FAULT_NODE_HALF_OF_EDGES))
            buffer_printf(why, "%s: %s is of one edge", name, kind);
        else
            continue;
        return false;
    }
    return true;
}

static bool check_topology(const struct scenario *scenario, const char *name, struct buffer *why)
{
    const struct scenario_topology *topology = &scenario->topology;
    bool some_edge = topology->cold_edges == 0 || topology->cold_edges < topology->edges;
    bool some_track = topology->cold_tracks < topology->tracks;
    if (!some_edge || !some_track)
        buffer_printf(why, "%s: of topology { %s = %lld } one at least is not cold", name,
                      some_edge ? "tracks" : "edges",
                      (long long)(some_edge ? topology->tracks : topology->edges));
    return some_edge && some_track;
}

static bool check_ear(const struct scenario *scenario, const char *name, struct buffer *why)
{
    bool has_song = scenario->ear.song != NULL;
    if (has_song != (scenario->ear.title != NULL))
        buffer_printf(why, "%s: an ear { } needs song and title", name);
    else if (has_song && !scenario->topology.library)
        buffer_printf(why, "%s: an ear { } needs topology { library = … }, which holds its song",
                      name);
    else if (has_song && scenario->topology.accounts < 3)
        buffer_printf(why, "%s: an ear { } takes two accounts for itself: accounts = 3, at least",
                      name);
    else
        return true;
    return false;
}

static bool has_limit(const struct scenario *scenario)
{
    bool is_any = false;
#define LIMIT(name, unit, severity, kind, help) \
    is_any |= scenario->limits.name != SCENARIO_NOT_GIVEN;
#include "drills/limits.def"
    return is_any;
}

bool scenario_check(const struct scenario *scenario, const char *name, struct buffer *why)
{
    if (!check_about(scenario, name, why) || !check_guards(scenario, name, why) ||
        !check_bit_rate(scenario, name, why) || !check_topology(scenario, name, why) ||
        !check_faults(scenario, name, why) || !check_ear(scenario, name, why))
        return false;
    bool is_attacked = scenario->load.slow_headers > 0 || scenario->load.slow_readers > 0;
    bool is_crowd = scenario->load.arrival == 0 || scenario->load.flash_percent > 0;
    if (scenario->fault_count == 0 && !is_attacked && !is_crowd)
        buffer_printf(why, "%s: nothing breaks: a fault { }, attackers or a crowd must", name);
    else if (!has_limit(scenario))
        buffer_printf(why, "%s: nothing is demanded: limits { } needs a limit", name);
    else
        return true;
    return false;
}
