// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/control.h"

#include "base/counters.h"
#include "base/mem.h"
#include "programs/control_client.h"
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The two threads race for a waiting request; one of them wins it, by claim_request(). */
enum request_claim {
    REQUEST_WAITING,
    REQUEST_TAKEN,   /* by the main loop: it is carried out, however long that takes */
    REQUEST_REFUSED, /* by the control thread: it was answered "busy" and is never carried out */
};

/*
 * Belongs to the main loop from post_line() to control_answer(), then to the control thread, whose
 * deliver() frees it.  After control_stop() control_answer() itself does.
 */
struct control_request {
    struct control *control; /* NULL once control_stop() ran: nobody listens any more */
    struct connection *connection;
    char *line;
    struct buffer answer;
    enum request_claim claim; /* atomic */
};

enum connection_state {
    CONNECTION_FREE,
    CONNECTION_READING,
    CONNECTION_WAITING, /* for the main loop */
    CONNECTION_WRITING,
    CONNECTION_GONE, /* the client left, its request is still under way: the slot stays taken */
};

struct connection {
    enum connection_state state;
    struct control *control;
    struct loop_watch watch;
    struct loop_timer timer;
    struct buffer in, out;
    bool closes_after_write;
    struct control_request *request; /* not NULL from posting until its delivery */
};

struct control {
    struct loop *loop, *main_loop;
    const struct logger *logger;
    control_handler *handler;
    void *context;
    pthread_t thread;
    struct loop_watch listener;
    struct connection connections[CONTROL_MAX_CONNECTIONS];
    char path[PATH_MAX];
};

static void connection_close(struct connection *connection)
{
    if (connection->state == CONNECTION_FREE || connection->state == CONNECTION_GONE)
        return;
    loop_watch_remove(&connection->watch);
    loop_timer_stop(&connection->timer);
    (void)close(connection->watch.fd);
    buffer_release(&connection->in);
    buffer_release(&connection->out);
    connection->state = connection->request ? CONNECTION_GONE : CONNECTION_FREE;
}

static void patience_start(struct connection *connection, uint64_t wait_us)
{
    loop_timer_start(connection->control->loop, &connection->timer,
                     loop_now_us(connection->control->loop) + wait_us);
}

/* --- the main loop's side --- */

static bool claim_request(struct control_request *request, enum request_claim claim)
{
    enum request_claim expected = REQUEST_WAITING;
    return __atomic_compare_exchange_n(&request->claim, &expected, claim, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

static void run_request(void *context)
{
    struct control_request *request = context;
    /* Refused, or stopped before the main loop came to it: only its memory is still wanted. */
    if (!claim_request(request, REQUEST_TAKEN) || !request->control) {
        control_answer(request, TEXT_NONE);
        return;
    }
    counter_add(COUNTER_CONTROL_REQUESTS, 1);
    request->control->handler(request->control->context, request, text_of(request->line));
}

static void request_free(struct control_request *request)
{
    mem_free(request->line);
    buffer_release(&request->answer);
    mem_free(request);
}

static void deliver(void *context);

void control_answer(struct control_request *request, struct text line)
{
    if (!request->control) {
        request_free(request);
        return;
    }
    buffer_text(&request->answer, line);
    buffer_append(&request->answer, "\n", 1);
    loop_post(request->control->loop, deliver, request);
}

/* --- the control thread's side --- */

static void read_step(struct connection *connection);

static void write_step(struct connection *connection)
{
    while (connection->out.size > 0) {
        ssize_t wrote =
            send(connection->watch.fd, connection->out.data, connection->out.size, MSG_NOSIGNAL);
        if (wrote < 0 && errno == EAGAIN) {
            loop_watch_set(&connection->watch, LOOP_WRITE);
            return;
        }
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0) {
            connection_close(connection);
            return;
        }
        buffer_consume(&connection->out, (size_t)wrote);
    }
    if (connection->closes_after_write) {
        connection_close(connection);
        return;
    }
    connection->state = CONNECTION_READING;
    loop_watch_set(&connection->watch, LOOP_READ);
    patience_start(connection, CONTROL_IDLE_US);
    read_step(connection);
}

static void write_answer(struct connection *connection, struct text line)
{
    buffer_reset(&connection->out);
    buffer_text(&connection->out, line);
    connection->state = CONNECTION_WRITING;
    patience_start(connection, CONTROL_IDLE_US);
    write_step(connection);
}

static void deliver(void *context)
{
    struct control_request *request = context;
    struct connection *connection = request->connection;
    connection->request = NULL;
    if (connection->state == CONNECTION_GONE)
        connection->state = CONNECTION_FREE;
    else if (connection->state == CONNECTION_WAITING)
        write_answer(connection, request->answer.overflowed
                                     ? TEXT("{\"ok\":false,\"error\":\"the answer is too long\"}\n")
                                     : buffer_view(&request->answer));
    request_free(request);
}

/* Hands the first line of `in` to the main loop; the rest stays for later. */
static void post_line(struct connection *connection, size_t line_size)
{
    struct control *control = connection->control;
    struct control_request *request = MEM_NEW(struct control_request);
    request->control = control;
    request->connection = connection;
    request->line = text_dup(text_make(connection->in.data, line_size));
    buffer_init(&request->answer, CONTROL_MAX_ANSWER_BYTES);
    buffer_consume(&connection->in, line_size + 1);
    connection->request = request;
    connection->state = CONNECTION_WAITING;
    loop_watch_set(&connection->watch, 0);
    patience_start(connection, CONTROL_PATIENCE_US);
    loop_post(control->main_loop, run_request, request);
}

/* With a whole line in hand posts it; else reads on. */
static void read_step(struct connection *connection)
{
    while (connection->state == CONNECTION_READING) {
        size_t line_size = text_find_byte(buffer_view(&connection->in), '\n');
        if (line_size != SIZE_MAX) {
            post_line(connection, line_size);
            return;
        }
        char *room = buffer_reserve(&connection->in, 4096);
        if (!room) {
            connection->closes_after_write = true;
            write_answer(connection,
                         TEXT("{\"ok\":false,\"error\":\"a request line has at most 64 KiB\"}\n"));
            return;
        }
        ssize_t got = recv(connection->watch.fd, room, 4096, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            connection_close(connection);
            return;
        }
        connection->in.size += (size_t)got;
    }
}

static void on_connection(struct loop_watch *watch, unsigned events, uint64_t now_us)
{
    struct connection *connection = CONTAINER_OF(watch, struct connection, watch);
    (void)now_us;
    if (connection->state == CONNECTION_READING && events & (LOOP_READ | LOOP_HANGUP))
        read_step(connection);
    else if (connection->state == CONNECTION_WRITING && events & LOOP_WRITE)
        write_step(connection);
    else if (events & LOOP_HANGUP)
        connection_close(connection);
}

static void on_patience_over(struct loop_timer *timer, uint64_t now_us)
{
    struct connection *connection = CONTAINER_OF(timer, struct connection, timer);
    (void)now_us;
    if (connection->state != CONNECTION_WAITING) {
        connection_close(connection);
        return;
    }
    if (!claim_request(connection->request, REQUEST_REFUSED))
        return; /* under way: a backup may take minutes */
    connection->closes_after_write = true;
    write_answer(connection, TEXT(CONTROL_BUSY_ANSWER "\n"));
}

static bool is_our_owner(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

static struct connection *free_slot(struct control *control)
{
    for (size_t i = 0; i < CONTROL_MAX_CONNECTIONS; i++)
        if (control->connections[i].state == CONNECTION_FREE)
            return &control->connections[i];
    return NULL;
}

static void on_accept(struct loop_watch *watch, unsigned events, uint64_t now_us)
{
    struct control *control = CONTAINER_OF(watch, struct control, listener);
    (void)events;
    (void)now_us;
    int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    struct connection *connection = is_our_owner(fd) ? free_slot(control) : NULL;
    if (!connection) {
        LOG_EVENT(control->logger, LOG_WARNING, "control socket: a connection was refused");
        (void)close(fd);
        return;
    }
    *connection = (struct connection){
        .state = CONNECTION_READING,
        .control = control,
        .watch = {.on_events = on_connection, .fd = fd, .wanted = LOOP_READ},
        .timer = {.on_timer = on_patience_over},
    };
    buffer_init(&connection->in, CONTROL_MAX_LINE_BYTES);
    buffer_init(&connection->out, CONTROL_MAX_ANSWER_BYTES + 1);
    if (loop_watch_add(control->loop, &connection->watch) != 0) {
        connection_close(connection);
        return;
    }
    patience_start(connection, CONTROL_IDLE_US);
}

/* --- birth and death --- */

static int open_socket(const char *state_folder)
{
    struct sockaddr_un address;
    int folder = control_address(state_folder, &address);
    if (folder < 0)
        return folder;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int result = fd < 0 ? -errno : fd;
    if (fd >= 0) {
        (void)unlink(address.sun_path);
        mode_t mask = umask(0177); /* at start, before threads: 0600 from its first moment */
        if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
            listen(fd, CONTROL_MAX_CONNECTIONS) != 0)
            result = -errno;
        (void)umask(mask);
        if (result < 0)
            (void)close(fd);
    }
    (void)close(folder);
    return result;
}

static void *run_thread(void *context)
{
    struct control *control = context;
    (void)pthread_setname_np(pthread_self(), "control");
    loop_run(control->loop);
    return NULL;
}

int control_start(const char *state_folder, struct loop *main_loop, const struct logger *logger,
                  control_handler *handler, void *context, struct control **ret)
{
    int fd = open_socket(state_folder);
    if (fd < 0)
        return fd;
    struct control *control = MEM_NEW(struct control);
    control->loop = loop_new();
    control->main_loop = main_loop;
    control->logger = logger;
    control->handler = handler;
    control->context = context;
    control->listener = (struct loop_watch){.on_events = on_accept, .fd = fd, .wanted = LOOP_READ};
    (void)snprintf(control->path, sizeof control->path, "%s/control.sock", state_folder);
    int error = loop_watch_add(control->loop, &control->listener);
    if (error == 0)
        error = -pthread_create(&control->thread, NULL, run_thread, control);
    if (error < 0) {
        loop_watch_remove(&control->listener);
        loop_free(&control->loop);
        (void)close(fd);
        mem_free(control);
        return error;
    }
    *ret = control;
    return 0;
}

void control_stop(struct control **control_p)
{
    struct control *control = *control_p;
    if (!control)
        return;
    loop_stop(control->loop);
    (void)pthread_join(control->thread, NULL);
    (void)unlink(control->path);
    loop_watch_remove(&control->listener);
    (void)close(control->listener.fd);
    for (size_t i = 0; i < CONTROL_MAX_CONNECTIONS; i++)
        connection_close(&control->connections[i]);
    loop_free(&control->loop); /* delivers what was answered: their slots become free */
    for (size_t i = 0; i < CONTROL_MAX_CONNECTIONS; i++)
        if (control->connections[i].request)
            control->connections[i].request->control = NULL;
    mem_free_p(control_p);
}
