// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/bound.h"

#include "api/replay.h"

static void give_nonce(struct player *player)
{
    struct dpop_nonce nonce;
    dpop_nonce_make(player->api->config.keys, player->api->node_id, player_now_ms(player) / 1000,
                    &nonce);
    exchange_field(player->exchange, "DPoP-Nonce", text_of(nonce.text));
    exchange_field(player->exchange, "WWW-Authenticate", TEXT("DPoP error=\"use_dpop_nonce\""));
    player_problem(player, 401, "Prove it again", dpop_verdict_words(DPOP_STALE));
}

bool bound_names_node(struct player *player)
{
    if (!player->proof->names_node)
        give_nonce(player);
    return player->proof->names_node;
}

/* A proof lives as long as its time or its nonce: both windows are over then. */
bool bound_use_once(struct player *player, struct uid account)
{
    int64_t now_s = player_now_ms(player) / 1000;
    switch (replay_use(player->api->replay, player->proof->id, account, now_s,
                       now_s + 2 * DPOP_WINDOW_S)) {
    case REPLAY_FIRST:
        return true;
    case REPLAY_AGAIN:
        give_nonce(player);
        break;
    case REPLAY_CROWDED:
        player_busy(player, DPOP_WINDOW_S, "This account renews its sessions too often.");
        break;
    case REPLAY_FULL:
        player_busy(player, 5, "Too many browsers prove their keys just now.");
        break;
    }
    return false;
}

static void refuse(struct player *player, enum dpop_verdict verdict)
{
    exchange_field(player->exchange, "WWW-Authenticate", TEXT("DPoP error=\"invalid_dpop_proof\""));
    player_problem(player, 401, "The proof is wrong", dpop_verdict_words(verdict));
}

bool bound_take(struct player *player)
{
    const struct http_request *request = exchange_request(player->exchange);
    struct text text = http_request_field(request, TEXT("DPoP"));
    const struct dpop_request meant = {.method = TEXT("POST"),
                                       .host = request->host,
                                       .path = request->path,
                                       .node = player->api->node_id,
                                       .now_s = player_now_ms(player) / 1000};
    if (!text.size)
        return true;
    struct dpop_proof *proof = arena_alloc(exchange_arena(player->exchange), sizeof *proof);
    enum dpop_verdict verdict =
        proof ? dpop_verify(player->api->config.keys, text, &meant, proof) : DPOP_MALFORMED;
    if (verdict == DPOP_GOOD)
        player->proof = proof;
    else if (verdict == DPOP_STALE)
        give_nonce(player);
    else
        refuse(player, verdict);
    return verdict == DPOP_GOOD;
}
