// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/edges_desk.h"

#include "api/audit.h"
#include "base/encode.h"
#include "base/json.h"
#include "programs/listening.h"
#include "programs/settings.h"
#include "programs/settings_check.h"
#include "trust/keyfolder.h"
#include "trust/node_book.h"

#include <sodium.h>
#include <string.h>

enum { DOOR_BYTES = 96 };

/* --- answers --- */

static void fail(struct buffer *answer, struct text words)
{
    struct json json;
    buffer_reset(answer);
    json_init(&json, answer);
    json_begin_object(&json);
    json_member_bool(&json, "ok", false);
    json_member_text(&json, "error", words);
    json_end_object(&json);
}

static struct json begin(struct buffer *answer)
{
    struct json json;
    buffer_reset(answer);
    json_init(&json, answer);
    json_begin_object(&json);
    json_member_bool(&json, "ok", true);
    return json;
}

static void audit(const struct edges_desk *desk, enum audit_event event, struct text name)
{
    audit_write(desk->audit, event, &(struct audit_entry){.by = TEXT("owner"), .what = name});
}

/* --- addresses --- */

static void write_address(struct buffer *out, struct text host, uint16_t port)
{
    bool is_v6 = text_find_byte(host, ':') != SIZE_MAX;
    buffer_printf(out, "%s%s%.*s%s:%u", out->size ? "," : "", is_v6 ? "[" : "", TEXT_ARGS(host),
                  is_v6 ? "]" : "", port);
}

void edges_desk_choose(struct text listen, char *ret, size_t capacity)
{
    struct text host;
    uint16_t port = 0;
    struct buffer address;
    buffer_init(&address, DOOR_BYTES);
    if (!address_split(listen, &host, &port))
        host = TEXT("0.0.0.0");
    bool has_next = port != 0 && port != UINT16_MAX; /* 0: whichever is free, here too */
    write_address(&address, host, has_next ? (uint16_t)(port + 1) : 0);
    if (!listening_is_free(buffer_view(&address))) {
        buffer_reset(&address);
        write_address(&address, host, 0);
    }
    (void)snprintf(ret, capacity, "%.*s", TEXT_ARGS(buffer_view(&address)));
    buffer_release(&address);
}

/* The host of "https://music.example.org:8443". */
static struct text host_of(const char *url)
{
    const char *host = strstr(url, "://");
    return host ? text_make(host + 3, strcspn(host + 3, ":/")) : TEXT_NONE;
}

void edges_desk_addresses(const struct settings *settings, struct text door, struct buffer *out)
{
    const struct settings_list *named = &settings->node_addresses;
    struct text host, public = host_of(settings->public_url);
    char lan[48];
    uint16_t port = 0;
    for (size_t i = 0; i < named->count && i < INVITATION_ADDRESSES_MAX; i++)
        buffer_printf(out, "%s%s", i ? "," : "", named->items[i]);
    if (named->count > 0 || !address_split(door, &host, &port))
        return;
    bool is_any = text_equal(host, TEXT("0.0.0.0")) || text_equal(host, TEXT("::"));
    if (public.size > 0)
        write_address(out, public, port);
    if (!is_any)
        write_address(out, host, port);
    else if (listening_lan_host(lan, sizeof lan))
        write_address(out, text_of(lan), port);
    if (out->size == 0)
        write_address(out, TEXT("127.0.0.1"), port);
}

/* Without a server nobody listens yet: the next one will, there. */
static bool note_door(const struct edges_desk *desk, struct buffer *why)
{
    const struct settings *settings = desk->settings;
    char door[DOOR_BYTES];
    bool is_chosen = !text_equal(text_of(settings->nodes), TEXT("auto"));
    if (!is_chosen && node_book_door(desk->book).size > 0)
        return true;
    if (is_chosen)
        (void)snprintf(door, sizeof door, "%s", settings->nodes);
    else
        edges_desk_choose(text_of(settings->listen.items[0]), door, sizeof door);
    if (text_ends(text_of(door), TEXT(":0"))) {
        buffer_printf(why, "which port the origin will have for nodes is not known while it does "
                           "not run: start it, or choose one with --nodes ADDR:PORT");
        return false;
    }
    enum node_book_verdict verdict = node_book_set_door(desk->book, text_of(door));
    if (verdict != NODE_BOOK_DONE)
        buffer_printf(why, "%s", node_book_words(verdict));
    return verdict == NODE_BOOK_DONE;
}

static bool open_door(const struct edges_desk *desk, struct buffer *why)
{
    if (text_equal(text_of(desk->settings->nodes), TEXT("off"))) {
        buffer_printf(why, "this origin takes no edges: its setting nodes is \"off\"");
        return false;
    }
    return desk->open_door ? desk->open_door(desk->context, why) : note_door(desk, why);
}

/* --- the requests --- */

static bool is_invited(const struct edges_desk *desk, struct text name, int64_t now_s)
{
    struct text other;
    int64_t expires_s;
    for (size_t cursor = 0; node_book_next_invited(desk->book, now_s, &cursor, &other, &expires_s);)
        if (text_equal(other, name))
            return true;
    return false;
}

/* Where listeners open this origin, as far as its settings say. */
static struct text url_of(const struct settings *settings)
{
    return text_of(settings->public_url[0]         ? settings->public_url
                   : settings->node_urls.count > 0 ? settings->node_urls.items[0]
                                                   : "");
}

static void answer_token(const struct edges_desk *desk, const struct invitation *invitation,
                         int64_t expires_s, bool takes_place, struct buffer *answer)
{
    struct keyfolder_status keys = keyfolder_status(desk->keyfolder, expires_s);
    struct buffer token;
    buffer_init(&token, INVITATION_TEXT_MAX_BYTES);
    invitation_write(invitation, &token);
    struct json json = begin(answer);
    json_member_text(&json, "token", buffer_view(&token));
    json_member_text(&json, "addresses", text_of(invitation->addresses));
    json_member_text(&json, "root", text_of(keys.root_fingerprint));
    json_member_text(&json, "url", url_of(desk->settings));
    json_member_i64(&json, "expires_s", expires_s);
    json_member_bool(&json, "takes_place", takes_place);
    json_end_object(&json);
    explicit_bzero(token.data, token.size);
    buffer_release(&token);
}

static bool draw(const struct edges_desk *desk, struct invitation *ret, struct buffer *why)
{
    struct buffer addresses;
    if (!open_door(desk, why))
        return false;
    buffer_init(&addresses, sizeof ret->addresses);
    edges_desk_addresses(desk->settings, node_book_door(desk->book), &addresses);
    bool has_room = !addresses.overflowed && addresses.size < sizeof ret->addresses;
    if (has_room)
        (void)snprintf(ret->addresses, sizeof ret->addresses, "%.*s",
                       TEXT_ARGS(buffer_view(&addresses)));
    else
        buffer_printf(why, "node_addresses are too long for a token");
    buffer_release(&addresses);
    crypto_hash_sha256(ret->root_digest, keyfolder_root(desk->keyfolder), SIGNED_PUBLIC_BYTES);
    invitation_draw(ret);
    return has_room;
}

static void invite(const struct edges_desk *desk, const struct operator_request *request,
                   int64_t now_s, struct buffer *answer)
{
    struct invitation invitation = {0};
    struct text name = text_of(request->name);
    uint8_t digest[INVITATION_DIGEST_BYTES];
    uint64_t seconds = EDGES_INVITE_S;
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    if (!delegation_name_is_sound(name))
        buffer_printf(&why,
                      "a node's name has 1 to %d letters, digits, '.', '_' and '-', and "
                      "begins with a letter or digit",
                      DELEGATION_NAME_MAX_BYTES);
    else if (request->expires[0] && (!text_to_u64(text_of(request->expires), &seconds) ||
                                     seconds == 0 || seconds > EDGES_INVITE_MAX_S))
        buffer_printf(&why, "an invitation lasts a second to 30 days");
    else if (draw(desk, &invitation, &why)) {
        int64_t expires_s = now_s + (int64_t)seconds;
        bool takes_place = is_invited(desk, name, now_s);
        invitation_digest(invitation.secret, digest);
        enum node_book_verdict verdict =
            node_book_invite(desk->book, name, digest, expires_s, now_s);
        if (verdict == NODE_BOOK_DONE) {
            audit(desk, AUDIT_EDGE_INVITED, name);
            answer_token(desk, &invitation, expires_s, takes_place, answer);
        } else {
            buffer_printf(&why, "%s", node_book_words(verdict));
        }
    }
    if (why.size > 0)
        fail(answer, buffer_view(&why));
    explicit_bzero(&invitation, sizeof invitation);
    buffer_release(&why);
}

static void write_edge(struct json *json, struct node_book *book, size_t i)
{
    struct node_seat seat;
    struct uid_text id;
    struct text urls[JOINING_URLS_MAX];
    size_t count = node_book_urls(book, i, urls);
    node_book_at(book, i, &seat);
    json_begin_object(json);
    json_member_text(json, "name", text_of(seat.name));
    json_member_text(json, "id", uid_text(&id, seat.id));
    json_member_i64(json, "joined_s", seat.joined_s);
    json_member_i64(json, "until_s", seat.until_s);
    json_member_i64(json, "seen_s", seat.seen_s);
    json_member_i64(json, "revoked_s", seat.revoked_s);
    json_name(json, "urls");
    json_begin_array(json);
    for (size_t k = 0; k < count; k++)
        json_text(json, urls[k]);
    json_end_array(json);
    json_end_object(json);
}

static void list(const struct edges_desk *desk, int64_t now_s, struct buffer *answer)
{
    struct json json = begin(answer);
    struct text name;
    int64_t expires_s;
    json_member_text(&json, "door", node_book_door(desk->book));
    json_member_u64(&json, "invited", node_book_invited(desk->book, now_s));
    json_name(&json, "invitations");
    json_begin_array(&json);
    for (size_t cursor = 0;
         node_book_next_invited(desk->book, now_s, &cursor, &name, &expires_s);) {
        json_begin_object(&json);
        json_member_text(&json, "name", name);
        json_member_i64(&json, "expires_s", expires_s);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_name(&json, "edges");
    json_begin_array(&json);
    for (size_t i = 0; i < node_book_count(desk->book); i++)
        write_edge(&json, desk->book, i);
    json_end_array(&json);
    json_end_object(&json);
}

static void revoke(const struct edges_desk *desk, const struct operator_request *request,
                   int64_t now_s, struct buffer *answer)
{
    struct text name = text_of(request->name);
    enum node_book_verdict verdict = node_book_revoke(desk->book, name, now_s);
    if (verdict != NODE_BOOK_DONE) {
        fail(answer, verdict == NODE_BOOK_UNKNOWN
                         ? TEXT("there is no such edge, nor an invitation for one; sostenuto edges "
                                "list shows them")
                         : text_of(node_book_words(verdict)));
        return;
    }
    audit(desk, AUDIT_EDGE_REVOKED, name);
    struct json json = begin(answer);
    json_member_text(&json, "said", TEXT("revoked: no node of this service talks to it any more"));
    json_end_object(&json);
}

bool edges_desk_ask(const struct edges_desk *desk, const struct operator_request *request,
                    int64_t now_s, struct buffer *answer)
{
    if (strcmp(request->verb, "edge.invite") == 0)
        invite(desk, request, now_s, answer);
    else if (strcmp(request->verb, "edge.list") == 0)
        list(desk, now_s, answer);
    else if (strcmp(request->verb, "edge.revoke") == 0)
        revoke(desk, request, now_s, answer);
    else
        return false;
    return true;
}
