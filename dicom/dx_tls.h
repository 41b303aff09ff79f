/* dx_tls.h: DICOM over TLS by BCP 195 (RFC 8996, RFC 9325; PS3.15 B.12): TLS 1.2 with ECDHE and
 * AEAD, or TLS 1.3; nothing older, no renegotiation, no tickets.
 *
 * A struct dx_tls is one side of one connection. It is made while its process may still read the
 * files and before anything of a peer is; when the handshake is over the private key is gone from
 * it: no PDU is read where the key is in memory. Nobody but the files' own
 * authorities is trusted, never the system's. */
#ifndef DX_TLS_H
#define DX_TLS_H

#include "dx_status.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DX_TLS_FILE_MAX (1u << 20) /* bytes of each file */
#define DX_TLS_NAME_MAX 160

/* Makes OpenSSL overwrite all memory that it gives back: it frees copies of a key that it read as
 * they are. For the beginning of a program, before OpenSSL is used at all; later it is too late,
 * and nothing happens. */
void dx_tls_prepare(void);

/* What is offered and taken, as OpenSSL names it: colon-separated, preferred first. */
struct dx_tls_offer {
    const char *suites_12, *suites_13, *groups;
};
extern const struct dx_tls_offer dx_tls_offer;

/* Descriptors of PEM files, -1: none. They are read from their begin, and stay the caller's. */
enum dx_tls_file { DX_TLS_CERTIFICATE, DX_TLS_KEY, DX_TLS_AUTHORITIES, DX_TLS_REVOKED };
#define DX_TLS_FILES 4
struct dx_tls_files {
    /* our certificate, then those between it and its authority; its key without a passphrase; whom
     * we trust; lists of what they took back (with one, each authority of a peer needs one) */
    int fd[DX_TLS_FILES];
};

/* What is asked of who calls us; of whom we call a certificate is always asked. */
enum dx_tls_ask { DX_TLS_REQUIRE, DX_TLS_ASK, DX_TLS_ASK_NOT };

struct dx_tls_params {
    struct dx_tls_files files;
    bool is_server;
    bool newest; /* TLS 1.3 only */
    enum dx_tls_ask ask;
    const char *name; /* of whom we call: host name or numeric address in its certificate */
};

struct dx_tls;
/* DX_TLS with a sentence when a file cannot be used. */
DX_MUST_USE enum dx_status dx_tls_open(const struct dx_tls_params *params, struct dx_tls **tls,
                                       struct dx_error *err);
void dx_tls_close(struct dx_tls *tls); /* takes NULL */

/* The same for a client's connection that another library drives (libcurl): context is its SSL_CTX.
 * The peer's name is that library's to check. Our certificate and key are read from `files` when a
 * peer asks for one, so params and what it names must stay until the handshake is over; then the
 * key is gone again. DX_TLS with a sentence when authorities or revoked cannot be used. */
DX_MUST_USE enum dx_status dx_tls_lend(void *context, const struct dx_tls_params *params,
                                       struct dx_error *err);

/* After the handshake, and "" before: "TLSv1.3 TLS_AES_256_GCM_SHA384"; the subject of the peer's
 * certificate, "" when it showed none. */
const char *dx_tls_session(const struct dx_tls *tls);
const char *dx_tls_subject(const struct dx_tls *tls);
/* Whether the peer's certificate bears this host name or numeric address. */
bool dx_tls_is_named(const struct dx_tls *tls, const char *name);

/* What there is to know of the files: when the first of each ends. UTC in milliseconds; end_ms 0:
 * no such file. */
struct dx_tls_term {
    int64_t begin_ms, end_ms; /* begin: the latest, end: the first */
    char subject[DX_TLS_NAME_MAX];
};
struct dx_tls_facts {
    struct dx_tls_term term[DX_TLS_FILES]; /* none of the key */
    enum dx_tls_file wrong;                /* the file that err is about */
};
/* Whether they can be used: each is what it should be, and the key is the certificate's, if that is
 * there. Times are told, not judged. Reads the private key: for a process that ends soon. */
DX_MUST_USE enum dx_status dx_tls_check(const struct dx_tls_files *files,
                                        struct dx_tls_facts *facts, struct dx_error *err);

#ifdef __cplusplus
}
#endif
#endif
