// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/node_list.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *why = NULL;
    struct node_list *list = node_list_read(text_make((const char *)data, size), &why);
    assert(list || why);
    for (size_t i = 0; list && i < node_list_count(list); i++) {
        const struct node_entry *entry = node_list_at(list, i);
        const struct homes homes = node_list_homes(list, entry->id);
        assert(node_list_find(list, entry->id));
        assert(entry->url_count <= NODE_LIST_URLS_MAX);
        assert(uid_is_none(homes.home) || node_list_find(list, homes.home)->is_welcome);
    }
    node_list_unref(&list);
    return 0;
}
