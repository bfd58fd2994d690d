// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/gate.h"

#include "api/throttle.h"
#include "base/counters.h"
#include "base/json.h"
#include "io/clock.h"

/*
 * gate: what becomes of a request.
 *
 *     read    linked: pass ─ answered ─▶ as it came;  slow, away ─┐
 *             island ─────────────────────────────────────────────┴▶ proven ─▶ island, remembered
 *     write   proven ─▶ taken, durably ─▶ linked: told within patience_ms: the server's answer
 *                                         else: "ok" from here
 *     media   proven ─▶ may hear all the operator may: the edge's cache
 *                       else: linked: as it came; island: refused
 *
 * Proven: by the server lately, or now (ping); by a verifier while it is away.
 */
enum {
    BELIEVED_MS = 60000, /* how long the server's word for somebody counts while it is there */
    REFRESH_EVERY_MS = 300000, /* a listener's lists, while they are active */
    FORM_MAX_BYTES = 1 << 20,
};

static int64_t now_ms(void) { return clock_unix_ms(); }

/* --- who asks --- */

static struct throttle_try try_of(const struct visit *visit)
{
    return (struct throttle_try){.address = text_of(exchange_peer(visit->exchange)->address),
                                 .name = text_of(visit->credentials.listener)};
}

/* Of all that one listener signs in with: some apps do it with another salt each time. */
static struct proof *about_listener(const struct visit *visit)
{
    struct credentials whole = {.kind = 'l'};
    (void)snprintf(whole.listener, sizeof whole.listener, "%s", visit->credentials.listener);
    struct credentials_digest digest = credentials_digest(visit->adopt->config.keys, &whole);
    struct proof *proof = proofs_find(visit->adopt->proofs, &digest);
    return proof ? proof : proofs_note(visit->adopt->proofs, &digest, 0);
}

/* The server said so. */
static void note_proven(struct visit *visit)
{
    struct adopt *adopt = visit->adopt;
    const struct throttle_try attempt = try_of(visit);
    struct proof *listener = about_listener(visit);
    bool may_keep = visit->credentials.kind != 't' || now_ms() - listener->proven_ms > BELIEVED_MS;
    bool is_due = now_ms() - listener->refreshed_ms > REFRESH_EVERY_MS;
    if (is_due && adopt_wants_refresh(adopt, &visit->credentials))
        listener->refreshed_ms = now_ms();
    struct proof *proof = proofs_note(adopt->proofs, &visit->digest, now_ms());
    throttle_succeeded(adopt->throttle, &attempt, now_ms());
    if (!proof->is_kept && may_keep) {
        proof->is_kept = true;
        about_listener(visit)->proven_ms = now_ms();
        job_keep_verifier(visit);
    }
}

static void note_refused(struct visit *visit)
{
    const struct throttle_try attempt = try_of(visit);
    if (visit->code < 40 || visit->code > 44)
        return;
    throttle_failed(visit->adopt->throttle, &attempt, now_ms());
    if (visit->code == 40 || visit->code == 44)
        job_forget_verifier(visit); /* the password is another now, since whenever */
    proofs_forget(visit->adopt->proofs, &visit->digest);
}

static void on_verified(struct visit *visit)
{
    const struct throttle_try attempt = try_of(visit);
    if (visit->verifier == VERIFIER_GOOD) {
        struct proof *proof = proofs_note(visit->adopt->proofs, &visit->digest, now_ms());
        proof->is_kept = true;
        visit->proven(visit);
        return;
    }
    counter_add(COUNTER_ADOPT_UNPROVEN, 1);
    bool is_token = visit->credentials.kind == 't';
    if (!is_token || visit->verifier == VERIFIER_WRONG) /* another salt is no wrong guess */
        throttle_failed(visit->adopt->throttle, &attempt, now_ms());
    if (is_token) /* in the same words, so that nobody learns which salts are kept */
        visit_fail(
            visit, 41,
            "The server is away. Without it only a password can be checked: let the app send "
            "it (legacy or plain sign-in).");
    else
        visit_fail(visit, 40,
                   "Wrong name or password, or not known here while the server is away.");
}

static void prove_here(struct visit *visit)
{
    if (proofs_find(visit->adopt->proofs, &visit->digest))
        visit->proven(visit);
    else
        job_verify(visit, on_verified);
}

static void on_pinged(struct visit *visit)
{
    if (visit->says == PASS_OK) {
        note_proven(visit);
        visit->proven(visit);
    } else if (visit->says == PASS_FAILED) {
        note_refused(visit);
        visit_send_passed(visit, "fwd=bypass");
    } else {
        prove_here(visit);
    }
}

void gate_prove(struct visit *visit, visit_step *proven)
{
    struct proof *proof = proofs_find(visit->adopt->proofs, &visit->digest);
    visit->proven = proven;
    if (!adopt_is_linked(visit->adopt))
        prove_here(visit);
    else if (proof && now_ms() - proof->proven_ms < BELIEVED_MS)
        proven(visit);
    else
        pass_ping(visit, visit->adopt->config.patience_ms, on_pinged);
}

/* --- reads --- */

static bool is_for_memory(const struct visit *visit)
{
    struct text type = visit_parameter(visit, "type");
    bool is_question =
        text_starts(visit->endpoint, TEXT("get")) || text_starts(visit->endpoint, TEXT("search"));
    return is_question && (!island_knows(visit->endpoint) || text_equal(type, TEXT("frequent")) ||
                           text_equal(type, TEXT("recent")) || text_equal(type, TEXT("highest")));
}

static void on_answered(struct visit *visit)
{
    if (visit->answer.end == ISLAND_ANSWER)
        visit_answer(visit, visit->answer.name, visit->answer.body, "hit; detail=island");
    else if (visit->is_remembered)
        visit_send_passed(visit, "hit; detail=remembered");
    else if (visit->answer.end == ISLAND_MISSING)
        visit_fail(visit, 70, "There is no such thing in what is kept here of the server.");
    else
        visit_fail(visit, 0, "The server is away, and this was not kept here.");
}

static void ask_island(struct visit *visit)
{
    counter_add(COUNTER_ADOPT_ISLAND, 1);
    job_answer(visit, on_answered);
}

static void on_read(struct visit *visit)
{
    switch (visit->says) {
    case PASS_OK:
        if (pass_proves(visit->endpoint))
            note_proven(visit);
        if (is_for_memory(visit) && proofs_find(visit->adopt->proofs, &visit->digest))
            job_remember(visit);
        visit_send_passed(visit, "fwd=bypass");
        return;
    case PASS_FAILED:
        note_refused(visit);
        visit_send_passed(visit, "fwd=bypass");
        return;
    case PASS_BYTES:
        visit_send_passed(visit, "fwd=bypass");
        return;
    case PASS_SLOW:
    case PASS_AWAY:
        visit->proven = ask_island;
        prove_here(visit);
        return;
    }
}

/* What the server does not know, or not yet: our own endpoint, an id of ours, or a list with a
 * write over it. */
static bool is_ours(struct visit *visit)
{
    return text_equal(visit->endpoint, TEXT(ISLAND_UNTOLD)) ||
           text_starts(visit_parameter(visit, "id"), TEXT("sostenuto-")) ||
           (atomic_load(&visit->adopt->writes) > 0 && island_knows(visit->endpoint) &&
            (text_starts(visit->endpoint, TEXT("getPlaylist")) ||
             text_starts(visit->endpoint, TEXT("getStarred"))));
}

static void read(struct visit *visit)
{
    unsigned patience = visit->adopt->config.patience_ms;
    if (is_ours(visit))
        gate_prove(visit, ask_island);
    else if (adopt_is_linked(visit->adopt))
        pass_on(visit, island_knows(visit->endpoint) ? patience : patience * GATE_UNKNOWN_PATIENCE,
                on_read);
    else
        gate_prove(visit, ask_island);
}

/* --- beginning --- */

static bool is_media(struct text endpoint)
{
    return text_equal(endpoint, TEXT("stream")) || text_equal(endpoint, TEXT("download")) ||
           text_equal(endpoint, TEXT("getCoverArt"));
}

static bool is_write(const struct visit *visit)
{
    return writes_know(visit->endpoint) &&
           !text_equal(visit_parameter(visit, "submission"), TEXT("false"));
}

/* Without credentials: the server says what it thinks of that. */
static void ask_as_nobody(struct visit *visit)
{
    if (visit->says == PASS_SLOW || visit->says == PASS_AWAY)
        visit_fail(visit, 10, "Sign in: u with p, u with t and s, or apiKey.");
    else
        visit_send_passed(visit, "fwd=bypass");
}

static void handle(struct exchange *exchange, void *context)
{
    struct adopt *adopt = context;
    struct visit *visit = visit_begin(adopt, exchange);
    if (!visit)
        return;
    const struct throttle_try attempt = try_of(visit);
    uint64_t wait_ms = throttle_wait_ms(adopt->throttle, &attempt, now_ms());
    visit->says = PASS_AWAY;
    if (!visit->credentials.kind && adopt_is_linked(adopt))
        pass_on(visit, adopt->config.patience_ms, ask_as_nobody);
    else if (!visit->credentials.kind)
        ask_as_nobody(visit);
    else if (wait_ms > 0 && !proofs_find(adopt->proofs, &visit->digest))
        visit_busy(visit, (unsigned)(wait_ms / 1000 + 1));
    else if (is_media(visit->endpoint))
        gate_play(visit);
    else if (is_write(visit))
        gate_write(visit);
    else
        read(visit);
}

/* --- how it is --- */

static void status(struct exchange *exchange, void *context)
{
    struct adopt *adopt = context;
    struct json json;
    json_init(&json, exchange_output(exchange));
    json_begin_object(&json);
    json_member_text(&json, "link", adopt_is_linked(adopt) ? TEXT("linked") : TEXT("island"));
    json_member_text(&json, "server", text_of(adopt->config.url));
    json_member_i64(&json, "songs", atomic_load(&adopt->songs));
    json_member_i64(&json, "walked", atomic_load(&adopt->walked_ms));
    json_member_i64(&json, "writes_waiting", atomic_load(&adopt->writes));
    json_member_i64(&json, "writes_refused", atomic_load(&adopt->refused));
    json_member_i64(&json, "writes_in_doubt", atomic_load(&adopt->in_doubt));
    json_end_object(&json);
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_output(exchange, 200, "application/json");
}

void gate_routes(struct adopt *adopt, struct server *server)
{
    server_route(server, &(struct server_route){.methods = "GET POST",
                                                .path = "/rest/",
                                                .max_body_bytes = FORM_MAX_BYTES,
                                                .class = SHIELD_CLASS_NEW_VISIT,
                                                .handler = handle,
                                                .context = adopt,
                                                .is_shared = true});
    server_route(server, &(struct server_route){.methods = "GET",
                                                .path = "/status",
                                                .class = SHIELD_CLASS_NEW_VISIT,
                                                .handler = status,
                                                .context = adopt});
}

/* Those that wait for the server or for the teller; a worker's end by themselves. */
void gate_stop(struct adopt *adopt)
{
    struct visit *next;
    for (struct visit *visit = adopt->visits; visit; visit = next) {
        next = visit->next;
        if (visit->passing || visit->timer._position)
            visit_busy(visit, 5);
    }
    gate_forget_told(adopt);
}
