// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/address.h"
#include "http/conditional.h"
#include "http/range.h"
#include "io/exchange.h"
#include "io/loop.h"

#include <assert.h>
#include <stdatomic.h>

/*
 * carrier: what stands between an exchange and the connection that carries it.  Internal to io/.
 *
 * An exchange is one request and its answer as values; a carrier (an HTTP/1 connection or
 * an HTTP/2 stream) fills the request in, is told when the answer is ready, and takes its body
 * piece by piece.
 *
 *   carrier                                   exchange                           handler
 *   exchange_take() ── request ──▶ dispatch_header(), dispatch_body() ─────────▶ called
 *                                             answer prepared ◀────────────────── FINISHES call
 *   answer() ◀────────────────────────────────┘
 *   sends head, pieces, stream
 *   exchange_release() ──▶ on_end, on_close; back to the pool
 *
 * A carrier that loses its client calls exchange_release() at any time.  While a handler still
 * holds the exchange it then lives on without carrier, until the handler finishes it.  Callbacks of
 * handlers (on_end, on_close) are never made inside an exchange_*() call of theirs.
 *
 * A carrier and its exchanges live on one loop.  When the handler runs on another (exchange_away.c)
 * answer() is called from a message; between dispatch_body() and answer() a carrier reads nothing
 * of the exchange but its `request` and `wire`, and it asks exchange_has_events(), not the answer.
 */
struct exchange_carrier {
    /* The answer is prepared.  Called inside the handler's FINISHES call. */
    void (*answer)(struct exchange *exchange);
    /* A streamed answer has more bytes or has ended: send on a later turn. */
    void (*wake)(struct exchange *exchange);
    /* The same, at once; the exchange may be gone after it. */
    void (*run)(struct exchange *exchange);
    /*
     * An interim answer, at once (RFC 9110 15.2): 100, 103.  While a handler has the exchange, or
     * before that; not once the answer is prepared.  HTTP/1.0 does not get it.
     */
    void (*informational)(struct exchange *exchange, unsigned status,
                          const struct http_field *fields, size_t count);
    /* The answer that is being sent ends here, with what of it is unsent, and the client can tell;
     * the exchange may be gone after it. */
    void (*cut)(struct exchange *exchange);
};

enum exchange_step {
    EXCHANGE_READING,   /* the carrier fills in the request */
    EXCHANGE_HANDLING,  /* a handler has it */
    EXCHANGE_ANSWERING, /* the carrier sends */
};

enum {
    EXCHANGE_FIELDS_MAX = 112,
    EXCHANGE_PIECES_MAX = 2 * HTTP_RANGES_MAX + 1,
    EXCHANGE_STREAM_MAX_BYTES = 64 << 10,
};

/*
 * A run of body bytes: in memory, or in answer.fd when `data` is NULL.  An answer of one piece that
 * has both may be sent from either.
 */
struct answer_piece {
    const char *data;
    uint64_t offset; /* in the file */
    uint64_t size;
    bool is_lasting; /* of exchange_run */
};

/* Not all there when it begins: bytes come through `bytes` until `has_ended`. */
struct answer_stream {
    struct buffer bytes;
    bool has_ended;
    int error; /* -errno: the body is cut short, and the client must be able to tell */
    exchange_source_read *read;        /* of a source; NULL: another kind */
    const struct http_field *trailers; /* that the source passed on; in the arena */
    size_t trailer_count;
    uint64_t left; /* of its length, if that is known */
    struct loop_watch pipe;
    struct loop_timer heartbeat; /* of server-sent events */
    struct http_coder *coder;    /* codes answer.output (io/coding.h); else NULL */
    struct text uncoded;         /* what is left of that */
    atomic_size_t unsent;        /* events of a handler on another loop, not known to be sent yet */
    size_t arrived;              /* of these, put into `bytes` since it was last empty */
    exchange_on_end *on_end;
    exchange_at_end *at_end; /* was that all? */
    exchange_on_close *on_close;
    void *context;
};

struct answer {
    unsigned status;
    bool is_stream, omits_body, is_oversize, keeps_identity;
    bool is_measured; /* `length` is known: always, but for most streams */
    bool is_verbatim; /* no field is added but those of the connection and the length */
    uint64_t length;  /* of the body, also when omitted, where is_measured */
    int fd;           /* of file pieces, or -1; owned, unless it is to be given back */
    exchange_give_back *give_back;
    void *give_back_context;
    exchange_lend *lend;             /* with the same context; NULL: the pieces are all there is */
    uint64_t unlent;                 /* bytes behind those of the pieces */
    struct resident *resident;       /* what is known of a lent file, or NULL */
    uint64_t ready_begin, ready_end; /* of the file: may be read without waiting */
    size_t field_count, piece_count;
    struct http_validators validators;
    struct text written_etag, written_modified; /* the same as they are sent, or TEXT_NONE */
    struct buffer output;                       /* what the handler builds */
    struct buffer parts;                        /* part heads of multipart/byteranges */
    struct answer_stream stream;
    /* Last, since a reset leaves them as they are: only the counted ones mean something. */
    struct http_field fields[EXCHANGE_FIELDS_MAX];
    struct answer_piece pieces[EXCHANGE_PIECES_MAX];
};

struct exchange {
    const struct exchange_carrier *carrier; /* NULL when the client is gone */
    void *carrier_context;
    struct server *server;            /* NULL when the server is gone */
    struct exchange *previous, *next; /* among the server's live ones, or its spare ones */
    struct loop *loop;                /* of its connection */
    struct loop *handler_loop;        /* the same, or home */
    struct disk_read *disk_read;      /* a thread reads what is sent next; NULL: none */
    exchange_handler *handler;        /* while it goes home */
    void *handler_context;
    struct arena *arena;
    enum exchange_step step;
    enum shield_class class;
    struct address forwarded; /* who is behind a trusted proxy, while is_in_crowd */
    bool is_in_crowd;         /* counted with that address */
    bool is_crowded;          /* … which has too many */
    bool needs_tls;           /* came in plain, from outside, where TLS is served */
    bool is_public_plain;     /* came in plain, from outside */
    bool closes;              /* refused in a way that ends the connection */
    bool is_counted_away;     /* among the server's that are at home */
    bool is_told;             /* on_end, on_close have been called */
    atomic_bool is_abandoned; /* the client is gone: set on `loop`, asked on `handler_loop` */
    bool is_shared;           /* other sites may use the route's answers */
    bool is_owned;            /* by `owner` */
    struct exchange_owner owner;
    int64_t now_ms;
    uint64_t sent_bytes; /* of the body, for the log */
    struct text user;
    struct http_request request;
    struct http_parameters parameters;
    struct exchange_peer peer;
    struct buffer body;   /* of the request */
    struct buffer wire;   /* the carrier's: head and framing on their way out */
    struct answer answer; /* last, for the sake of a short reset */
};

/* --- for carriers --- */
/*
 * How much of [offset, offset + size) of answer.fd, which is not empty, can be read now without
 * waiting for a disk.  0: it is being read, and the carrier's run() is called when it is here.
 */
uint64_t exchange_file_look(struct exchange *exchange, uint64_t offset, uint64_t size);
static inline uint64_t exchange_file_ready(struct exchange *exchange, uint64_t offset,
                                           uint64_t size)
{
    const struct answer *answer = &exchange->answer;
    if (offset < answer->ready_begin || offset >= answer->ready_end)
        return exchange_file_look(exchange, offset, size);
    return size < answer->ready_end - offset ? size : answer->ready_end - offset;
}
/*
 * Who asks: the carrier has filled in `peer` as it sees it; behind a trusted proxy the forwarded
 * address takes its place and is counted with its running requests (io/forwarded.h).
 */
struct server_tls;
struct stream;
void exchange_show_peer(struct exchange_peer *peer, const struct address *address);
/* is_secure, is_node: what the connection itself proves. */
void exchange_show_proof(struct exchange_peer *peer, const struct stream *stream,
                         const struct server_tls *tls);
void exchange_meet(struct exchange *exchange, bool is_trusted, const struct server_tls *tls);
void exchange_leave_crowd(struct exchange *exchange);
/* What is being read for it concerns it no more. */
void exchange_disk_forget(struct exchange *exchange);

struct exchange *exchange_take(struct server *server, const struct exchange_carrier *carrier,
                               void *context);
/* The client has everything (error 0) or is gone (-errno).  Logs, calls back, gives the exchange
 * up. */
void exchange_release(struct exchange *exchange, int error);
/* Its answer has started and is server-sent events. */
bool exchange_has_events(const struct exchange *exchange);
/* The stream's buffer is empty: let the source go on.  True when there is more at once, bytes or
 * the end: send it on a later turn; false: wake() comes. */
bool exchange_stream_drained(struct exchange *exchange) MUST_USE;
/*
 * Whether the trailer field "Sostenuto-End" says how the body ended: of an answer that can fail in
 * its middle, for who asked ("TE: trailers"), announced in its head ("Trailer").  Its value then.
 */
bool exchange_takes_trailer(const struct exchange *exchange);
struct text exchange_trailer(const struct exchange *exchange);

/* All pieces are out and answer.unlent is not 0: there are others now (1), there will be and run()
 * is called (0), or the body is cut short (-errno). */
int exchange_lend_more(struct exchange *exchange) MUST_USE;

/* --- for the exchange's own files --- */
void exchange_send_coded(struct exchange *exchange,
                         const char *content_type); /* coding_start()ed */
void exchange_drop(struct exchange *exchange); /* frees what the answer holds; back to the pool */
void answer_close_file(struct answer *answer); /* or gives it back; no file is fine */
void exchange_answer_ready(struct exchange *exchange, unsigned status);
void exchange_carry(struct exchange *exchange); /* the prepared answer goes to the carrier */
void exchange_stream_begin(struct exchange *exchange);
/* Borrows both. */
static inline void exchange_add_field(struct exchange *exchange, const char *name,
                                      struct text value)
{
    struct answer *answer = &exchange->answer;
    assert(answer->field_count < EXCHANGE_FIELDS_MAX);
    answer->fields[answer->field_count++] = (struct http_field){text_of(name), value};
}

/* --- exchange_away.c: the handler runs on another loop --- */
bool exchange_is_away(const struct exchange *exchange);
void exchange_hand_back(struct exchange *exchange); /* the answer is prepared: exchange_carry() */
void exchange_is_back(struct exchange *exchange);   /* or gone; on its own loop */
/* on_end and on_close are made by a message on the handler's loop; then the exchange is dropped. */
void exchange_tell_handler(struct exchange *exchange, int error);
/* False when too much is unsent, or the client is gone. */
bool exchange_post_event(struct exchange *exchange, struct text bytes);
void exchange_post_events_end(struct exchange *exchange);
