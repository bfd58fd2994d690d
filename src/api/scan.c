// SPDX-License-Identifier: GPL-3.0-or-later
/* scan: what the library is doing, what it could not use and why, and the word to look again. */
#include "api/scan.h"

#include "api/player.h"
#include "base/mem.h"
#include "io/workers.h"
#include "library/library.h"

enum { REPORT_MAX_BYTES = 4 << 20 };

static void write_time(struct json *json, const char *name, int64_t unix_ms)
{
    json_name(json, name);
    if (unix_ms)
        json_i64(json, unix_ms);
    else
        json_write_null(json);
}

void scan_write_status(struct json *json, struct library *library)
{
    struct library_status status;
    library_status(library, &status);
    json_member_bool(json, "running", status.phase != LIBRARY_IDLE);
    json_member_text(json, "phase", text_of(library_phase_name(status.phase)));
    json_member_u64(json, "seen", status.files_seen);
    json_member_u64(json, "total", status.files_estimate);
    json_member_u64(json, "changed", status.files_changed);
    json_member_u64(json, "failed", status.files_failed);
    json_member_u64(json, "removed", status.files_removed);
    json_member_u64(json, "removalRefused", status.removal_refused);
    json_member_u64(json, "tracks", status.tracks);
    json_member_u64(json, "version", status.version);
    json_member_bool(json, "watchIsLimited", status.watch_is_limited);
    write_time(json, "startedAt", status.started_ms);
    write_time(json, "finishedAt", status.finished_ms);
}

/* The report is written on a worker, since the library may be busy with it. */
struct job {
    struct library *library;
    struct player *player;
    struct buffer report;
    struct json json;
};

static bool on_problem(void *context, const struct library_problem *problem)
{
    struct job *job = context;
    size_t whole_entries = job->report.size;
    json_begin_object(&job->json);
    json_member_i64(&job->json, "library", problem->root);
    json_member_text(&job->json, "path", problem->path);
    json_member_text(&job->json, "reason", problem->reason);
    json_end_object(&job->json);
    if (job->report.overflowed)
        job->report.size = whole_entries;
    return !job->report.overflowed;
}

static void job_work(void *context)
{
    struct job *job = context;
    library_report(job->library, on_problem, job);
}

static void job_done(void *context)
{
    struct job *job = context;
    struct player *player = job->player;
    struct json *json = player_json(player);
    json_begin_object(json);
    scan_write_status(json, player->api->config.library);
    json_member_bool(json, "reportIsCut", job->report.overflowed);
    json_name(json, "report");
    json_begin_array(json);
    if (job->report.size)
        json_raw(json, buffer_view(&job->report));
    json_end_array(json);
    json_end_object(json);
    player_send(player, 200);
    buffer_release(&job->report);
    mem_free(job);
}

void player_scan_get(struct player *player)
{
    struct job *job = MEM_NEW(struct job);
    job->library = player->api->config.library;
    job->player = player;
    buffer_init(&job->report, REPORT_MAX_BYTES);
    json_init(&job->json, &job->report);
    if (workers_submit(player->api->config.workers, player->api->config.loop, job_work, job_done,
                       job))
        return;
    buffer_release(&job->report);
    mem_free(job);
    player_busy(player, 1, "Too much is being read just now.");
}

void player_scan_post(struct player *player)
{
    struct library_scan_options options;
    if (!player_bool(player, "full", false, &options.full) ||
        !player_bool(player, "allowRemoval", false, &options.allow_removal))
        return;
    library_scan(player->api->config.library, options);
    struct json *json = player_json(player);
    json_begin_object(json);
    scan_write_status(json, player->api->config.library);
    json_end_object(json);
    player_send(player, 202);
}
