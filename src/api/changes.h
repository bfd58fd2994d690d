// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"

/*
 * changes: GET /changes, which objects changed and whose state (docs/formats/changes.md), told to
 * whoever follows, and to /api/v1/events.
 *
 * What others may know of is one feed (feed.h).  Changes are noted as they happen, on the home
 * loop, and told together, twenty times a second at most: each is written once, however many
 * follow.  A stream that does not take its bytes is ended; it comes back with its last id and
 * misses nothing.
 *
 * Positions begin at the time in microseconds, so they grow from one start to the next.  A feed
 * that ended in order leaves STATE/changes behind: run, last position, and what they stood for
 * (last record of the journal, versions of all objects).  A start that finds the same things as
 * they were goes on with that run; any other draws a new one, and whoever resumes is given
 * everything anew.
 */
struct api;
struct changes;

struct changes *changes_new(struct api *api) MUST_USE;
void changes_free(struct changes **changes); /* answers who waits, leaves STATE/changes */

/* The versions of objects may have moved: looks, and tells. */
void changes_look(struct changes *changes);
/* The server ends: who waits for news is answered, and nobody waits from now on. */
void changes_drain(struct changes *changes);
/* Tells at once what is noted, so that who comes next hears only of what comes next. */
void changes_tell(struct changes *changes);
