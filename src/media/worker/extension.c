// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/extension.h"

#include <math.h>
#include <string.h>

/* Burg's method: coefficients of x[n] = -sum a[k] x[n - 1 - k]; always stable. */
static void burg(const double *x, size_t count, double a[EXTENSION_ORDER])
{
    double forward[EXTENSION_HISTORY], backward[EXTENSION_HISTORY], before[EXTENSION_ORDER];
    memcpy(forward, x, count * sizeof *x);
    memcpy(backward, x, count * sizeof *x);
    memset(a, 0, EXTENSION_ORDER * sizeof *a);
    for (size_t order = 0; order < EXTENSION_ORDER; order++) {
        double cross = 0, power = 1e-9;
        for (size_t n = order + 1; n < count; n++) {
            cross += forward[n] * backward[n - 1];
            power += forward[n] * forward[n] + backward[n - 1] * backward[n - 1];
        }
        double reflection = -2 * cross / power;
        memcpy(before, a, sizeof before);
        for (size_t k = 0; k < order; k++)
            a[k] = before[k] + reflection * before[order - 1 - k];
        a[order] = reflection;
        for (size_t n = count - 1; n > order; n--) {
            double f = forward[n], b = backward[n - 1];
            forward[n] = f + reflection * b;
            backward[n] = b + reflection * f;
        }
    }
}

/* What follows the edge; `history` is in order of time towards it. */
static void predict(const double *history, size_t count, double *out, size_t wanted)
{
    double a[EXTENSION_ORDER], line[EXTENSION_HISTORY + EXTENSION_FADE];
    burg(history, count, a);
    memcpy(line, history, count * sizeof *history);
    for (size_t i = 0; i < wanted; i++) {
        double next = 0;
        for (size_t k = 0; k < EXTENSION_ORDER; k++)
            next -= a[k] * line[count + i - 1 - k];
        line[count + i] = next;
    }
    memcpy(out, line + count, wanted * sizeof *out);
}

void extension_make(const float *near, ptrdiff_t near_step, size_t count, float *out,
                    ptrdiff_t out_step, size_t wanted)
{
    double history[EXTENSION_HISTORY], predicted[EXTENSION_FADE];
    size_t known = count < EXTENSION_HISTORY ? count : EXTENSION_HISTORY;
    size_t faded = wanted < EXTENSION_FADE ? wanted : EXTENSION_FADE;
    for (size_t i = 0; i < known; i++)
        history[known - 1 - i] = (double)near[(ptrdiff_t)i * near_step];
    if (known > (size_t)EXTENSION_ORDER * 2)
        predict(history, known, predicted, faded);
    else
        faded = 0;
    for (size_t i = 0; i < wanted; i++) {
        double mirrored = i < count ? (double)near[(ptrdiff_t)i * near_step] : 0;
        double value = mirrored;
        if (i < faded) {
            double share = 0.5 + 0.5 * cos(M_PI * (double)i / EXTENSION_FADE);
            value = share * predicted[i] + (1 - share) * mirrored;
        }
        out[(ptrdiff_t)i * out_step] = (float)(value > 1 ? 1 : value < -1 ? -1 : value);
    }
}
