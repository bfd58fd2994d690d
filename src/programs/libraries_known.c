// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/libraries_known.h"

#include "base/mem.h"
#include <jansson.h>

void libraries_known_release(struct libraries_known *known)
{
    for (size_t i = 0; i < known->count; i++) {
        mem_free(known->items[i].name);
        mem_free(known->items[i].path);
    }
    known->count = 0;
}

bool libraries_known_add(struct libraries_known *known, int32_t id, const char *name,
                         const char *path)
{
    if (known->count == LIBRARIES_MAX_IDS || id < 1 || id > LIBRARIES_MAX_IDS)
        return false;
    known->items[known->count++] =
        (struct library_known){.id = id, .name = mem_strdup(name), .path = mem_strdup(path)};
    return true;
}

bool libraries_known_parse(struct libraries_known *known, struct text content)
{
    json_t *root = json_loadb(content.data ? content.data : "", content.size,
                              JSON_REJECT_DUPLICATES, NULL),
           *item;
    size_t i;
    bool is_good = json_is_array(root);
    json_array_foreach(root, i, item)
    {
        int id = 0;
        const char *name = NULL, *path = NULL;
        is_good =
            is_good &&
            json_unpack(item, "{s:i, s:s, s:s}", "id", &id, "name", &name, "path", &path) == 0 &&
            libraries_known_add(known, id, name, path);
    }
    json_decref(root);
    return is_good;
}
