/* A client's connection, on a non-blocking socket with a deadline for every step. */
#include "connection.h"

#include "clock.h"
#include "host.h"
#include "secret_file.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* BCP 195: forward secrecy and authenticated encryption, in TLS 1.2 too. */
#define SYSTEM_CA "/etc/ssl/certs/ca-certificates.crt"
#define CIPHERS   "ECDHE+AESGCM:ECDHE+CHACHA20"

struct connection {
    struct connection_peer peer;
    SSL_CTX *context; /* NULL: TCP */
    SSL *ssl;
    int fd;
};

static bool fail(char *error, size_t size, const char *what)
{
    unsigned long code = ERR_peek_last_error();
    const char *why = code != 0 ? ERR_reason_error_string(code) : NULL;
    (void)snprintf(error, size, "%s: %s", what,
                   why != NULL  ? why
                   : errno != 0 ? strerror(errno)
                                : "unexpected end");
    return false;
}

/* ---- certificates ---- */

/* OpenSSL does not tell why a file cannot be opened. */
static bool is_readable(const char *path, char *error, size_t size)
{
    if (access(path, R_OK) == 0)
        return true;
    (void)snprintf(error, size, "%s: %s", path, strerror(errno));
    return false;
}

/* A key with a password is refused: nobody is there to type it. */
static int no_password(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

/* From the descriptor that was looked at. */
static bool load_key(SSL_CTX *context, const char *path, char *error, size_t size)
{
    char why[SECRET_WHY];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return fail(error, size, path);
    bool is_private = secret_is_private(fd, why);
    if (!is_private)
        (void)snprintf(error, size, "%s: %s", path, why);
    BIO *file = is_private ? BIO_new_fd(fd, BIO_NOCLOSE) : NULL;
    EVP_PKEY *key = file != NULL ? PEM_read_bio_PrivateKey(file, NULL, no_password, NULL) : NULL;
    bool good = key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1;
    if (is_private && !good)
        (void)fail(error, size, path);
    EVP_PKEY_free(key);
    BIO_free(file);
    (void)close(fd);
    return good;
}

/* The first of OpenSSL's errors tells what the file is; the last one only where it was met. */
static bool load_certificate(SSL_CTX *context, const char *path, char *error, size_t size)
{
    if (!is_readable(path, error, size))
        return false;
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, path) == 1)
        return true;
    if (ERR_GET_REASON(ERR_peek_error()) != PEM_R_NO_START_LINE)
        return fail(error, size, path);
    (void)snprintf(error, size, "%s: holds no certificate in PEM: are certificate and key swapped?",
                   path);
    return false;
}

static bool load_authorities(SSL_CTX *context, const char *path, char *error, size_t size)
{
    const char *ca = path != NULL ? path : SYSTEM_CA;
    errno = 0;
    return is_readable(ca, error, size) &&
           (SSL_CTX_load_verify_file(context, ca) == 1 || fail(error, size, ca));
}

static bool load(struct connection *connection, char *error, size_t size)
{
    const struct connection_peer *peer = &connection->peer;
    SSL_CTX *context = connection->context;
    if (!load_authorities(context, peer->authorities, error, size))
        return false;
    if (peer->certificate == NULL)
        return true;
    return load_certificate(context, peer->certificate, error, size) &&
           load_key(context, peer->key, error, size) &&
           (SSL_CTX_check_private_key(context) == 1 || fail(error, size, peer->key));
}

/* By the node's clock, as whoever is shown it sees it by his own. */
static void judge_term(SSL_CTX *context, const char *path, char why[CONNECTION_WHY])
{
    X509 *own = SSL_CTX_get0_certificate(context);
    time_t now = (time_t)(clock_utc_ms() / 1000);
    const char *wrong = X509_cmp_time(X509_get0_notAfter(own), &now) < 0    ? "it has ended"
                        : X509_cmp_time(X509_get0_notBefore(own), &now) > 0 ? "it has not begun"
                                                                            : NULL;
    if (wrong != NULL)
        (void)snprintf(why, CONNECTION_WHY, "%.200s: %s; expected a valid certificate", path,
                       wrong);
}

void connection_judge(const struct connection_peer *peer,
                      char why[CONNECTION_FILES][CONNECTION_WHY])
{
    SSL_CTX *context = peer->tls ? SSL_CTX_new(TLS_client_method()) : NULL;
    for (int i = 0; i < CONNECTION_FILES; i++)
        why[i][0] = '\0';
    if (peer->tls && context == NULL)
        (void)snprintf(why[CONNECTION_AUTHORITIES], CONNECTION_WHY, "out of memory");
    if (context == NULL)
        return;
    SSL_CTX_set_default_passwd_cb(context, no_password);
    ERR_clear_error();
    (void)load_authorities(context, peer->authorities, why[CONNECTION_AUTHORITIES], CONNECTION_WHY);
    ERR_clear_error();
    bool good =
        peer->certificate != NULL &&
        load_certificate(context, peer->certificate, why[CONNECTION_CERTIFICATE], CONNECTION_WHY);
    if (good)
        judge_term(context, peer->certificate, why[CONNECTION_CERTIFICATE]);
    ERR_clear_error();
    if (peer->key != NULL && load_key(context, peer->key, why[CONNECTION_KEY], CONNECTION_WHY) &&
        good && SSL_CTX_check_private_key(context) != 1)
        (void)fail(why[CONNECTION_KEY], CONNECTION_WHY, peer->key);
    ERR_clear_error();
    SSL_CTX_free(context);
}

struct connection *connection_create(const struct connection_peer *peer, char *error, size_t size)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        (void)snprintf(error, size, "out of memory");
        return NULL;
    }
    connection->peer = *peer;
    connection->fd = -1;
    if (!peer->tls)
        return connection;
    ERR_clear_error();
    errno = 0;
    connection->context = SSL_CTX_new(TLS_client_method());
    bool good = connection->context != NULL &&
                SSL_CTX_set_min_proto_version(connection->context, TLS1_2_VERSION) == 1 &&
                SSL_CTX_set_cipher_list(connection->context, CIPHERS) == 1;
    if (!good)
        (void)fail(error, size, "TLS");
    if (good) {
        SSL_CTX_set_verify(connection->context, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_default_passwd_cb(connection->context, no_password);
        (void)SSL_CTX_set_mode(connection->context,
                               SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        good = load(connection, error, size);
    }
    if (good)
        return connection;
    connection_destroy(connection);
    return NULL;
}

void connection_destroy(struct connection *connection)
{
    if (connection == NULL)
        return;
    connection_close(connection);
    SSL_CTX_free(connection->context);
    free(connection);
}

/* ---- opening ---- */

static bool wait_for(int fd, short events, int64_t until)
{
    struct pollfd wait = {.fd = fd, .events = events};
    for (;;) {
        int64_t left = until - clock_monotonic_ms();
        int ready = left > 0 ? poll(&wait, 1, (int)left) : 0;
        if (ready > 0)
            return true;
        if (ready == 0) {
            errno = ETIMEDOUT;
            return false;
        }
        if (errno != EINTR)
            return false;
    }
}

static int connect_to(const struct addrinfo *at, int64_t until)
{
    int error = 0;
    socklen_t size = sizeof error;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, at->ai_addr, at->ai_addrlen) == 0)
        return fd;
    if (errno == EINPROGRESS && wait_for(fd, POLLOUT, until) &&
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
        return fd;
    error = error != 0 ? error : errno;
    (void)close(fd);
    errno = error;
    return -1;
}

static int connect_any(const struct connection_peer *peer, int64_t until, char *error, size_t size)
{
    char port[8];
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int fd = -1, left = 0;
    (void)snprintf(port, sizeof port, "%u", peer->port);
    int failed = getaddrinfo(peer->host, port, &hints, &list);
    if (failed != 0) {
        (void)snprintf(error, size, "%s: %s", peer->host, gai_strerror(failed));
        return -1;
    }
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next)
        left++;
    errno = ETIMEDOUT;
    for (const struct addrinfo *at = list; at != NULL && fd < 0; at = at->ai_next, left--) {
        int64_t now = clock_monotonic_ms();
        fd = connect_to(at, now + (until - now) / left);
    }
    freeaddrinfo(list);
    if (fd < 0)
        (void)fail(error, size, "connect");
    return fd;
}

/* Waits for what TLS wants after a call that returned `result`; false: nothing will come. */
static bool wants_more(const struct connection *connection, int result, int64_t until)
{
    switch (SSL_get_error(connection->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return wait_for(connection->fd, POLLIN, until);
    case SSL_ERROR_WANT_WRITE:
        return wait_for(connection->fd, POLLOUT, until);
    default:
        return false;
    }
}

static bool name_peer(const struct connection *connection)
{
    const char *name =
        connection->peer.name != NULL ? connection->peer.name : connection->peer.host;
    if (host_is_number(name))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection->ssl), name) == 1;
    return SSL_set1_host(connection->ssl, name) == 1 &&
           SSL_set_tlsext_host_name(connection->ssl, name) == 1;
}

static bool shake_hands(struct connection *connection, int64_t until, char *error, size_t size)
{
    int result, why = 0;
    ERR_clear_error();
    errno = 0;
    connection->ssl = SSL_new(connection->context);
    if (connection->ssl == NULL || SSL_set_fd(connection->ssl, connection->fd) != 1 ||
        !name_peer(connection))
        return fail(error, size, "TLS");
    while ((result = SSL_connect(connection->ssl)) != 1) {
        why = errno;
        if (wants_more(connection, result, until)) {
            ERR_clear_error();
            continue;
        }
        long verified = SSL_get_verify_result(connection->ssl);
        if (verified != X509_V_OK) {
            (void)snprintf(error, size, "TLS: the %s's certificate: %s", connection->peer.who,
                           X509_verify_cert_error_string(verified));
            return false;
        }
        errno = errno == ETIMEDOUT ? errno : why;
        return fail(error, size, "TLS");
    }
    return true;
}

bool connection_open(struct connection *connection, int64_t until, char *error, size_t size)
{
    connection_close(connection);
    ERR_clear_error(); /* of other connections of this thread */
    error[0] = '\0';
    connection->fd = connect_any(&connection->peer, until, error, size);
    if (connection->fd >= 0 &&
        (connection->context == NULL || shake_hands(connection, until, error, size)))
        return true;
    connection_close(connection);
    return false;
}

bool connection_is_open(const struct connection *connection)
{
    return connection->fd >= 0;
}

int connection_fd(const struct connection *connection)
{
    return connection->fd;
}

/* ---- sending ---- */

/* Some of it; 0: wait and try again, as `until` allows; -1: over. */
static ssize_t send_some(struct connection *connection, const char *bytes, size_t count,
                         int64_t until)
{
    errno = 0;
    if (connection->ssl == NULL) {
        ssize_t n = send(connection->fd, bytes, count, MSG_NOSIGNAL);
        if (n >= 0 || (errno != EAGAIN && errno != EINTR))
            return n;
        return wait_for(connection->fd, POLLOUT, until) ? 0 : -1;
    }
    size_t done = 0;
    ERR_clear_error();
    int result = SSL_write_ex(connection->ssl, bytes, count, &done);
    if (result == 1)
        return (ssize_t)done;
    return wants_more(connection, result, until) ? 0 : -1;
}

bool connection_send(struct connection *connection, const char *bytes, size_t count, int64_t until,
                     char *error, size_t size)
{
    ERR_clear_error();
    while (count > 0) {
        ssize_t n = send_some(connection, bytes, count, until);
        if (n < 0) {
            (void)fail(error, size, "send");
            connection_close(connection);
            return false;
        }
        bytes += n;
        count -= (size_t)n;
    }
    return true;
}

ssize_t connection_read(struct connection *connection, char *bytes, size_t most)
{
    size_t done = 0;
    errno = 0;
    if (connection->ssl == NULL) {
        ssize_t n = recv(connection->fd, bytes, most, MSG_DONTWAIT);
        return n > 0                               ? n
               : n == 0                            ? CONNECTION_ENDED
               : errno == EAGAIN || errno == EINTR ? 0
                                                   : CONNECTION_BROKEN;
    }
    ERR_clear_error();
    int result = SSL_read_ex(connection->ssl, bytes, most, &done);
    int why = result == 1 ? 0 : SSL_get_error(connection->ssl, result);
    if (result == 1)
        return (ssize_t)done;
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return 0;
    /* Many close the connection without close_notify; with something unread it would be reset. */
    bool ended = why == SSL_ERROR_ZERO_RETURN || (why == SSL_ERROR_SYSCALL && errno == 0) ||
                 (why == SSL_ERROR_SSL &&
                  ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING);
    return ended ? CONNECTION_ENDED : CONNECTION_BROKEN;
}

const char *connection_alert(void)
{
    unsigned long code = ERR_peek_last_error();
    bool is_alert = ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) > SSL_AD_REASON_OFFSET;
    return is_alert ? ERR_reason_error_string(code) : NULL;
}

bool connection_wait(const struct connection *connection, int64_t until)
{
    return wait_for(connection->fd, POLLIN, until);
}

bool connection_say_end(struct connection *connection, int64_t until)
{
    if (connection->ssl == NULL)
        return shutdown(connection->fd, SHUT_WR) == 0;
    int result;
    ERR_clear_error();
    while ((result = SSL_shutdown(connection->ssl)) < 0)
        if (!wants_more(connection, result, until))
            return false;
    return true;
}

void connection_close(struct connection *connection)
{
    SSL_free(connection->ssl);
    connection->ssl = NULL;
    if (connection->fd >= 0)
        (void)close(connection->fd);
    connection->fd = -1;
}
