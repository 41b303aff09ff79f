/* tls_private.h: shared by tls.c (the connection), tls_files.c (what it is made of), tls_why.c (why
 * it failed) and tls_lend.c (what another library's connection needs of it). */
#ifndef TLS_PRIVATE_H
#define TLS_PRIVATE_H

#include "dx_tls_drive.h"

#include <openssl/ssl.h>

struct dx_tls {
    SSL_CTX *context;
    SSL *ssl;
    bool is_server, is_open;
    int fd;
    bool more;           /* of what is being written */
    unsigned reads;      /* of the socket, since the caller last waited */
    int offered;         /* newest version that a caller offered; 0: not known */
    char name[256];      /* whom we call */
    enum dx_tls_why why; /* of doubt */
    char doubt[250];     /* the first thing that was wrong with the peer's certificate */
    char session[96];    /* version and cipher suite */
    char subject[DX_TLS_NAME_MAX];
};

/* tls.c: BCP 195's versions, suites and groups, for either side. */
bool dx_tls_set_rules(SSL_CTX *context, bool newest);

/* tls_files.c */

/* Takes certificate, chain and key of the files into ssl, authorities and revoked into its
 * context. */
enum dx_status dx_tls_use_files(SSL_CTX *context, SSL *ssl, const struct dx_tls_files *files,
                                struct dx_tls_facts *facts, struct dx_error *err);

/* tls_why.c */

/* "CN=x,O=y" of a name, controls and bytes over 127 escaped. */
void dx_tls_print_name(const X509_NAME *name, char *text, size_t size);
/* OpenSSL's callback: remembers what was wrong first. */
int dx_tls_on_verify(int good, X509_STORE_CTX *store);
/* Why the last operation on tls failed. */
enum dx_status dx_tls_explain(const struct dx_tls *tls, struct dx_error *err);

#endif
