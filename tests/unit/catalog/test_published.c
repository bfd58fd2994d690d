// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/published.h"
#include "tap.h"
#include <string.h>

static struct list list_of(uint32_t segments)
{
    struct list list = {
        .major = LIST_MAJOR, .library = 3, .epoch = 2, .number = 1795312345, .count = segments};
    for (uint32_t i = 0; i < segments; i++) {
        struct list_entry *entry = &list.entries[i];
        *entry = (struct list_entry){
            .number = i + 1, .size_bytes = {1000 + i, 2000 + i}, .tracks = 10, .removals = i};
        memset(entry->digest, (int)(i + 1), sizeof entry->digest);
    }
    return list;
}

static void lists_travel(void)
{
    struct list list = list_of(LIST_MAX_SEGMENTS), again = {0};
    struct buffer out;
    const char *why;
    buffer_init(&out, PUBLISHED_MAX_BYTES);
    published_write(&list, &out);
    OK(published_read(buffer_view(&out), &again, &why) && memcmp(&list, &again, sizeof list) == 0,
       "a list is read as it was written");
    buffer_reset(&out);
    published_write(&again, &out);
    size_t refused = 0, size = out.size;
    for (size_t cut = 0; cut < size; cut++)
        refused += !published_read(text_make(out.data, cut), &again, &why) && why;
    OK(refused == size, "every truncation is refused");
    buffer_release(&out);
}

static void bad_lists_are_refused(void)
{
#define HEX32 "abababababababababababababababab"
#define OBJECT_JSON "{\"bytes\":4096,\"sha256\":\"" HEX32 HEX32 "\"}"
#define SEGMENT_JSON(object) \
    "{\"number\":1,\"tracks\":1,\"removals\":0,\"core\":" object ",\"detail\":" OBJECT_JSON "}"
#define LIST_JSON(library, version, segments) \
    "{\"library\":" library ",\"version\":" version ",\"segments\":[" segments "]}"
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        LIST_JSON("0", "\"1.1\"", ""),
        LIST_JSON("33", "\"1.1\"", ""),
        LIST_JSON("1", "1.1", ""),
        LIST_JSON("1", "\"1\"", ""),
        LIST_JSON("1", "\"-1.1\"", ""),
        LIST_JSON("1", "\"1.1.1\"", ""),
        LIST_JSON("1", "\"99999999999999999999.1\"", ""),
        LIST_JSON("1", "\"1.1\"", "{}"),
        LIST_JSON("1", "\"1.1\"", SEGMENT_JSON("{\"bytes\":4096}")),
        LIST_JSON("1", "\"1.1\"", SEGMENT_JSON("{\"bytes\":-1,\"sha256\":\"" HEX32 HEX32 "\"}")),
        LIST_JSON("1", "\"1.1\"", SEGMENT_JSON("{\"bytes\":10,\"sha256\":\"" HEX32 HEX32 "\"}")),
        LIST_JSON("1", "\"1.1\"", SEGMENT_JSON("{\"bytes\":4096,\"sha256\":\"" HEX32 "\"}")),
        "{\"library\":1,\"library\":2,\"version\":\"1.1\",\"segments\":[]}",
    };
    struct list list;
    const char *why;
    const char *good = LIST_JSON("1", "\"1.1\"", SEGMENT_JSON(OBJECT_JSON));
    OK(published_read(text_of(good), &list, &why) && list.count == 1, "a good one is taken");
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        OK(!published_read(text_of(bad[i]), &list, &why) && why, bad[i][0] ? bad[i] : "(nothing)");
}

static void a_delta_is_what_one_lacks(void)
{
    struct list held = list_of(2), wanted = list_of(3);
    struct published_object lacking[PUBLISHED_MAX_OBJECTS];
    OK(published_lacking(&wanted, NULL, lacking) == 6, "who holds nothing lacks everything");
    OK(published_lacking(&wanted, &held, lacking) == 2 && lacking[0].object == SEGMENT_CORE &&
           lacking[0].size_bytes == 1002 && lacking[1].object == SEGMENT_DETAIL,
       "who holds the list before lacks the new segment");
    OK(published_lacking(&held, &wanted, lacking) == 0, "who holds more lacks nothing");
}

int main(void)
{
    lists_travel();
    bad_lists_are_refused();
    a_delta_is_what_one_lacks();
    return tap_done();
}
