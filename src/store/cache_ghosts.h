// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stddef.h>
#include <stdint.h>

/*
 * cache_ghosts: how often objects that left the disk had been asked for; pure.
 *
 * GHOSTS_AN_OBJECT for each that the disk may hold, in two bytes each: ten bits of its hash and
 * log_mark's `asked`.  One of a hundred recalls someone else.  Who left long ago says little of who
 * is wanted now, so a disk of few large objects remembers no more of them than its own measure.
 */
enum { GHOSTS_AN_OBJECT = 4 };

struct ghosts;

struct ghosts *ghosts_new(uint64_t max_objects) MUST_USE;
void ghosts_free(struct ghosts **ghosts);
/* For so many objects from here on, or as many as at birth if that is less; all are forgotten. */
void ghosts_fit(struct ghosts *ghosts, uint64_t objects);
void ghosts_remember(struct ghosts *ghosts, uint64_t hash, uint8_t asked);
/* Forgets it; -1: nobody knows. */
int ghosts_recall(struct ghosts *ghosts, uint64_t hash) MUST_USE;
