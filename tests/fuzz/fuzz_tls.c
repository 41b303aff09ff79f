/* What a caller sends to the TLS port before there is a session, and files that are no
 * certificates. The first byte chooses: a file of <tls>, or the peer's bytes in a handshake. */
#include "dx_tls_drive.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 16384u /* what fits into a socket's buffer */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static int memory_of(const void *bytes, size_t count)
{
    int fd = memfd_create("file", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, count) != (ssize_t)count)
        abort();
    return fd;
}

/* A certificate of its own, made once. */
static void make_files(struct dx_tls_files *files)
{
    char *text;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *one = X509_new();
    BIO *certificate = BIO_new(BIO_s_mem()), *private = BIO_new(BIO_s_mem());
    (void)ASN1_INTEGER_set(X509_get_serialNumber(one), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(one), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(one), 86400);
    (void)X509_set_pubkey(one, key);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(one), "CN", MBSTRING_ASC,
                                     (const unsigned char *)"fuzz", -1, -1, 0);
    (void)X509_set_issuer_name(one, X509_get_subject_name(one));
    if (X509_sign(one, key, EVP_sha256()) == 0 || PEM_write_bio_X509(certificate, one) != 1 ||
        PEM_write_bio_PrivateKey(private, key, NULL, NULL, 0, NULL, NULL) != 1)
        abort();
    long size = BIO_get_mem_data(certificate, &text);
    files->fd[DX_TLS_CERTIFICATE] = memory_of(text, (size_t)size);
    files->fd[DX_TLS_AUTHORITIES] = memory_of(text, (size_t)size);
    size = BIO_get_mem_data(private, &text);
    files->fd[DX_TLS_KEY] = memory_of(text, (size_t)size);
    files->fd[DX_TLS_REVOKED] = -1;
    BIO_free(certificate);
    BIO_free(private);
    X509_free(one);
    EVP_PKEY_free(key);
}

static void try_file(const struct dx_tls_files *good, enum dx_tls_file file, const uint8_t *bytes,
                     size_t count)
{
    struct dx_tls_files files = *good;
    struct dx_tls_facts facts;
    struct dx_error err = {0};
    files.fd[file] = memory_of(bytes, count);
    if (dx_tls_check(&files, &facts, &err) != DX_OK && err.text[0] == '\0')
        abort();
    close(files.fd[file]);
}

static void try_handshake(const struct dx_tls_files *files, const uint8_t *bytes, size_t count)
{
    const struct dx_tls_params params = {.files = *files, .is_server = true};
    struct dx_error err = {0};
    struct dx_tls *tls;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 ||
        send(pair[0], bytes, count, MSG_NOSIGNAL) != (ssize_t)count ||
        shutdown(pair[0], SHUT_WR) != 0 || dx_tls_open(&params, &tls, &err) != DX_OK)
        abort();
    dx_tls_attach(tls, pair[1]);
    enum dx_tls_step step = DX_TLS_WANTS_READ;
    for (int i = 0; i < 64 && (step == DX_TLS_WANTS_READ || step == DX_TLS_WANTS_WRITE); i++)
        step = dx_tls_handshake(tls, true, &err);
    if (step == DX_TLS_DONE || (step == DX_TLS_FAILED && err.text[0] == '\0'))
        abort(); /* nobody gets in without the key that is asked for */
    dx_tls_close(tls);
    close(pair[0]);
    close(pair[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static struct dx_tls_files files;
    static int is_ready;
    if (!is_ready)
        make_files(&files);
    is_ready = 1;
    if (count < 2 || count > MOST)
        return 0;
    if (bytes[0] < DX_TLS_FILES)
        try_file(&files, (enum dx_tls_file)bytes[0], bytes + 1, count - 1);
    else
        try_handshake(&files, bytes + 1, count - 1);
    return 0;
}
