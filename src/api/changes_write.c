// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/changes_write.h"

#include "api/roll.h"
#include "api/player.h"

#include <inttypes.h>
#include <stdio.h>

bool changes_may_know(const struct feed_change *change, const struct account *account)
{
    if (!account)
        return true;
    if (change->is_state)
        return uid_equal(change->account, account->id);
    return !change->libraries || (account->libraries & change->libraries);
}

static void write_version(struct json *json, uint64_t epoch, uint64_t number)
{
    char version[48];
    int size = snprintf(version, sizeof version, "%" PRIu64 ".%" PRIu64, epoch, number);
    json_member_text(json, "version", text_make(version, (size_t)size));
}

static void write_object(struct json *json, const struct feed_change *change)
{
    json_begin_object(json);
    json_member_text(json, "name", text_of(change->name));
    write_version(json, change->epoch, change->number);
    json_end_object(json);
}

static void write_state(struct json *json, struct uid account, uint64_t epoch, uint64_t number)
{
    json_begin_object(json);
    player_write_uid(json, "account", account);
    write_version(json, epoch, number);
    json_end_object(json);
}

void changes_write_change(struct buffer *out, const struct feed_change *change)
{
    struct json json;
    buffer_reset(out);
    json_init(&json, out);
    if (change->is_state)
        write_state(&json, change->account, change->epoch, change->number);
    else
        write_object(&json, change);
}

/* --- states --- */

static void write_states_since(struct json *json, const struct changes_wish *wish, uint64_t upto)
{
    const struct feed_change *each = feed_after(wish->feed, wish->since);
    for (; each && each->position <= upto; each = feed_next(each))
        if (each->is_state)
            write_state(json, each->account, each->epoch, each->number);
}

/* Who is gone is told of as long as the feed remembers. */
static bool is_gone(const struct changes_wish *wish, const struct feed_change *change)
{
    return change->is_state && !state_account(wish->state, change->account);
}

static void write_everybody(struct json *json, const struct changes_wish *wish)
{
    const struct account *account;
    const struct feed_change *each = feed_after(wish->feed, 0);
    for (size_t cursor = 0; (account = state_account_next(wish->state, &cursor));)
        write_state(json, account->id, feed_epoch(wish->feed),
                    feed_state_position(wish->feed, account->id));
    for (; each; each = feed_next(each))
        if (is_gone(wish, each))
            write_state(json, each->account, each->epoch, each->number);
}

/* True: there are more, behind *ret_last. */
static bool write_piece(struct json *json, const struct changes_wish *wish, struct uid *ret_last)
{
    struct roll roll;
    const struct account *account;
    const struct feed_change *each = feed_after(wish->feed, 0);
    roll_init(&roll, wish->after, wish->most);
    for (size_t cursor = 0; (account = state_account_next(wish->state, &cursor));)
        roll_offer(&roll, account->id);
    for (; each; each = feed_next(each))
        if (is_gone(wish, each))
            roll_offer(&roll, each->account);
    roll_sort(&roll);
    for (size_t i = 0; i < roll.count; i++)
        write_state(json, roll.ids[i], feed_epoch(wish->feed),
                    feed_state_position(wish->feed, roll.ids[i]));
    bool has_more = roll.has_more;
    if (has_more)
        *ret_last = roll.ids[roll.count - 1];
    roll_release(&roll);
    return has_more;
}

/* Those of one account, or with none of everybody. */
static bool write_states(struct json *json, const struct changes_wish *wish, uint64_t upto,
                         struct uid *ret_last)
{
    const struct account *account = wish->account;
    uint64_t version = account ? feed_state_position(wish->feed, account->id) : 0;
    if (account && version > wish->since)
        write_state(json, account->id, feed_epoch(wish->feed), version);
    if (account)
        return false;
    if (wish->since == 0 && wish->takes_pieces)
        return write_piece(json, wish, ret_last);
    if (wish->since == 0)
        write_everybody(json, wish);
    else
        write_states_since(json, wish, upto);
    return false;
}

/* --- answers --- */

/* Up to where one answer tells: of a node's everything that changed, a piece. */
static uint64_t end_of(const struct changes_wish *wish)
{
    size_t states = 0;
    const struct feed_change *each = feed_after(wish->feed, wish->since);
    for (; each && wish->since && !wish->account; each = feed_next(each))
        if (each->is_state && ++states == wish->most)
            return each->position;
    return feed_position(wish->feed);
}

static void write_lists(struct json *json, const struct changes_wish *wish, uint64_t upto)
{
    struct uid last;
    json_name(json, "objects");
    json_begin_array(json);
    const struct feed_change *each = feed_after(wish->feed, wish->since);
    for (; each && each->position <= upto; each = feed_next(each))
        if (!each->is_state && changes_may_know(each, wish->account))
            write_object(json, each);
    json_end_array(json);
    json_name(json, "states");
    json_begin_array(json);
    bool has_more = write_states(json, wish, upto, &last);
    json_end_array(json);
    if (has_more)
        player_write_uid(json, "next", last);
}

void changes_write_reset(struct json *json, const struct changes_wish *wish, const char *why)
{
    json_begin_object(json);
    json_member_text(json, "why", text_of(why));
    write_lists(json, wish, feed_position(wish->feed));
    json_end_object(json);
}

void changes_write_answer(struct json *json, const struct changes_wish *wish, const char *reset)
{
    char storage[FEED_CURSOR_BYTES];
    uint64_t upto = end_of(wish);
    json_begin_object(json);
    json_member_text(json, "cursor", feed_cursor_text(wish->feed, upto, storage));
    json_member_bool(json, "reset", reset != NULL);
    if (reset)
        json_member_text(json, "why", text_of(reset));
    write_lists(json, wish, upto);
    json_end_object(json);
}
