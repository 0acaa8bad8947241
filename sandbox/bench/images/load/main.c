/*
 * Sends updates as Telegram would, over HTTPS or, to a bot itself, over HTTP, and tells how it went: one thread, epoll,
 * OpenSSL, nothing but what is needed to keep the load side cheap.
 *
 * usage: load CONNECTIONS kept|fresh|resumed SECONDS RATE <INPUT
 *
 * RATE is in requests per second over all connections, 0 for as many as can be had. A request's latency counts from the
 * moment at which it was due (with a rate), was sent (without), or its connection was begun (fresh, resumed).
 *
 * INPUT: the first line is the body; each further line a target: `tls|plain ADDRESS PORT PATH NAME SECRET`, with `-` for
 * no name or secret. Connections are dealt to the targets in turn. Output: the line `ready` when there have been as many
 * answers as connections; then the SECONDS and all counts begin. At the end one line of JSON.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "load.h"

enum { MOST_TARGETS = 2000 };

struct options options;
struct counts counts;
int poller;

static struct connection *connections;
static struct target targets[MOST_TARGETS];
static int target_count;
static uint64_t start;
static uint64_t end;
static int warmups; /* answers that do not count yet */

/* With a rate: requests that were due while every connection was busy wait here, as a number. */
static uint64_t next_due;
static int first_idle;

uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

_Noreturn void give_up(const char *what) {
    perror(what);
    exit(1);
}

static void read_target(char *line, const char *body) {
    struct target *target = &targets[target_count];
    char kind[8], address[64], path[512], secret[300], secret_header[400] = "";
    int port;
    if (sscanf(line, "%7s %63s %d %511s %255s %299s", kind, address, &port, path, target->name, secret) != 6) {
        fprintf(stderr, "not a target: %s\n", line);
        exit(2);
    }
    if (strcmp(secret, "-") != 0) {
        snprintf(secret_header, sizeof secret_header, "X-Telegram-Bot-Api-Secret-Token: %s\r\n", secret);
    }
    const char *host = strcmp(target->name, "-") == 0 ? address : target->name;
    target->request = malloc(2000 + strlen(body));
    target->request_length =
        (size_t)sprintf(target->request,
                        "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n%s"
                        "Content-Length: %zu\r\nConnection: %s\r\nAccept-Encoding: gzip, deflate\r\n\r\n%s",
                        path, host, secret_header, strlen(body), options.fresh ? "close" : "keep-alive", body);
    if (strcmp(target->name, "-") == 0) target->name[0] = '\0';
    target->tls = strcmp(kind, "tls") == 0;
    target->address.sin_family = AF_INET;
    target->address.sin_port = htons((uint16_t)port);
    if (inet_pton(AF_INET, address, &target->address.sin_addr) != 1) give_up("address");
    target_count++;
}

static void read_input(void) {
    char *body = NULL;
    char *line = NULL;
    size_t room = 0;
    ssize_t length = getline(&body, &room, stdin);
    if (length < 1) give_up("no body");
    body[length - 1] = '\0';
    room = 0;
    while (target_count < MOST_TARGETS && getline(&line, &room, stdin) > 0) read_target(line, body);
    if (target_count == 0) give_up("no target");
    free(line);
    free(body);
}

bool warming_up(void) {
    if (warmups == 0) return false;
    if (--warmups == 0) {
        memset(&counts, 0, sizeof counts);
        start = next_due = now_ns();
        end = start + (uint64_t)(options.seconds * 1e9);
        puts("ready");
        fflush(stdout);
    }
    return true;
}

void on_idle(struct connection *connection) {
    if (options.rate == 0) send_request(connection, now_ns());
}

/* Sends what is due on connections that have nothing to do; gives the milliseconds until the next is due. */
static int send_due(uint64_t now) {
    uint64_t step = (uint64_t)(1e9 / options.rate);
    while (next_due <= now) {
        int tried = 0;
        while (tried < options.connections && connections[first_idle].state != IDLE) {
            first_idle = (first_idle + 1) % options.connections;
            tried++;
        }
        if (tried == options.connections) return 1;
        send_request(&connections[first_idle], next_due);
        first_idle = (first_idle + 1) % options.connections;
        next_due += step;
    }
    return (int)((next_due - now) / 1000000) + 1;
}

static void run(void) {
    struct epoll_event events[256];
    for (uint64_t now = now_ns(); now < end; now = now_ns()) {
        int wait = 100;
        if (options.rate > 0) wait = send_due(now);
        int ready = epoll_wait(poller, events, 256, wait);
        for (int i = 0; i < ready; i++) handle(events[i].data.ptr);
    }
}

int main(int count, char **arguments) {
    if (count != 5) {
        fprintf(stderr, "usage: load CONNECTIONS kept|fresh|resumed SECONDS RATE <INPUT\n");
        return 2;
    }
    options.connections = atoi(arguments[1]);
    options.resume = strcmp(arguments[2], "resumed") == 0;
    options.fresh = options.resume || strcmp(arguments[2], "fresh") == 0;
    options.seconds = atof(arguments[3]);
    options.rate = atof(arguments[4]);
    signal(SIGPIPE, SIG_IGN);
    read_input();
    setup_tls();
    poller = epoll_create1(0);
    connections = calloc((size_t)options.connections, sizeof *connections);
    if (poller < 0 || connections == NULL) give_up("start");
    // An edge that answers nothing ends the run too.
    start = next_due = now_ns();
    end = start + 30000000000u;
    warmups = options.connections;
    for (int i = 0; i < options.connections; i++) {
        connections[i].target = &targets[i % target_count];
        open_connection(&connections[i]);
    }
    run();
    double seconds = (double)(now_ns() - start) / 1e9;
    printf("{\"seconds\":%.3f,\"good\":%lu,\"refused\":%lu,\"lastStatus\":%d,\"broken\":%lu,\"unopened\":%lu,"
           "\"reopened\":%lu,\"connected\":%lu,\"resumed\":%lu,\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f}\n",
           seconds, counts.good, counts.refused, counts.last_status, counts.broken, counts.unopened, counts.reopened,
           counts.connected, counts.resumed, latency_ms(0.5), latency_ms(0.99), latency_ms(0.999), latency_ms(1));
    return 0;
}
