// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/visit.h"
#include "adopt/own.h"
#include "adopt/refresh.h"
#include "base/mem.h"
#include "io/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* jobs: what a visit needs of the database and of Argon2id, on workers. */
enum { REMEMBERED_MAX = 5000, REMEMBERED_MAX_BYTES = 256 << 10 };

static void on_done(void *context)
{
    struct visit *visit = context;
    if (visit->adopt->has_stopped)
        visit_busy(visit, 5);
    else
        visit->then(visit);
}

static void submit(struct visit *visit, struct workers *workers, workers_call *work,
                   visit_step *then)
{
    visit->then = then;
    if (!workers_submit(workers, visit->adopt->config.loop, work, on_done, visit))
        visit_busy(visit, 5);
}

/* --- questions --- */

/* Who asked what, so that the same question finds it again. */
static void put_question(const struct visit *visit, struct buffer *out)
{
    char *parameters = json_dumps(visit->parameters, JSON_COMPACT | JSON_SORT_KEYS);
    buffer_printf(out, "%s\n%.*s\n%.*s\n%s", visit->credentials.listener,
                  TEXT_ARGS(visit->endpoint), TEXT_ARGS(visit_parameter(visit, "f")),
                  parameters ? parameters : "");
    free(parameters); /* jansson's */
}

static void recall(struct visit *visit)
{
    struct buffer question;
    buffer_init(&question, 1 << 20);
    put_question(visit, &question);
    sqlite3_stmt *row =
        book_query(&visit->adopt->reading, "SELECT type, body FROM remembered WHERE question = ?",
                   "t", buffer_view(&question));
    if (row && sqlite3_step(row) == SQLITE_ROW) {
        (void)snprintf(visit->type, sizeof visit->type, "%.*s", TEXT_ARGS(book_text(row, 0)));
        buffer_reset(&visit->body);
        buffer_text(&visit->body, book_text(row, 1));
        visit->status = 200;
        visit->is_remembered = true;
    }
    (void)sqlite3_finalize(row);
    buffer_release(&question);
}

static void read_envelope(struct visit *visit)
{
    if (!visit->envelope)
        visit->envelope = book_value_json(&visit->adopt->reading, "envelope");
}

/* One moment of the book: lists and what is laid over them change together. */
static void work_answer(void *context)
{
    struct visit *visit = context;
    struct book *book = &visit->adopt->reading;
    const struct island_question question = {
        book, visit->endpoint, text_of(visit->credentials.listener), visit->parameters};
    (void)book_do(book, "BEGIN", "");
    read_envelope(visit);
    visit->is_whole = refresh_is_whole(book, question.listener);
    visit->answer = (struct island_answer){.end = ISLAND_UNKNOWN};
    if (visit->is_whole || text_equal(visit->endpoint, TEXT(ISLAND_UNTOLD)))
        island_answer(&question, &visit->answer);
    if (visit->answer.end != ISLAND_ANSWER)
        recall(visit);
    (void)book_do(book, "COMMIT", "");
}

void job_answer(struct visit *visit, visit_step *then)
{
    submit(visit, visit->adopt->reader, work_answer, then);
}

static void work_is_whole(void *context)
{
    struct visit *visit = context;
    read_envelope(visit);
    visit->is_whole =
        refresh_is_whole(&visit->adopt->reading, text_of(visit->credentials.listener));
}

void job_is_whole(struct visit *visit, visit_step *then)
{
    submit(visit, visit->adopt->reader, work_is_whole, then);
}

/* --- proof --- */

static void work_verify(void *context)
{
    struct visit *visit = context;
    visit->verifier =
        verifier_check(&visit->adopt->proving, visit->adopt->config.keys, &visit->credentials);
}

void job_verify(struct visit *visit, visit_step *then)
{
    submit(visit, visit->adopt->prover, work_verify, then);
}

struct keeping {
    struct adopt *adopt;
    struct credentials credentials;
    struct credentials_digest digest;
    bool is_kept;
    bool is_done;
};

/* Writes that wait are told with what was good last: the password may be another now. */
static void renew_writes(struct keeping *keeping)
{
    uint8_t sealed[CREDENTIALS_SEALED_BYTES];
    size_t size = credentials_seal(keeping->adopt->config.keys, &keeping->credentials, sealed);
    (void)book_do(&keeping->adopt->proving, "UPDATE write SET credential = ? WHERE listener = ?",
                  "bs", text_make((const char *)sealed, size), keeping->credentials.listener);
}

static void work_keep(void *context)
{
    struct keeping *keeping = context;
    if (keeping->is_kept) {
        keeping->is_done = verifier_keep(&keeping->adopt->proving, keeping->adopt->config.keys,
                                         &keeping->credentials);
        renew_writes(keeping);
    } else {
        verifier_forget(&keeping->adopt->proving, keeping->adopt->config.keys,
                        &keeping->credentials);
    }
}

static void on_kept(void *context)
{
    struct keeping *keeping = context;
    struct proof *proof = proofs_find(keeping->adopt->proofs, &keeping->digest);
    if (keeping->is_kept && !keeping->is_done && proof)
        proof->is_kept = false;
    credentials_wipe(&keeping->credentials);
    mem_free(keeping);
}

static void keep(struct visit *visit, bool is_kept)
{
    struct keeping *keeping = MEM_NEW(struct keeping);
    *keeping =
        (struct keeping){visit->adopt, visit->credentials, visit->digest, .is_kept = is_kept};
    if (!workers_submit(visit->adopt->prover, visit->adopt->config.loop, work_keep, on_kept,
                        keeping))
        on_kept(keeping); /* the next request tries again */
}

void job_keep_verifier(struct visit *visit) { keep(visit, true); }
void job_forget_verifier(struct visit *visit) { keep(visit, false); }

/* --- writes --- */

static void work_take_write(void *context)
{
    struct visit *visit = context;
    struct adopt *adopt = visit->adopt;
    uint8_t sealed[CREDENTIALS_SEALED_BYTES];
    size_t size = credentials_seal(adopt->config.keys, &visit->credentials, sealed);
    const struct write_wish wish = {.endpoint = visit->endpoint,
                                    .listener = text_of(visit->credentials.listener),
                                    .parameters = visit->parameters,
                                    .credential = text_make((const char *)sealed, size),
                                    .at_ms = clock_unix_ms(),
                                    .most = adopt->config.max_writes};
    read_envelope(visit);
    visit->taken = writes_take(&adopt->reading, &wish, &visit->number);
    if (visit->taken != WRITE_TAKEN || !text_equal(visit->endpoint, TEXT("createPlaylist")))
        return;
    struct text here = own_parameter(visit->parameters, "here", 0),
                known = own_parameter(visit->parameters, "playlistId", 0),
                id = here.size ? here : known;
    json_t *named = json_pack("{s[s%]}", "id", id.data, id.size);
    const struct island_question question = {&adopt->reading, TEXT("getPlaylist"), wish.listener,
                                             named};
    island_answer(&question, &visit->answer);
    json_decref(named);
}

void job_take_write(struct visit *visit, visit_step *then)
{
    submit(visit, visit->adopt->reader, work_take_write, then);
}

/* --- remembering --- */

struct remembering {
    struct adopt *adopt;
    struct buffer question, body;
    char type[128];
};

static void work_remember(void *context)
{
    struct remembering *remembering = context;
    struct book *book = &remembering->adopt->reading;
    (void)book_do(book, "REPLACE INTO remembered(question, type, body, at) VALUES(?, ?, ?, ?)",
                  "tsbi", buffer_view(&remembering->question), remembering->type,
                  buffer_view(&remembering->body), clock_unix_ms());
    (void)book_do(book,
                  "DELETE FROM remembered WHERE number <= (SELECT max(number) FROM remembered) - ?",
                  "i", (int64_t)REMEMBERED_MAX);
}

static void on_remembered(void *context)
{
    struct remembering *remembering = context;
    buffer_release(&remembering->question);
    buffer_release(&remembering->body);
    mem_free(remembering);
}

void job_remember(struct visit *visit)
{
    if (visit->body.size > REMEMBERED_MAX_BYTES)
        return;
    struct remembering *remembering = MEM_NEW(struct remembering);
    *remembering = (struct remembering){.adopt = visit->adopt};
    buffer_init(&remembering->question, 1 << 20);
    buffer_init(&remembering->body, REMEMBERED_MAX_BYTES);
    put_question(visit, &remembering->question);
    buffer_text(&remembering->body, buffer_view(&visit->body));
    (void)snprintf(remembering->type, sizeof remembering->type, "%s", visit->type);
    if (!workers_submit(visit->adopt->reader, visit->adopt->config.loop, work_remember,
                        on_remembered, remembering))
        on_remembered(remembering);
}
