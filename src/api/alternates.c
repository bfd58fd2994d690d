// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/alternates.h"

#include "trust/node_list.h"

static bool is_https(struct text url) { return text_starts(url, TEXT("https://")); }

static bool wants_https(const struct node_list *list, const struct alternates_wish *wish)
{
    const struct node_entry *own = list ? node_list_find(list, wish->own) : NULL;
    return wish->is_secure || (own && own->url_count && is_https(own->urls[0]));
}

static bool is_reached(const struct node_entry *node, const struct alternates_wish *wish)
{
    bool is_known = (node->role == NODE_ENTRY_ORIGIN && !wish->without_origins) ||
                    (node->role == NODE_ENTRY_EDGE && node->is_welcome);
    return is_known && !uid_equal(node->id, wish->own);
}

/* The best of its addresses that will do, or none. */
static struct text address_of(const struct node_entry *node, bool needs_https)
{
    for (size_t i = 0; i < node->url_count; i++)
        if (is_https(node->urls[i]) || !needs_https)
            return node->urls[i];
    return TEXT_NONE;
}

size_t alternates_choose(const struct node_list *list, const struct alternates_wish *wish,
                         struct alternate ret[ALTERNATES_MAX])
{
    bool needs_https = wants_https(list, wish);
    size_t count = list ? node_list_count(list) : 0, chosen = 0;
    for (size_t i = 0; i < count && chosen < ALTERNATES_MAX; i++) {
        const struct node_entry *node = node_list_at(list, (wish->seed % count + i) % count);
        struct text address = address_of(node, needs_https);
        if (address.size && is_reached(node, wish))
            ret[chosen++] = (struct alternate){node->id, address};
    }
    return chosen;
}
