// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/listener.h"

/*
 * listener_target: which node a listener asks, and when it goes to another.
 */
enum { MOVE_MS = 20 }; /* to ask the next target */

/* In a fixed pattern: what a listener decides is not moved by where it begins. */
static uint8_t first_target(const struct load_profile *profile, uint32_t index)
{
    unsigned count = profile->target_count;
    if (count < 2 || profile->at_first_percent == LOAD_EVENLY)
        return (uint8_t)(index % count);
    bool begins_there = index * 37 % 100 < profile->at_first_percent;
    return (uint8_t)(begins_there ? 0 : 1 + index % (count - 1));
}

static void new_pool(struct listener *listener)
{
    /* an address of its own in 127/8, as people have */
    struct address source = address_v4(0x7f010000 + listener->index + 1);
    listener->pool = client_pool_new(listener->load->origins[listener->target], &source);
}

void listener_choose_target(struct listener *listener)
{
    listener->target = first_target(&listener->load->profile, listener->index);
    new_pool(listener);
}

uint32_t listener_backoff_ms(struct listener *listener, unsigned tries)
{
    bool is_new_here =
        listener->moves > 0 && listener->moves < listener->load->profile.target_count;
    uint32_t wait_ms = people_backoff_ms(&listener->luck, tries, listener->is_impatient);
    return is_new_here ? MOVE_MS : wait_ms;
}

void listener_line_failed(struct listener *listener)
{
    struct load *load = listener->load;
    if (load->profile.target_count < 2)
        return;
    if (listener->moves < UINT8_MAX)
        listener->moves++;
    for (int i = 0; i < 2; i++)
        fetch_move(&listener->fetches[i]);
    for (int i = 0; i < LISTENER_ERRANDS; i++)
        errand_move(&listener->errands[i]);
    client_pool_free(&listener->pool);
    listener->target = (uint8_t)((listener->target + 1u) % load->profile.target_count);
    new_pool(listener);
}

void listener_ask_of(struct listener *listener, const struct fetch *fetch, struct request_of *ret)
{
    *ret = (struct request_of){
        .pass = listener->pass,
        .node = listener->load->profile.targets[listener->target],
        .track = fetch ? &listener->load->shelf.tracks[fetch->track] : NULL,
        .is_player = listener->is_player,
        .listener = listener->index,
        .run = listener->load->run,
    };
}
