// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/status_board.h"

#include "base/counters.h"
#include "base/mem.h"
#include "io/clock.h"

enum { BODY_MAX_BYTES = 64 << 10 };

static const struct {
    const char *path;
    enum status_body body;
} paths[] = {
    {"/status", STATUS_NODE},
    {"/api/v2/summary.json", STATUS_V2_SUMMARY},
    {"/api/v2/status.json", STATUS_V2_STATUS},
    {"/api/v2/components.json", STATUS_V2_COMPONENTS},
    {"/api/v2/incidents.json", STATUS_V2_INCIDENTS},
    {"/api/v2/incidents/unresolved.json", STATUS_V2_INCIDENTS},
    {"/api/v2/scheduled-maintenances.json", STATUS_V2_MAINTENANCES},
    {"/api/v2/scheduled-maintenances/upcoming.json", STATUS_V2_MAINTENANCES},
    {"/api/v2/scheduled-maintenances/active.json", STATUS_V2_MAINTENANCES},
};

/* --- on the home loop --- */

/* Each component's level since when: as long as it is the same. */
static void note_changes(struct status_board *board, struct node_status *status)
{
    for (size_t i = 0; i < status->component_count; i++) {
        const struct status_component *known = &board->known[i];
        bool is_same = i < board->known_count && known->level == status->components[i].level;
        status->components[i].changed_ms = is_same ? known->changed_ms : status->now_ms;
    }
    board->known_count = status->component_count;
    memcpy(board->known, status->components, sizeof board->known);
}

static void write_pages(struct status_board *board)
{
    struct node_status *status = MEM_NEW(struct node_status);
    status->now_ms = clock_unix_ms();
    status->started_ms = board->started_ms;
    board->fill(board->context, status);
    counter_add(COUNTER_STATUS_WRITTEN, 1);
    pthread_mutex_lock(&board->lock);
    note_changes(board, status);
    for (enum status_body body = 0; body < STATUS_BODIES; body++) {
        buffer_reset(&board->bodies[body]);
        status_write(status, body, &board->bodies[body]);
    }
    board->written_ms = status->now_ms;
    pthread_mutex_unlock(&board->lock);
    mem_free(status);
}

/* --- on any loop --- */

static enum status_body body_of(struct text path)
{
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        if (text_equal(path, text_of(paths[i].path)))
            return paths[i].body;
    return STATUS_BODIES;
}

/* Fills the answer, when the page is not older than that. */
static bool take(struct status_board *board, struct exchange *exchange, enum status_body body,
                 int64_t most_ms)
{
    int64_t now_ms = clock_unix_ms();
    pthread_mutex_lock(&board->lock);
    bool is_good = board->written_ms > 0 && now_ms >= board->written_ms &&
                   now_ms - board->written_ms <= most_ms;
    if (is_good)
        buffer_text(exchange_output(exchange), buffer_view(&board->bodies[body]));
    pthread_mutex_unlock(&board->lock);
    return is_good;
}

static void send(struct exchange *exchange)
{
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_field(exchange, "Access-Control-Allow-Origin", TEXT("*"));
    exchange_send_output(exchange, 200, "application/json");
}

static void write_and_send(struct exchange *exchange, void *context)
{
    struct status_board *board = context;
    enum status_body body = body_of(exchange_request(exchange)->path);
    if (!take(board, exchange, body, STATUS_FRESH_MS)) {
        write_pages(board);
        (void)!take(board, exchange, body, INT64_MAX);
    }
    atomic_store(&board->is_written_now, false);
    send(exchange);
}

static void handle(struct exchange *exchange, void *context)
{
    struct status_board *board = context;
    enum status_body body = body_of(exchange_request(exchange)->path);
    if (body == STATUS_BODIES) {
        exchange_send_problem(exchange, 404, "Not found", "There is no such page.");
        return;
    }
    bool is_fresh = take(board, exchange, body, STATUS_FRESH_MS);
    bool is_first = !is_fresh && !atomic_exchange(&board->is_written_now, true);
    if (is_fresh || (!is_first && take(board, exchange, body, STATUS_STALE_MS)))
        send(exchange);
    else
        exchange_go_home(exchange, write_and_send, board);
}

/* --- life --- */

void status_board_open(struct status_board *board, status_fill *fill, void *context)
{
    *board = (struct status_board){.fill = fill, .context = context, .started_ms = clock_unix_ms()};
    atomic_init(&board->is_written_now, false);
    (void)pthread_mutex_init(&board->lock, NULL);
    for (size_t i = 0; i < STATUS_BODIES; i++)
        buffer_init(&board->bodies[i], BODY_MAX_BYTES);
}

void status_board_routes(struct status_board *board, struct server *server)
{
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        server_route(server, &(struct server_route){.methods = "GET",
                                                    .path = paths[i].path,
                                                    .class = SHIELD_CLASS_NEW_VISIT,
                                                    .is_shared = true,
                                                    .runs_anywhere = true,
                                                    .handler = handle,
                                                    .context = board});
}

void status_board_close(struct status_board *board)
{
    if (!board->fill)
        return;
    for (size_t i = 0; i < STATUS_BODIES; i++)
        buffer_release(&board->bodies[i]);
    (void)pthread_mutex_destroy(&board->lock);
    board->fill = NULL;
}
