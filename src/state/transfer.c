// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/transfer.h"

#include <errno.h>

enum { SOME_ITEMS = 20000, SOME_BYTES = 8 * 1024 * 1024 };

void transfer_init(struct transfer *transfer, struct database *to)
{
    *transfer = (struct transfer){.to = to, .effects = effects_new()};
}

static bool flush(struct transfer *transfer)
{
    if (!transfer->result && transfer->effects->count)
        transfer->result =
            database_write(transfer->to, transfer->effects, (struct uid){.bytes = {0}});
    effects_reset(transfer->effects);
    return !transfer->result;
}

static bool add(struct transfer *transfer, const struct effect *effect)
{
    effects_add(transfer->effects, effect);
    if (transfer->effects->count < SOME_ITEMS && arena_used(transfer->effects->arena) < SOME_BYTES)
        return !transfer->result;
    return flush(transfer);
}

int transfer_end(struct transfer *transfer)
{
    (void)flush(transfer);
    effects_free(&transfer->effects);
    return transfer->result;
}

/* --- rows --- */

static bool take_cell(void *context, const struct cell_name *name, const struct cell *cell)
{
    return add(context,
               &(struct effect){EFFECT_CELL, .cell = {name->account, name->space, name->key,
                                                      cell->value, cell->order}});
}

static bool take_count(void *context, struct uid account, struct subject subject,
                       struct plays plays)
{
    return add(context, &(struct effect){EFFECT_COUNT, .count = {.account = account,
                                                                 .subject = subject,
                                                                 .count = plays.count,
                                                                 .last_ms = plays.last_ms}});
}

static bool take_range(void *context, struct uid device, uint64_t first, uint64_t last)
{
    return add(context, &(struct effect){EFFECT_SEEN, .seen = {device, {first, last, 0}, last, 0}});
}

static bool take_digest(void *context, struct uid device, uint64_t seq, uint64_t digest)
{
    return add(context, &(struct effect){EFFECT_DIGEST,
                                         .seen = {.device = device, .seq = seq, .digest = digest}});
}

static bool take_play(void *context, const struct database_play *play)
{
    return add(context,
               &(struct effect){EFFECT_PLAY, .play = {play->device, play->account, play->seq,
                                                      play->hlc, play->track, play->at_ms,
                                                      play->accepted_ms, play->payload}});
}

static bool take_kept(void *context, struct text bytes)
{
    struct operation operation;
    const char *why;
    return operation_decode(bytes, &operation, &why) &&
           add(context,
               &(struct effect){EFFECT_KEPT, .kept = {operation.device, operation.seq, bytes}});
}

struct database_sink transfer_sink(struct transfer *transfer)
{
    return (struct database_sink){.cell = take_cell,
                                  .count = take_count,
                                  .range = take_range,
                                  .digest = take_digest,
                                  .kept = take_kept,
                                  .play = take_play,
                                  .context = transfer};
}

int transfer_all(struct database *from, struct database *to, struct database_mark *ret_mark,
                 struct state_error *ret_error)
{
    struct transfer transfer;
    transfer_init(&transfer, to);
    struct database_sink sink = transfer_sink(&transfer);
    int error = database_load(from, &sink, ret_mark, ret_error);
    int result = transfer_end(&transfer);
    if (!result)
        return error;
    snprintf(ret_error->words, sizeof ret_error->words, "the database written to %s",
             database_words(result));
    return -EIO;
}
