// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/forwarded.h"

#include "http/fields.h"
#include "http/target.h"

/* Proxies in a row; what is left of that many cannot matter. */
enum { HOPS_MAX = 32 };

static bool is_trusted(const struct address *address, const struct address_block *trusted,
                       size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (address_block_contains(&trusted[i], address))
            return true;
    return false;
}

/* The last HOPS_MAX elements of all X-Forwarded-For fields, in a ring.  Returns how many there
 * were. */
static size_t collect(const struct http_request *request, struct text hops[HOPS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < request->field_count; i++) {
        if (!text_equal_nocase(request->fields[i].name, TEXT("X-Forwarded-For")))
            continue;
        struct text rest = request->fields[i].value, item;
        while (http_list_next(&rest, &item))
            hops[count++ % HOPS_MAX] = item;
    }
    return count;
}

static bool parse_hop(struct text hop, struct address *ret)
{
    return address_parse(hop, ret) || address_parse(http_host_without_port(hop), ret);
}

struct forwarded forwarded_read(const struct http_request *request,
                                const struct address_block *trusted, size_t trusted_count)
{
    struct forwarded found = {0};
    struct text hops[HOPS_MAX];
    size_t count = collect(request, hops);
    size_t oldest = count > HOPS_MAX ? count - HOPS_MAX : 0;
    for (size_t i = count; i > oldest; i--) {
        struct address address;
        if (!parse_hop(hops[(i - 1) % HOPS_MAX], &address))
            break;
        found.address = address;
        found.has_address = true;
        if (!is_trusted(&address, trusted, trusted_count))
            break;
    }
    found.is_secure =
        text_equal_nocase(http_request_field(request, TEXT("X-Forwarded-Proto")), TEXT("https"));
    return found;
}
