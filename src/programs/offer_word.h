// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "base/text.h"
#include <stdbool.h>

/*
 * offer_word: what an answer to an edge that offers what it holds means (docs/formats/listeners.md,
 * "Offers"); pure.
 *
 * Only what the origin's own handler says (api/rebuild.h) ends anything: its success, or its
 * refusal by the title of the problem.  A status alone is anybody's: a proxy's page, an address
 * where another server listens by now.  What is not recognised changes nothing here.
 */
enum offer_word {
    OFFER_TAKEN,   /* or, asked whether there is something to rebuild: there is */
    OFFER_TOLD,    /* the origin wants nothing of this edge (any more) */
    OFFER_REFUSED, /* this one, for good */
    OFFER_BUSY,    /* 429, 503: again in a while */
    OFFER_STRANGE, /* not the origin's word: again in a while */
};

enum { OFFER_WORD_MAX_BYTES = 4096 }; /* of a body; a longer one is strange */

enum offer_word offer_word_of(bool is_asking, unsigned status, struct text body) MUST_USE;
