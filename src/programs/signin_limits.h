// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/throttle.h"
#include "programs/settings.h"

/* signin_limits: how often somebody may guess, as the settings say it, for whoever opens an api. */
static inline struct throttle_limits signin_limits(const struct settings *settings)
{
    return (struct throttle_limits){
        .free_pair = settings->signin_tries,
        .free_address = settings->signin_tries_per_address,
        .free_name = settings->signin_tries_per_name,
        .longest_wait_ms = settings->signin_longest_wait_seconds * 1000,
        .forget_ms = settings->signin_forget_minutes * 60000,
        .max_renewals = settings->max_renewals_per_account,
    };
}
