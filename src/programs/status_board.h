// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/server.h"
#include "programs/status_pages.h"

#include <pthread.h>
#include <stdatomic.h>

/*
 * status_board: serves status_pages at /status and /api/v2/…, to everybody, from every loop.
 *
 * A page is written on the home loop, at most every STATUS_FRESH_MS and only when somebody asks;
 * all others who ask meanwhile get the same bytes where their connection lives, so that a flood of
 * them does not reach the home loop.  A page that nobody asked for lately is written anew first.
 */
enum { STATUS_FRESH_MS = 200, STATUS_STALE_MS = 2000 };

typedef void status_fill(void *context, struct node_status *status);

struct status_board {
    status_fill
        *fill; /* on the home loop; now_ms and started_ms are filled, times of change follow */
    void *context;
    int64_t started_ms;
    atomic_bool is_written_now;
    pthread_mutex_t lock; /* of the rest */
    int64_t written_ms;   /* 0: never */
    struct buffer bodies[STATUS_BODIES];
    size_t known_count; /* components as they were last */
    struct status_component known[STATUS_COMPONENTS_MAX];
};

/* The board outlives the server. */
void status_board_open(struct status_board *board, status_fill *fill, void *context);
void status_board_routes(struct status_board *board, struct server *server);
void status_board_close(struct status_board *board); /* also of zeros */
