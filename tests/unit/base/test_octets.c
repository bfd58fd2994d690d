// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "base/octets.h"

#include "tap.h"

enum { LONGEST = 70 };

static octets is_hash(octets bytes) { return (octets)(bytes == '#'); }
static octets is_high(octets bytes) { return (octets)(bytes > 0x7e); }

/* In memory of exactly its size, so that a look beside it is seen. */
static bool finds_everywhere(size_t size)
{
    bool finds = true;
    for (size_t at = 0; at < size; at++) {
        char *bytes = mem_alloc(size);
        memset(bytes, 'a', size);
        finds &= !octets_any(text_make(bytes, size), is_hash);
        bytes[at] = '#';
        finds &= octets_any(text_make(bytes, size), is_hash);
        bytes[at] = (char)0xff;
        finds &= octets_any(text_make(bytes, size), is_high);
        mem_free(bytes);
    }
    return finds;
}

int main(void)
{
    bool finds = true;
    for (size_t size = 0; size <= LONGEST; size++)
        finds &= finds_everywhere(size);
    OK(finds, "a byte is found wherever it stands, in texts of every length up to 70");
    OK(!octets_any(TEXT_NONE, is_hash), "there is none in nothing");
    OK(!octets_any(TEXT("a"), is_high), "nor in a single byte that is another");
    return tap_done();
}
