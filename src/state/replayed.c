// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/replayed.h"

#include "base/mem.h"

struct replayed {
    uint64_t from_lsn; /* UINT64_MAX: there were too many */
    size_t count;
    struct replayed_one {
        uint64_t lsn; /* the last */
        struct uid account;
    } items[REPLAYED_MAX];
};

struct replayed *replayed_new(uint64_t from_lsn)
{
    struct replayed *replayed = MEM_NEW(struct replayed);
    replayed->from_lsn = from_lsn;
    return replayed;
}

void replayed_free(struct replayed **replayed) { mem_free_p(replayed); }

void replayed_note(struct replayed *replayed, uint64_t lsn, struct uid account)
{
    struct replayed_one *last = replayed->items + replayed->count;
    if (replayed->count > 0 && uid_equal(last[-1].account, account))
        last[-1].lsn = lsn;
    else if (replayed->count < REPLAYED_MAX)
        replayed->items[replayed->count++] = (struct replayed_one){lsn, account};
    else
        replayed->from_lsn = UINT64_MAX;
}

bool replayed_since(const struct replayed *replayed, uint64_t lsn, state_replayed *each,
                    void *context)
{
    if (lsn < replayed->from_lsn)
        return false;
    for (size_t i = 0; i < replayed->count; i++)
        if (replayed->items[i].lsn > lsn)
            each(context, replayed->items[i].account);
    return true;
}
