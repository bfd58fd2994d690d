// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/launch_list.h"

#include "base/json.h"
#include "base/json_tree.h"
#include "base/mem.h"

enum { READ_BYTES = 8 << 20 };

void launch_list_write(const struct launch_list *list, struct buffer *out)
{
    struct json json;
    struct catalog_id_text id;
    json_init(&json, out);
    json_begin_object(&json);
    json_member_text(&json, "format", TEXT("launch 1.0"));
    json_member_i64(&json, "at", list->at_s);
    json_name(&json, "tracks");
    json_begin_array(&json);
    for (size_t i = 0; i < list->count; i++)
        json_text(&json, catalog_id_print(&id, CATALOG_TRACK, &list->tracks[i]));
    json_end_array(&json);
    json_end_object(&json);
}

static bool read_tracks(const struct json_node *tracks, struct launch_list *list)
{
    enum catalog_kind kind;
    list->tracks = mem_zalloc((tracks->count + 1) * sizeof *list->tracks);
    for (const struct json_node *one = json_tree_items(tracks); one; one = one->next)
        if (!json_tree_is(one, JSON_NODE_TEXT) ||
            !catalog_id_parse(one->text, &kind, &list->tracks[list->count++]) ||
            kind != CATALOG_TRACK)
            return false;
    return true;
}

bool launch_list_read(struct text body, uint64_t number, struct launch_list *ret)
{
    const char *why;
    struct arena *arena = arena_new(READ_BYTES);
    const struct json_node *root = json_tree_read(arena, body, &why),
                           *format = json_tree_member(root, TEXT("format")),
                           *at = json_tree_member(root, TEXT("at")),
                           *tracks = json_tree_member(root, TEXT("tracks"));
    struct launch_list list = {.number = number};
    bool is_good = json_tree_is(format, JSON_NODE_TEXT) &&
                   text_starts(format->text, TEXT("launch 1.")) &&
                   json_tree_is(at, JSON_NODE_INTEGER) && json_tree_is(tracks, JSON_NODE_ARRAY) &&
                   tracks->count <= LAUNCH_MAX_TRACKS && read_tracks(tracks, &list);
    if (is_good) {
        list.at_s = at->integer;
        *ret = list;
    } else {
        launch_list_release(&list);
    }
    arena_free(&arena);
    return is_good;
}

void launch_list_release(struct launch_list *list)
{
    mem_free(list->tracks);
    *list = (struct launch_list){0};
}
