// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/listening.h"

#include "base/log.h"
#include "programs/settings_check.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096, TRIES = 50, TRY_AGAIN_US = 20 * 1000 };

union any_address {
    struct sockaddr generic;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t fill_address(struct text host, uint16_t port, union any_address *ret)
{
    char name[48];
    (void)snprintf(name, sizeof name, "%.*s", TEXT_ARGS(host));
    *ret = (union any_address){0};
    if (inet_pton(AF_INET, name, &ret->v4.sin_addr) == 1) {
        ret->v4.sin_family = AF_INET;
        ret->v4.sin_port = htons(port);
        return sizeof ret->v4;
    }
    ret->v6.sin6_family = AF_INET6;
    ret->v6.sin6_port = htons(port);
    return inet_pton(AF_INET6, name, &ret->v6.sin6_addr) == 1 ? sizeof ret->v6 : 0;
}

static int describe(int fd, struct listening_address *ret)
{
    union any_address address = {.v6 = {0}};
    socklen_t size = sizeof address;
    if (getsockname(fd, &address.generic, &size) != 0)
        return -errno;
    if (address.generic.sa_family == AF_INET) {
        uint32_t host = ntohl(address.v4.sin_addr.s_addr);
        ret->port = ntohs(address.v4.sin_port);
        ret->is_any = host == INADDR_ANY;
        ret->is_loopback = host >> 24 == 127;
        (void)inet_ntop(AF_INET, &address.v4.sin_addr, ret->host, sizeof ret->host);
        (void)snprintf(ret->text, sizeof ret->text, "%s:%u", ret->host, ret->port);
    } else {
        ret->port = ntohs(address.v6.sin6_port);
        ret->is_any = IN6_IS_ADDR_UNSPECIFIED(&address.v6.sin6_addr);
        ret->is_loopback = IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
        (void)inet_ntop(AF_INET6, &address.v6.sin6_addr, ret->host, sizeof ret->host);
        (void)snprintf(ret->text, sizeof ret->text, "[%s]:%u", ret->host, ret->port);
    }
    return 0;
}

static int bind_and_listen(int fd, const union any_address *address, socklen_t size,
                           struct listening_address *ret)
{
    int on = 1, off = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return -errno;
    if (address->generic.sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0)
        return -errno;
    if (bind(fd, &address->generic, size) != 0 || listen(fd, BACKLOG) != 0)
        return -errno;
    return describe(fd, ret);
}

static const char *advice(int error)
{
    switch (error) {
    case -EADDRINUSE:
        return "another program listens there; choose another port with --listen";
    case -EADDRNOTAVAIL:
        return "this machine has no such address; 0.0.0.0 is every address";
    case -EACCES:
        return "ports below 1024 need CAP_NET_BIND_SERVICE; use a higher one with --listen";
    default:
        return "choose another address with --listen";
    }
}

/* A server that was killed together with its supervisor gives its port up a little later. */
static int bind_patiently(int fd, const union any_address *address, socklen_t size,
                          struct listening_address *ret)
{
    int error = bind_and_listen(fd, address, size, ret);
    for (int i = 0; i < TRIES && error == -EADDRINUSE; i++) {
        (void)usleep(TRY_AGAIN_US);
        error = bind_and_listen(fd, address, size, ret);
    }
    return error;
}

bool listening_is_free(struct text address)
{
    struct text host;
    uint16_t port;
    union any_address socket_address;
    struct listening_address found;
    socklen_t size = 0;
    if (address_split(address, &host, &port))
        size = fill_address(host, port, &socket_address);
    int fd = size ? socket(socket_address.generic.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    bool is_free = fd >= 0 && bind_and_listen(fd, &socket_address, size, &found) == 0;
    if (fd >= 0)
        (void)close(fd);
    return is_free;
}

int listening_open(struct text address, struct listening_address *ret, struct buffer *why)
{
    struct text host;
    uint16_t port;
    union any_address socket_address;
    socklen_t size = 0;
    if (address_split(address, &host, &port))
        size = fill_address(host, port, &socket_address);
    int error = -EINVAL;
    if (size > 0) {
        int fd =
            socket(socket_address.generic.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        error = fd < 0 ? -errno : bind_patiently(fd, &socket_address, size, ret);
        if (error == 0)
            return fd;
        if (fd >= 0)
            (void)close(fd);
    }
    buffer_printf(why, "cannot listen on %.*s: %.*s; %s", TEXT_ARGS(address),
                  TEXT_ARGS(log_errno(error)), advice(error));
    return error;
}

bool listening_known(int fd, struct listening_address *ret)
{
    int is_listening = 0, flags = fcntl(fd, F_GETFL);
    socklen_t size = sizeof is_listening;
    struct sockaddr_storage address = {0};
    socklen_t address_size = sizeof address;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) == 0 && is_listening &&
           getsockname(fd, (struct sockaddr *)&address, &address_size) == 0 &&
           (address.ss_family == AF_INET || address.ss_family == AF_INET6) && flags >= 0 &&
           fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && describe(fd, ret) == 0;
}

bool listening_suits(struct text address, const struct listening_address *at)
{
    struct text host;
    uint16_t port;
    union any_address wanted, there;
    if (!address_split(address, &host, &port) || (port != 0 && port != at->port))
        return false;
    socklen_t size = fill_address(host, at->port, &wanted);
    return size > 0 && size == fill_address(text_of(at->host), at->port, &there) &&
           memcmp(&wanted, &there, size) == 0;
}

/* RFC 1918 */
static bool is_private(uint32_t host)
{
    return host >> 24 == 10 || host >> 20 == (172U << 4 | 1) || host >> 16 == (192U << 8 | 168);
}

/* How likely other devices reach us there; 0: not at all. */
static int rank(const struct ifaddrs *interface)
{
    if (!interface->ifa_addr || !(interface->ifa_flags & IFF_UP) ||
        interface->ifa_flags & IFF_LOOPBACK)
        return 0;
    union any_address address = {0};
    if (interface->ifa_addr->sa_family == AF_INET) {
        memcpy(&address.v4, interface->ifa_addr, sizeof address.v4);
        return is_private(ntohl(address.v4.sin_addr.s_addr)) ? 3 : 2;
    }
    if (interface->ifa_addr->sa_family != AF_INET6)
        return 0;
    memcpy(&address.v6, interface->ifa_addr, sizeof address.v6);
    return IN6_IS_ADDR_LINKLOCAL(&address.v6.sin6_addr) ? 0 : 1;
}

bool listening_lan_host(char *ret_host, size_t capacity)
{
    struct ifaddrs *all;
    const struct ifaddrs *best = NULL;
    if (getifaddrs(&all) != 0)
        return false;
    for (const struct ifaddrs *at = all; at; at = at->ifa_next)
        if (rank(at) > (best ? rank(best) : 0))
            best = at;
    bool is_found =
        best && getnameinfo(best->ifa_addr,
                            best->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                                                 : sizeof(struct sockaddr_in6),
                            ret_host, (socklen_t)capacity, NULL, 0, NI_NUMERICHOST) == 0;
    freeifaddrs(all);
    return is_found;
}
