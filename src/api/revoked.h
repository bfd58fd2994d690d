// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/inside.h"
#include "api/sealed.h"

/*
 * revoked: the object /revoked: what ended before its time (docs/formats/revoked.md).  Made when it
 * is asked for, kept while nothing changes, signed again each hour.  On the home loop.
 */
struct revoked;

struct revoked *revoked_new(const struct api_config *config) MUST_USE; /* borrowed */
void revoked_free(struct revoked **revoked);
/* Number of the version that holds what is revoked now; makes it when that has changed. */
uint64_t revoked_number(struct api *api, int64_t now_ms);
uint64_t revoked_epoch(const struct api *api); /* of that version */
/* Of a node that follows: the origin's list is the one served. */
void revoked_take(struct revoked *revoked, struct sealed_version version, int64_t issued_s,
                  struct text bytes);
/* When the list that is served was signed, Unix time; 0: there is none yet. */
int64_t revoked_issued_s(const struct revoked *revoked);
