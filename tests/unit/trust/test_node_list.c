// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/node_list.h"
#include "tap.h"
#include "base/encode.h"
#include "base/json.h"
#include "trust/node_certificate.h"

enum { ROOM = 64 << 10, JOINED_S = 1767225600 };

static struct uid write_edge(struct buffer *out, uint8_t number, const char *rest)
{
    struct uid_text storage;
    struct buffer key;
    uint8_t bytes[SIGNED_PUBLIC_BYTES];
    memset(bytes, number, sizeof bytes);
    buffer_init(&key, 64);
    encode_base64url(&key, bytes, sizeof bytes);
    buffer_printf(out,
                  ",{\"id\":\"%.*s\",\"name\":\"edge-%u\",\"role\":\"edge\",\"urls\":"
                  "[\"https://e%u.example.org\"],\"public\":\"%.*s\",\"may\":[\"operations\","
                  "\"dances\"],\"since\":%d,\"until\":%d,%s}",
                  TEXT_ARGS(uid_text(&storage, node_id_of(bytes))), number, number,
                  TEXT_ARGS(buffer_view(&key)), JOINED_S, JOINED_S + 60, rest);
    buffer_release(&key);
    return node_id_of(bytes);
}

static const char origin[] = "{\"nodes\":[{\"id\":\"AAECAwQFBgcICQoLDA0ODw\",\"name\":\"music\","
                             "\"role\":\"origin\",\"urls\":[],\"since\":1}";

static void test_reading(void)
{
    struct buffer body;
    const char *why = "";
    buffer_init(&body, ROOM);
    buffer_text(&body, text_of(origin));
    struct uid a = write_edge(&body, 1, "\"welcome\":true");
    struct uid b = write_edge(&body, 2, "\"welcome\":false");
    struct uid c = write_edge(&body, 3, "\"welcome\":true,\"more\":[{}]");
    buffer_printf(&body, ",{\"id\":\"AQECAwQFBgcICQoLDA0ODw\",\"role\":\"moon\",\"urls\":[]}]}");
    struct node_list *list = node_list_read(buffer_view(&body), &why);
    buffer_release(&body);
    OK(list && node_list_count(list) == 5, "a list of nodes is read, strange roles too");
    const struct node_entry *entry = node_list_find(list, a);
    OK(!node_list_party(list).domain.size && !node_list_party(NULL).domain.size,
       "an origin without a name has no name for passkeys");
    OK(entry && entry->role == NODE_ENTRY_EDGE && entry->is_welcome && entry->is_delegate,
       "an edge is found by its id");
    OK_TEXT(entry->urls[0], TEXT("https://e1.example.org"), "with where listeners reach it");
    OK(entry->delegation.may == DELEGATED_OPERATIONS &&
           entry->delegation.expires_s == JOINED_S + 60,
       "and what it may sign until when, words that are not known aside");
    OK(node_list_by_key(list, key_id_of(entry->delegation.key)) == entry,
       "and by the key that it signs with");
    OK(!node_list_find(list, b)->is_welcome, "an edge that is not welcome is said to be so");
    OK(node_list_at(list, 0)->role == NODE_ENTRY_ORIGIN && !node_list_at(list, 0)->is_delegate,
       "the origin is no edge");
    bool is_good = true;
    for (uint8_t i = 0; i < 200; i++) {
        struct homes homes = node_list_homes(list, (struct uid){{i}});
        is_good &= !homes_has(&homes, b) && homes_has(&homes, a) && homes_has(&homes, c);
    }
    OK(is_good, "homes are among the welcome edges alone");
    struct node_list *second = node_list_ref(list);
    node_list_unref(&list);
    OK(!list && node_list_count(second) == 5, "who holds a reference has the list");
    node_list_unref(&second);
    struct homes none = node_list_homes(NULL, a);
    OK(uid_is_none(none.home), "without a list nobody has a home");
}

static struct party party_in(const char *urls, const char *rest)
{
    char body[512];
    const char *why = "";
    static char domain[64];
    (void)snprintf(body, sizeof body,
                   "{\"nodes\":[{\"id\":\"AAECAwQFBgcICQoLDA0ODw\",\"role\":\"origin\",\"urls\":"
                   "[%s]}]%s}",
                   urls, rest);
    struct node_list *list = node_list_read(text_of(body), &why);
    struct party party = node_list_party(list);
    (void)snprintf(domain, sizeof domain, "%.*s", TEXT_ARGS(party.domain));
    node_list_unref(&list);
    return (struct party){text_of(domain), party.is_said};
}

static void test_party(void)
{
    struct party party = party_in("\"https://music.example.org:8443\"", "");
    OK_TEXT(party.domain, TEXT("music.example.org"), "passkeys are for where the origin is");
    OK(!party.is_said, "which nobody said");
    party = party_in("\"https://music.example.org\"", ",\"passkeys\":\"example.org\"");
    OK_TEXT(party.domain, TEXT("example.org"), "or for what the list says");
    OK(party.is_said, "then an operator said it");
    party = party_in("\"https://192.0.2.7\"", ",\"passkeys\":\"192.0.2.7\"");
    OK_TEXT(party.domain, TEXT(""), "an address is no name for them");
}

static void test_refusing(void)
{
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{\"nodes\":{}}",
        "{\"nodes\":[1]}",
        "{\"nodes\":[{\"id\":\"short\",\"role\":\"origin\",\"urls\":[]}]}",
        "{\"nodes\":[{\"id\":\"AAECAwQFBgcICQoLDA0ODw\",\"role\":\"origin\",\"urls\":[7]}]}",
        "{\"nodes\":[{\"id\":\"AAECAwQFBgcICQoLDA0ODw\",\"role\":\"edge\",\"urls\":[]}]}",
    };
    size_t refused = 0;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        const char *why = NULL;
        struct node_list *list = node_list_read(text_of(bad[i]), &why);
        refused += !list && why;
        node_list_unref(&list);
    }
    OK(refused == ARRAY_SIZE(bad), "what is no list is refused with words");
    struct buffer body;
    const char *why;
    buffer_init(&body, ROOM);
    buffer_text(&body, text_of(origin));
    (void)write_edge(&body, 1, "\"welcome\":false");
    (void)write_edge(&body, 1, "\"welcome\":true");
    buffer_text(&body, TEXT("]}"));
    struct node_list *twice = node_list_read(buffer_view(&body), &why);
    OK(!twice, "so is one that names a node twice");
    buffer_reset(&body);
    buffer_text(&body, text_of(origin));
    (void)write_edge(&body, 1, "\"welcome\":true");
    buffer_text(&body, TEXT("]}"));
    char *id = strstr(body.data, "\"id\":\"AAEC");
    OK(id != NULL, "the origin stands first");
    char *edge_id = id ? strstr(id + 10, "\"id\":\"") : NULL;
    if (edge_id)
        edge_id[6] = edge_id[6] == 'A' ? 'B' : 'A';
    struct node_list *list = node_list_read(buffer_view(&body), &why);
    OK(!list, "an edge whose id is not its key's is refused, and the list with it");
    buffer_release(&body);
}

int main(void)
{
    test_reading();
    test_party();
    test_refusing();
    return tap_done();
}
