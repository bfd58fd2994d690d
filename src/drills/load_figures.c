// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/load.h"

static void tries_since(struct load_tries *now, const struct load_tries *before)
{
    now->tried -= before->tried;
    now->failed -= before->failed;
    histogram_subtract(&now->ms, &before->ms);
}

void load_figures_since(struct load_figures *now, const struct load_figures *before)
{
    now->taps -= before->taps;
    now->plays_started -= before->plays_started;
    now->plays_failed -= before->plays_failed;
    now->plays_interrupted -= before->plays_interrupted;
    now->gaps -= before->gaps;
    now->gap_total_ms -= before->gap_total_ms;
    histogram_subtract(&now->start_ms, &before->start_ms);
    histogram_subtract(&now->gap_ms, &before->gap_ms);
    tries_since(&now->sign_ins, &before->sign_ins);
    tries_since(&now->searches, &before->searches);
    tries_since(&now->playlists, &before->playlists);
    tries_since(&now->homes, &before->homes);
    tries_since(&now->artworks, &before->artworks);
    tries_since(&now->writes, &before->writes);
    now->requests -= before->requests;
    now->responses_ok -= before->responses_ok;
    now->refusals -= before->refusals;
    now->unavailable -= before->unavailable;
    now->bytes -= before->bytes;
    now->connects -= before->connects;
    now->connects_failed -= before->connects_failed;
    now->resets -= before->resets;
    now->truncations -= before->truncations;
    now->timeouts -= before->timeouts;
    now->retries -= before->retries;
    now->listener_ms -= before->listener_ms;
    now->music_ms -= before->music_ms;
    now->attacks_cut -= before->attacks_cut;
    now->hangups -= before->hangups;
}

bool load_kept_up(const struct load_figures *figures)
{
    return figures->late_ms_max <= LOAD_LATE_MS;
}
