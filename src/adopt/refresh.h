// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "adopt/book.h"
#include "adopt/foreign.h"

/*
 * refresh: what is one listener's, asked for as that listener, into the book: stars, playlists with
 * their songs, the account; and whether they may hear all that the operator may (is_whole: the same
 * music folders).  Who may not is never answered from what the operator saw.
 *
 * Kept in one transaction with the end of those writes that it shows already.
 */
enum { REFRESH_MAX_PLAYLISTS = 1000 };

bool refresh_listener(struct book *book, struct foreign *foreign, struct text listener,
                      struct text credentials);
bool refresh_is_whole(struct book *book, struct text listener) MUST_USE;
