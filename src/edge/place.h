// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/course.h"
#include "edge/edge.h"
#include "edge/hours.h"

/*
 * place: what listeners here will need lies in the cache before they ask.
 *
 *   next() names a track ─▶ its manifest and segments (edge/course.h) ─▶ done ─▶ the next
 *                              └──────── no answer, or not complete ────▶ later, in another round
 *
 * One object at a time, by edge/bring.h, so that what a listener asks for meanwhile is the same
 * request and goes first.  Of each song the renditions that are configured, and those that
 * listeners asked for here within a day.  Held back by the hours of the day, by budgets (edge.def,
 * edge_place_*): bytes a second, a share of the disk, and while listeners' own requests go
 * upstream, for they come first; what is urgent waits for the bytes alone.  Nothing is written
 * down: after a restart a round finds what is held and asks for the rest.  While no origin lives
 * nothing is placed.
 *
 * On the home loop.
 */
struct place;

struct place_wish {
    char track[COURSE_TRACK_BYTES]; /* "tr-…", NUL-terminated */
    bool is_whole;                  /* else its first segments alone */
    bool is_urgent;                 /* a launch */
};
enum place_next {
    PLACE_NEXT,
    PLACE_LATER, /* enough was looked at in this turn of the loop */
    PLACE_OVER,  /* of this round */
};
struct place_source {
    /* The next track of this round, in order of promise. */
    enum place_next (*next)(void *context, struct place_wish *ret);
    /* What became of it. */
    void (*placed)(void *context, const struct place_wish *wish, bool is_placed);
    /* On the way there: bytes here, and of how many (edge/course.h).  May be NULL. */
    void (*progress)(void *context, const struct place_wish *wish, uint64_t bytes,
                     uint64_t of_bytes);
    void *context;
};

struct place_config {
    uint32_t renditions; /* a bit each */
    struct hours hours;  /* of the local day; nothing but what is urgent is placed outside them */
};

struct place *place_new(struct edge *edge, struct loop *loop, const struct place_config *config,
                        const struct place_source *source) MUST_USE;
/* Bits of those that are placed now. */
uint32_t place_renditions(const struct place *place);
void place_free(struct place **place); /* what is being brought is told to nobody */
/* Another round begins now, whatever the present one has come to. */
void place_again(struct place *place);

enum place_pause {
    PLACE_GOES_ON,
    PLACE_RESTS,  /* the round is over; the next is in edge_place_round_s */
    PLACE_WAITS,  /* for bytes of its budget */
    PLACE_YIELDS, /* to listeners' own requests */
    PLACE_FULL,   /* its share of the disk is used */
    PLACE_CANNOT, /* no origin lives */
    PLACE_HOURS,  /* it is not the time of the day */
    PLACE_OFF,
};
const char *place_pause_word(enum place_pause pause);
struct place_status {
    enum place_pause pause;
    uint64_t rounds, tracks, failed; /* since the start; of this round; of this round */
    uint64_t brought_bytes;          /* since the start: what was asked for */
    uint64_t held_bytes;             /* of this round: of all that was found or brought */
};
void place_look(const struct place *place, struct place_status *ret);
