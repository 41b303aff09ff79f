/* TLS by the same rules where libcurl has the connection.
 *
 * The key is in no SSL_CTX: a peer that wants a certificate makes OpenSSL ask for it, and the end
 * of the handshake takes it back. */
#include "tls_private.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* 0 ends the handshake: our own files are no longer what they were when the call began. */
static int on_wanted(SSL *ssl, void *context)
{
    const struct dx_tls_params *params = context;
    struct dx_tls_files files = params->files;
    struct dx_tls_facts facts;
    struct dx_error err = {.status = DX_OK};
    files.fd[DX_TLS_AUTHORITIES] = files.fd[DX_TLS_REVOKED] = -1;
    return dx_tls_use_files(SSL_get_SSL_CTX(ssl), ssl, &files, &facts, &err) == DX_OK;
}

static void on_progress(const SSL *ssl, int where, int result)
{
    (void)result;
    if (where & SSL_CB_HANDSHAKE_DONE)
        SSL_certs_clear((SSL *)ssl);
}

enum dx_status dx_tls_lend(void *context, const struct dx_tls_params *params, struct dx_error *err)
{
    struct dx_tls_files files = params->files;
    struct dx_tls_facts facts;
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
    if (files.fd[DX_TLS_REVOKED] >= 0)
        flags |= X509_V_FLAG_CRL_CHECK;
    ERR_clear_error();
    if (!dx_tls_set_rules(context, params->newest) ||
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), flags) != 1)
        return dx_fail(err, DX_INTERNAL, "OpenSSL cannot be prepared");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (files.fd[DX_TLS_CERTIFICATE] >= 0)
        SSL_CTX_set_cert_cb(context, on_wanted, (void *)params);
    SSL_CTX_set_info_callback(context, on_progress);
    files.fd[DX_TLS_CERTIFICATE] = files.fd[DX_TLS_KEY] = -1;
    return dx_tls_use_files(context, NULL, &files, &facts, err);
}
