// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/proxy_protocol.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_proxy_header header;
    struct address address;
    struct address_block block;
    struct address_text shown;
    size_t consumed;
    struct text input = text_make((const char *)data, size);
    if (http_proxy_header_parse(input, &header, &consumed) > 0)
        assert(consumed <= size && consumed <= HTTP_PROXY_HEADER_MAX_BYTES);
    if (address_parse(input, &address)) {
        struct address again;
        assert(address_parse(address_show(&address, &shown), &again));
    }
    if (address_block_parse(input, &block))
        assert(address_block_contains(&block, &block.first));
    return 0;
}
