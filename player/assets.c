// SPDX-License-Identifier: GPL-3.0-or-later
#include "player/assets.h"
#include <string.h>

static int order(struct text a, struct text b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int difference = shorter ? memcmp(a.data, b.data, shorter) : 0;
    return difference ? difference : (a.size > b.size) - (a.size < b.size);
}

const struct player_asset *player_asset_find(struct text path)
{
    if (path.size == 1 && path.data[0] == '/')
        return player_page();
    size_t low = 0;
    size_t high = player_assets_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int difference = order(path, player_assets[middle].path);
        if (difference == 0)
            return &player_assets[middle];
        if (difference < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct player_asset *player_page(void) { return player_asset_find(TEXT("/index.html")); }

const char *player_asset_cache_control(const struct player_asset *asset)
{
    return asset->is_immutable ? "public, max-age=31536000, immutable" : "no-cache";
}
