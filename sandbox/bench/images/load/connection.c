/* One connection's life: connect, TLS handshake, requests one after the other, end. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

static SSL_CTX *context;

static int keep_session(SSL *ssl, SSL_SESSION *session) {
    struct target *target = SSL_get_app_data(ssl);
    if (target->session != NULL) SSL_SESSION_free(target->session);
    target->session = session;
    return 1;
}

/*
 * Certificates are not checked: every edge of a run serves the same one. The groups are those that OpenSSL 3.0 offers,
 * with one key share, X25519: what a client that is not yet post-quantum sends.
 */
void setup_tls(void) {
    context = SSL_CTX_new(TLS_client_method());
    if (context == NULL || SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") != 1) give_up("TLS");
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (options.resume) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(context, keep_session);
    }
}

static void watch(struct connection *connection, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(poller, operation, connection->socket, &event) != 0) give_up("epoll_ctl");
}

static void close_connection(struct connection *connection) {
    if (connection->ssl != NULL) {
        // An end without a farewell must not spoil the session for the next connection.
        SSL_set_shutdown(connection->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(connection->ssl);
    }
    connection->ssl = NULL;
    if (connection->socket >= 0) close(connection->socket);
    connection->socket = -1;
    connection->state = CLOSED;
}

void open_connection(struct connection *connection) {
    struct target *target = connection->target;
    int one = 1;
    connection->due = now_ns();
    connection->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (connection->socket < 0) give_up("socket");
    setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connection->state = CONNECTING;
    int made = connect(connection->socket, (struct sockaddr *)&target->address, sizeof target->address);
    if (made != 0 && errno != EINPROGRESS) give_up("connect");
    watch(connection, EPOLL_CTL_ADD, EPOLLOUT);
}

/* The connection cannot be used any more; whatever was on it is counted. */
static void lose(struct connection *connection) {
    switch (connection->state) {
    case CONNECTING:
    case SHAKING: counts.unopened++; break;
    case SENDING:
    case WAITING: counts.broken++; break;
    case IDLE: counts.reopened++; break;
    default: break;
    }
    close_connection(connection);
    open_connection(connection);
}

static void ready(struct connection *connection) {
    counts.connected++;
    if (connection->ssl != NULL && SSL_session_reused(connection->ssl)) counts.resumed++;
    connection->state = IDLE;
    on_idle(connection);
}

/* Wants to wait for what TLS asks for; false: the connection is lost. */
static bool wait_for_tls(struct connection *connection, int result) {
    switch (SSL_get_error(connection->ssl, result)) {
    case SSL_ERROR_WANT_READ: watch(connection, EPOLL_CTL_MOD, EPOLLIN); return true;
    case SSL_ERROR_WANT_WRITE: watch(connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT); return true;
    default: ERR_clear_error(); return false;
    }
}

static void shake(struct connection *connection) {
    int result = SSL_do_handshake(connection->ssl);
    if (result == 1) {
        watch(connection, EPOLL_CTL_MOD, EPOLLIN);
        ready(connection);
    } else if (!wait_for_tls(connection, result)) {
        lose(connection);
    }
}

static void connected(struct connection *connection) {
    int error = 0;
    socklen_t size = sizeof error;
    struct target *target = connection->target;
    if (getsockopt(connection->socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
        lose(connection);
        return;
    }
    if (!target->tls) {
        watch(connection, EPOLL_CTL_MOD, EPOLLIN);
        ready(connection);
        return;
    }
    connection->ssl = SSL_new(context);
    if (connection->ssl == NULL || SSL_set_fd(connection->ssl, connection->socket) != 1) give_up("TLS");
    SSL_set_app_data(connection->ssl, target);
    if (target->name[0] != '\0') SSL_set_tlsext_host_name(connection->ssl, target->name);
    if (options.resume && target->session != NULL) SSL_set_session(connection->ssl, target->session);
    SSL_set_connect_state(connection->ssl);
    connection->state = SHAKING;
    shake(connection);
}

static void go_on_sending(struct connection *connection) {
    const struct target *target = connection->target;
    while (connection->written < target->request_length) {
        const char *rest = target->request + connection->written;
        size_t length = target->request_length - connection->written;
        ssize_t done = connection->ssl != NULL ? SSL_write(connection->ssl, rest, (int)length)
                                               : send(connection->socket, rest, length, MSG_NOSIGNAL);
        if (done > 0) {
            connection->written += (size_t)done;
        } else if (connection->ssl != NULL) {
            if (!wait_for_tls(connection, (int)done)) lose(connection);
            return;
        } else if (errno == EAGAIN) {
            watch(connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            return;
        } else {
            lose(connection);
            return;
        }
    }
    connection->state = WAITING;
}

void send_request(struct connection *connection, uint64_t due) {
    connection->state = SENDING;
    // The latency of a fresh connection's request counts from connect().
    if (!options.fresh) connection->due = due;
    connection->written = 0;
    connection->length = 0;
    go_on_sending(connection);
}

static void answered(struct connection *connection, int status, bool closes) {
    if (!warming_up()) {
        note_latency(now_ns() - connection->due);
        if (status == 200) {
            counts.good++;
        } else {
            counts.refused++;
            counts.last_status = status;
        }
    }
    if (options.fresh || closes) {
        // The other side closes, so that the ports in TIME_WAIT are not this side's.
        connection->state = ENDING;
        return;
    }
    connection->state = IDLE;
    on_idle(connection);
}

/* Reads what is there; true: the other side has closed. */
static bool read_some(struct connection *connection) {
    char *space = connection->answer + connection->length;
    size_t room = sizeof connection->answer - connection->length;
    ssize_t done;
    if (room == 0) return true;
    if (connection->ssl != NULL) {
        done = SSL_read(connection->ssl, space, (int)room);
        if (done <= 0) return !wait_for_tls(connection, (int)done);
    } else {
        done = recv(connection->socket, space, room, 0);
        if (done <= 0) return done == 0 || errno != EAGAIN;
    }
    connection->length += (size_t)done;
    return false;
}

static void receive(struct connection *connection) {
    int status;
    bool closes;
    bool ended = read_some(connection);
    if (connection->state == WAITING && connection->length > 0 &&
        answer_complete(connection->answer, connection->length, &status, &closes)) {
        answered(connection, status, closes);
    } else if (connection->state == ENDING) {
        connection->length = 0;
    }
    if (!ended) return;
    if (connection->state == ENDING) {
        close_connection(connection);
        open_connection(connection);
    } else {
        lose(connection);
    }
}

void handle(struct connection *connection) {
    switch (connection->state) {
    case CONNECTING: connected(connection); break;
    case SHAKING: shake(connection); break;
    case SENDING: go_on_sending(connection); break;
    case CLOSED: break;
    default: receive(connection);
    }
}
