// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/buffer.h"
#include "base/encode.h"
#include "base/mem.h"
#include "catalog/answer.h"
#include "catalog/memory.h"
#include "catalog/snapshot.h"
#include "tsv.h"

/*
 * The native side of wasm.mjs.
 * usage: answers LIBRARY.tsv PREFIX          writes PREFIX.core and PREFIX.detail, then answers
 * questions of stdin, one a line in hex, on stdout in the same form
 */
static bool into_buffers(void *context, enum segment_object object, const void *data, size_t size)
{
    struct buffer *buffers = context;
    buffer_append(&buffers[object], data, size);
    return !buffers[object].overflowed;
}

static bool write_object(const char *prefix, const char *suffix, const struct buffer *bytes)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s%s", prefix, suffix);
    FILE *file = fopen(path, "we");
    bool is_written = file && fwrite(bytes->data, 1, bytes->size, file) == bytes->size;
    return file && fclose(file) == 0 && is_written;
}

static void answer_lines(const struct catalog *catalog)
{
    char *line = NULL;
    size_t room = 0;
    uint8_t *out = mem_alloc(ANSWER_MAX_BYTES), question[1024];
    struct buffer hex;
    buffer_init(&hex, ANSWER_MAX_BYTES * 2 + 1);
    for (ssize_t size; (size = getline(&line, &room, stdin)) > 0; buffer_reset(&hex)) {
        size_t bytes =
            decode_hex(text_trim(text_make(line, (size_t)size)), question, sizeof question);
        if (bytes == SIZE_MAX)
            abort();
        encode_hex(&hex, out,
                   catalog_answer(catalog, text_make((const char *)question, bytes), out));
        printf("%.*s\n", (int)hex.size, hex.data ? hex.data : "");
    }
    buffer_release(&hex);
    mem_free(out);
    free(line);
}

int main(int argc, char **argv)
{
    struct buffer objects[SEGMENT_OBJECTS];
    struct build_totals totals;
    struct catalog_id dangling;
    if (argc != 3)
        return 2;
    buffer_init(&objects[SEGMENT_CORE], SIZE_MAX / 2);
    buffer_init(&objects[SEGMENT_DETAIL], SIZE_MAX / 2);
    struct build *build = tsv_build(argv[1]);
    if (build_finish(build, into_buffers, objects, &totals, &dangling) != BUILD_DONE ||
        !write_object(argv[2], ".core", &objects[SEGMENT_CORE]) ||
        !write_object(argv[2], ".detail", &objects[SEGMENT_DETAIL]))
        return 1;
    build_free(&build);
    struct text bytes[SEGMENT_OBJECTS] = {buffer_view(&objects[SEGMENT_CORE]),
                                          buffer_view(&objects[SEGMENT_DETAIL])};
    struct catalog *catalog = catalog_of_objects(bytes, SEGMENT_OBJECTS, true);
    if (!catalog)
        return 1;
    answer_lines(catalog);
    catalog_unref(&catalog);
    buffer_release(&objects[SEGMENT_CORE]);
    buffer_release(&objects[SEGMENT_DETAIL]);
    return fflush(stdout) ? 1 : 0;
}
