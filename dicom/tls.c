/* One TLS connection, never waiting: whoever drives it has the deadlines.
 *
 * Certificate and key belong to the SSL alone, not to its context, so that SSL_certs_clear takes
 * the last reference to the key when the handshake is done. */
#include "tls_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define VERIFY_DEPTH 8
/* Reads of the socket at one go: a peer that is fast must not keep us from looking at the clock. */
#define READS_MOST 64

/* RFC 9325 4.2: forward secrecy and AEAD. */
const struct dx_tls_offer dx_tls_offer = {
    .suites_12 =
        "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:"
        "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
    .suites_13 = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256",
    .groups = "X25519:P-256:P-384:P-521"};

/* ---- the socket, as OpenSSL sees it: no signal, no waiting ---- */

static int on_write(BIO *bio, const char *bytes, int count)
{
    const struct dx_tls *tls = BIO_get_data(bio);
    ssize_t put = send(tls->fd, bytes, (size_t)count,
                       MSG_NOSIGNAL | MSG_DONTWAIT | (tls->more ? MSG_MORE : 0));
    BIO_clear_retry_flags(bio);
    if (put < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(bio);
    return (int)put;
}

static int on_read(BIO *bio, char *bytes, int count)
{
    struct dx_tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t got = -1;
    errno = EAGAIN;
    if (tls->reads++ < READS_MOST)
        got = recv(tls->fd, bytes, (size_t)count, MSG_DONTWAIT);
    if (got == 0)
        errno = 0; /* the end is no error of this moment */
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(bio);
    return (int)got;
}

static long on_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_PUSH || command == BIO_CTRL_POP;
}

static BIO *make_bio(struct dx_tls *tls)
{
    static BIO_METHOD *method;
    if (method == NULL) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "cervigate");
        if (method == NULL || BIO_meth_set_write(method, on_write) != 1 ||
            BIO_meth_set_read(method, on_read) != 1 || BIO_meth_set_ctrl(method, on_control) != 1)
            return NULL;
    }
    BIO *bio = BIO_new(method);
    if (bio != NULL) {
        BIO_set_data(bio, tls);
        BIO_set_init(bio, 1);
    }
    return bio;
}

/* ---- making one ---- */

/* Remembers what a caller offered, for whoever must be told that it is too old. */
static int on_hello(SSL *ssl, int *alert, void *context)
{
    struct dx_tls *tls = SSL_get_app_data(ssl);
    const unsigned char *bytes;
    size_t count;
    (void)alert;
    (void)context;
    tls->offered = (int)SSL_client_hello_get0_legacy_version(ssl);
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &bytes, &count) == 1)
        for (size_t i = 1; i + 1 < count; i += 2) { /* RFC 8701: 0xXaXa means nothing */
            int version = bytes[i] << 8 | bytes[i + 1];
            if (version > tls->offered && version <= TLS1_3_VERSION)
                tls->offered = version;
        }
    return SSL_CLIENT_HELLO_SUCCESS;
}

bool dx_tls_set_rules(SSL_CTX *context, bool newest)
{
    SSL_CTX_set_security_level(context, 2);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify_depth(context, VERIFY_DEPTH);
    return SSL_CTX_set_min_proto_version(context, newest ? TLS1_3_VERSION : TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, dx_tls_offer.suites_12) == 1 &&
           SSL_CTX_set_ciphersuites(context, dx_tls_offer.suites_13) == 1 &&
           SSL_CTX_set1_groups_list(context, dx_tls_offer.groups) == 1 &&
           SSL_CTX_set_num_tickets(context, 0) == 1;
}

static bool set_rules(SSL_CTX *context, const struct dx_tls_params *params)
{
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    if (params->is_server)
        SSL_CTX_set_client_hello_cb(context, on_hello, NULL);
    return dx_tls_set_rules(context, params->newest);
}

static bool is_address(const char *name)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

/* Whom we trust is anyone that the file names, be it an authority or the peer's own certificate. */
static bool set_verify(struct dx_tls *tls, const struct dx_tls_params *params)
{
    X509_VERIFY_PARAM *rules = SSL_get0_param(tls->ssl);
    int mode = SSL_VERIFY_PEER;
    if (params->is_server && params->ask == DX_TLS_REQUIRE)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    if (params->is_server && params->ask == DX_TLS_ASK_NOT)
        mode = SSL_VERIFY_NONE;
    SSL_set_verify(tls->ssl, mode, dx_tls_on_verify);
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
    if (params->files.fd[DX_TLS_REVOKED] >= 0)
        flags |= X509_V_FLAG_CRL_CHECK;
    if (X509_VERIFY_PARAM_set_flags(rules, flags) != 1)
        return false;
    if (params->is_server)
        return true;
    (void)snprintf(tls->name, sizeof tls->name, "%s", params->name);
    if (is_address(tls->name))
        return X509_VERIFY_PARAM_set1_ip_asc(rules, tls->name) == 1;
    SSL_set_hostflags(tls->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(tls->ssl, tls->name) == 1 &&
           SSL_set_tlsext_host_name(tls->ssl, tls->name) == 1;
}

/* Names of authorities in the request tell a caller which of its certificates to show. */
static bool set_authority_names(struct dx_tls *tls)
{
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(tls->context));
    bool good = names != NULL;
    for (int i = 0; good && i < sk_X509_OBJECT_num(objects); i++) {
        X509 *one = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        X509_NAME *copy = one != NULL ? X509_NAME_dup(X509_get_subject_name(one)) : NULL;
        good = one == NULL || (copy != NULL && sk_X509_NAME_push(names, copy) > 0);
    }
    if (good)
        SSL_set_client_CA_list(tls->ssl, names);
    else
        sk_X509_NAME_pop_free(names, X509_NAME_free);
    return good;
}

enum dx_status dx_tls_open(const struct dx_tls_params *params, struct dx_tls **tls,
                           struct dx_error *err)
{
    struct dx_tls_facts facts;
    struct dx_tls *made = calloc(1, sizeof *made);
    *tls = NULL;
    if (made == NULL)
        return dx_fail(err, DX_NO_MEMORY, "out of memory");
    made->fd = -1;
    made->is_server = params->is_server;
    ERR_clear_error();
    made->context = SSL_CTX_new(TLS_method());
    bool good = made->context != NULL && set_rules(made->context, params) &&
                (made->ssl = SSL_new(made->context)) != NULL &&
                SSL_set_app_data(made->ssl, made) == 1 && set_verify(made, params);
    enum dx_status status =
        good ? dx_tls_use_files(made->context, made->ssl, &params->files, &facts, err)
             : dx_fail(err, DX_INTERNAL, "OpenSSL cannot be prepared");
    if (status == DX_OK && params->is_server && params->ask != DX_TLS_ASK_NOT &&
        !set_authority_names(made))
        status = dx_fail(err, DX_NO_MEMORY, "out of memory");
    ERR_clear_error();
    if (status != DX_OK) {
        dx_tls_close(made);
        return status;
    }
    *tls = made;
    return DX_OK;
}

void dx_tls_close(struct dx_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_free(tls->ssl);
    SSL_CTX_free(tls->context);
    free(tls);
}

void dx_tls_attach(struct dx_tls *tls, int fd)
{
    BIO *bio = make_bio(tls);
    tls->fd = fd;
    if (bio != NULL)
        SSL_set_bio(tls->ssl, bio, bio);
    if (tls->is_server)
        SSL_set_accept_state(tls->ssl);
    else
        SSL_set_connect_state(tls->ssl);
}

/* ---- driving it ---- */

static enum dx_tls_step step_of(struct dx_tls *tls, int result, struct dx_error *err)
{
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_NONE:
        return DX_TLS_DONE;
    case SSL_ERROR_WANT_READ:
        return DX_TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return DX_TLS_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return DX_TLS_ENDED;
    default:
        break;
    }
    /* Many peers close without TLS's own word for it: an end, where PDUs tell what was whole. */
    unsigned long error = ERR_peek_error();
    bool cut = error == 0 || ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    if (tls->is_open && cut) {
        ERR_clear_error();
        return DX_TLS_ENDED;
    }
    (void)dx_tls_explain(tls, err);
    ERR_clear_error();
    return DX_TLS_FAILED;
}

/* The key has done what it is for. */
static void forget_key(struct dx_tls *tls)
{
    SSL_certs_clear(tls->ssl);
}

enum dx_tls_step dx_tls_handshake(struct dx_tls *tls, bool may_read, struct dx_error *err)
{
    ERR_clear_error();
    tls->reads = may_read ? 0 : READS_MOST;
    enum dx_tls_step step = step_of(tls, SSL_do_handshake(tls->ssl), err);
    if (step == DX_TLS_WANTS_READ || step == DX_TLS_WANTS_WRITE)
        return step;
    forget_key(tls);
    if (step != DX_TLS_DONE)
        return step;

    tls->is_open = true;
    (void)snprintf(tls->session, sizeof tls->session, "%s %s", SSL_get_version(tls->ssl),
                   SSL_get_cipher_name(tls->ssl));
    const X509 *peer = SSL_get0_peer_certificate(tls->ssl);
    if (peer != NULL)
        dx_tls_print_name(X509_get_subject_name(peer), tls->subject, sizeof tls->subject);
    return DX_TLS_DONE;
}

enum dx_tls_step dx_tls_read(struct dx_tls *tls, void *bytes, size_t count, size_t *got,
                             struct dx_error *err)
{
    *got = 0;
    ERR_clear_error();
    tls->reads = 0;
    return step_of(tls, SSL_read_ex(tls->ssl, bytes, count, got), err);
}

enum dx_tls_step dx_tls_write(struct dx_tls *tls, const void *bytes, size_t count, bool more,
                              size_t *put, struct dx_error *err)
{
    *put = 0;
    ERR_clear_error();
    tls->reads = 0;
    tls->more = more;
    enum dx_tls_step step = step_of(tls, SSL_write_ex(tls->ssl, bytes, count, put), err);
    tls->more = false;
    return step;
}

bool dx_tls_has_pending(const struct dx_tls *tls)
{
    return SSL_pending(tls->ssl) > 0;
}

void dx_tls_end(struct dx_tls *tls)
{
    if (tls->is_open)
        (void)SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

const char *dx_tls_session(const struct dx_tls *tls)
{
    return tls->session;
}

const char *dx_tls_subject(const struct dx_tls *tls)
{
    return tls->subject;
}

bool dx_tls_is_named(const struct dx_tls *tls, const char *name)
{
    X509 *peer = tls->is_open ? SSL_get0_peer_certificate(tls->ssl) : NULL;
    if (peer == NULL)
        return false;
    if (is_address(name))
        return X509_check_ip_asc(peer, name, 0) == 1;
    return X509_check_host(peer, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}
