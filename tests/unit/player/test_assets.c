// SPDX-License-Identifier: GPL-3.0-or-later
#include "player/assets.h"
#include "tap.h"

static bool is_sorted(void)
{
    for (size_t i = 1; i < player_assets_count; i++)
        if (text_compare(player_assets[i - 1].path, player_assets[i].path) >= 0 &&
            player_assets[i - 1].path.size >= player_assets[i].path.size)
            return false;
    return true;
}

int main(void)
{
    size_t found = 0;
    for (size_t i = 0; i < player_assets_count; i++)
        found += player_asset_find(player_assets[i].path) == &player_assets[i];
    OK(found == player_assets_count, "every embedded file is found by its path");
    OK(is_sorted(), "the table is sorted");
    OK(player_page() != NULL, "there is a page, even when the player was not built");
    OK(player_asset_find(TEXT("/")) == player_page(), "the root is the page");
    OK(player_asset_find(TEXT("/app.js")) == NULL, "a name without its hash is not found");
    OK(player_asset_find(TEXT("/../etc/passwd")) == NULL, "nothing but the table is found");
    OK(!player_page()->is_immutable, "the page is revalidated, so that a new version is seen");
    OK_TEXT(text_of(player_asset_cache_control(player_page())), TEXT("no-cache"), "and says so");
    OK(player_page()->etag.size == 16, "every file has a tag");
    return tap_done();
}
