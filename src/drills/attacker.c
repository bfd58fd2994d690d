// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/attacker.h"

#include "base/mem.h"
#include "drills/requests.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * It speaks to the socket itself: our client is too polite for this.  Plain HTTP only, as much is
 * the same behind TLS.
 */
enum {
    DRIBBLE_MS = 2000, /* between two fields, or two reads */
    AGAIN_MS = 1000,   /* before it comes back */
    SIP_BYTES = 16,    /* of one read */
    PIPELINED = 24,    /* tracks that a slow reader asks for at once: more than a kernel holds */
    ASK_MAX_BYTES = 64 << 10,
    SMALL_BUFFER = 2304 /* the least that this kernel gives (tcp(7)) */
};

static void on_events(struct loop_watch *watch, unsigned events, uint64_t now_us);
static void on_timer(struct loop_timer *timer, uint64_t now_us);

static void start_timer(struct attacker *attacker, uint64_t now_us, uint32_t ms)
{
    loop_timer_start(attacker->load->loop, &attacker->timer, now_us + ms * UINT64_C(1000));
}

static void disconnect(struct attacker *attacker)
{
    if (!attacker->is_open)
        return;
    loop_watch_remove(&attacker->watch);
    close(attacker->watch.fd);
    attacker->is_open = attacker->has_asked = false;
    attacker->load->figures.attackers_now--;
}

static void lose(struct attacker *attacker, uint64_t now_us)
{
    attacker->load->figures.attacks_cut += attacker->has_asked;
    attacker_look(attacker, now_us);
    disconnect(attacker);
    start_timer(attacker, now_us, AGAIN_MS);
}

static void connect_again(struct attacker *attacker, uint64_t now_us)
{
    const struct sockaddr *address;
    socklen_t size;
    int bytes = SMALL_BUFFER;
    client_origin_address(attacker->load->origins[0], &address, &size);
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && attacker->kind == ATTACKER_SLOW_READER)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    attacker->watch = (struct loop_watch){.on_events = on_events, .fd = fd, .wanted = LOOP_WRITE};
    bool is_begun = fd >= 0 && (connect(fd, address, size) == 0 || errno == EINPROGRESS) &&
                    loop_watch_add(attacker->load->loop, &attacker->watch) == 0;
    if (!is_begun) {
        if (fd >= 0)
            close(fd);
        start_timer(attacker, now_us, AGAIN_MS);
        return;
    }
    attacker->is_open = true;
    attacker->load->figures.attackers_now++;
}

/* --- asking --- */

static bool put(struct attacker *attacker, struct text bytes)
{
    ssize_t sent = send(attacker->watch.fd, bytes.data, bytes.size, MSG_NOSIGNAL);
    return sent == (ssize_t)bytes.size || (sent < 0 && errno == EAGAIN);
}

static bool ask(struct attacker *attacker)
{
    struct load *load = attacker->load;
    struct buffer bytes;
    struct request_text text;
    buffer_init(&bytes, ASK_MAX_BYTES);
    if (attacker->kind == ATTACKER_SLOW_HEADER) {
        buffer_text(&bytes, TEXT("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"));
    } else {
        const struct request_of of = {
            .pass = &load->passes[attacker->index % load->profile.account_count],
            .track = &load->shelf.tracks[attacker->index % load->shelf.count],
            .listener = attacker->index,
            .run = load->run};
        request_audio(&text, &of, 0, UINT64_MAX);
        for (int i = 0; i < PIPELINED; i++) {
            buffer_text(&bytes, TEXT("GET "));
            buffer_text(&bytes, text.request.target);
            buffer_text(&bytes, TEXT(" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
        }
    }
    bool is_sent = put(attacker, buffer_view(&bytes));
    buffer_release(&bytes);
    return is_sent;
}

static void on_events(struct loop_watch *watch, unsigned events, uint64_t now_us)
{
    struct attacker *attacker = CONTAINER_OF(watch, struct attacker, watch);
    char byte;
    if (!attacker->has_asked) {
        if ((events & LOOP_HANGUP) || !ask(attacker)) {
            lose(attacker, now_us);
            return;
        }
        attacker->has_asked = true;
        attacker->since_us = now_us;
        /* a reader does not want to be told that there is more; its end comes with its own reads */
        loop_watch_set(watch, attacker->kind == ATTACKER_SLOW_HEADER ? LOOP_READ : 0);
        start_timer(attacker, now_us, DRIBBLE_MS);
    } else if ((events & LOOP_HANGUP) || recv(watch->fd, &byte, 1, MSG_PEEK) >= 0) {
        lose(attacker, now_us); /* an answer before the header's end is a refusal */
    }
}

static void on_timer(struct loop_timer *timer, uint64_t now_us)
{
    struct attacker *attacker = CONTAINER_OF(timer, struct attacker, timer);
    char sip[SIP_BYTES];
    if (!attacker->is_open) {
        connect_again(attacker, now_us);
        return;
    }
    if (!attacker->has_asked)
        return; /* it still connects */
    bool is_over;
    if (attacker->kind == ATTACKER_SLOW_HEADER) {
        is_over = !put(attacker, TEXT("X-Slow: yes\r\n"));
    } else {
        ssize_t got = recv(attacker->watch.fd, sip, sizeof sip, 0);
        is_over = got == 0 || (got < 0 && errno != EAGAIN);
    }
    if (is_over)
        lose(attacker, now_us);
    else
        start_timer(attacker, now_us, DRIBBLE_MS);
}

/* --- life --- */

void attacker_init(struct attacker *attacker, struct load *load, uint32_t index,
                   enum attacker_kind kind)
{
    *attacker = (struct attacker){.load = load, .index = index, .kind = (uint8_t)kind};
    attacker->timer.on_timer = on_timer;
}

void attacker_begin_at(struct attacker *attacker, uint64_t at_us)
{
    loop_timer_start(attacker->load->loop, &attacker->timer, at_us);
}

void attacker_look(struct attacker *attacker, uint64_t now_us)
{
    struct load_figures *figures = &attacker->load->figures;
    uint64_t stood_ms = attacker->has_asked ? load_ms_since(attacker->since_us, now_us) : 0;
    if (stood_ms > figures->attack_ms_max)
        figures->attack_ms_max = stood_ms;
}

void attacker_release(struct attacker *attacker)
{
    loop_timer_stop(&attacker->timer);
    disconnect(attacker);
}
