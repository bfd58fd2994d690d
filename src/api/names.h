// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/id.h"
#include "library/library.h"

/* names: what the path of an original or a picture says (docs/formats/objects.md).  Pure. */
struct media_name { /* /m/{id}/original, /m/{id}/original.{version}.{ext} */
    struct catalog_id id;
    bool has_version;
    uint64_t version;
};
struct art_name { /* /art/{id}/{size}.{webp|jpg} */
    struct catalog_id id;
    uint32_t size_px; /* of the ladder */
    enum library_art_format format;
};

bool names_media(struct text path, struct media_name *ret) MUST_USE;
bool names_art(struct text path, struct art_name *ret) MUST_USE;
