// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/transcode.h"

/*
 * transcoders: how many transcodes run, and who may still start one.  Outlives its pool as long as
 * one of them does, so a handle may be ended after the pool has stopped.
 */
struct transcoders;
struct transcoders *transcoders_new(const struct media_config *config) MUST_USE;
void transcoders_free(
    struct transcoders **transcoders); /* ends the processes; accepts NULL inside */
struct transcoders *media_pool_transcoders(struct media_pool *pool);
