// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/node_list.h"

#include "base/encode.h"
#include "base/json_tree.h"
#include "base/mem.h"
#include "trust/node_certificate.h"

#include <stdatomic.h>
#include <stdio.h>

enum { ARENA_BYTES = 64 << 20, URL_MAX_BYTES = 255 };

struct node_list {
    atomic_uint references;
    struct arena *arena; /* of the texts */
    size_t count;
    struct node_entry *nodes;
    size_t welcome_count;
    struct uid *welcome; /* edges */
    struct party party;
};

/* --- reading --- */

static struct text text_member(const struct json_node *object, struct text name)
{
    const struct json_node *node = json_tree_member(object, name);
    return json_tree_is(node, JSON_NODE_TEXT) ? node->text : TEXT_NONE;
}

static int64_t time_member(const struct json_node *object, struct text name)
{
    const struct json_node *node = json_tree_member(object, name);
    return json_tree_is(node, JSON_NODE_INTEGER) && node->integer > 0 ? node->integer : 0;
}

static enum node_entry_role role_of(struct text word)
{
    return text_equal(word, TEXT("origin")) ? NODE_ENTRY_ORIGIN
           : text_equal(word, TEXT("edge")) ? NODE_ENTRY_EDGE
                                            : NODE_ENTRY_OTHER;
}

static bool read_texts(const struct json_node *list, struct text *ret, size_t max,
                       size_t *ret_count)
{
    if (!json_tree_is(list, JSON_NODE_ARRAY) || list->count > max)
        return false;
    for (const struct json_node *one = json_tree_items(list); one; one = one->next) {
        if (!json_tree_is(one, JSON_NODE_TEXT) || one->text.size > URL_MAX_BYTES)
            return false;
        ret[(*ret_count)++] = one->text;
    }
    return true;
}

static bool read_delegation(const struct json_node *node, struct node_entry *ret)
{
    struct delegation *delegation = &ret->delegation;
    const struct json_node *may = json_tree_member(node, TEXT("may"));
    if (!delegation_name_is_sound(ret->name) || !json_tree_is(may, JSON_NODE_ARRAY) ||
        decode_base64url(text_member(node, TEXT("public")), delegation->key,
                         sizeof delegation->key) != sizeof delegation->key ||
        !uid_equal(ret->id, node_id_of(delegation->key)))
        return false;
    for (const struct json_node *word = json_tree_items(may); word; word = word->next)
        if (json_tree_is(word, JSON_NODE_TEXT))
            delegation->may |= delegated_of_word(word->text);
    delegation->id = ret->id;
    (void)snprintf(delegation->name, sizeof delegation->name, "%.*s", TEXT_ARGS(ret->name));
    delegation->since_s = delegation->issued_s = time_member(node, TEXT("since"));
    delegation->expires_s = time_member(node, TEXT("until"));
    return true;
}

static bool read_node(const struct json_node *node, struct node_entry *ret)
{
    const struct json_node *welcome = json_tree_member(node, TEXT("welcome"));
    *ret = (struct node_entry){.role = role_of(text_member(node, TEXT("role"))),
                               .name = text_member(node, TEXT("name"))};
    if (!uid_from_text(text_member(node, TEXT("id")), &ret->id) ||
        !read_texts(json_tree_member(node, TEXT("urls")), ret->urls, NODE_LIST_URLS_MAX,
                    &ret->url_count))
        return false;
    const struct json_node *doors = json_tree_member(node, TEXT("nodes"));
    if (ret->role != NODE_ENTRY_EDGE)
        return !doors || read_texts(doors, ret->doors, NODE_LIST_DOORS_MAX, &ret->door_count);
    ret->is_welcome = json_tree_is(welcome, JSON_NODE_BOOL) && welcome->integer;
    ret->is_delegate = read_delegation(node, ret);
    return ret->is_delegate;
}

static bool read_nodes(struct node_list *list, const struct json_node *nodes)
{
    list->nodes = mem_zalloc((nodes->count + 1) * sizeof *list->nodes);
    list->welcome = mem_zalloc((nodes->count + 1) * sizeof *list->welcome);
    for (const struct json_node *node = json_tree_items(nodes); node; node = node->next) {
        struct node_entry *entry = &list->nodes[list->count];
        if (!read_node(node, entry) || node_list_find(list, entry->id))
            return false; /* also one that is there twice */
        list->count++;
        if (entry->role == NODE_ENTRY_EDGE && entry->is_welcome)
            list->welcome[list->welcome_count++] = entry->id;
    }
    return true;
}

static struct party read_party(const struct node_list *list, const struct json_node *root)
{
    struct text said = text_member(root, TEXT("passkeys"));
    if (party_is_domain(said))
        return (struct party){said, true};
    for (size_t i = 0; i < list->count; i++) {
        const struct node_entry *node = &list->nodes[i];
        struct text host = node->url_count ? party_host(node->urls[0]) : TEXT_NONE;
        if (node->role == NODE_ENTRY_ORIGIN && party_is_domain(host))
            return (struct party){host, false};
    }
    return (struct party){0};
}

struct node_list *node_list_read(struct text body, const char **ret_why)
{
    struct node_list *list = MEM_NEW(struct node_list);
    atomic_init(&list->references, 1);
    list->arena = arena_new(ARENA_BYTES);
    struct text copy = arena_text(list->arena, body);
    const struct json_node *root = copy.data ? json_tree_read(list->arena, copy, ret_why) : NULL;
    const struct json_node *nodes = json_tree_member(root, TEXT("nodes"));
    if (json_tree_is(nodes, JSON_NODE_ARRAY) && nodes->count <= NODE_LIST_MAX &&
        read_nodes(list, nodes)) {
        list->party = read_party(list, root);
        return list;
    }
    *ret_why = "that is no list of nodes";
    node_list_unref(&list);
    return NULL;
}

struct node_list *node_list_ref(struct node_list *list)
{
    (void)atomic_fetch_add(&list->references, 1);
    return list;
}

void node_list_unref(struct node_list **list_p)
{
    struct node_list *list = *list_p;
    *list_p = NULL;
    if (!list || atomic_fetch_sub(&list->references, 1) > 1)
        return;
    arena_free(&list->arena);
    mem_free(list->nodes);
    mem_free(list->welcome);
    mem_free(list);
}

/* --- looking --- */

struct party node_list_party(const struct node_list *list)
{
    return list ? list->party : (struct party){0};
}

size_t node_list_count(const struct node_list *list) { return list->count; }

const struct node_entry *node_list_at(const struct node_list *list, size_t i)
{
    return &list->nodes[i];
}

const struct node_entry *node_list_find(const struct node_list *list, struct uid id)
{
    for (size_t i = 0; i < list->count; i++)
        if (uid_equal(list->nodes[i].id, id))
            return &list->nodes[i];
    return NULL;
}

const struct node_entry *node_list_by_key(const struct node_list *list, struct key_id key)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->nodes[i].is_delegate &&
            key_id_equal(key_id_of(list->nodes[i].delegation.key), key))
            return &list->nodes[i];
    return NULL;
}

struct homes node_list_homes(const struct node_list *list, struct uid account)
{
    static const struct homes nowhere;
    return list ? homes_of(account, list->welcome, list->welcome_count) : nowhere;
}
