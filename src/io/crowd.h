// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/address.h"
#include "base/compiler.h"
#include <stddef.h>

/*
 * crowd: how many connections each address has.
 *
 * One address may hold `max_each`; an IPv6 address counts with its /64, because a household has
 * that many.  Loopback is not counted: a proxy on this machine brings everybody.  Shared by all
 * loops: it is asked once when a connection comes and once when it goes, under a lock.
 */
struct crowd;

/* `max_each` 0 counts nobody.  `max_addresses`: as many as there can be connections. */
struct crowd *crowd_new(size_t max_each, size_t max_addresses) MUST_USE;
void crowd_free(struct crowd **crowd);

/* One more; false when that is one too many.  Counted either way: who asks must also leave. */
bool crowd_enter(struct crowd *crowd, const struct address *address) MUST_USE;
void crowd_leave(struct crowd *crowd, const struct address *address);
size_t crowd_count(struct crowd *crowd); /* addresses */
