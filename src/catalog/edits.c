// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/edits.h"
#include "catalog/utf8.h"

uint32_t edits_letters(struct text word)
{
    uint32_t letters = 0;
    for (size_t at = 0; at < word.size;)
        letters |= UINT32_C(1) << (utf8_next(word, &at) & 31);
    return letters;
}

void edits_read(struct edits_word *word, struct text t)
{
    word->count = 0;
    word->letters = 0;
    for (size_t at = 0; at < t.size;) {
        if (word->count == EDITS_MAX_LETTERS) {
            word->count = 0;
            return;
        }
        uint32_t point = utf8_next(t, &at);
        word->letters |= UINT32_C(1) << (point & 31);
        word->points[word->count++] = point;
    }
}

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

/* One row of the table: distances of a's first i letters to every beginning of b. */
static unsigned next_row(const struct edits_word *a, const struct edits_word *b, unsigned i,
                         const unsigned *before_last, const unsigned *last, unsigned *row)
{
    unsigned smallest = row[0] = i;
    for (unsigned j = 1; j <= b->count; j++) {
        bool same = a->points[i - 1] == b->points[j - 1];
        unsigned cost = least(least(last[j] + 1, row[j - 1] + 1), last[j - 1] + !same);
        if (i > 1 && j > 1 && a->points[i - 1] == b->points[j - 2] &&
            a->points[i - 2] == b->points[j - 1])
            cost = least(cost, before_last[j - 2] + 1);
        row[j] = cost;
        smallest = least(smallest, cost);
    }
    return smallest;
}

bool edits_near(const struct edits_word *a, const struct edits_word *b, unsigned max)
{
    unsigned rows[3][EDITS_MAX_LETTERS + 1];
    unsigned difference = a->count > b->count ? a->count - b->count : b->count - a->count;
    if (a->count == 0 || b->count == 0 || difference > max)
        return false;
    for (unsigned j = 0; j <= b->count; j++)
        rows[0][j] = j;
    unsigned previous_smallest = 0;
    for (unsigned i = 1; i <= a->count; i++) {
        unsigned smallest = next_row(a, b, i, rows[(i + 1) % 3], rows[(i + 2) % 3], rows[i % 3]);
        if (smallest > max && previous_smallest > max) /* a swap reaches back two rows */
            return false;
        previous_smallest = smallest;
    }
    return rows[a->count % 3][b->count] <= max;
}
