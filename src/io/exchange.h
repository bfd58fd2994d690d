// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "http/message.h"
#include "shield/classes.h"

#include <sys/types.h>

/*
 * exchange: one request and its one answer, as a handler sees them, independent of HTTP version and
 * TLS.
 *
 * A handler gets an exchange with the body already read whole (within the route's limit) and must
 * finish it exactly once, now or later, on the same loop (home, unless the route runs_anywhere;
 * io/server.h): call one of the functions marked FINISHES; after that call the exchange and all
 * that is in its arena may be gone, for another loop sends the answer. If the client goes away
 * first the exchange stays valid until then and the answer is dropped, so a handler that waits for
 * a worker need not watch for it. exchange_is_abandoned() lets long work stop early. HEAD is
 * answered by the server from the GET answer; Date, Server, Connection, Content-Length, conditional
 * requests (RFC 9110 13) and ranges (RFC 9110 14) are the server's too.
 */
struct exchange;
struct loop;

struct exchange_peer {
    char address[46]; /* after trusted_proxies and PROXY v2; IPv4-mapped forms are shown as IPv4 */
    uint16_t port;
    bool is_secure;  /* TLS, here or at a trusted proxy */
    bool is_private; /* loopback, link-local, RFC 1918, RFC 4193 */
    /* A node of this service, by mutual TLS (io/node_tls.h), with its public key.  What it forwards
     * is believed as of a trusted proxy, and its Host is whatever its listener asked for. */
    bool is_between_nodes; /* came to the address for nodes, be it with or without a certificate */
    bool is_node;
    uint8_t node_key[32];
};

/* --- what was asked --- */
const struct http_request *exchange_request(const struct exchange *exchange);
const struct exchange_peer *exchange_peer(const struct exchange *exchange);
struct text exchange_body(const struct exchange *exchange);
/* Query parameters, then those of a form body when that is its type. */
const struct http_parameters *exchange_parameters(const struct exchange *exchange);
struct text exchange_parameter(const struct exchange *exchange,
                               struct text name);            /* data NULL when absent */
struct arena *exchange_arena(struct exchange *exchange);     /* freed with the exchange */
struct loop *exchange_loop(const struct exchange *exchange); /* that runs the handler */
size_t exchange_loop_index(const struct exchange *exchange); /* its place in the server; 0: home */
/* Of the loop on which its connection lives, and a runs_anywhere handler runs. */
size_t exchange_connection_index(const struct exchange *exchange);
/*
 * For a handler of a runs_anywhere route that needs the home loop after all: `handler` runs there,
 * at once or on a later turn, and finishes the exchange; the caller must not touch it any more.
 */
typedef void exchange_handler(struct exchange *exchange, void *context);
void exchange_go_home(struct exchange *exchange, exchange_handler *handler, void *context);
/* And for one that was sent home and is better finished where the connection lives: the way back.
 */
void exchange_go_back(struct exchange *exchange, exchange_handler *handler, void *context);
bool exchange_is_abandoned(const struct exchange *exchange);
int64_t
exchange_now_ms(const struct exchange *exchange); /* Unix time at which the request was read */

/* --- what the log and the door should know --- */
void exchange_set_user(struct exchange *exchange, struct text name);
void exchange_set_class(struct exchange *exchange, enum shield_class class);
/* Whose the answer is, and by what right (their sessions, their apps: names of the handlers' own
 * choosing), so that what runs can be ended with it: server_end_answers().  Copied. */
enum { EXCHANGE_OWNER_BYTES = 16 };
struct exchange_owner {
    uint8_t owner[EXCHANGE_OWNER_BYTES], right[EXCHANGE_OWNER_BYTES];
};
void exchange_set_owner(struct exchange *exchange, const struct exchange_owner *owner);

/* --- the answer: fields first, then one FINISHES call --- */
/* Copies both.  Name and value must be ours or checked: CR, LF and NUL are asserted absent. */
void exchange_field(struct exchange *exchange, const char *name, struct text value);
/* Borrows both: literals, and what else outlives every exchange. */
void exchange_lasting_field(struct exchange *exchange, const char *name, struct text value);
/* Strong validator without quotes; lets the server answer If-None-Match, If-Range. */
void exchange_etag(struct exchange *exchange, struct text opaque_tag);
void exchange_last_modified(struct exchange *exchange, int64_t unix_s);
/* Both at once, written already and lent like the body they belong to: the tag in its quotes, and
 * `modified` (TEXT_NONE: there is none) as `unix_s` reads as a date. */
void exchange_lent_validators(struct exchange *exchange, struct text quoted_tag, int64_t unix_s,
                              struct text modified);

/* As if no field had been written yet: for who leaves the answer to somebody else after all. */
void exchange_forget_fields(struct exchange *exchange);

/* The answer holds a secret: it is never coded, because the length of what is packed tells about
 * it. */
void exchange_keep_identity(struct exchange *exchange);

/* An interim answer (103, RFC 8297) with a Link field each, before the answer; the texts are
 * borrowed for the call.  For handlers that run where their connection lives; elsewhere nothing is
 * sent. */
enum { EXCHANGE_HINTS_MAX = 8 };
void exchange_early_hints(struct exchange *exchange, const struct text *links, size_t count);
/* The same with any status but 100 and 101, and any fields; too many are not sent. */
void exchange_interim(struct exchange *exchange, unsigned status, const struct http_field *fields,
                      size_t count);

/* A body built in memory: write here, then exchange_send_output().  Ceiling 32 MiB; overflow
 * answers 503. */
struct buffer *exchange_output(struct exchange *exchange);
void exchange_send_output(struct exchange *exchange, unsigned status,
                          const char *content_type); /* FINISHES */
void exchange_send_text(struct exchange *exchange, unsigned status, const char *content_type,
                        struct text body); /* FINISHES; copies */
/* Bytes that outlive every exchange (embedded player files); `gzip`, `brotli` forms may be empty.
 */
struct exchange_asset {
    struct text identity, gzip, brotli;
    const char *content_type;
};
void exchange_send_asset(struct exchange *exchange,
                         const struct exchange_asset *asset);         /* FINISHES */
void exchange_send_empty(struct exchange *exchange, unsigned status); /* FINISHES */
/* The file from 0 to `size`; takes over `fd` and closes it.  Read by pread or sendfile, never
 * mapped. */
void exchange_send_file(struct exchange *exchange, const char *content_type, int fd,
                        uint64_t size); /* FINISHES */
/* The same with a descriptor that is only lent: `give_back` is called once, on the exchange's loop,
 * when nothing reads it any more.  Call exchange_etag() first. */
typedef void exchange_give_back(void *context);
void exchange_send_lent_file(struct exchange *exchange, const char *content_type, int fd,
                             uint64_t size, exchange_give_back *give_back,
                             void *context); /* FINISHES */
/* Of such a file, `size` bytes from `offset` on: an object that lies in a file with others. */
void exchange_send_lent_part(struct exchange *exchange, const char *content_type, int fd,
                             uint64_t offset, uint64_t size, exchange_give_back *give_back,
                             void *context); /* FINISHES */
/* Before exchange_send_lent_file(): what is known of that file, lent as long as it is. */
struct resident;
void exchange_set_resident(struct exchange *exchange, struct resident *resident);
/* The same file with its bytes in memory, `size` of them, lent in the same way: nobody changes them
 * before they come back.  The carrier takes what costs less: HTTP/2, TLS and few bytes go from
 * memory, with the head in one write or one record; more go from the file. */
void exchange_send_lent_bytes(struct exchange *exchange, const char *content_type, int fd,
                              struct text bytes, exchange_give_back *give_back,
                              void *context); /* FINISHES */
/*
 * Bytes of unknown length from a pipe or socket (a transcode), until its end; takes over `fd`.
 * Chunked, with back-pressure: we read no faster than the client.  `on_end` (may be NULL) is called
 * once at the end, with 0 or -errno, also when the client left.
 */
typedef void exchange_on_end(void *context, int error);
/*
 * Optional, before exchange_send_pipe() and with its context: asked once when the pipe ends, on the
 * connection's loop, whether that was all: 0, or -errno when bytes are missing.  The client of an
 * answer that lacks something is told: its connection is cut short or its stream reset, and a
 * client that said `TE: trailers` reads `Sostenuto-End: error` instead (RFC 9110 6.5).
 */
typedef int exchange_at_end(void *context);
void exchange_check_end(struct exchange *exchange, exchange_at_end *at_end);
void exchange_send_pipe(struct exchange *exchange, const char *content_type, int fd,
                        exchange_on_end *on_end, void *context); /* FINISHES */
/*
 * An answer passed on as it is: status and fields are the handler's, Date and validators among
 * them; only its length and what the connection needs are added, and no precondition, range or
 * coding is applied.  For handlers that run where their connection lives.  exchange_lent_field()
 * borrows both texts until the answer is given back or ends.
 */
void exchange_lent_field(struct exchange *exchange, struct text name, struct text value);
/*
 * Its body of `length` bytes is lent, some runs at a time: `lend` puts at most `most` into `ret`,
 * of a byte or more each, and returns how many; they stay as they are until it is called again, or
 * `give_back`.  -EAGAIN: not yet, exchange_source_ready() will be called; 0 or another -errno: the
 * body is cut short and the client can tell.  HEAD and a length of 0 borrow nothing.
 *
 * A large run that is lasting may be sent by reference to its pages (io/page_pipe.h): whoever has
 * such a reference must see these bytes even when they are given back.
 */
enum { EXCHANGE_RUNS_MAX = 16 };
struct exchange_run {
    struct text bytes;
    bool is_lasting;
};
typedef ssize_t exchange_lend(void *context, struct exchange_run *ret, size_t most);
void exchange_send_lent(struct exchange *exchange, unsigned status, uint64_t length,
                        exchange_lend *lend, exchange_give_back *give_back,
                        void *context); /* FINISHES */
/*
 * Its body comes from a source, as fast as the client takes it: `read` puts at most `size` bytes
 * into `room` and returns how many; 0 at the end; -EAGAIN: not yet, exchange_source_ready() will be
 * called; another -errno: the body is cut short and the client can tell.  `length` may be
 * EXCHANGE_LENGTH_UNKNOWN; of a known one a source that ends too early is cut, and not a byte more
 * is asked of it.  HEAD and answers without a body read nothing.  `on_end` as of a pipe.
 */
#define EXCHANGE_LENGTH_UNKNOWN UINT64_MAX
typedef ssize_t exchange_source_read(void *context, char *room, size_t size);
void exchange_send_source(struct exchange *exchange, unsigned status, uint64_t length,
                          exchange_source_read *read, exchange_on_end *on_end,
                          void *context); /* FINISHES */
/* Within `read`, before it returns 0: what stands behind the body (RFC 9110 6.5), for a client that
 * said `TE: trailers`; else, of a known length, or past 4 KiB it is dropped.  Copied. */
void exchange_trailers(struct exchange *exchange, const struct http_field *fields, size_t count);
/* There are bytes, or the end: on the connection's loop, not inside a call of the exchange's, not
 * after on_end.  The exchange may be gone after it. */
void exchange_source_ready(struct exchange *exchange);
/* application/problem+json (RFC 9457): what was wrong, where, and what to do. */
void exchange_send_problem(struct exchange *exchange, unsigned status, const char *title,
                           const char *detail); /* FINISHES */

/* --- server-sent events (WHATWG HTML 9.2): an answer that stays open --- */
/* `on_close` is called once when either side ends; after it the exchange is gone. */
typedef void exchange_on_close(void *context);
void exchange_events_start(struct exchange *exchange, exchange_on_close *on_close, void *context);
/* False when the client reads too slowly (64 KiB unsent): the event is not queued; send a whole
 * state later. */
bool exchange_events_send(struct exchange *exchange, const char *event, struct text id,
                          struct text data);
void exchange_events_end(struct exchange *exchange); /* FINISHES; on_close follows */
