// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/folder_role.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static bool holds(const char *data, const char *name)
{
    char path[PATH_MAX];
    int size = snprintf(path, sizeof path, "%s/%s", data, name);
    return size > 0 && (size_t)size < sizeof path && access(path, F_OK) == 0;
}

enum folder_role folder_role(const char *data)
{
    struct stat status;
    if (stat(data, &status) != 0)
        return FOLDER_NONE;
    if (holds(data, "keys/root.pub"))
        return FOLDER_ORIGIN;
    return holds(data, "keys/joined") ? FOLDER_EDGE : FOLDER_FRESH;
}

bool folder_may_be_origin(const char *data, struct buffer *why)
{
    if (folder_role(data) != FOLDER_EDGE)
        return true;
    buffer_printf(
        why,
        "%s is the folder of an edge: sostenuto edge --data %s serves it; when its origin "
        "is gone for good sostenuto promote makes it the origin; else choose another "
        "folder with --data",
        data, data);
    return false;
}

bool folder_may_be_edge(const char *data, struct buffer *why)
{
    if (folder_role(data) != FOLDER_ORIGIN)
        return true;
    buffer_printf(why,
                  "%s is the folder of an origin, which sostenuto serve serves; choose another, "
                  "empty one with --data%s",
                  data,
                  holds(data, "promoted") ? ", or make this one an edge's again: sostenuto demote"
                                          : "");
    return false;
}
