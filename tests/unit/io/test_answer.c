// SPDX-License-Identifier: GPL-3.0-or-later
#include "answer_probe.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define GET "GET /song HTTP/1.1\r\nHost: here\r\n"

enum { SONG_BYTES = 1000 };

static struct probe probe;

static int song(void)
{
    int fd = memfd_create("song", MFD_CLOEXEC);
    int failed = ftruncate(fd, SONG_BYTES);
    assert(fd >= 0 && !failed);
    return fd;
}

static bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

static struct answer *answer(void) { return &probe.exchange->answer; }

static int send_song(const char *header)
{
    int fd = song();
    struct exchange *exchange = probe_handle(&probe, header);
    exchange_etag(exchange, TEXT("v1"));
    exchange_last_modified(exchange, 784111777); /* RFC 9110 5.6.7 */
    exchange_send_file(exchange, "audio/mpeg", fd, SONG_BYTES);
    return fd;
}

static void test_whole(void)
{
    int fd = send_song(GET "\r\n");
    OK(probe.answered == 1 && answer()->status == 200 && answer()->length == SONG_BYTES,
       "a file is answered whole, and once");
    OK(answer()->piece_count == 1 && !answer()->pieces[0].data &&
           answer()->pieces[0].size == SONG_BYTES,
       "as one piece of the file");
    OK_TEXT(probe_field(&probe, "ETag"), TEXT("\"v1\""), "its validator is quoted");
    OK_TEXT(probe_field(&probe, "Last-Modified"), TEXT("Sun, 06 Nov 1994 08:49:37 GMT"),
            "its time is shown");
    OK_TEXT(probe_field(&probe, "Accept-Ranges"), TEXT("bytes"), "ranges are offered");
    OK(is_open(fd), "the file is open while it is sent");
    probe_end(&probe);
    OK(!is_open(fd), "and closed afterwards");
}

static void test_ranges(void)
{
    send_song(GET "Range: bytes=100-199\r\n\r\n");
    OK(answer()->status == 206 && answer()->length == 100 && answer()->pieces[0].offset == 100,
       "a range cuts the piece");
    OK_TEXT(probe_field(&probe, "Content-Range"), TEXT("bytes 100-199/1000"), "and says where");
    probe_end(&probe);
    send_song(GET "Range: bytes=0-9,500-509\r\n\r\n");
    uint64_t sum = 0;
    for (size_t i = 0; i < answer()->piece_count; i++)
        sum += answer()->pieces[i].size;
    OK(answer()->status == 206 && answer()->piece_count == 5 && answer()->length == sum,
       "two ranges are five pieces, whose sum is the length");
    OK(text_starts(probe_field(&probe, "Content-Type"), TEXT("multipart/byteranges")),
       "of a multipart body");
    probe_end(&probe);
    int fd = send_song(GET "Range: bytes=1000-\r\n\r\n");
    OK(answer()->status == 416 && !is_open(fd),
       "a range behind the end is refused, the file closed");
    OK_TEXT(probe_field(&probe, "Content-Range"), TEXT("bytes */1000"), "with the length");
    probe_end(&probe);
    send_song(GET "Range: bytes=0-9\r\nIf-Range: \"v0\"\r\n\r\n");
    OK(answer()->status == 200, "a range of another version gets the whole");
    probe_end(&probe);
}

static void test_conditions(void)
{
    int fd = send_song(GET "If-None-Match: \"v0\", \"v1\"\r\n\r\n");
    OK(answer()->status == 304 && answer()->piece_count == 0 && !is_open(fd),
       "what the client has is not sent again");
    OK_TEXT(probe_field(&probe, "ETag"), TEXT("\"v1\""), "304 names the version");
    probe_end(&probe);
    fd = send_song(GET "If-Match: \"v0\"\r\n\r\n");
    OK(answer()->status == 412 && !is_open(fd), "what is not as expected is refused");
    probe_end(&probe);
    fd = send_song("HEAD /song HTTP/1.1\r\nHost: here\r\n\r\n");
    OK(answer()->status == 200 && answer()->omits_body && answer()->length == SONG_BYTES,
       "HEAD has the length and not the body");
    probe_end(&probe);
    OK(!is_open(fd), "and closes the file too");
}

static void test_validator_by_stat(void)
{
    struct exchange *exchange = probe_handle(&probe, GET "\r\n");
    exchange_send_file(exchange, "audio/mpeg", song(), SONG_BYTES);
    OK(probe_field(&probe, "ETag").size > 2,
       "a file without a validator gets one of size and time");
    probe_end(&probe);
}

/* --- lent --- */

static void count(void *context)
{
    int *times = context;
    ++*times;
}

static void test_lent(void)
{
    int fd = song(), times = 0;
    const char *const headers[] = {GET "\r\n", GET "If-None-Match: \"v1\"\r\n\r\n",
                                   GET "Range: bytes=5000-\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        struct exchange *exchange = probe_handle(&probe, headers[i]);
        exchange_etag(exchange, TEXT("v1"));
        exchange_send_lent_file(exchange, "audio/mpeg", fd, SONG_BYTES, count, &times);
        OK(times == (int)i + (i > 0), "it is lent as long as the answer needs it");
        probe_end(&probe);
        OK(times == (int)i + 1 && is_open(fd), "and given back once, open");
    }
    close(fd);
}

/* --- bodies from memory --- */

static void test_memory(void)
{
    struct exchange *exchange = probe_handle(&probe, GET "\r\n");
    exchange_send_text(exchange, 201, "text/plain", TEXT("made"));
    OK(answer()->status == 201 && answer()->length == 4, "a text is one piece of memory");
    OK_TEXT(text_make(answer()->pieces[0].data, 4), TEXT("made"), "with its bytes");
    OK(!probe_field(&probe, "Accept-Ranges").data, "of which no ranges are offered");
    probe_end(&probe);
    exchange = probe_handle(&probe, GET "\r\n");
    for (size_t i = 0; !exchange_output(exchange)->overflowed; i++)
        buffer_append(exchange_output(exchange), probe.server->scratch, SERVER_SCRATCH_BYTES);
    exchange_send_output(exchange, 200, "text/plain");
    OK(answer()->status == 503 && answer()->piece_count == 1, "an answer past its ceiling is 503");
    OK_TEXT(probe_field(&probe, "Retry-After"), TEXT("10"), "that says when to come again");
    probe_end(&probe);
}

static void test_asset(void)
{
    const struct exchange_asset page = {TEXT("plain page"), TEXT("gz"), TEXT("br"), "text/html"};
    struct exchange *exchange = probe_handle(&probe, GET "Accept-Encoding: gzip, br\r\n\r\n");
    exchange_etag(exchange, TEXT("p"));
    exchange_send_asset(exchange, &page);
    OK_TEXT(probe_field(&probe, "Content-Encoding"), TEXT("br"), "the best coding that is taken");
    OK_TEXT(probe_field(&probe, "ETag"), TEXT("\"p-br\""), "is a version of its own");
    OK_TEXT(probe_field(&probe, "Vary"), TEXT("Accept-Encoding"), "and caches are told");
    probe_end(&probe);
}

/* --- reuse --- */

static void test_reuse(void)
{
    send_song(GET "Range: bytes=0-9,500-509\r\n\r\n");
    struct exchange *first = probe.exchange;
    exchange_field(first, "X-Late", TEXT("yes"));
    exchange_set_user(first, TEXT("joe"));
    probe_end(&probe);
    struct exchange *second = probe_handle(&probe, GET "\r\n");
    const struct answer *fresh = answer();
    OK(second == first, "an exchange is used again");
    OK(fresh->field_count == 0 && fresh->piece_count == 0 && fresh->fd == -1 && !fresh->give_back &&
           fresh->parts.size == 0 && fresh->output.size == 0 && !fresh->omits_body,
       "and nothing of the last answer is left");
    OK(second->user.size == 0 && second->sent_bytes == 0 && !second->closes &&
           second->parameters.count == 0 && fresh->validators.etag.size == 0,
       "nor of its request");
    exchange_send_empty(second, 204);
    probe_end(&probe);
}

/* --- bodies that are lent a few runs at a time --- */

struct lender {
    size_t next, given_back;
    bool is_late, is_broken;
};

static ssize_t lend(void *context, struct exchange_run *ret, size_t most)
{
    struct lender *lender = context;
    assert(most >= 2);
    if (lender->is_late || lender->is_broken)
        return lender->is_late ? -EAGAIN : 0;
    ret[0] = (struct exchange_run){TEXT("twelve bytes"), false};
    ret[1] = (struct exchange_run){TEXT("eight by"), true};
    lender->next++;
    return 2;
}

static void take_lent(void *context)
{
    struct lender *lender = context;
    lender->given_back++;
}

static void test_lent_runs(void)
{
    struct lender lender = {0};
    struct exchange *exchange = probe_handle(&probe, GET "\r\n");
    exchange_send_lent(exchange, 200, 33, lend, take_lent, &lender);
    OK(lender.next == 1 && answer()->length == 33 && answer()->piece_count == 2 &&
           answer()->unlent == 13,
       "of a body that is lent the first runs are there at once");
    OK(!answer()->pieces[0].is_lasting && answer()->pieces[1].is_lasting &&
           answer()->pieces[1].size == 8,
       "each as it was lent");
    lender.is_late = true;
    OK(exchange_lend_more(exchange) == 0 && answer()->unlent == 13, "more may be late");
    exchange_source_ready(exchange);
    OK(probe.answered == 2, "and is announced");
    lender.is_late = false;
    OK(exchange_lend_more(exchange) == 1 && answer()->pieces[0].size == 12 &&
           answer()->pieces[1].size == 1 && answer()->unlent == 0,
       "what follows is no longer than the body");
    OK(lender.given_back == 0, "it is lent while it is sent");
    probe_end(&probe);
    OK(lender.given_back == 1, "and given back once");

    exchange = probe_handle(&probe, "HEAD /song HTTP/1.1\r\nHost: here\r\n\r\n");
    exchange_send_lent(exchange, 200, 33, lend, take_lent, &lender);
    OK(lender.next == 2 && answer()->unlent == 0 && answer()->length == 33, "HEAD borrows nothing");
    probe_end(&probe);

    lender.is_broken = true;
    exchange = probe_handle(&probe, GET "\r\n");
    exchange_send_lent(exchange, 200, 33, lend, take_lent, &lender);
    OK(exchange_lend_more(exchange) < 0, "one that ends too early is an error");
    probe_end(&probe);
}

int main(void)
{
    probe_start(&probe);
    test_whole();
    test_ranges();
    test_conditions();
    test_validator_by_stat();
    test_lent();
    test_lent_runs();
    test_memory();
    test_asset();
    test_reuse();
    probe_stop(&probe);
    return tap_done();
}
