/* Certificates and keys from descriptors: each is what it should be, or a sentence says what it is
 * instead. No byte of a key stays in memory that is ours. */
#include "tls_private.h"

#include <errno.h>
#include <malloc.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *on_malloc(size_t count, const char *file, int line)
{
    (void)file;
    (void)line;
    return malloc(count);
}

static void on_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    if (memory != NULL)
        OPENSSL_cleanse(memory, malloc_usable_size(memory));
    free(memory);
}

static void *on_realloc(void *memory, size_t count, const char *file, int line)
{
    size_t old = memory != NULL ? malloc_usable_size(memory) : 0;
    void *moved = malloc(count);
    if (moved == NULL)
        return NULL;
    if (memory != NULL)
        memcpy(moved, memory, old < count ? old : count);
    on_free(memory, file, line);
    return moved;
}

void dx_tls_prepare(void)
{
    (void)CRYPTO_set_mem_functions(on_malloc, on_realloc, on_free);
}

struct text {
    char *bytes;
    size_t count;
};

static void drop(struct text *text)
{
    if (text->bytes != NULL)
        OPENSSL_cleanse(text->bytes, text->count);
    free(text->bytes);
    *text = (struct text){NULL, 0};
}

static enum dx_status read_text(int fd, struct text *text, struct dx_error *err)
{
    *text = (struct text){malloc(DX_TLS_FILE_MAX), 0};
    if (text->bytes == NULL)
        return dx_fail(err, DX_NO_MEMORY, "out of memory");
    while (text->count < DX_TLS_FILE_MAX) {
        ssize_t got =
            pread(fd, text->bytes + text->count, DX_TLS_FILE_MAX - text->count, (off_t)text->count);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            enum dx_status status = dx_fail(err, DX_TLS, "cannot be read: %s", strerror(errno));
            drop(text);
            return status;
        }
        if (got == 0)
            return DX_OK;
        text->count += (size_t)got;
    }
    drop(text);
    return dx_fail(err, DX_TLS, "is larger than %u bytes", DX_TLS_FILE_MAX);
}

static int64_t milliseconds(const ASN1_TIME *at)
{
    struct tm when;
    if (at == NULL || ASN1_TIME_to_tm(at, &when) != 1)
        return 0;
    return (int64_t)timegm(&when) * 1000;
}

static void note_term(struct dx_tls_term *term, const X509_NAME *subject, const ASN1_TIME *begin,
                      const ASN1_TIME *end)
{
    int64_t begin_ms = milliseconds(begin), end_ms = milliseconds(end);
    if (begin_ms > term->begin_ms)
        term->begin_ms = begin_ms;
    if (end_ms == 0 || (term->end_ms != 0 && end_ms >= term->end_ms))
        return;
    term->end_ms = end_ms;
    dx_tls_print_name(subject, term->subject, sizeof term->subject);
}

/* A key that stands in another file is not there, whatever else is. */
static enum dx_status not_that(const struct text *text, const char *what, const char *hint,
                               struct dx_error *err)
{
    const char *begin = memmem(text->bytes, text->count, "-----BEGIN ", 11);
    char found[48] = "no PEM text";
    if (begin != NULL) {
        size_t left = text->count - (size_t)(begin - text->bytes) - 11;
        const char *end = memmem(begin + 11, left, "-----", 5);
        if (end != NULL && end - begin - 11 < 32)
            (void)snprintf(found, sizeof found, "\"%.*s\"", (int)(end - begin - 11), begin + 11);
    }
    return dx_fail(err, DX_TLS, "holds %s; expected %s in PEM%s", found, what, hint);
}

static const char *swapped(enum dx_tls_file file, const struct text *text)
{
    bool holds_key = memmem(text->bytes, text->count, "PRIVATE KEY-----", 16) != NULL;
    return file == DX_TLS_CERTIFICATE && holds_key ? ": are certificate and key swapped?" : "";
}

/* ---- one file each ---- */

static enum dx_status use_one(SSL_CTX *context, SSL *ssl, enum dx_tls_file file, size_t nth,
                              X509 *one, struct dx_error *err)
{
    bool good;
    if (file == DX_TLS_AUTHORITIES)
        good = X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one) == 1;
    else if (nth == 0)
        good = SSL_use_certificate(ssl, one) == 1;
    else
        good = SSL_add1_chain_cert(ssl, one) == 1;
    if (good)
        return DX_OK;
    const char *why = ERR_reason_error_string(ERR_peek_last_error());
    char subject[DX_TLS_NAME_MAX];
    dx_tls_print_name(X509_get_subject_name(one), subject, sizeof subject);
    return dx_fail(err, DX_TLS, "%.100s cannot be used: %s", subject,
                   why != NULL ? why : "unknown");
}

static enum dx_status use_certificates(SSL_CTX *context, SSL *ssl, enum dx_tls_file file,
                                       const struct text *text, struct dx_tls_term *term,
                                       struct dx_error *err)
{
    BIO *bio = BIO_new_mem_buf(text->bytes, (int)text->count);
    enum dx_status status = bio != NULL ? DX_OK : dx_fail(err, DX_NO_MEMORY, "out of memory");
    size_t count = 0;
    X509 *one;
    while (status == DX_OK && (one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        note_term(term, X509_get_subject_name(one), X509_get0_notBefore(one),
                  X509_get0_notAfter(one));
        status = use_one(context, ssl, file, count++, one, err);
        X509_free(one);
    }
    if (status == DX_OK && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        status = dx_fail(err, DX_TLS, "its certificate %zu is damaged", count + 1);
    if (status == DX_OK && count == 0)
        status = not_that(text, "certificates", swapped(file, text), err);
    ERR_clear_error();
    BIO_free(bio);
    return status;
}

static enum dx_status use_lists(SSL_CTX *context, const struct text *text, struct dx_tls_term *term,
                                struct dx_error *err)
{
    BIO *bio = BIO_new_mem_buf(text->bytes, (int)text->count);
    enum dx_status status = bio != NULL ? DX_OK : dx_fail(err, DX_NO_MEMORY, "out of memory");
    size_t count = 0;
    X509_CRL *one;
    while (status == DX_OK && (one = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
        note_term(term, X509_CRL_get_issuer(one), X509_CRL_get0_lastUpdate(one),
                  X509_CRL_get0_nextUpdate(one));
        if (X509_STORE_add_crl(SSL_CTX_get_cert_store(context), one) != 1)
            status = dx_fail(err, DX_TLS, "its list %zu cannot be used", count + 1);
        X509_CRL_free(one);
        count++;
    }
    if (status == DX_OK && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        status = dx_fail(err, DX_TLS, "its list %zu is damaged", count + 1);
    if (status == DX_OK && count == 0)
        status = not_that(text, "certificate revocation lists (X509 CRL)", "", err);
    ERR_clear_error();
    BIO_free(bio);
    return status;
}

static int on_passphrase(char *buffer, int size, int writing, void *asked)
{
    (void)buffer;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static enum dx_status use_key(SSL *ssl, const struct text *text, struct dx_error *err)
{
    bool asked = false;
    BIO *bio = BIO_new_mem_buf(text->bytes, (int)text->count);
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, &asked) : NULL;
    enum dx_status status = DX_OK;
    if (asked)
        status = dx_fail(err, DX_TLS,
                         "is encrypted; expected a key without a passphrase, in a "
                         "file that only the node's user may read");
    else if (key == NULL)
        status = not_that(text, "a private key", "", err);
    else if (SSL_use_PrivateKey(ssl, key) != 1 ||
             (SSL_get_certificate(ssl) != NULL && SSL_check_private_key(ssl) != 1)) {
        const char *why = ERR_reason_error_string(ERR_peek_last_error());
        int reason = ERR_GET_REASON(ERR_peek_last_error());
        if (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH)
            status = dx_fail(err, DX_TLS, "is not the key of the certificate");
        else
            status = dx_fail(err, DX_TLS, "cannot be used: %s", why != NULL ? why : "unknown");
    }
    EVP_PKEY_free(key);
    BIO_free(bio);
    ERR_clear_error();
    return status;
}

static enum dx_status use_file(SSL_CTX *context, SSL *ssl, enum dx_tls_file file,
                               const struct text *text, struct dx_tls_term *term,
                               struct dx_error *err)
{
    if (file == DX_TLS_KEY)
        return use_key(ssl, text, err);
    if (file == DX_TLS_REVOKED)
        return use_lists(context, text, term, err);
    return use_certificates(context, ssl, file, text, term, err);
}

enum dx_status dx_tls_use_files(SSL_CTX *context, SSL *ssl, const struct dx_tls_files *files,
                                struct dx_tls_facts *facts, struct dx_error *err)
{
    enum dx_status status = DX_OK;
    *facts = (struct dx_tls_facts){.wrong = DX_TLS_CERTIFICATE};
    for (int i = 0; status == DX_OK && i < DX_TLS_FILES; i++) {
        struct text text;
        if (files->fd[i] < 0)
            continue;
        facts->wrong = (enum dx_tls_file)i;
        status = read_text(files->fd[i], &text, err);
        if (status != DX_OK)
            break;
        status = use_file(context, ssl, (enum dx_tls_file)i, &text, &facts->term[i], err);
        drop(&text);
    }
    return status;
}

enum dx_status dx_tls_check(const struct dx_tls_files *files, struct dx_tls_facts *facts,
                            struct dx_error *err)
{
    *facts = (struct dx_tls_facts){.wrong = DX_TLS_CERTIFICATE};
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    SSL *ssl = NULL;
    if (context != NULL) {
        SSL_CTX_set_security_level(context, 2);
        ssl = SSL_new(context);
    }
    enum dx_status status = ssl != NULL ? dx_tls_use_files(context, ssl, files, facts, err)
                                        : dx_fail(err, DX_NO_MEMORY, "out of memory");
    SSL_free(ssl);
    SSL_CTX_free(context);
    ERR_clear_error();
    return status;
}
