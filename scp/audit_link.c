/* The collector's connection, on a non-blocking socket with a deadline for every step. */
#include "audit_link.h"

#include "clock.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP_MS    15000 /* connecting, shaking hands, sending */
#define CONFIRM_MS 10000
/* BCP 195: forward secrecy and authenticated encryption, in TLS 1.2 too. */
#define SYSTEM_CA "/etc/ssl/certs/ca-certificates.crt"
#define CIPHERS   "ECDHE+AESGCM:ECDHE+CHACHA20"

struct audit_link {
    const struct conf_audit *conf;
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

static bool is_private(const char *key, char *error, size_t size)
{
    struct stat at;
    if (stat(key, &at) != 0)
        return fail(error, size, key);
    if ((at.st_mode & 077) == 0)
        return true;
    (void)snprintf(error, size, "%s: others than its owner may use it (mode %03o); expected 600",
                   key, (unsigned)at.st_mode & 0777u);
    return false;
}

/* OpenSSL does not tell why a file cannot be opened. */
static bool is_readable(const char *path, char *error, size_t size)
{
    if (access(path, R_OK) == 0)
        return true;
    (void)snprintf(error, size, "%s: %s", path, strerror(errno));
    return false;
}

static bool load(struct audit_link *link, char *error, size_t size)
{
    const struct conf_audit *conf = link->conf;
    SSL_CTX *context = link->context;
    errno = 0;
    const char *ca = conf->ca != NULL ? conf->ca : SYSTEM_CA;
    if (!is_readable(ca, error, size))
        return false;
    if (SSL_CTX_load_verify_file(context, ca) != 1)
        return fail(error, size, ca);
    if (conf->certificate == NULL)
        return true;
    if (!is_readable(conf->certificate, error, size) || !is_readable(conf->key, error, size) ||
        !is_private(conf->key, error, size))
        return false;
    if (SSL_CTX_use_certificate_chain_file(context, conf->certificate) != 1)
        return fail(error, size, conf->certificate);
    if (SSL_CTX_use_PrivateKey_file(context, conf->key, SSL_FILETYPE_PEM) != 1)
        return fail(error, size, conf->key);
    return SSL_CTX_check_private_key(context) == 1 || fail(error, size, conf->key);
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

struct audit_link *audit_link_create(const struct conf *conf, char *error, size_t size)
{
    struct audit_link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return NULL;
    link->conf = &conf->audit;
    link->fd = -1;
    if (conf->audit.transport == CONF_TCP)
        return link;
    ERR_clear_error();
    errno = 0;
    link->context = SSL_CTX_new(TLS_client_method());
    bool good = link->context != NULL &&
                SSL_CTX_set_min_proto_version(link->context, TLS1_2_VERSION) == 1 &&
                SSL_CTX_set_cipher_list(link->context, CIPHERS) == 1;
    if (!good)
        (void)fail(error, size, "TLS");
    if (good) {
        SSL_CTX_set_verify(link->context, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_default_passwd_cb(link->context, no_password);
        (void)SSL_CTX_set_mode(link->context,
                               SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        good = load(link, error, size);
    }
    if (good)
        return link;
    audit_link_destroy(link);
    return NULL;
}

void audit_link_destroy(struct audit_link *link)
{
    if (link == NULL)
        return;
    audit_link_close(link);
    SSL_CTX_free(link->context);
    free(link);
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

static int connect_any(const struct conf_audit *conf, char *error, size_t size)
{
    char port[8];
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int fd = -1;
    (void)snprintf(port, sizeof port, "%u", conf->port);
    int failed = getaddrinfo(conf->host, port, &hints, &list);
    if (failed != 0) {
        (void)snprintf(error, size, "%s: %s", conf->host, gai_strerror(failed));
        return -1;
    }
    for (const struct addrinfo *at = list; at != NULL && fd < 0; at = at->ai_next)
        fd = connect_to(at, clock_monotonic_ms() + STEP_MS);
    freeaddrinfo(list);
    if (fd < 0)
        (void)fail(error, size, "connect");
    return fd;
}

/* Waits for what TLS wants after a call that returned `result`; false: nothing will come. */
static bool wants_more(const struct audit_link *link, int result, int64_t until)
{
    switch (SSL_get_error(link->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return wait_for(link->fd, POLLIN, until);
    case SSL_ERROR_WANT_WRITE:
        return wait_for(link->fd, POLLOUT, until);
    default:
        return false;
    }
}

static bool name_peer(const struct audit_link *link)
{
    const char *name = link->conf->server_name != NULL ? link->conf->server_name : link->conf->host;
    unsigned char address[sizeof(struct in6_addr)];
    bool numeric =
        inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
    if (numeric)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(link->ssl), name) == 1;
    return SSL_set1_host(link->ssl, name) == 1 && SSL_set_tlsext_host_name(link->ssl, name) == 1;
}

static bool shake_hands(struct audit_link *link, char *error, size_t size)
{
    int result, why = 0;
    int64_t until = clock_monotonic_ms() + STEP_MS;
    ERR_clear_error();
    errno = 0;
    link->ssl = SSL_new(link->context);
    if (link->ssl == NULL || SSL_set_fd(link->ssl, link->fd) != 1 || !name_peer(link))
        return fail(error, size, "TLS");
    while ((result = SSL_connect(link->ssl)) != 1) {
        why = errno;
        if (wants_more(link, result, until)) {
            ERR_clear_error();
            continue;
        }
        long verified = SSL_get_verify_result(link->ssl);
        if (verified != X509_V_OK) {
            (void)snprintf(error, size, "TLS: the collector's certificate: %s",
                           X509_verify_cert_error_string(verified));
            return false;
        }
        errno = errno == ETIMEDOUT ? errno : why;
        return fail(error, size, "TLS");
    }
    return true;
}

bool audit_link_open(struct audit_link *link, char *error, size_t size)
{
    audit_link_close(link);
    error[0] = '\0';
    link->fd = connect_any(link->conf, error, size);
    if (link->fd >= 0 && (link->context == NULL || shake_hands(link, error, size)))
        return true;
    audit_link_close(link);
    return false;
}

bool audit_link_is_open(const struct audit_link *link)
{
    return link->fd >= 0;
}

int audit_link_fd(const struct audit_link *link)
{
    return link->fd;
}

/* ---- sending ---- */

/* Some of it; 0: wait and try again, as `until` allows; -1: over. */
static ssize_t send_some(struct audit_link *link, const char *bytes, size_t count, int64_t until)
{
    errno = 0;
    if (link->ssl == NULL) {
        ssize_t n = send(link->fd, bytes, count, MSG_NOSIGNAL);
        if (n >= 0 || (errno != EAGAIN && errno != EINTR))
            return n;
        return wait_for(link->fd, POLLOUT, until) ? 0 : -1;
    }
    size_t done = 0;
    ERR_clear_error();
    int result = SSL_write_ex(link->ssl, bytes, count, &done);
    if (result == 1)
        return (ssize_t)done;
    return wants_more(link, result, until) ? 0 : -1;
}

bool audit_link_send(struct audit_link *link, const char *bytes, size_t count, char *error,
                     size_t size)
{
    int64_t until = clock_monotonic_ms() + STEP_MS;
    while (count > 0) {
        ssize_t n = send_some(link, bytes, count, until);
        if (n < 0) {
            (void)fail(error, size, "send");
            audit_link_close(link);
            return false;
        }
        bytes += n;
        count -= (size_t)n;
    }
    return true;
}

/* Whatever a collector says is read and dropped: 1 something, 0 nothing now, -1 closed in order, -2
 * broken. */
static int read_some(struct audit_link *link)
{
    char bytes[1024];
    errno = 0;
    if (link->ssl == NULL) {
        ssize_t n = recv(link->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        return n > 0 ? 1 : n == 0 ? -1 : errno == EAGAIN || errno == EINTR ? 0 : -2;
    }
    ERR_clear_error();
    int n = SSL_read(link->ssl, bytes, sizeof bytes), why = n > 0 ? 0 : SSL_get_error(link->ssl, n);
    if (n > 0)
        return 1;
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return 0;
    /* Many close the connection without close_notify; with something unread it would be reset. */
    bool ended = why == SSL_ERROR_ZERO_RETURN || (why == SSL_ERROR_SYSCALL && errno == 0) ||
                 (why == SSL_ERROR_SSL &&
                  ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING);
    return ended ? -1 : -2;
}

bool audit_link_has_ended(struct audit_link *link)
{
    int said = 1;
    for (int i = 0; i < 64 && said > 0; i++)
        said = read_some(link);
    return said != 0; /* one that goes on talking, too */
}

/* Whether its kernel has all that was sent. */
static bool has_all(const struct audit_link *link)
{
    struct tcp_info info = {.tcpi_unacked = 1};
    socklen_t size = sizeof info;
    return getsockopt(link->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
           info.tcpi_unacked == 0 && info.tcpi_notsent_bytes == 0;
}

static bool say_end(struct audit_link *link, int64_t until)
{
    if (link->ssl == NULL)
        return shutdown(link->fd, SHUT_WR) == 0;
    int result;
    ERR_clear_error();
    while ((result = SSL_shutdown(link->ssl)) < 0)
        if (!wants_more(link, result, until))
            return false;
    return true;
}

enum audit_confirm audit_link_confirm(struct audit_link *link)
{
    int64_t until = clock_monotonic_ms() + CONFIRM_MS;
    enum audit_confirm answer = AUDIT_LOST;
    int said = 0;
    if (say_end(link, until)) {
        while ((said = read_some(link)) >= 0)
            if (clock_monotonic_ms() >= until || (said == 0 && !wait_for(link->fd, POLLIN, until)))
                break;
        if (said == -1)
            answer = AUDIT_CONFIRMED;
        else if (said >= 0 && has_all(link))
            answer = AUDIT_UNCONFIRMED;
    }
    audit_link_close(link);
    return answer;
}

void audit_link_close(struct audit_link *link)
{
    SSL_free(link->ssl);
    link->ssl = NULL;
    if (link->fd >= 0)
        (void)close(link->fd);
    link->fd = -1;
}
