// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A small server with every kind of answer, for the scenarios in this folder.
 *
 *   test_server [--tls CERT KEY] [--tls12] [--ticket-secret 32CHARACTERS] [--proxy-protocol]
 * [--trusted CIDR] [--host NAME]
 * [--limit NAME VALUE]
 *
 * Binds a free port on 127.0.0.1, prints "listening on PORT" and serves until SIGTERM, which drains
 * it.  SIGHUP reads the certificate again.  The access log goes to stdout.  --outside treats every
 * address as public.
 */
#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/fault_point.h"
#include "io/server.h"
#include "io/signals.h"
#include "io/tls.h"
#include "io/workers.h"
#include "shield/door.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGE_BYTES = 32 << 20 };

struct site {
    struct loop *loop;
    struct server *server;
    struct server_tls *tls;
    struct workers *workers;
    struct exchange *events[64];
    int file_fd, large_fd;
    uint64_t ended_pipes, closed_events;
};

/* Linked in place of the door (--wrap): the path says what it decides. */
enum shield_verdict __wrap_shield_admit(struct shield *shield,
                                        const struct shield_arrival *arrival);
enum shield_verdict __wrap_shield_admit(struct shield *shield UNUSED,
                                        const struct shield_arrival *arrival)
{
    static const struct {
        enum shield_moment moment;
        struct text path;
        enum shield_verdict verdict;
    } verdicts[] = {
        {SHIELD_AT_HEADER, TEXT_INIT("/door/refuse"), SHIELD_REFUSE},
        {SHIELD_AT_HEADER, TEXT_INIT("/door/queue"), SHIELD_QUEUE},
        {SHIELD_AT_HEADER, TEXT_INIT("/door/challenge"), SHIELD_CHALLENGE},
        {SHIELD_AT_HEADER, TEXT_INIT("/door/lighter"), SHIELD_SERVE_LIGHTER},
        {SHIELD_AT_BODY, TEXT_INIT("/door/body"), SHIELD_REFUSE},
    };
    if (arrival->moment == SHIELD_AT_ACCEPT)
        return text_equal(arrival->address, TEXT("192.0.2.66")) ? SHIELD_REFUSE : SHIELD_SERVE;
    for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
        if (arrival->moment == verdicts[i].moment && text_equal(arrival->path, verdicts[i].path))
            return verdicts[i].verdict;
    return SHIELD_SERVE;
}

/* --- handlers --- */

static void on_hello(struct exchange *exchange, void *context UNUSED)
{
    exchange_send_text(exchange, 200, "text/plain", TEXT("hello"));
}

/* Says what the server understood. */
static void on_echo(struct exchange *exchange, void *context UNUSED)
{
    const struct http_request *request = exchange_request(exchange);
    const struct exchange_peer *peer = exchange_peer(exchange);
    struct buffer *out = exchange_output(exchange);
    exchange_set_user(exchange, exchange_parameter(exchange, TEXT("u")));
    buffer_printf(out, "path=%.*s\nhost=%.*s\npeer=%s\nport=%u\nsecure=%d\nprivate=%d\n",
                  TEXT_ARGS(request->path), TEXT_ARGS(request->host), peer->address, peer->port,
                  peer->is_secure, peer->is_private);
    const struct http_parameters *parameters = exchange_parameters(exchange);
    for (size_t i = 0; i < parameters->count; i++)
        buffer_printf(out, "%.*s=%.*s\n", TEXT_ARGS(parameters->items[i].name),
                      TEXT_ARGS(parameters->items[i].value));
    buffer_printf(out, "body=%zu ", exchange_body(exchange).size);
    buffer_text(out, exchange_body(exchange));
    exchange_send_output(exchange, 200, "text/plain");
}

static uint64_t size_wanted(const struct exchange *exchange, uint64_t otherwise)
{
    uint64_t size;
    return text_to_u64(exchange_parameter(exchange, TEXT("size")), &size) ? size : otherwise;
}

/* 100,000 bytes, "0123456789" over and over. */
static void on_file(struct exchange *exchange, void *context)
{
    const struct site *site = context;
    uint64_t size = size_wanted(exchange, 100000);
    exchange_etag(exchange, TEXT("v1"));
    exchange_last_modified(exchange, 784111777);
    exchange_send_file(exchange, "audio/test", dup(site->file_fd), size);
}

/* 32 MiB of nothing: more than a socket holds. */
static void on_large(struct exchange *exchange, void *context)
{
    const struct site *site = context;
    exchange_send_file(exchange, "audio/test", dup(site->large_fd), LARGE_BYTES);
}

/* A song on a disk: the file that SITE_SONG names, all of it. */
static void on_song(struct exchange *exchange, void *context UNUSED)
{
    const char *path = getenv("SITE_SONG");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    struct stat status;
    if (fd < 0 || fstat(fd, &status))
        abort();
    exchange_send_file(exchange, "audio/test", fd, (uint64_t)status.st_size);
}

/* Promises more than there is. */
static void on_short_file(struct exchange *exchange, void *context)
{
    exchange_send_file(exchange, "audio/test", dup(((const struct site *)context)->file_fd),
                       200000);
}

static void on_asset(struct exchange *exchange, void *context UNUSED)
{
    const struct exchange_asset asset = {TEXT("identity"), TEXT("gzip-bytes"), TEXT("brotli"),
                                         "text/css"};
    exchange_etag(exchange, TEXT("a1"));
    exchange_field(exchange, "Cache-Control", TEXT("no-cache"));
    exchange_send_asset(exchange, &asset);
}

static void on_output(struct exchange *exchange, void *context UNUSED)
{
    uint64_t size = size_wanted(exchange, 1000);
    for (uint64_t i = 0; i < size && !exchange_output(exchange)->overflowed; i += 10)
        buffer_text(exchange_output(exchange), TEXT("0123456789"));
    exchange_send_output(exchange, 200, "application/json");
}

/* A head of a little more than `size` bytes. */
static void on_head(struct exchange *exchange, void *context UNUSED)
{
    size_t size = (size_t)size_wanted(exchange, 1000);
    char *value = arena_alloc(exchange_arena(exchange), size);
    if (value) { /* else the arena is full, which is an answer too */
        memset(value, 'v', size);
        exchange_field(exchange, "X-Long", text_make(value, size));
    }
    exchange_send_text(exchange, 200, "text/plain", TEXT("hello"));
}

/* JSON in `size` bytes that pack well; ?secret is never packed. */
static void on_list(struct exchange *exchange, void *context UNUSED)
{
    uint64_t size = size_wanted(exchange, 20000);
    struct buffer *out = exchange_output(exchange);
    if (exchange_parameter(exchange, TEXT("secret")).data)
        exchange_keep_identity(exchange);
    if (exchange_parameter(exchange, TEXT("cookie")).data)
        exchange_field(exchange, "Set-Cookie", TEXT("a=b"));
    if (exchange_parameter(exchange, TEXT("tag")).data)
        exchange_etag(exchange, TEXT("l1"));
    for (uint32_t i = 0; out->size < size; i++)
        buffer_printf(out, "{\"id\":\"%08x\",\"title\":\"Song %u\"},", i * 2654435769u, i % 97);
    out->size = (size_t)size;
    exchange_send_output(exchange, 200, "application/json");
}

static void on_hungry(struct exchange *exchange, void *context UNUSED)
{
    struct text much = arena_text(exchange_arena(exchange), text_make(NULL, 0));
    for (int i = 0; i < 64 && arena_alloc(exchange_arena(exchange), 1 << 20); i++)
        ;
    exchange_send_text(exchange, 200, "text/plain", much);
}

static void on_hints(struct exchange *exchange, void *context UNUSED)
{
    const struct text links[] = {TEXT("</a.css>; rel=preload; as=style"),
                                 TEXT("</b.js>; rel=modulepreload")};
    exchange_early_hints(exchange, links, ARRAY_SIZE(links));
    exchange_send_text(exchange, 200, "text/html", TEXT("page"));
}

static void on_problem(struct exchange *exchange, void *context UNUSED)
{
    exchange_send_problem(exchange, 409, "In the way", "Something \"else\" is there.");
}

/* --- slow: answered by a worker --- */

static void work_slowly(void *context UNUSED) { usleep(200 * 1000); }
static void work_more_slowly(void *context UNUSED) { usleep(1000 * 1000); }
static void on_slow_done(void *context)
{
    struct exchange *exchange = context;
    exchange_send_text(exchange, 200, "text/plain",
                       exchange_is_abandoned(exchange) ? TEXT("nobody") : TEXT("slow"));
}

static void let_work(struct exchange *exchange, struct site *site, workers_call *job)
{
    if (!workers_submit(site->workers, site->loop, job, on_slow_done, exchange))
        exchange_send_problem(exchange, 503, "Busy", "All workers are busy.");
}

static void on_slow(struct exchange *exchange, void *context)
{
    let_work(exchange, context, work_slowly);
}

static void on_slower(struct exchange *exchange, void *context)
{
    let_work(exchange, context, work_more_slowly);
}

/* --- pipe: a worker writes `size` bytes and closes --- */

struct pour {
    struct site *site;
    uint64_t size;
    int fd;
};

static void pour(void *context)
{
    struct pour *pour = context;
    char line[1024];
    memset(line, 'x', sizeof line);
    while (pour->size > 0) {
        size_t part = pour->size < sizeof line ? (size_t)pour->size : sizeof line;
        if (write(pour->fd, line, part) != (ssize_t)part)
            break;
        pour->size -= part;
    }
    close(pour->fd);
}

static void on_poured(void *context) { mem_free(context); }
static void on_pipe_end(void *context, int error UNUSED)
{
    ((struct site *)context)->ended_pipes++;
}

static int cut_short(void *context UNUSED) { return -EIO; }
static int is_whole(void *context UNUSED) { return 0; }

static void on_pipe(struct exchange *exchange, void *context)
{
    struct text end = exchange_parameter(exchange, TEXT("end"));
    if (end.data)
        exchange_check_end(exchange, text_equal(end, TEXT("cut")) ? cut_short : is_whole);
    struct site *site = context;
    struct pour *job = MEM_NEW(struct pour);
    int ends[2];
    job->site = site;
    job->size = size_wanted(exchange, 10);
    if (pipe2(ends, O_CLOEXEC) ||
        !workers_submit(site->workers, site->loop, pour, on_poured, (job->fd = ends[1], job)))
        abort();
    exchange_send_pipe(exchange, "audio/ogg", ends[0], on_pipe_end, site);
}

/* --- events --- */

struct follower {
    struct site *site;
    size_t place;
};

static void on_events_closed(void *context)
{
    struct follower *follower = context;
    follower->site->events[follower->place] = NULL;
    follower->site->closed_events++;
    mem_free(follower);
}

static void on_events(struct exchange *exchange, void *context)
{
    struct site *site = context;
    struct follower *follower = MEM_NEW(struct follower);
    follower->site = site;
    while (site->events[follower->place])
        follower->place++;
    site->events[follower->place] = exchange;
    exchange_events_start(exchange, on_events_closed, follower);
    exchange_events_send(exchange, "welcome", TEXT("1"), TEXT("two\nlines"));
    if (exchange_parameter(exchange, TEXT("once")).data)
        exchange_events_end(exchange);
}

/* Tells all followers; ?flood=1 until one does not take more. */
static void on_tell(struct exchange *exchange, void *context)
{
    struct site *site = context;
    bool floods = exchange_parameter(exchange, TEXT("flood")).data;
    uint64_t told = 0;
    for (size_t i = 0; i < ARRAY_SIZE(site->events); i++)
        for (bool took = site->events[i]; took && told < 100000; took &= floods)
            told += took =
                exchange_events_send(site->events[i], NULL, TEXT_NONE, exchange_body(exchange));
    buffer_printf(exchange_output(exchange), "%llu", (unsigned long long)told);
    exchange_send_output(exchange, 200, "text/plain");
}

static void on_stats(struct exchange *exchange, void *context)
{
    const struct site *site = context;
    buffer_printf(exchange_output(exchange), "ended_pipes=%llu closed_events=%llu\n",
                  (unsigned long long)site->ended_pipes, (unsigned long long)site->closed_events);
#define COUNTER(id, name, help)                                 \
    buffer_printf(exchange_output(exchange), "%s=%lld\n", name, \
                  (long long)counter_get(COUNTER_##id));
#define GAUGE COUNTER
#define MICROSECONDS COUNTER /* as they are counted */
#include "base/counters.def"
#undef COUNTER
#undef GAUGE
#undef MICROSECONDS
    exchange_send_output(exchange, 200, "text/plain");
}

static void on_own_options(struct exchange *exchange, void *context UNUSED)
{
    exchange_field(exchange, "Access-Control-Allow-Origin", TEXT("*"));
    exchange_send_empty(exchange, 204);
}

static const struct server_route routes[] = {
    {"GET", "/hello", 0, SHIELD_CLASS_CONTROL, on_hello, NULL},
    {"GET POST", "/echo/", 1000, SHIELD_CLASS_SIGNED_IN, on_echo, NULL},
    {"POST PUT", "/echo/large", 10 << 20, SHIELD_CLASS_SIGNED_IN, on_echo, NULL},
    {"GET", "/file", 0, SHIELD_CLASS_RUNNING, on_file, NULL},
    {"GET", "/short", 0, SHIELD_CLASS_RUNNING, on_short_file, NULL},
    {"GET", "/asset", 0, SHIELD_CLASS_NEW_VISIT, on_asset, NULL},
    {"GET", "/output", 0, SHIELD_CLASS_SIGNED_IN, on_output, NULL},
    {"GET", "/head", 0, SHIELD_CLASS_SIGNED_IN, on_head, NULL},
    {"GET", "/list", 0, SHIELD_CLASS_SIGNED_IN, on_list, NULL},
    {"GET", "/hungry", 0, SHIELD_CLASS_SIGNED_IN, on_hungry, NULL},
    {"GET", "/large", 0, SHIELD_CLASS_RUNNING, on_large, NULL},
    {"GET", "/song", 0, SHIELD_CLASS_RUNNING, on_song, NULL},
    {.methods = "GET",
     .path = "/hints",
     .class = SHIELD_CLASS_NEW_VISIT,
     .handler = on_hints,
     .runs_anywhere = true},
    {"GET", "/problem", 0, SHIELD_CLASS_SIGNED_IN, on_problem, NULL},
    {"GET", "/slow", 0, SHIELD_CLASS_SIGNED_IN, on_slow, NULL},
    {"GET", "/slower", 0, SHIELD_CLASS_SIGNED_IN, on_slower, NULL},
    {"GET", "/pipe", 0, SHIELD_CLASS_RUNNING, on_pipe, NULL},
    {"GET", "/events", 0, SHIELD_CLASS_RUNNING, on_events, NULL},
    {"POST", "/tell", 4096, SHIELD_CLASS_SIGNED_IN, on_tell, NULL},
    {"GET", "/stats", 0, SHIELD_CLASS_CONTROL, on_stats, NULL},
    {"GET POST", "/door/", 1000, SHIELD_CLASS_SIGN_IN, on_hello, NULL},
    {"GET", "/own", 0, SHIELD_CLASS_SIGNED_IN, on_hello, NULL},
    {"OPTIONS", "/own", 0, SHIELD_CLASS_SIGNED_IN, on_own_options, NULL},
};

/* --- start and end --- */

static void on_drained(void *context) { loop_stop(((struct site *)context)->loop); }

static void on_signal(int number, void *context)
{
    struct site *site = context;
    char why[256] = "";
    if (number == SIGTERM)
        server_drain(site->server, 3 * 1000 * 1000, on_drained, site);
    else if (site->tls && !server_tls_reload(site->tls, why, sizeof why))
        fprintf(stderr, "%s\n", why);
}

static void print_lines(void *context UNUSED, struct text lines)
{
    printf("%.*s", TEXT_ARGS(lines)); /* stdio locks: whole batches */
    fflush(stdout);
}

static void set_limit(struct server_limits *limits, const char *name, const char *value)
{
    uint64_t number;
    if (!text_to_u64(text_of(value), &number))
        abort();
#define LIMIT(field, unit_type, default_value, help) \
    if (!strcmp(name, #field))                       \
        limits->field = (unit_type)number;
#include "io/server.def"
#undef LIMIT
}

static int listening_socket(uint16_t *ret_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, size) || listen(fd, 1024) ||
        getsockname(fd, (struct sockaddr *)&address, &size))
        abort();
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static int test_file(void)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    for (int i = 0; i < 10000; i++)
        if (write(fd, "0123456789", 10) != 10)
            abort();
    return fd;
}

/* Every option with its values; the texts live in argv. */
static void read_options(char **argv, struct server_config *config, struct site *site)
{
    static struct text trusted[8], hosts[8];
    struct server_tls_config tls = {0};
    config->trusted_proxies = trusted;
    config->host_names = hosts;
    while (*++argv) {
        if (!strcmp(*argv, "--tls12"))
            tls.allows_tls12 = true;
        else if (!strcmp(*argv, "--ticket-secret"))
            tls.ticket_secret = (const unsigned char *)*++argv;
        else if (!strcmp(*argv, "--proxy-protocol"))
            config->expects_proxy_protocol = true;
        else if (!strcmp(*argv, "--trusted"))
            trusted[config->trusted_proxy_count++] = text_of(*++argv);
        else if (!strcmp(*argv, "--host"))
            hosts[config->host_name_count++] = text_of(*++argv);
        else if (!strcmp(*argv, "--tls"))
            tls.certificate_file = *++argv, tls.key_file = *++argv;
        else if (!strcmp(*argv, "--limit"))
            set_limit(&config->limits, argv[1], argv[2]), argv += 2;
        else
            abort();
    }
    char why[256];
    if (tls.certificate_file && !(site->tls = server_tls_new(&tls, why, sizeof why))) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
}

int main(int argc UNUSED, char **argv)
{
    struct site site = {.loop = loop_new(), .file_fd = test_file()};
    struct server_config config = server_config_default();
    uint16_t port;
    site.large_fd = memfd_create("large", MFD_CLOEXEC);
    if (ftruncate(site.large_fd, LARGE_BYTES))
        return 1;
    config.access_sink = print_lines;
#ifdef SOSTENUTO_DRILLS
    struct text unknown;
    if (!guards_switch_off(text_of(getenv("SOSTENUTO_GUARDS_OFF")), &unknown))
        return 2;
#endif
#ifdef SOSTENUTO_DRILLS
    if (getenv("SOSTENUTO_FAULT_BOARD") && !fault_points_obey(getenv("SOSTENUTO_FAULT_BOARD")))
        return 2;
#endif
    read_options(argv, &config, &site);
    struct signals *signals =
        signals_start(site.loop, (int[]){SIGTERM, SIGHUP, 0}, on_signal, &site);
    site.workers = workers_start("test", 4, 64);
    site.server = server_new(site.loop, &config);
    for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
        struct server_route route = routes[i];
        route.context = &site;
        server_route(site.server, &route);
    }
    if (server_listen(site.server, listening_socket(&port), site.tls))
        return 1;
    printf("listening on %u\n", port);
    fflush(stdout);
    loop_run(site.loop);
    server_free(&site.server);
    workers_stop(&site.workers);
    server_tls_free(&site.tls);
    signals_stop(&signals);
    loop_free(&site.loop);
    close(site.file_fd);
    close(site.large_fd);
    return 0;
}
