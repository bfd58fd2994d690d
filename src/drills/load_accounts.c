// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/load_state.h"
#include "drills/requests.h"

#include "base/mem.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * One account after the other, one request at a time:
 *
 *   preparing     SESSION ──▶ SECRET ──▶ SONGS … ──▶ PLAYLISTS ──▶ next account
 *   reading back  (SESSION ──▶)          SONGS … ──▶ PLAYLISTS ──▶ next account
 *
 * SESSION only with a password, and of those who read back only when theirs ended; SECRET only
 * without an app secret.  A request is tried again for a while: a server that was just healed may
 * still be coming back, and one without its guard `durable-first` answers with a session before it
 * knows it.
 */
enum {
    PAGE_SONGS = 500,
    ANSWER_BYTES = 16 << 20,
    TRIES = 20,
    TRY_AGAIN_MS = 500,
    DEADLINE_MS = 20000,
    READ_BACK_MS = 30000,
    EARLY_MS = 2000, /* a session may be told before it is known */
};
enum step { STEP_SESSION, STEP_SECRET, STEP_SONGS, STEP_PLAYLISTS };

struct accounts_visit {
    struct load *load;
    struct client_pool *pool;
    struct client_call *call;
    struct loop_timer again;
    struct buffer answer;
    accounts_on_end *on_end;
    uint64_t give_up_us; /* UINT64_MAX: by tries alone */
    uint64_t session_us; /* when this account's session was told; 0: it has none of ours */
    uint32_t account, offset;
    unsigned status, tries;
    enum step step;
    bool reads_back, wants_proof;
    bool has_signed_in; /* this account, since it is read back */
};

static void on_header(struct client_call *call, const struct http_response *response,
                      void *context);
static void on_body(struct client_call *call, struct text piece, void *context);
static void on_end(struct client_call *call, enum client_outcome outcome, void *context);
static const struct client_handler handler = {on_header, on_body, on_end};

static struct pass *pass_of(const struct accounts_visit *visit)
{
    return &visit->load->passes[visit->account];
}

/* --- ends --- */

void load_accounts_cancel(struct load *load)
{
    struct accounts_visit *visit = load->visit;
    if (!visit)
        return;
    loop_timer_stop(&visit->again);
    client_pool_free(&visit->pool);
    buffer_release(&visit->answer);
    mem_free_p(&load->visit);
}

static void end(struct accounts_visit *visit, const char *why)
{
    struct load *load = visit->load;
    accounts_on_end *told = visit->on_end;
    load_accounts_cancel(load);
    told(load, why);
}

PRINTF_LIKE(2, 3)
static void end_badly(struct accounts_visit *visit, const char *format, ...)
{
    va_list arguments;
    char why[200];
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    end(visit, why);
}

/* --- asking --- */

static void write_request(const struct accounts_visit *visit, struct request_text *text)
{
    char parameters[96];
    const struct pass *pass = pass_of(visit);
    switch (visit->step) {
    case STEP_SESSION:
        request_sign_in(text, pass, visit->load->profile.targets[0]);
        break;
    case STEP_SECRET:
        request_new_secret(text, pass, visit->load->run);
        break;
    case STEP_SONGS:
        snprintf(parameters, sizeof parameters,
                 "&query=&artistCount=0&albumCount=0&songCount=%d&songOffset=%u", PAGE_SONGS,
                 visit->offset);
        request_rest(text, pass, "search3", parameters);
        break;
    case STEP_PLAYLISTS:
        request_rest(text, pass, "getPlaylists", "");
        break;
    }
}

static void ask(struct accounts_visit *visit)
{
    struct request_text text;
    buffer_reset(&visit->answer);
    visit->status = 0;
    visit->wants_proof = false;
    write_request(visit, &text);
    text.request.deadline_ms = DEADLINE_MS;
    visit->call = client_ask(visit->pool, &text.request, &handler, visit);
    if (!visit->call)
        end_badly(visit, "a name or password holds what cannot be asked for");
}

static void on_again(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    ask(CONTAINER_OF(timer, struct accounts_visit, again));
}

static void enter(struct accounts_visit *visit, enum step step)
{
    visit->step = step;
    visit->tries = 0;
    visit->offset = 0;
    ask(visit);
}

static void visit_account(struct accounts_visit *visit)
{
    const struct pass *pass = pass_of(visit);
    if (visit->account == visit->load->profile.account_count)
        end(visit, NULL);
    else if (visit->reads_back || !pass->password[0])
        enter(visit, STEP_SONGS);
    else
        enter(visit, STEP_SESSION);
}

static void next_account(struct accounts_visit *visit)
{
    visit->account++;
    visit->session_us = 0;
    visit->has_signed_in = false;
    visit_account(visit);
}

/* --- answers --- */

static bool copy_member(char *out, size_t size, const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    if (!value || strlen(value) >= size)
        return false;
    memcpy(out, value, strlen(value) + 1);
    return true;
}

bool pass_take_session(struct pass *pass, struct text json)
{
    struct pass fresh = *pass;
    json_t *root = json_loadb(json.data ? json.data : "", json.size, 0, NULL);
    fresh.taken++;
    fresh.expires_ms = json_integer_value(json_object_get(root, "expiresAt"));
    bool is_session = copy_member(fresh.token, sizeof fresh.token, root, "accessToken") &&
                      copy_member(fresh.grant, sizeof fresh.grant, root, "grant");
    json_decref(root);
    if (is_session)
        *pass = fresh;
    return is_session;
}

bool pass_take_nonce(struct pass *pass, const struct http_response *response)
{
    struct text nonce = http_response_field(response, TEXT("DPoP-Nonce"));
    bool is_wanted = response->status == 401 && nonce.size > 0 && nonce.size < sizeof pass->nonce;
    if (is_wanted)
        (void)snprintf(pass->nonce, sizeof pass->nonce, "%.*s", TEXT_ARGS(nonce));
    return is_wanted;
}

static bool take_secret(struct pass *pass, struct text json)
{
    json_t *root = json_loadb(json.data ? json.data : "", json.size, 0, NULL);
    bool is_taken = copy_member(pass->secret, sizeof pass->secret, root, "secret");
    json_decref(root);
    return is_taken;
}

static void on_song(void *context, const struct shelf_song *song)
{
    const struct accounts_visit *visit = context;
    struct load *load = visit->load;
    if (visit->reads_back)
        ledger_found_track(load->ledger, visit->account, song->track, song->play_count,
                           song->is_starred);
    else
        ledger_before(load->ledger, visit->account, song->track, song->play_count,
                      song->is_starred);
}

static bool take_songs(struct accounts_visit *visit)
{
    struct load *load = visit->load;
    bool grows = !visit->reads_back && visit->account == 0;
    int count = shelf_read(&load->shelf, buffer_view(&visit->answer), grows, on_song, visit);
    if (count < 0)
        return false;
    visit->offset += (uint32_t)count;
    visit->tries = 0;
    if (count == PAGE_SONGS && (visit->offset < LOAD_MAX_TRACKS || visit->reads_back) &&
        visit->offset < 4 * LOAD_MAX_TRACKS)
        ask(visit);
    else if (load->shelf.count == 0)
        end_badly(visit, "there is no song in the library that %s may hear", pass_of(visit)->name);
    else
        enter(visit, STEP_PLAYLISTS);
    return true;
}

static void take_playlist(struct accounts_visit *visit, const json_t *playlist)
{
    struct pass *pass = pass_of(visit);
    const char *name = json_string_value(json_object_get(playlist, "name"));
    if (visit->reads_back && name && strcmp(name, LOAD_STOLEN_PLAYLIST) == 0)
        ledger_found_stolen(visit->load->ledger);
    uint32_t number = name ? request_playlist_number(name, visit->load->run) : UINT32_MAX;
    if (visit->reads_back && number != UINT32_MAX)
        ledger_found_playlist(visit->load->ledger, number);
    if (!visit->reads_back && !pass->playlist[0] &&
        !copy_member(pass->playlist, sizeof pass->playlist, playlist, "id"))
        pass->playlist[0] = '\0';
}

static bool take_playlists(struct accounts_visit *visit)
{
    json_t *root =
        json_loadb(visit->answer.data ? visit->answer.data : "", visit->answer.size, 0, NULL);
    const json_t *answer = json_object_get(root, "subsonic-response");
    const json_t *list = json_object_get(json_object_get(answer, "playlists"), "playlist");
    const char *status = json_string_value(json_object_get(answer, "status"));
    bool is_good = status && strcmp(status, "ok") == 0;
    for (size_t i = 0; is_good && i < json_array_size(list); i++)
        take_playlist(visit, json_array_get(list, i));
    json_decref(root);
    if (!is_good)
        return false;
    if (visit->reads_back)
        ledger_read(visit->load->ledger, visit->account, true);
    next_account(visit);
    return true;
}

/* True when it went on from here. */
static bool take_answer(struct accounts_visit *visit)
{
    struct pass *pass = pass_of(visit);
    struct text answer = buffer_view(&visit->answer);
    switch (visit->step) {
    case STEP_SESSION:
        if (!pass_take_session(pass, answer))
            return false;
        visit->session_us = loop_now_us(visit->load->loop);
        enter(visit, visit->reads_back || pass->secret[0] ? STEP_SONGS : STEP_SECRET);
        return true;
    case STEP_SECRET:
        if (!take_secret(pass, answer))
            return false;
        enter(visit, STEP_SONGS);
        return true;
    case STEP_SONGS:
        return take_songs(visit);
    case STEP_PLAYLISTS:
        return take_playlists(visit);
    }
    return false;
}

static void give_up(struct accounts_visit *visit, enum client_outcome outcome)
{
    static const char *const wanted[] = {"sign in as", "make an app secret for",
                                         "list the songs of", "list the playlists of"};
    if (visit->reads_back) {
        ledger_read(visit->load->ledger, visit->account, false);
        next_account(visit);
    } else if (outcome == CLIENT_DONE) {
        end_badly(visit, "could not %s %s: the server answered %u", wanted[visit->step],
                  pass_of(visit)->name, visit->status);
    } else {
        end_badly(visit, "could not %s %s: %s", wanted[visit->step], pass_of(visit)->name,
                  client_outcome_word(outcome));
    }
}

static void on_header(struct client_call *call UNUSED, const struct http_response *response,
                      void *context)
{
    struct accounts_visit *visit = context;
    visit->status = response->status;
    visit->wants_proof = pass_take_nonce(&visit->load->passes[visit->account], response);
}

static void on_body(struct client_call *call UNUSED, struct text piece, void *context)
{
    struct accounts_visit *visit = context;
    buffer_append(&visit->answer, piece.data, piece.size);
}

static bool must_sign_in(const struct accounts_visit *visit, enum client_outcome outcome)
{
    return visit->reads_back && outcome == CLIENT_DONE && visit->status == 401 &&
           pass_of(visit)->password[0] && !visit->has_signed_in;
}

/* While it prepares: the server may not know yet what it has just given. */
static bool may_be_early(const struct accounts_visit *visit)
{
    return !visit->reads_back && visit->status == 401 && visit->session_us > 0 &&
           load_ms_since(visit->session_us, loop_now_us(visit->load->loop)) < EARLY_MS;
}

static void on_end(struct client_call *call UNUSED, enum client_outcome outcome, void *context)
{
    struct accounts_visit *visit = context;
    struct load *load = visit->load;
    uint64_t again_us = loop_now_us(load->loop) + TRY_AGAIN_MS * UINT64_C(1000);
    bool is_answered = outcome == CLIENT_DONE && visit->status / 100 == 2;
    bool is_final = outcome == CLIENT_DONE && visit->status / 100 == 4 && visit->status != 429 &&
                    !visit->wants_proof && !may_be_early(visit);
    visit->call = NULL;
    if (is_answered && take_answer(visit))
        return;
    if (must_sign_in(visit, outcome)) {
        visit->has_signed_in = true;
        enter(visit, STEP_SESSION);
        return;
    }
    if (is_final || ++visit->tries >= TRIES || again_us > visit->give_up_us)
        give_up(visit, outcome);
    else
        loop_timer_start(load->loop, &visit->again, again_us);
}

/* --- beginnings --- */

static struct accounts_visit *visit_new(struct load *load, accounts_on_end *on_end_)
{
    struct accounts_visit *visit = MEM_NEW(struct accounts_visit);
    visit->load = load;
    visit->on_end = on_end_;
    visit->again.on_timer = on_again;
    visit->pool = client_pool_new(load->origins[0], NULL);
    visit->give_up_us = UINT64_MAX;
    buffer_init(&visit->answer, ANSWER_BYTES);
    load->visit = visit;
    return visit;
}

void load_accounts_prepare(struct load *load, accounts_on_end *on_end_)
{
    visit_account(visit_new(load, on_end_));
}

void load_accounts_read_back(struct load *load, accounts_on_end *on_end_)
{
    struct accounts_visit *visit = visit_new(load, on_end_);
    visit->reads_back = true;
    ledger_read_anew(load->ledger);
    visit->give_up_us = loop_now_us(load->loop) + READ_BACK_MS * UINT64_C(1000);
    visit_account(visit);
}
