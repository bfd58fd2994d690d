// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/banner.h"

#include <qrencode.h>

enum { QUIET_ZONE = 2 }; /* the standard wants 4; terminals have a margin of their own */

static bool is_dark(const QRcode *code, int x, int y)
{
    if (x < 0 || y < 0 || x >= code->width || y >= code->width)
        return false;
    return (code->data[y * code->width + x] & 1) != 0;
}

/* Two rows of modules to a line.  Without colours a lit block is white, as on a dark terminal. */
static const char *half_blocks(bool upper, bool lower)
{
    if (upper)
        return lower ? "\u2588" : "\u2580";
    return lower ? "\u2584" : " ";
}

bool banner_qr(FILE *out, const char *url, bool has_colours)
{
    QRcode *code = QRcode_encodeString8bit(url, 0, QR_ECLEVEL_L);
    if (!code)
        return false;
    for (int y = -QUIET_ZONE; y < code->width + QUIET_ZONE; y += 2) {
        fputs(has_colours ? "  \033[30;107m" : "  ", out);
        for (int x = -QUIET_ZONE; x < code->width + QUIET_ZONE; x++)
            fputs(half_blocks(is_dark(code, x, y) == has_colours,
                              is_dark(code, x, y + 1) == has_colours),
                  out);
        fputs(has_colours ? "\033[0m\n" : "\n", out);
    }
    QRcode_free(code);
    return true;
}
