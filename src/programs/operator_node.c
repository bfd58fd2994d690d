// SPDX-License-Identifier: GPL-3.0-or-later
/* What an owner asks about the node: its library, its keys, a backup, how it stands. */
#include "programs/operator_verbs.h"

#include "base/counters.h"
#include "io/clock.h"
#include "library/library.h"
#include "state/state.h"
#include "trust/keyfolder.h"

#include <unistd.h>

enum { PROBLEMS_SHOWN = 20 };

/* --- scans --- */

/* NULL after the failure was answered. */
static struct library *open_library(struct request *request)
{
    struct library *library = request->operator->config.library;
    if (!library)
        operator_fail(request, "no library is open");
    return library;
}

void operator_scan(struct request *request)
{
    struct library *library = open_library(request);
    if (!library)
        return;
    library_scan(library,
                 (struct library_scan_options){.full = request->asked.is_full,
                                               .allow_removal = request->asked.allows_removal});
    json_member_i64(operator_answer(request, true), "asked_ms", clock_unix_ms());
    operator_answer_end(request);
}

struct problems {
    struct json *json;
    size_t left;
};

static bool add_problem(void *context, const struct library_problem *problem)
{
    struct problems *problems = context;
    json_begin_object(problems->json);
    json_member_i64(problems->json, "library", problem->root);
    json_member_text(problems->json, "path", problem->path);
    json_member_text(problems->json, "reason", problem->reason);
    json_end_object(problems->json);
    return --problems->left > 0;
}

static void write_scan(struct json *json, struct library *library)
{
    struct library_status status;
    struct problems problems = {json, PROBLEMS_SHOWN};
    library_status(library, &status);
    json_begin_object(json);
    json_member_text(json, "phase", text_of(library_phase_name(status.phase)));
    json_member_bool(json, "idle", status.phase == LIBRARY_IDLE);
    json_member_u64(json, "seen", status.files_seen);
    json_member_u64(json, "estimate", status.files_estimate);
    json_member_u64(json, "changed", status.files_changed);
    json_member_u64(json, "failed", status.files_failed);
    json_member_u64(json, "removed", status.files_removed);
    json_member_u64(json, "removal_refused", status.removal_refused);
    json_member_u64(json, "tracks", status.tracks);
    json_member_i64(json, "started_ms", status.started_ms);
    json_member_i64(json, "finished_ms", status.finished_ms);
    json_member_u64(json, "version", status.version);
    json_name(json, "problems");
    json_begin_array(json);
    if (status.phase == LIBRARY_IDLE)
        library_report(library, add_problem, &problems);
    json_end_array(json);
    json_end_object(json);
}

void operator_scan_status(struct request *request)
{
    struct library *library = open_library(request);
    if (!library)
        return;
    struct json *json = operator_answer(request, true);
    json_name(json, "scan");
    write_scan(json, library);
    operator_answer_end(request);
}

/* --- backup --- */

static void on_backup(void *context, int error, const char *why)
{
    struct request *request = context;
    if (error < 0)
        operator_fail(request, "the backup failed: %s", why ? why : strerrordesc_np(-error));
    else {
        operator_audit(request);
        operator_succeed(request, "the backup is written");
    }
}

void operator_backup(struct request *request)
{
    const char *path = request->asked.path;
    if (path[0] != '/')
        operator_fail(request, "a backup needs an absolute path");
    else
        state_backup(operator_state(request), path, on_backup, request);
}

/* --- keys --- */

static void write_keys(struct json *json, const struct keyfolder *folder, int64_t now_s)
{
    struct keyring *ring = keyfolder_ring(folder);
    const struct keyring_content *content = keyring_content(ring);
    struct keyfolder_status status = keyfolder_status(folder, now_s);
    struct key_id signing = {{0}};
    struct key_id_text id;
    (void)keyring_signing(ring, now_s, &signing);
    json_member_text(json, "root", text_of(status.root_fingerprint));
    json_member_bool(json, "has_root", status.has_root);
    json_member_bool(json, "is_due", status.is_due);
    json_member_i64(json, "next_rotation_s", status.next_rotation_s);
    json_name(json, "list");
    json_begin_array(json);
    for (size_t i = 0; i < content->key_count; i++) {
        json_begin_object(json);
        json_member_text(json, "id", key_id_text(&id, content->keys[i].id));
        json_member_i64(json, "from_s", content->keys[i].from_s);
        json_member_i64(json, "until_s", content->keys[i].until_s);
        json_member_bool(json, "signs", key_id_equal(content->keys[i].id, signing));
        json_end_object(json);
    }
    json_end_array(json);
    keyring_unref(&ring);
}

void operator_keys_list(struct request *request)
{
    struct json *json = operator_answer(request, true);
    json_name(json, "keys");
    json_begin_object(json);
    write_keys(json, request->operator->config.keyfolder, clock_unix_ms() / 1000);
    json_end_object(json);
    operator_answer_end(request);
}

static void keys_changed(struct request *request, int error, const struct keys_error *words,
                         const char *said)
{
    const struct operator_config *config = &request->operator->config;
    if (error) {
        operator_fail(request, "%s", words->words);
        return;
    }
    if (config->on_keys)
        config->on_keys(config->context);
    operator_audit(request);
    operator_succeed(request, said);
}

void operator_keys_rotate(struct request *request)
{
    struct keys_error words = {""};
    int error =
        keyfolder_rotate(request->operator->config.keyfolder, clock_unix_ms() / 1000, &words);
    keys_changed(request, error, &words, "the next signing key is published; it signs in a day");
}

void operator_keys_revoke(struct request *request)
{
    struct keys_error words = {""};
    struct key_id id;
    if (!key_id_from_text(text_of(request->asked.name), &id)) {
        operator_fail(request, "that is not the id of a key; sostenuto keys list shows them");
        return;
    }
    int error =
        keyfolder_revoke(request->operator->config.keyfolder, id, clock_unix_ms() / 1000, &words);
    keys_changed(request, error, &words, "revoked; a new key signs from now on");
}

/* --- all of it --- */

void operator_status(struct request *request)
{
    const struct operator_config *config = &request->operator->config;
    struct state_health health = state_health(config->state);
    struct json *json = operator_answer(request, true);
    json_member_text(json, "version", TEXT(SOSTENUTO_VERSION));
    json_member_bool(json, "serving", config->is_serving);
    json_member_i64(json, "pid", config->is_serving ? getpid() : 0);
    json_member_i64(json, "restarts", counter_get(COUNTER_RESTARTS));
    json_member_i64(json, "start_time_s", counter_get(COUNTER_START_TIME));
    json_member_i64(json, "connections", counter_get(COUNTER_CONNECTIONS_OPEN));
    json_member_i64(json, "requests", counter_get(COUNTER_REQUESTS));
    json_member_u64(json, "accounts", state_account_count(config->state));
    json_member_u64(json, "journal_bytes", health.journal_bytes);
    json_member_u64(json, "unapplied", health.durable_lsn - health.applied_lsn);
    json_member_i64(json, "journal_error", health.journal_error);
    json_member_i64(json, "database_error", health.database_error);
    if (health.has_record) {
        json_member_i64(json, "record_error", health.record_error);
        json_member_u64(json, "unpushed", health.durable_lsn - health.pushed_lsn);
    }
    json_member_u64(json, "damaged_records", health.damaged_records);
    json_name(json, "keys");
    json_begin_object(json);
    write_keys(json, config->keyfolder, clock_unix_ms() / 1000);
    json_end_object(json);
    if (config->library) {
        json_name(json, "scan");
        write_scan(json, config->library);
    }
    operator_answer_end(request);
}
