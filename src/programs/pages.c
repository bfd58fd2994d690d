// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/pages.h"

#include "io/file.h"
#include "player/assets.h"
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOKEN_MAX_BYTES = 128, SMALL_FILE_MAX_BYTES = 64 * 1024 };

static const char acme_prefix[] = "/.well-known/acme-challenge/";

static void set_security_fields(struct exchange *exchange)
{
    exchange_field(exchange, "Content-Security-Policy", TEXT(PLAYER_CONTENT_SECURITY_POLICY));
    exchange_field(exchange, "X-Content-Type-Options", TEXT("nosniff"));
    exchange_field(exchange, "Referrer-Policy", TEXT("no-referrer"));
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

static void player(struct exchange *exchange, void *context)
{
    (void)context;
    struct text path = exchange_request(exchange)->path;
    const struct player_asset *asset = player_asset_find(path);
    if (!asset && asks_for_file(path)) {
        exchange_send_problem(exchange, 404, "There is no such page", "Open the player at /.");
        return;
    }
    asset = asset ? asset : player_page();
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

void pages_routes(const struct settings *settings, struct server *server)
{
    void *context = (void *)(uintptr_t)settings;
    const struct server_route rows[] = {
        {.methods = "GET", .path = "/", .class = SHIELD_CLASS_NEW_VISIT, .handler = player},
        {.methods = "GET",
         .path = "/ca.crt",
         .class = SHIELD_CLASS_NEW_VISIT,
         .handler = authority_certificate,
         .context = context},
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
