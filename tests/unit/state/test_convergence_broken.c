// SPDX-License-Identifier: GPL-3.0-or-later
/* The same histories against a merge with one broken rule (meson.build compiles it in):
 * test_convergence can fail. */
#include "test_convergence.c"
