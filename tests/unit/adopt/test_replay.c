// SPDX-License-Identifier: GPL-3.0-or-later
/* A server that says no, or nothing that means something: what it was not told is told later, once,
 * or given up where the listener can see it. */
#include "adopt/credentials.h"
#include "adopt/ended.h"
#include "adopt/replay.h"
#include "adopt/writes.h"
#include "twin.h"

#include <arpa/inet.h>
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What it says to a request; "" hangs up without a word. */
typedef const char *saying(const char *request);

static struct server {
    int fd;
    pthread_t thread;
    saying *_Atomic says;
    _Atomic unsigned sent, anna, eve; /* POSTs in all; of them, by whom */
} server;

#define OKAY "\"status\":\"ok\""
#define ERROR(code) "\"status\":\"failed\",\"error\":{\"code\":" #code "}"

static bool is_sent(const char *request) { return strncmp(request, "POST ", 5) == 0; }
static const char *all_well(const char *request)
{
    if (strstr(request, "/getStarred"))
        return OKAY ",\"starred\":{},\"starred2\":{}";
    return strstr(request, "/getSong") ? OKAY ",\"song\":{\"id\":\"1\"}" : OKAY;
}
static const char *deny(const char *request) { return is_sent(request) ? ERROR(40) : OKAY; }
static const char *fail(const char *request) { return is_sent(request) ? ERROR(0) : OKAY; }
static const char *page(const char *request) { return is_sent(request) ? "<html>" : OKAY; }
static const char *vanish(const char *request) { return is_sent(request) ? "" : OKAY; }
static const char *fail_anna(const char *request)
{
    return is_sent(request) && strstr(request, "u=anna") ? ERROR(0) : OKAY;
}
static const char *vanish_from_anna(const char *request)
{
    return is_sent(request) && strstr(request, "u=anna") ? "" : OKAY;
}
static const char *know_no_stars(const char *request)
{
    return strstr(request, "/getStarred") ? ERROR(30) : OKAY;
}
static const char *vanish_at_the_second(const char *request)
{
    return is_sent(request) && strstr(request, "id=2") ? "" : OKAY;
}

static void count(const char *request)
{
    server.sent += is_sent(request);
    server.anna += is_sent(request) && strstr(request, "u=anna");
    server.eve += is_sent(request) && strstr(request, "u=eve");
}

static bool is_whole(const char *request)
{
    const char *body = strstr(request, "\r\n\r\n"),
               *length = strcasestr(request, "content-length:");
    return body && (!length || strlen(body + 4) >= strtoul(length + 15, NULL, 10));
}

/* One request a connection. */
static void *serve(void *context)
{
    int fd;
    (void)context;
    while ((fd = accept(server.fd, NULL, NULL)) >= 0) {
        char request[4096] = "", answer[1024], body[512];
        size_t size = 0;
        while (!is_whole(request) && size < sizeof request - 1) {
            ssize_t got = recv(fd, request + size, sizeof request - 1 - size, 0);
            if (got <= 0)
                break;
            size += (size_t)got;
        }
        count(request);
        saying *saying_now = atomic_load(&server.says); /* gcc 12 calls through it without */
        const char *says = saying_now(request);
        int length = snprintf(body, sizeof body, "{\"subsonic-response\":{%s}}", says);
        int whole = snprintf(answer, sizeof answer,
                             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             "Connection: close\r\nContent-Length: %d\r\n\r\n%s",
                             length, body);
        if (*says)
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
    server.says = all_well;
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

/* --- what waits --- */

enum { SECOND_MS = 1000, DAY_MS = 24 * 3600 * 1000 };

static struct book book;
static struct replay_config config;
static unsigned told, refused;

static void on_told(void *context, const struct replay_told *news)
{
    (void)context;
    told += !news->is_refused;
    refused += news->is_refused;
}

static void wait_for(const char *listener, const char *password, const char *endpoint,
                     json_t *parameters)
{
    uint8_t sealed[CREDENTIALS_SEALED_BYTES];
    struct credentials credentials;
    bool is_read = credentials_of_operator(text_of(listener), text_of(password), &credentials);
    assert(is_read);
    size_t size = credentials_seal(config.keys, &credentials, sealed);
    bool is_kept =
        book_do(&book,
                "INSERT INTO write(listener, endpoint, parameters, at, state, note, credential)"
                " VALUES(?, ?, ?, 0, 0, '', ?)",
                "ssjb", listener, endpoint, parameters, text_make((const char *)sealed, size));
    assert(is_kept);
    json_decref(parameters);
}

static json_t *a_play(void) { return json_pack("{s[s]s[s]}", "id", "1", "time", "1700000000000"); }

static int64_t waiting(void)
{
    return book_one_number(&book, 0, "SELECT count(*) FROM write WHERE state <> 2", "");
}

/* A round, after `ms` have passed; what it sent. */
static unsigned round_after(int64_t ms, saying *says)
{
    server.says = says;
    server.sent = server.anna = server.eve = 0;
    config.now_ms += ms;
    config.up_ms += ms;
    (void)!replay_all(&config);
    return server.sent;
}

static void anew(void)
{
    told = refused = 0;
    pauses_free(&config.pauses);
    config.pauses = pauses_new();
    (void)book_do(&book, "DELETE FROM write", "");
    (void)book_do(&book, "DELETE FROM ended", "");
}

static bool ended_as(const char *state)
{
    json_t *all = ended_list(&book, TEXT("anna"));
    const char *got = json_string_value(
        json_object_get(json_array_get(json_object_get(all, "write"), 0), "state"));
    bool is = got && strcmp(got, state) == 0;
    json_decref(all);
    return is;
}

/* --- the claims --- */

static void denied(void)
{
    anew();
    wait_for("anna", "apples", "scrobble", a_play());
    OK(round_after(0, deny) == 1 && waiting() == 1 && !told, "what is denied waits");
    OK(round_after(100, all_well) == 0, "and is not asked for at once again");
    OK(round_after(SECOND_MS, all_well) == 1 && told == 1, "with better luck it is told");
    OK(round_after(DAY_MS, all_well) == 0, "once");
    anew();
    wait_for("anna", "apples", "scrobble", a_play());
    for (int i = 0; i < 20; i++)
        (void)round_after(3600 * SECOND_MS, deny);
    OK(round_after(600 * SECOND_MS, deny) == 0, "nobody's account is locked by our asking");
    uint8_t sealed[CREDENTIALS_SEALED_BYTES];
    struct credentials pears;
    (void)!credentials_of_operator(TEXT("anna"), TEXT("pears"), &pears);
    size_t size = credentials_seal(config.keys, &pears, sealed);
    (void)book_do(&book, "UPDATE write SET credential = ?", "b",
                  text_make((const char *)sealed, size));
    OK(round_after(0, all_well) == 1 && told == 1, "another password is tried at once");
}

static void passing_trouble(void)
{
    static const struct {
        saying *says;
        const char *claim;
    } rows[] = {{fail, "error 0 is no refusal: a play is told when that has passed, once"},
                {page, "an error page is none"}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        anew();
        wait_for("anna", "apples", "setRating", json_pack("{s[s]s[s]}", "id", "1", "rating", "4"));
        unsigned tries = round_after(0, rows[i].says) + round_after(2 * SECOND_MS, rows[i].says);
        OK(tries == 2 && waiting() == 1 && !refused && round_after(10 * SECOND_MS, all_well) == 1 &&
               told == 1 && waiting() == 0,
           rows[i].claim);
    }
    anew();
    wait_for("anna", "apples", "scrobble", a_play());
    OK(round_after(0, fail) == 1 && round_after(2 * SECOND_MS, all_well) == 1 && told == 1 &&
           ended_count(&book, true) == 0,
       "a play that the server says it did not count is not in doubt");
}

static void one_holds_up_nobody(void)
{
    anew();
    wait_for("anna", "apples", "scrobble", a_play());
    wait_for("eve", "plums", "scrobble", a_play());
    (void)round_after(0, fail_anna);
    OK(server.eve == 1 && told == 1 && waiting() == 1,
       "what the server cannot answer of one listener keeps nobody else's waiting");
    anew();
    wait_for("anna", "apples", "setRating", json_pack("{s[s]s[s]}", "id", "1", "rating", "4"));
    wait_for("anna", "apples", "scrobble", a_play());
    wait_for("eve", "plums", "scrobble", a_play());
    (void)round_after(0, vanish_from_anna);
    unsigned first = server.eve;
    (void)round_after(10, vanish_from_anna);
    OK(first == 0 && server.eve == 1 && server.anna == 0,
       "nor what it falls silent at: that is asked about first, and then the others go on");
}

static void in_vain(void)
{
    anew();
    wait_for("anna", "apples", "setRating", json_pack("{s[s]s[s]}", "id", "1", "rating", "4"));
    for (int i = 0; i < 8; i++)
        (void)round_after(600 * SECOND_MS, fail);
    (void)round_after(DAY_MS, fail);
    OK(waiting() == 1 && !refused, "after a day with few tries it still waits");
    (void)round_after(600 * SECOND_MS, fail);
    OK_GUARDED(GUARD_ADOPT_GIVES_UP, waiting() == 0 && refused == 1 && ended_as("givenUp"),
               "after a day in vain it is given up, and says so");
    OK(round_after(DAY_MS, deny) <= 1 && ended_count(&book, true) == 0, "which is no doubt");
}

static const char *refuse(const char *request) { return is_sent(request) ? ERROR(70) : OKAY; }

static void shown(void)
{
    anew();
    wait_for("anna", "apples", "setRating", json_pack("{s[s]s[s]}", "id", "1", "rating", "4"));
    OK(round_after(0, refuse) == 1 && refused == 1 && ended_as("refused"),
       "a refusal is there to be seen");
    anew();
    wait_for("anna", "apples", "scrobble", a_play());
    (void)round_after(0, vanish);
    OK(round_after(10 * SECOND_MS, all_well) == 0 && told == 1 && ended_as("inDoubt"),
       "so is a play of which nobody can tell");
    anew();
    wait_for("anna", "apples", "scrobble",
             json_pack("{s[ss]s[ss]}", "id", "1", "2", "time", "1700000000000", "1700000100000"));
    OK(round_after(0, vanish_at_the_second) == 2 && round_after(10 * SECOND_MS, all_well) == 0 &&
           ended_count(&book, true) == 1,
       "of two plays the one whose answer came is in no doubt");
    for (int i = 0; i < ENDED_MAX_OF_LISTENER + 10; i++)
        (void)ended_keep(&book,
                         &(struct ended){.listener = TEXT("anna"), .endpoint = TEXT("star")});
    OK(ended_count(&book, false) + ended_count(&book, true) == ENDED_MAX_OF_LISTENER,
       "the newest are kept, and not more");
}

static void stars(void)
{
    anew();
    wait_for("anna", "apples", "unstar", json_pack("{s[s]}", "id", "1"));
    OK(round_after(0, know_no_stars) == 1 && told == 1,
       "a star is taken away also where the server does not list them");
    anew();
    wait_for("anna", "apples", "unstar", json_pack("{s[s]}", "id", "1"));
    OK(round_after(0, all_well) == 0 && told == 1, "and not where it says that there is none");
}

/* Two changes within the second that the server's dates are of: what it says then is what is kept.
 */
static const char *list_of_two(const char *request)
{
    if (strstr(request, "/getPlaylists"))
        return OKAY ",\"playlists\":{\"playlist\":[{\"id\":\"7\",\"changed\":\"now\"}]}";
    if (strstr(request, "/getPlaylist"))
        return OKAY ",\"playlist\":{\"id\":\"7\",\"changed\":\"now\",\"entry\":[{\"id\":\"1\"},"
                    "{\"id\":\"2\"}]}";
    if (strstr(request, "/getMusicFolders"))
        return OKAY ",\"musicFolders\":{}";
    return all_well(request);
}

static void one_date_for_two_changes(void)
{
    anew();
    (void)book_do(&book,
                  "REPLACE INTO own VALUES('anna', 'playlist', '7', '{\"id\":\"7\",\"changed\":"
                  "\"now\",\"entry\":[{\"id\":\"1\"}]}')",
                  "");
    wait_for("anna", "apples", "updatePlaylist",
             json_pack("{s[s]s[s]}", "playlistId", "7", "songIdToAdd", "2"));
    (void)round_after(0, list_of_two);
    json_t *kept = book_one_json(&book, "SELECT json FROM own WHERE kind = 'playlist'", "");
    OK(told == 1 && json_array_size(json_object_get(kept, "entry")) == 2 &&
           book_one_number(&book, 9, "SELECT count(*) FROM write", "") == 0,
       "a list that was changed is asked for again, whatever its date");
    json_decref(kept);
}

int main(void)
{
    char url[64], why[200] = "";
    twin_begin();
    begin(url);
    struct foreign *foreign = foreign_new(
        &(struct foreign_config){
            .url = url, .answer_ms = 60000, .requests_s = 1000, .max_answer_bytes = 4096},
        why, sizeof why);
    struct keys *keys = keys_ephemeral();
    OK(foreign && book_open_memory(&book) == 0, "a server, and a book");
    config = (struct replay_config){
        .book = &book, .foreign = foreign, .keys = keys, .now_ms = 1700000000000, .told = on_told};
    denied();
    passing_trouble();
    one_holds_up_nobody();
    in_vain();
    shown();
    stars();
    one_date_for_two_changes();
    pauses_free(&config.pauses);
    foreign_free(&foreign);
    book_close(&book);
    keys_free(&keys);
    end();
    return tap_done();
}
