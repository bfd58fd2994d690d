// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/build.h"
#include "catalog/catalog.h"
#include "catalog/depot.h"
#include "catalog/id.h"
#include "catalog/search.h"
#include "tap.h"

static void every_kind_comes_back(void)
{
    struct catalog_id id;
    for (unsigned i = 0; i < 16; i++)
        id.bytes[i] = (uint8_t)(i * 37 + 251);
    bool all = true;
    for (unsigned kind = 0; kind < CATALOG_KINDS; kind++) {
        struct catalog_id_text storage;
        struct text t = catalog_id_print(&storage, (enum catalog_kind)kind, &id);
        enum catalog_kind kind_again = CATALOG_KINDS;
        struct catalog_id again;
        all = all && catalog_id_parse(t, &kind_again, &again) && (unsigned)kind_again == kind &&
              catalog_id_equal(&id, &again) && storage.digits[t.size] == 0;
    }
    OK(all, "an id of every kind prints and parses to itself");
}

static void texts_are_fixed(void)
{
    struct catalog_id_text storage;
    struct catalog_id zero = {{0}}, ones;
    memset(ones.bytes, 0xff, 16);
    OK_TEXT(catalog_id_print(&storage, CATALOG_TRACK, &zero), TEXT("tr-AAAAAAAAAAAAAAAAAAAAAA"),
            "zero bytes of a track");
    OK_TEXT(catalog_id_print(&storage, CATALOG_ARTWORK, &ones), TEXT("art-_____________________w"),
            "one bits of a picture");
    OK(catalog_id_is_none(&zero) && !catalog_id_is_none(&ones), "sixteen zero bytes are none");
    OK(catalog_id_compare(&zero, &ones) < 0 && catalog_id_compare(&ones, &zero) > 0,
       "ids compare by byte");
}

static void bad_texts_are_refused(void)
{
    static const char *const bad[] = {
        "",
        "tr-",
        "tr-AAAAAAAAAAAAAAAAAAAAA",
        "tr-AAAAAAAAAAAAAAAAAAAAAAA",
        "tr-AAAAAAAAAAAAAAAAAAAAA=",
        "xx-AAAAAAAAAAAAAAAAAAAAAA",
        "TR-AAAAAAAAAAAAAAAAAAAAAA",
        "tr-AAAAAAAAAAAAAAAAAAAAAB",
        "1",
        "al-+AAAAAAAAAAAAAAAAAAAAA",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        enum catalog_kind kind = CATALOG_KINDS;
        struct catalog_id id;
        OK(!catalog_id_parse(text_of(bad[i]), &kind, &id) && kind == CATALOG_KINDS,
           bad[i][0] ? bad[i] : "empty");
    }
}

int main(void)
{
    every_kind_comes_back();
    texts_are_fixed();
    bad_texts_are_refused();
    return tap_done();
}
