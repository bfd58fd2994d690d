// SPDX-License-Identifier: GPL-3.0-or-later
/* ops: batches of operations from a player's own journal, answered one by one once they are
 * durable. */
#include "api/player.h"

enum { JOURNAL_RETRY_S = 5 };

static void write_results(struct json *json, const struct batch_result *result)
{
    json_begin_object(json);
    json_name(json, "results");
    json_begin_array(json);
    for (size_t i = 0; i < result->count; i++) {
        const struct batch_outcome *outcome = &result->outcomes[i];
        json_begin_object(json);
        json_member_u64(json, "seq", outcome->seq);
        json_member_text(json, "outcome", text_of(outcome_word(outcome->outcome)));
        if (outcome->why)
            json_member_text(json, "why", text_of(outcome->why));
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
}

/* 503 when the disk took none or not all of it: the player keeps them and tries again; each result
 * says which. */
static void on_submitted(void *context, const struct batch_result *result)
{
    struct player *player = context;
    bool is_later = outcome_status(result->whole) == 503;
    write_results(player_json(player), result);
    if (is_later) {
        char digits[16];
        int size = snprintf(digits, sizeof(digits), "%d", JOURNAL_RETRY_S);
        exchange_field(player->exchange, "Retry-After", text_make(digits, (size_t)size));
    }
    player_send(player, is_later ? 503 : 200);
}

void player_ops_post(struct player *player)
{
    const char *why = "The body is empty.";
    struct batch *batch = player_batch(player, false);
    if (batch_json(batch, exchange_body(player->exchange), &why)) {
        batch_submit(&batch, on_submitted, player);
        return;
    }
    batch_free(&batch);
    player_problem(player, 400, "Not a batch of operations", why);
}
