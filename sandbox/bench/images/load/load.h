/* What the parts of the load tool share; main.c tells what it is for. */
#ifndef LOAD_H
#define LOAD_H

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One bot behind one edge, or a bot itself. */
struct target {
    bool tls;
    char name[256]; /* host name for SNI; empty: none is sent, as Telegram does for an address */
    struct sockaddr_in address;
    char *request;
    size_t request_length;
    SSL_SESSION *session; /* the last one, for `resume` */
};

struct options {
    int connections;
    bool fresh;  /* a new connection for each request */
    bool resume; /* new connections resume a TLS session */
    double seconds;
    double rate; /* requests per second over all connections; 0: each sends its next as soon as it can */
};

enum state { CLOSED, CONNECTING, SHAKING, IDLE, SENDING, WAITING, ENDING };

struct connection {
    int socket;
    enum state state;
    SSL *ssl;
    struct target *target;
    uint64_t due;   /* when the request was to be sent, in nanoseconds */
    size_t written; /* bytes of the request */
    size_t length;  /* bytes of the answer so far */
    char answer[16384];
};

struct counts {
    uint64_t good;      /* answered with 200 */
    uint64_t refused;   /* answered with something else */
    uint64_t broken;    /* sent, and the connection ended before the answer */
    uint64_t unopened;  /* connections that could not be made */
    uint64_t reopened;  /* kept connections that the other side closed between two requests */
    uint64_t connected; /* connections made */
    uint64_t resumed;   /* of these, TLS sessions resumed */
    int last_status;    /* of the last refused one */
};

extern struct options options;
extern struct counts counts;
extern int poller;

uint64_t now_ns(void);
_Noreturn void give_up(const char *what);

/* histogram.c: latencies */
void note_latency(uint64_t nanoseconds);
double latency_ms(double share); /* the latency that `share` of the requests stayed below */

/* connection.c */
void setup_tls(void);
void open_connection(struct connection *connection);
void send_request(struct connection *connection, uint64_t due);
void handle(struct connection *connection);
/* Called when a connection is ready for its next request. */
void on_idle(struct connection *connection);
/* Counts an answer of the time before `ready`; false afterwards. */
bool warming_up(void);

/* answer.c: whether a whole HTTP/1.1 answer has arrived; status 0 if what came is no HTTP */
bool answer_complete(const char *text, size_t length, int *status, bool *closes);

#endif
