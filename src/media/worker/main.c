// SPDX-License-Identifier: GPL-3.0-or-later
/* sostenuto-media: the unprivileged program that alone reads people's files (README.md). */
#include "media/worker/serve.h"

int main(int argc, char **argv)
{
    const struct serve_role roles[] = {serve_probe, serve_artwork, serve_transcode, serve_package};
    return serve_main(roles, ARRAY_SIZE(roles), argc, argv);
}
