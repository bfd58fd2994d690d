// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/wishes.h"

#include "state/batch.h"

static const struct wish_fault
    nobody = {404, "Not found", "There is no account of this id."},
    taken = {409, "Name taken", "Another account has this name."},
    unfit = {422, "This name will not do",
             "A name has 1 to 64 bytes, without control characters or spaces "
             "at its ends."},
    made = {409, "Made before", "There is an account of this id."},
    last = {409, "The last admin", "Make somebody else an admin first."};

bool wish_name_is_fine(struct text name)
{
    bool is_fine = name.size && name.size <= WISH_NAME_MAX_BYTES && text_is_utf8(name) &&
                   text_equal(text_trim(name), name);
    for (size_t i = 0; is_fine && i < name.size; i++)
        is_fine = (unsigned char)name.data[i] >= ' ' && name.data[i] != 0x7f;
    return is_fine;
}

/* Another account that is an admin's and not closed: somebody must be able to open the door again.
 */
static bool has_other_admin(const struct state *state, struct uid id)
{
    const struct account *account;
    size_t cursor = 0;
    while ((account = state_account_next(state, &cursor)))
        if (account->is_admin && !account->is_disabled && !uid_equal(account->id, id))
            return true;
    return false;
}

static bool takes_an_admin(const struct account_wish *wish)
{
    return wish->what == REQUEST_DELETE || (wish->has_admin && !wish->is_admin) ||
           (wish->has_disabled && wish->is_disabled);
}

static bool is_name_taken(const struct state *state, const struct account_wish *wish)
{
    const struct account *holder = state_account_by_name(state, wish->name);
    return holder && !uid_equal(holder->id, wish->about);
}

const struct wish_fault *wish_fault(const struct state *state, const struct account_wish *wish)
{
    const struct account *account = state_account(state, wish->about);
    bool is_made = wish->what == REQUEST_MAKE;
    if (!account && !is_made)
        return &nobody;
    if (account && is_made)
        return &made;
    if (account && account->is_admin && takes_an_admin(wish) &&
        !has_other_admin(state, account->id))
        return &last;
    if ((is_made || wish->name.size) && !wish_name_is_fine(wish->name))
        return &unfit;
    return is_name_taken(state, wish) ? &taken : NULL;
}

void wish_grant(struct batch *batch, const struct account_wish *wish)
{
    batch_for(batch, wish->about);
    if (wish->what == REQUEST_MAKE) {
        batch_account_make(batch, wish->about, wish->name, wish->is_admin,
                           wish->has_libraries ? wish->libraries : ACCOUNT_ALL_LIBRARIES);
        return;
    }
    if (wish->what == REQUEST_DELETE) {
        batch_account_delete(batch, wish->about);
        return;
    }
    if (wish->name.size)
        batch_account_rename(batch, wish->about, wish->name);
    if (wish->has_admin)
        batch_account_role(batch, wish->about, wish->is_admin);
    if (wish->has_libraries)
        batch_account_libraries(batch, wish->about, wish->libraries);
    if (wish->has_disabled)
        batch_account_disable(batch, wish->about, wish->is_disabled);
}

bool wish_equal(const struct account_wish *a, const struct account_wish *b)
{
    return a->what == b->what && (a->what == REQUEST_MAKE || uid_equal(a->about, b->about)) &&
           text_equal(a->name, b->name) && a->has_admin == b->has_admin &&
           a->is_admin == b->is_admin && a->has_disabled == b->has_disabled &&
           a->is_disabled == b->is_disabled && a->has_libraries == b->has_libraries &&
           a->libraries == b->libraries;
}
