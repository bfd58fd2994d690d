// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/picture_maker.h"

#include "media/worker/cover.h"

#include <assert.h>
#include <vips/vips.h>

enum { WEBP_QUALITY = 80, JPEG_QUALITY = 85, WEBP_EFFORT = 2, MAX_DIMENSION = 32000 };

/* glib's own writer asks the kernel whether it talks to the journal; outcomes say enough. */
static GLogWriterOutput stay_silent(GLogLevelFlags level, const GLogField *fields, gsize count,
                                    gpointer context)
{
    (void)level, (void)fields, (void)count, (void)context;
    return G_LOG_WRITER_HANDLED;
}

static void warm_up(void)
{
    VipsImage *black = NULL;
    void *bytes = NULL, *out = NULL;
    size_t size = 0, out_size = 0;
    const enum media_image_format formats[] = {MEDIA_JPEG, MEDIA_WEBP};
    if (vips_black(&black, 64, 64, "bands", 3, NULL) ||
        vips_pngsave_buffer(black, &bytes, &size, NULL))
        abort();
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        if (picture_make(text_make(bytes, size), 32, formats[i], &out, &out_size) != MEDIA_OK)
            abort();
        picture_maker_free(out);
    }
    g_free(bytes);
    g_object_unref(black);
}

void picture_maker_start(void)
{
    static const char *const allowed[] = {"VipsForeignLoadJpeg", "VipsForeignLoadPng",
                                          "VipsForeignLoadWebp", "VipsForeignLoadNsgif"};
    g_log_set_writer_func(stay_silent, NULL, NULL);
    if (vips_init("sostenuto-media"))
        abort();
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    vips_block_untrusted_set(TRUE);
    vips_operation_block_set("VipsForeignLoad", TRUE);
    for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
        vips_operation_block_set(allowed[i], FALSE);
    warm_up(); /* types, threads, colour profiles: whatever is loaded late is loaded now */
}

/* Reads the header only. */
static enum media_outcome check(struct text image)
{
    struct text mime = cover_mime(image);
    static const struct text known[] = {TEXT_INIT("image/jpeg"), TEXT_INIT("image/png"),
                                        TEXT_INIT("image/webp"), TEXT_INIT("image/gif")};
    bool is_known = false;
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        is_known = is_known || text_equal(mime, known[i]);
    VipsImage *header =
        is_known ? vips_image_new_from_buffer(image.data, image.size, "", NULL) : NULL;
    if (!header)
        return is_known ? MEDIA_DAMAGED : MEDIA_NO_PICTURE;
    int64_t width = vips_image_get_width(header), height = vips_image_get_height(header);
    g_object_unref(header);
    if (width > MAX_DIMENSION || height > MAX_DIMENSION || width * height > MAKER_MAX_PIXELS)
        return MEDIA_TOO_LARGE;
    return MEDIA_OK;
}

static int save(VipsImage *small, enum media_image_format format, void **ret_bytes,
                size_t *ret_size)
{
    if (format == MEDIA_WEBP)
        return vips_webpsave_buffer(small, ret_bytes, ret_size, "Q", WEBP_QUALITY, "effort",
                                    WEBP_EFFORT, "strip", TRUE, NULL);
    VipsArrayDouble *white =
        vips_array_double_newv(3, 255.0, 255.0, 255.0); /* behind what is transparent */
    int result =
        vips_jpegsave_buffer(small, ret_bytes, ret_size, "Q", JPEG_QUALITY, "optimize_coding", TRUE,
                             "strip", TRUE, "background", white, NULL);
    vips_area_unref(VIPS_AREA(white));
    return result;
}

enum media_outcome picture_make(struct text image, unsigned size_px, enum media_image_format format,
                                void **ret_bytes, size_t *ret_size)
{
    VipsImage *small = NULL;
    enum media_outcome outcome =
        size_px && size_px <= MAKER_MAX_SIDE ? check(image) : MEDIA_TOO_LARGE;
    if (outcome != MEDIA_OK)
        return outcome;
    void *data = (void *)(uintptr_t)image.data; /* vips only reads it */
    int failed = vips_thumbnail_buffer(data, image.size, &small, (int)size_px, "height",
                                       (int)size_px, "size", VIPS_SIZE_DOWN, "export_profile",
                                       "srgb", NULL); /* a cut picture shows what there is of it */
    failed = failed || save(small, format, ret_bytes, ret_size);
    if (small)
        g_object_unref(small);
    vips_error_clear();
    return failed ? MEDIA_DAMAGED : MEDIA_OK;
}

void picture_maker_free(void *bytes) { g_free(bytes); }
