// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "edge/bring.h"
#include "edge/lead_state.h"
#include "edge/peers_state.h"
#include "trust/grant.h"
#include "trust/keyring.h"

#include <openssl/evp.h>
#include <string.h>

/*
 * lead_peers: where no origin gives an object that proves itself, the other edges are asked; beside
 * an origin that has not begun to answer when it should have, whoever is first.
 *
 *   no answer, 5xx ───────┬─▶ begin ─┬─ signed ───────────────────────────────────▶ next
 *   watch ─▶ patience ends┘          ├─ of a rendition ─▶ its manifest ─▶ digest ──▶ next
 *                                    └─ original, picture ─▶ its pieces ──────────▶ next
 *
 *   next ─▶ a peer ─┬─ what is right goes the way of an origin's answer
 *                   └─ anything else ─▶ next; when there is none: the origin's word, or it is over
 *
 * A lead asks each peer once.  What comes is held back until it is whole and right, or each piece
 * of it is; who wanted a part of the latter gets it from the whole, as it grows.  Patience ends
 * when the origin has taken longer than usual, as far as hedges are paid for; without pay when it
 * has answered nobody for edge_peer_patience_ms (silence.h).
 */
enum {
    PROOF_BYTES = SIGNED_MAX_BODY_BYTES + SIGNED_MAX_PREAMBLE_BYTES,
    DEADLINE_MS = 3000,
    GRANT_S = 600,
};

/* Outlives a lead that is cut. */
struct lead_proof {
    struct lead *lead; /* NULL: gone */
};

static void next_or_over(struct lead *lead);

/* --- whether it is right --- */

static bool is_signed(struct lead *lead, struct text whole)
{
    struct signed_object object;
    struct keyring *ring = edge_ring(lead->home->edge);
    enum signed_verdict verdict =
        ring ? keyring_check(ring, whole, lead->target, edge_now_ms() / 1000, &object)
             : SIGNED_UNKNOWN_KEY;
    keyring_unref(&ring);
    return verdict == SIGNED_GOOD || verdict == SIGNED_EXPIRED;
}

static bool has_digest(const struct lead *lead, struct text whole)
{
    uint8_t sha256[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    return EVP_Digest(whole.data, whole.size, sha256, &size, EVP_sha256(), NULL) &&
           size == sizeof lead->peers.sha256 && memcmp(sha256, lead->peers.sha256, size) == 0;
}

static bool is_right(void *context, struct text whole)
{
    struct lead *lead = context;
    if (!guard_is_on(GUARD_PEER_DIGEST))
        return true;
    switch (lead->peers.object) {
    case PEER_OBJECT_SIGNED:
        return is_signed(lead, whole);
    case PEER_OBJECT_DIGEST:
        return has_digest(lead, whole);
    case PEER_OBJECT_PIECES:
        return pieces_are(&lead->peers.pieces, lead->peers.piece++, whole);
    case PEER_OBJECT_OTHER:
        break;
    }
    return false;
}

/* --- one peer --- */

static void on_header(struct fetch *fetch, const struct http_response *response, void *context)
{
    struct lead *lead = context;
    lead->peers.fetch = NULL;
    if (response->status == 200) {
        counter_add(COUNTER_PEERS_GAVE, 1);
        lead->peers.is_over = true;
        if (lead->fetch)
            fetch_abandon(lead->fetch); /* of an origin that may be ill: it is listened to */
        lead->fetch = fetch;
        lead->request_ms = lead->peers.request_ms;
        lead->rest_from = 0; /* a peer gives all */
        lead_handler.on_header(fetch, response, lead);
        return;
    }
    fetch_cancel(fetch);
    next_or_over(lead);
}

static void on_body(struct fetch *fetch, struct text piece, void *lead)
{
    lead_handler.on_body(fetch, piece, lead);
}

static void on_end(struct fetch *fetch, const struct fetch_end *end, void *context)
{
    struct lead *lead = context;
    struct edge *edge = lead->home->edge;
    if (end->outcome == FETCH_WRONG)
        peers_put_aside(lead->peers.list, lead->peers.at - 1, edge_now_ms(),
                        (int64_t)edge->config.policy.edge_peer_aside_s * 1000);
    if (lead->fetch == fetch) {
        lead_handler.on_end(fetch, end, lead);
        return;
    }
    lead->peers.fetch = NULL;
    next_or_over(lead);
}

/* This edge for itself: whoever has /nodes can tell that it is one. */
static struct text own_grant(struct lead *lead)
{
    struct edge *edge = lead->home->edge;
    struct keyring *ring = edge_ring(edge);
    int64_t now_s = edge_now_ms() / 1000;
    const struct grant grant = {
        .session = edge->own_id, .libraries = UINT64_MAX, .expires_s = now_s + GRANT_S};
    struct buffer text;
    buffer_init(&text, GRANT_TEXT_BYTES + 16);
    if (ring)
        grant_sign(ring, &grant, now_s, &text);
    struct text own = text.size ? arena_text(lead->arena, buffer_view(&text)) : TEXT_NONE;
    buffer_release(&text);
    keyring_unref(&ring);
    return own;
}

static bool ask(struct lead *lead, size_t i)
{
    static const struct fetch_handler handler_of_peers = {
        .on_header = on_header, .on_body = on_body, .on_end = on_end};
    struct edge_loop *home = lead->home;
    const struct edge_config *config = &home->edge->config;
    struct fetcher *fetcher =
        peer_line_fetcher(&home->peer_line, lead->peers.list, i, home->loop, config->resolvers);
    const struct http_field fields[] = {{TEXT("Cache-Control"), TEXT("only-if-cached, max-stale")},
                                        {TEXT("Sostenuto-Grant"), lead->peers.grant}};
    const struct fetch_request request = {.method = TEXT("GET"),
                                          .target = lead->target,
                                          .fields = fields,
                                          .field_count = ARRAY_SIZE(fields),
                                          .deadline_ms = DEADLINE_MS,
                                          .holds_bytes = config->policy.edge_peer_bytes,
                                          .is_background = true,
                                          .is_right = is_right,
                                          .right_context = lead,
                                          .piece_bytes = lead->peers.pieces.piece_bytes,
                                          .whole_bytes = lead->peers.pieces.bytes};
    if (!fetcher)
        return false;
    lead->peers.request_ms = edge_now_ms();
    lead->peers.piece = 0;
    lead->peers.fetch = fetch_start(fetcher, &request, &handler_of_peers, lead);
    counter_add(COUNTER_PEERS_ASKED, lead->peers.fetch != NULL);
    return lead->peers.fetch;
}

/* While an origin may still give it, that is waited for. */
static void in_vain(struct lead *lead)
{
    lead->peers.is_over = true;
    if (!lead->fetch)
        lead_without(lead, lead->peers.outcome);
}

static void next_or_over(struct lead *lead)
{
    struct lead_peers *peers = &lead->peers;
    while (peers->at < peers_count(peers->list)) {
        size_t i = peers->at++;
        if (peers_may_ask(peers->list, i, edge_now_ms()) && ask(lead, i))
            return;
    }
    in_vain(lead);
}

/* --- what it is judged by --- */

static bool take_proof(struct lead *lead, struct text signed_bytes)
{
    struct signed_object object;
    struct text name = lead->peers.proof;
    struct keyring *ring = edge_ring(lead->home->edge);
    enum signed_verdict verdict =
        ring && signed_bytes.data
            ? keyring_check(ring, signed_bytes, name, edge_now_ms() / 1000, &object)
            : SIGNED_UNKNOWN_KEY;
    bool is_good = verdict == SIGNED_GOOD || verdict == SIGNED_EXPIRED;
    keyring_unref(&ring);
    if (!is_good)
        return false;
    return lead->peers.object == PEER_OBJECT_PIECES
               ? pieces_read(object.body, lead->target, &lead->peers.pieces)
               : peer_digest_of(object.body, lead->target, lead->peers.sha256);
}

static void on_proof(void *context, const struct brought *brought)
{
    struct lead_proof *wait = context;
    struct lead *lead = wait->lead;
    mem_free(wait);
    if (!lead)
        return;
    lead->peers.wait = NULL;
    if (brought->result == BRING_HERE && take_proof(lead, brought->bytes))
        next_or_over(lead);
    else
        in_vain(lead);
}

static void ask_proof(struct lead *lead)
{
    struct edge *edge = lead->home->edge;
    struct lead_proof *wait = MEM_NEW(struct lead_proof);
    wait->lead = lead;
    lead->peers.wait = wait;
    edge_bring(edge, (size_t)(lead->home - edge->loops), lead->peers.proof, PROOF_BYTES, on_proof,
               wait);
}

/* --- beginning --- */

/* A part can be read from a whole that comes only where a slice was asked for (lead_slice.c). */
static bool is_for_peers(const struct lead *lead)
{
    return lead->is_granted && !lead->peers.has_begun && !lead->home->has_ended &&
           text_equal(lead->method, TEXT("GET")) && (lead->is_slicing || !lead->asked.has_range) &&
           !lead->is_as_asked;
}

static bool are_asked(const struct lead *lead)
{
    return lead->peers.has_begun && !lead->peers.is_over;
}

bool lead_may_ask_peers(const struct lead *lead)
{
    struct buffer proof;
    if (!is_for_peers(lead))
        return are_asked(lead);
    buffer_init(&proof, CACHE_KEY_MAX);
    bool is_provable = peer_object_of(lead->target, &proof) != PEER_OBJECT_OTHER;
    buffer_release(&proof);
    struct peers *peers = is_provable ? edge_peers(lead->home->edge) : NULL;
    bool may = peers && peers_count(peers) > 0;
    peers_unref(&peers);
    return may;
}

bool lead_ask_peers(struct lead *lead, enum fetch_outcome outcome)
{
    struct lead_peers *peers = &lead->peers;
    struct buffer proof;
    if (!lead_may_ask_peers(lead))
        return false;
    loop_timer_stop(&peers->patience);
    peers->outcome = outcome;
    if (are_asked(lead))
        return true;
    buffer_init(&proof, CACHE_KEY_MAX);
    peers->has_begun = true;
    peers->object = peer_object_of(lead->target, &proof);
    peers->proof = arena_text(lead->arena, buffer_view(&proof));
    buffer_release(&proof);
    peers->list = edge_peers(lead->home->edge);
    peers->grant = own_grant(lead);
    peers->is_over = !peers->list || !peers->grant.size;
    if (peers->is_over)
        return false;
    if (peers->object == PEER_OBJECT_SIGNED)
        next_or_over(lead);
    else
        ask_proof(lead);
    return true;
}

/* --- beside an origin --- */

static uint64_t most_patience_us(const struct lead *lead)
{
    return lead->home->edge->config.policy.edge_peer_patience_ms * UINT64_C(1000);
}

static void ask_beside(struct lead *lead)
{
    struct edge *edge = lead->home->edge;
    if (origins_are_silent(edge->config.origins))
        edge_mark_slow(edge, edge_now_ms()); /* what is stale is given at once, manifests too */
    counter_add(COUNTER_ORIGIN_SILENCES, 1);
    (void)!lead_ask_peers(lead, FETCH_LATE);
}

static void on_patience(struct loop_timer *timer, uint64_t now_us)
{
    struct lead *lead = CONTAINER_OF(timer, struct lead, peers.patience);
    struct origins *origins = lead->home->edge->config.origins;
    uint64_t most_us = most_patience_us(lead), waited_us = now_us - lead->peers.since_us;
    if (!lead->fetch || lead->is_answered)
        return;
    if (origins_may_ask_beside(origins, waited_us, most_us, now_us))
        ask_beside(lead);
    else
        loop_timer_start(lead->home->loop, timer,
                         waited_us < most_us ? lead->peers.since_us + most_us : now_us + most_us);
}

void lead_watch(struct lead *lead)
{
    uint64_t us = origins_patience_us(lead->home->edge->config.origins, most_patience_us(lead));
    if (!guard_is_on(GUARD_ORIGIN_SILENCE) || lead->peers.has_begun || !lead_may_ask_peers(lead))
        return;
    lead->peers.since_us = loop_now_us(lead->home->loop);
    lead->peers.patience.on_timer = on_patience;
    if (us == 0)
        ask_beside(lead);
    else
        loop_timer_start(lead->home->loop, &lead->peers.patience, lead->peers.since_us + us);
}

void lead_peers_stop(struct lead *lead)
{
    struct lead_peers *peers = &lead->peers;
    loop_timer_stop(&peers->patience);
    peers->is_over = true;
    if (peers->fetch)
        fetch_cancel(peers->fetch);
    peers->fetch = NULL;
    if (peers->wait)
        peers->wait->lead = NULL;
    peers->wait = NULL;
}

void lead_peers_release(struct lead *lead)
{
    lead_peers_stop(lead);
    peers_unref(&lead->peers.list);
    pieces_release(&lead->peers.pieces);
}

/* --- for others --- */

static void on_proof_here(void *context UNUSED, const struct brought *brought UNUSED) {}

void lead_bring_proof(struct lead *lead)
{
    struct edge *edge = lead->home->edge;
    struct buffer proof;
    struct peers *peers = lead->is_granted && edge_is_node(edge) ? edge_peers(edge) : NULL;
    bool has_peers = peers && peers_count(peers) > 0;
    peers_unref(&peers);
    if (!has_peers || lead->peers.has_begun || lead->home->has_ended)
        return;
    buffer_init(&proof, CACHE_KEY_MAX);
    if (peer_object_of(lead->target, &proof) == PEER_OBJECT_PIECES)
        edge_bring(edge, (size_t)(lead->home - edge->loops), buffer_view(&proof), 0, on_proof_here,
                   NULL);
    buffer_release(&proof);
}
