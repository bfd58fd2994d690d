// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "http/fields.h"
#include "io/client_state.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/*
 * client_origin: where a client's calls go: a URL's scheme, host and port, taken strictly; its
 * address, or the name that client_name.c finds one for; and the limits of whoever goes there.
 */

struct client_limits client_limits_default(void)
{
    return (struct client_limits){.max_connections = 6,
                                  .max_waiting = 64,
                                  .connect_ms = 5000,
                                  .first_byte_ms = 15000,
                                  .idle_ms = 15000,
                                  .keep_ms = 30000,
                                  .attempt_ms = 250,
                                  .resolve_ms = 30000,
                                  .max_header_bytes = 16384,
                                  .max_fields = 100};
}

static void set_address(struct client_origin *origin, const struct address *address)
{
    static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};
    struct client_address *own = &origin->addresses[0];
    if (memcmp(address->bytes, v4_prefix, sizeof v4_prefix) == 0) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)&own->sockaddr;
        *v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(origin->port)};
        memcpy(&v4->sin_addr, address->bytes + 12, 4);
        own->size = sizeof *v4;
    } else {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&own->sockaddr;
        *v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(origin->port)};
        memcpy(&v6->sin6_addr, address->bytes, 16);
        own->size = sizeof *v6;
    }
    origin->address_count = 1;
}

/* "ADDRESS" or "ADDRESS:PORT"; an IPv6 address stands in brackets. */
static bool split_port(struct text authority, struct text *ret_address, uint64_t *port)
{
    const char *colon = authority.size ? memrchr(authority.data, ':', authority.size) : NULL;
    *ret_address = authority;
    if (!colon || text_ends(authority, TEXT("]")))
        return authority.size > 0;
    size_t at = (size_t)(colon - authority.data);
    *ret_address = text_make(authority.data, at);
    return text_to_u64(text_from(authority, at + 1), port) && *port > 0 && *port < 65536;
}

static void set_host(struct client_origin *origin, struct text address, uint64_t port,
                     const char *name)
{
    char host[300];
    uint64_t usual = origin->is_tls ? 443 : 80;
    struct text shown = name ? text_of(name) : address;
    if (port == usual)
        snprintf(host, sizeof host, "%.*s", TEXT_ARGS(shown));
    else
        snprintf(host, sizeof host, "%.*s:%u", TEXT_ARGS(shown), (unsigned)port);
    origin->host = mem_strdup(host);
    origin->is_name = name != NULL;
    if (!name && text_starts(address, TEXT("[")))
        address = text_make(address.data + 1, address.size - 2);
    origin->name = name ? mem_strdup(name) : text_dup(address);
}

struct url {
    bool is_tls;
    struct text host; /* with brackets */
    uint64_t port;
};

static bool read_url(struct text text, struct url *ret)
{
    ret->is_tls = text_starts(text, TEXT("https://"));
    ret->port = ret->is_tls ? 443 : 80;
    return (ret->is_tls || text_starts(text, TEXT("http://"))) &&
           split_port(text_from(text, ret->is_tls ? 8 : 7), &ret->host, &ret->port);
}

static struct client_origin *origin_new(struct client *client, const struct url *url,
                                        const char *name, const struct client_limits *limits)
{
    struct client_origin *origin = MEM_NEW(struct client_origin);
    origin->client = client;
    origin->limits = *limits;
    origin->is_tls = url->is_tls;
    origin->shares_connecting = url->is_tls && limits->max_streams > 0;
    origin->port = (uint16_t)url->port;
    set_host(origin, url->host, url->port, name);
    return origin;
}

struct client_origin *client_origin_new(struct client *client, struct text text, const char *name,
                                        const struct client_limits *limits)
{
    struct url url;
    struct address address;
    if (!read_url(text, &url) || !address_parse(url.host, &address))
        return NULL;
    if (name && (strlen(name) > 253 || !http_field_value_is_clean(text_of(name))))
        return NULL;
    struct client_origin *origin = origin_new(client, &url, name, limits);
    set_address(origin, &address);
    return origin;
}

/* Labels of letters, digits, '-' and '_', as resolvers take them. */
static bool is_name(struct text host)
{
    if (host.size == 0 || host.size > 253 || host.data[0] == '.' || host.data[0] == '-')
        return false;
    for (size_t i = 0; i < host.size; i++) {
        char c = host.data[i], low = (char)(c | 0x20);
        if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.' &&
            c != '_')
            return false;
    }
    return true;
}

bool client_url_is_sound(struct text text)
{
    struct url url;
    struct address address;
    return read_url(text, &url) && (address_parse(url.host, &address) || is_name(url.host));
}

struct client_origin *client_origin_named(struct client *client, struct text text,
                                          struct workers *resolvers,
                                          const struct client_limits *limits)
{
    struct url url;
    struct address address;
    if (!read_url(text, &url))
        return NULL;
    if (address_parse(url.host, &address))
        return client_origin_new(client, text, NULL, limits);
    if (!is_name(url.host))
        return NULL;
    char *name = text_dup(url.host);
    struct client_origin *origin = origin_new(client, &url, name, limits);
    mem_free(name);
    origin->resolvers = resolvers;
    return origin;
}

void client_origin_free(struct client_origin **origin)
{
    if (!*origin)
        return;
    client_name_end(*origin);
    client_tls_forget(*origin);
    mem_free((*origin)->host);
    mem_free((*origin)->name);
    mem_free_p(origin);
}

bool client_origin_is_loopback(const struct client_origin *origin)
{
    const struct sockaddr_storage *address = &origin->addresses[0].sockaddr;
    if (address->ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    return origin->address_count > 0 && ntohl(v4->sin_addr.s_addr) >> 24 == 127;
}

void client_origin_address(const struct client_origin *origin, const struct sockaddr **ret_address,
                           uint32_t *ret_size)
{
    const struct client_address *address = &origin->addresses[origin->preferred];
    *ret_address = (const struct sockaddr *)&address->sockaddr;
    *ret_size = address->size;
}
