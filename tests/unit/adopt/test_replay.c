// SPDX-License-Identifier: GPL-3.0-or-later
/* A server that says no to who asks, and counts no plays: what was denied is told later, once. */
#include "adopt/credentials.h"
#include "adopt/replay.h"
#include "adopt/writes.h"
#include "tap.h"

#include <arpa/inet.h>
#include <assert.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct server {
    int fd;
    pthread_t thread;
    bool denies;           /* what changes something */
    unsigned told, denied; /* scrobbles; read while nobody asks */
} server;

static const char *answer_of(const char *request)
{
    if (strncmp(request, "POST /rest/scrobble", 19) != 0)
        return "\"status\":\"ok\",\"song\":{\"id\":\"1\"}";
    if (server.denies) {
        server.denied++;
        return "\"status\":\"failed\",\"error\":{\"code\":40,\"message\":\"no\"}";
    }
    server.told++;
    return "\"status\":\"ok\"";
}

/* One request a connection, all of it in a packet or two, as it comes over loopback. */
static void *serve(void *context)
{
    int fd;
    (void)context;
    while ((fd = accept(server.fd, NULL, NULL)) >= 0) {
        char request[4096] = "", answer[512], body[256];
        size_t size = 0;
        while (!strstr(request, "\r\n\r\n") && size < sizeof request - 1) {
            ssize_t got = recv(fd, request + size, sizeof request - 1 - size, 0);
            if (got <= 0)
                break;
            size += (size_t)got;
        }
        int length =
            snprintf(body, sizeof body, "{\"subsonic-response\":{%s}}", answer_of(request));
        int whole = snprintf(answer, sizeof answer,
                             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             "Connection: close\r\nContent-Length: %d\r\n\r\n%s",
                             length, body);
        (void)send(fd, answer, (size_t)whole, MSG_NOSIGNAL);
        (void)shutdown(fd, SHUT_WR);
        while (recv(fd, request, sizeof request, 0) > 0)
            ;
        (void)close(fd);
    }
    return NULL;
}

static void begin(char url[64])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed = bind(server.fd, (struct sockaddr *)&address, size);
    failed |= listen(server.fd, 8);
    failed |= getsockname(server.fd, (struct sockaddr *)&address, &size);
    failed |= pthread_create(&server.thread, NULL, serve, NULL);
    assert(!failed);
    (void)snprintf(url, 64, "http://127.0.0.1:%d", ntohs(address.sin_port));
}

static void end(void)
{
    (void)shutdown(server.fd, SHUT_RDWR);
    (void)pthread_join(server.thread, NULL);
    (void)close(server.fd);
}

static void on_told(void *context, const struct replay_told *told)
{
    (void)told;
    ++*(unsigned *)context;
}

static void play(struct book *book, const struct keys *keys)
{
    uint8_t sealed[CREDENTIALS_SEALED_BYTES];
    struct credentials credentials;
    bool is_read = credentials_of_operator(TEXT("anna"), TEXT("apples"), &credentials);
    assert(is_read);
    (void)snprintf(credentials.listener, sizeof credentials.listener, "anna");
    size_t size = credentials_seal(keys, &credentials, sealed);
    json_t *parameters = json_pack("{s[s]s[s]}", "id", "1", "time", "1700000000000");
    OK(book_do(book,
               "INSERT INTO write(listener, endpoint, parameters, at, state, note, credential)"
               " VALUES('anna', 'scrobble', ?, 0, 0, '', ?)",
               "jb", parameters, text_make((const char *)sealed, size)),
       "a play waits");
    json_decref(parameters);
}

int main(void)
{
    struct book book;
    char url[64], why[200] = "";
    unsigned told = 0;
    begin(url);
    struct foreign *foreign = foreign_new(
        &(struct foreign_config){
            .url = url, .answer_ms = 5000, .requests_s = 1000, .max_answer_bytes = 4096},
        why, sizeof why);
    struct keys *keys = keys_ephemeral();
    OK(foreign && book_open_memory(&book) == 0, "a server, and a book");
    const struct replay_config config = {
        .book = &book, .foreign = foreign, .keys = keys, .told = on_told, .context = &told};
    play(&book, keys);
    server.denies = true;
    OK(replay_all(&config) && server.denied == 1 && told == 0, "it is denied, and waits");
    server.denies = false;
    OK(replay_all(&config) && server.told == 1 && told == 1, "with better luck it is told");
    OK(replay_all(&config) && server.told == 1, "once");
    foreign_free(&foreign);
    book_close(&book);
    keys_free(&keys);
    end();
    return tap_done();
}
