// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/pages.h"

#include "io/file.h"
#include "io/neighbours.h"
#include "player/assets.h"
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOKEN_MAX_BYTES = 128, SMALL_FILE_MAX_BYTES = 64 * 1024 };

static const char acme_prefix[] = "/.well-known/acme-challenge/";

static void set_security_fields(struct exchange *exchange)
{
    struct text others = exchange_neighbours(exchange);
    exchange_field(exchange, "Content-Security-Policy",
                   arena_printf(exchange_arena(exchange), PLAYER_CONTENT_SECURITY_POLICY,
                                TEXT_ARGS(others), TEXT_ARGS(others), TEXT_ARGS(others)));
    exchange_field(exchange, "Cross-Origin-Opener-Policy", TEXT("same-origin"));
    exchange_field(exchange, "Permissions-Policy",
                   TEXT("camera=(), geolocation=(), microphone=()"));
}

/* A name with a dot in its last part asks for a file, not for a page of the player. */
static bool asks_for_file(struct text path)
{
    size_t start = path.size;
    while (start > 0 && path.data[start - 1] != '/')
        start--;
    return text_find_byte(text_from(path, start), '.') != SIZE_MAX;
}

/*
 * What a browser keeps (downloads, queue, unsent plays) belongs to one origin, so the page is only
 * served at `public_url` when that is set.  Not for what a proxy passes on: it may have put a Host
 * of its own, and would send the browser in a circle.
 */
static bool is_at_its_origin(const struct http_request *request, struct text public_url)
{
    static const struct text proxy_marks[] = {TEXT_INIT("Forwarded"), TEXT_INIT("Via"),
                                              TEXT_INIT("X-Forwarded-For"),
                                              TEXT_INIT("X-Forwarded-Host")};
    struct text origin = public_url, scheme;
    for (size_t i = 0; i < ARRAY_SIZE(proxy_marks); i++)
        if (http_request_field(request, proxy_marks[i]).data)
            return true;
    if (!text_split(&origin, ':', &scheme) || !text_starts(origin, TEXT("//")))
        return true;
    origin = text_from(origin, 2);
    size_t slash = text_find_byte(origin, '/');
    if (slash != SIZE_MAX)
        origin.size = slash;
    return text_equal_nocase(request->host, origin);
}

static void send_to_origin(struct exchange *exchange, struct text public_url)
{
    struct text origin = public_url;
    while (origin.size && origin.data[origin.size - 1] == '/')
        origin.size--;
    struct text location = arena_printf(exchange_arena(exchange), "%.*s%.*s", TEXT_ARGS(origin),
                                        TEXT_ARGS(exchange_request(exchange)->target));
    exchange_field(exchange, "Location", location);
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_empty(exchange, 307);
}

/* Browsers of today that open the page, and have not got it already. */
static bool wants_hints(const struct http_request *request)
{
    return request->method == HTTP_METHOD_GET &&
           text_equal(http_request_field(request, TEXT("Sec-Fetch-Mode")), TEXT("navigate")) &&
           !http_request_field(request, TEXT("If-None-Match")).data;
}

static void player(struct exchange *exchange, void *context)
{
    const struct pages *pages = context;
    const struct settings *settings = pages->settings;
    struct text path = exchange_request(exchange)->path, public_url = text_of(settings->public_url);
    const struct player_asset *asset = player_asset_find(path);
    if (!asset && asks_for_file(path)) {
        exchange_send_problem(exchange, 404, "There is no such page", "Open the player at /.");
        return;
    }
    asset = asset ? asset : player_page();
    if (asset == player_page() && public_url.size &&
        !is_at_its_origin(exchange_request(exchange), public_url)) {
        send_to_origin(exchange, public_url);
        return;
    }
    if (asset == player_page() && wants_hints(exchange_request(exchange)))
        exchange_early_hints(exchange, pages->hints.links, pages->hints.count);
    set_security_fields(exchange);
    exchange_field(exchange, "Cache-Control", text_of(player_asset_cache_control(asset)));
    exchange_etag(exchange, asset->etag);
    exchange_send_asset(exchange, &asset->body);
}

static void send_small_file(struct exchange *exchange, const char *folder, const char *name,
                            const char *content_type)
{
    int root = file_open_dir(AT_FDCWD, folder);
    int fd = root < 0 ? root : file_open_beneath(root, name, O_RDONLY | O_NONBLOCK);
    struct stat status;
    if (root >= 0)
        (void)close(root);
    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
        status.st_size <= SMALL_FILE_MAX_BYTES) {
        exchange_field(exchange, "Cache-Control", TEXT("no-store"));
        exchange_send_file(exchange, content_type, fd, (uint64_t)status.st_size);
        return;
    }
    if (fd >= 0)
        (void)close(fd);
    exchange_send_problem(exchange, 404, "There is no such file",
                          "It was not made, or is gone already.");
}

/* Tokens are base64url (RFC 8555 8.3), so nothing else reaches the file system. */
static bool is_acme_token(struct text token)
{
    for (size_t i = 0; i < token.size; i++) {
        char c = token.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_'))
            return false;
    }
    return token.size > 0 && token.size <= TOKEN_MAX_BYTES;
}

static void acme(struct exchange *exchange, void *context)
{
    const struct settings *settings = context;
    struct text token = text_from(exchange_request(exchange)->path, sizeof acme_prefix - 1);
    char name[sizeof acme_prefix + TOKEN_MAX_BYTES];
    if (!is_acme_token(token)) {
        exchange_send_problem(exchange, 404, "There is no such challenge",
                              "A token has letters, digits, - and _.");
        return;
    }
    (void)snprintf(name, sizeof name, "%s%.*s", acme_prefix + 1, TEXT_ARGS(token));
    send_small_file(exchange, settings->acme_webroot, name, "application/octet-stream");
}

static void authority_certificate(struct exchange *exchange, void *context)
{
    const struct settings *settings = context;
    char keys[PATH_MAX];
    if (!exchange_peer(exchange)->is_private) {
        exchange_send_problem(exchange, 403, "Only for the server's own network",
                              "Fetch it from inside.");
        return;
    }
    (void)snprintf(keys, sizeof keys, "%s/keys", settings->data);
    send_small_file(exchange, keys, "ca.crt", "application/x-x509-ca-cert");
}

/* The face of the first words, as the build names it. */
static struct text first_font(void)
{
    for (size_t i = 0; i < player_assets_count; i++) {
        struct text path = player_assets[i].path;
        if (text_ends(path, TEXT(".woff2")) && text_contains(path, TEXT("-latin-400-normal-")))
            return path;
    }
    return TEXT_NONE;
}

/* Browsers say that they want a page; programs that ask for they know what do not. */
static bool asks_for_page(const struct http_request *request)
{
    return text_equal(request->path, TEXT("/")) ||
           (!asks_for_file(request->path) &&
            text_contains(http_request_field(request, TEXT("Accept")), TEXT("text/html")));
}

void pages_player_or(const struct pages *pages, struct exchange *exchange,
                     exchange_handler *otherwise, void *context)
{
    const struct http_request *request = exchange_request(exchange);
    bool is_read = request->method == HTTP_METHOD_GET || request->method == HTTP_METHOD_HEAD;
    if (is_read && (player_asset_find(request->path) || asks_for_page(request)))
        player(exchange, (void *)(uintptr_t)pages);
    else
        otherwise(exchange, context);
}

void pages_open(struct pages *pages, const struct settings *settings)
{
    pages->settings = settings;
    page_hints_read(&pages->hints, player_page()->body.identity, first_font());
}

void pages_certificate_routes(const struct settings *settings, struct server *server)
{
    void *context = (void *)(uintptr_t)settings;
    const struct server_route rows[] = {
        {.methods = "GET",
         .path = "/ca.crt",
         .class = SHIELD_CLASS_NEW_VISIT,
         .handler = authority_certificate,
         .context = context,
         .runs_anywhere = true},
        {.methods = "GET",
         .path = acme_prefix,
         .allows_public_plain = true,
         .class = SHIELD_CLASS_CONTROL,
         .handler = acme,
         .context = context},
    };
    size_t count = settings->acme_webroot[0] ? ARRAY_SIZE(rows) : ARRAY_SIZE(rows) - 1;
    for (size_t i = 0; i < count; i++)
        server_route(server, &rows[i]);
}

void pages_routes(struct pages *pages, const struct settings *settings, struct server *server)
{
    pages_open(pages, settings);
    server_route(server, &(struct server_route){.methods = "GET",
                                                .path = "/",
                                                .class = SHIELD_CLASS_NEW_VISIT,
                                                .handler = player,
                                                .context = pages,
                                                .runs_anywhere = true});
    pages_certificate_routes(settings, server);
}
