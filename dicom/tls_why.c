/* Why TLS failed, in words for an administrator. OpenSSL names what it was doing; here is what the
 * peer did, and who it was. */
#include "tls_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

void dx_tls_print_name(const X509_NAME *name, char *text, size_t size)
{
    BIO *bio = BIO_new(BIO_s_mem());
    text[0] = '\0';
    if (bio == NULL)
        return;
    if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        int got = BIO_read(bio, text, (int)size - 1);
        text[got > 0 ? got : 0] = '\0';
    }
    BIO_free(bio);
}

/* ---- the peer's certificate ---- */

static void print_time(const ASN1_TIME *at, char text[32])
{
    struct tm when;
    if (at == NULL || ASN1_TIME_to_tm(at, &when) != 1 || strftime(text, 32, "%FT%TZ", &when) == 0)
        (void)snprintf(text, 32, "an unreadable time");
}

/* Printable, for a line of text: a certificate may hold any bytes. */
static void append(char *text, size_t size, const char *between, const void *bytes, size_t count)
{
    const unsigned char *byte = bytes;
    size_t used = strlen(text);
    int n = snprintf(text + used, size - used, "%s", used > 0 ? between : "");
    used += n > 0 ? (size_t)n : 0;
    for (size_t i = 0; i < count && used + 1 < size; i++)
        text[used++] = byte[i] >= 0x20 && byte[i] < 0x7f ? (char)byte[i] : '?';
    if (used < size)
        text[used] = '\0';
    text[size - 1] = '\0';
}

static void append_address(char *text, size_t size, const ASN1_OCTET_STRING *address)
{
    char printed[64] = "address ";
    int family = ASN1_STRING_length(address) == 4    ? AF_INET
                 : ASN1_STRING_length(address) == 16 ? AF_INET6
                                                     : AF_UNSPEC;
    size_t used = strlen(printed);
    if (family != AF_UNSPEC && inet_ntop(family, ASN1_STRING_get0_data(address), printed + used,
                                         (socklen_t)(sizeof printed - used)) != NULL)
        append(text, size, ", ", printed, strlen(printed));
}

/* Host names and addresses that the certificate bears; its common name where it bears none. */
static void print_names(const X509 *one, char *text, size_t size)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(one, NID_subject_alt_name, NULL, NULL);
    text[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            append(text, size, ", ", ASN1_STRING_get0_data(name->d.dNSName),
                   (size_t)ASN1_STRING_length(name->d.dNSName));
        else if (name->type == GEN_IPADD)
            append_address(text, size, name->d.iPAddress);
    }
    GENERAL_NAMES_free(names);
    if (text[0] == '\0')
        dx_tls_print_name(X509_get_subject_name(one), text, size);
}

/* Then it is about the peer's own certificate, wherever in its chain the end was. */
static bool is_untrusted(int error)
{
    return error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
           error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
           error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
           error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
           error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN;
}

static void doubt(struct dx_tls *tls, X509_STORE_CTX *store)
{
    int error = X509_STORE_CTX_get_error(store);
    X509 *one = is_untrusted(error) ? X509_STORE_CTX_get0_cert(store)
                                    : X509_STORE_CTX_get_current_cert(store);
    char who[100] = "its certificate", issuer[80] = "", names[100] = "", at[32] = "";
    if (one != NULL) {
        dx_tls_print_name(X509_get_subject_name(one), who, sizeof who);
        dx_tls_print_name(X509_get_issuer_name(one), issuer, sizeof issuer);
        print_names(one, names, sizeof names);
    }
    tls->why = is_untrusted(error) ? DX_TLS_UNTRUSTED : DX_TLS_OTHER;
    if (is_untrusted(error)) {
        (void)snprintf(tls->doubt, sizeof tls->doubt,
                       "untrusted certificate: %.80s, issued by %.70s, no authority of ours", who,
                       issuer);
        return;
    }
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        print_time(one != NULL ? X509_get0_notAfter(one) : NULL, at);
        (void)snprintf(tls->doubt, sizeof tls->doubt, "expired certificate: %s ended %s", who, at);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        print_time(one != NULL ? X509_get0_notBefore(one) : NULL, at);
        (void)snprintf(tls->doubt, sizeof tls->doubt, "certificate not yet valid: %s begins %s",
                       who, at);
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        tls->why = DX_TLS_WRONG_NAME;
        (void)snprintf(tls->doubt, sizeof tls->doubt,
                       "wrong name: its certificate is for %s, called was %.60s", names, tls->name);
        break;
    case X509_V_ERR_CERT_REVOKED:
        (void)snprintf(tls->doubt, sizeof tls->doubt, "revoked certificate: %s", who);
        break;
    default:
        (void)snprintf(tls->doubt, sizeof tls->doubt, "bad certificate: %s: %s", who,
                       X509_verify_cert_error_string(error));
    }
}

int dx_tls_on_verify(int good, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct dx_tls *tls = ssl != NULL ? SSL_get_app_data(ssl) : NULL;
    if (!good && tls != NULL && tls->doubt[0] == '\0')
        doubt(tls, store);
    return good;
}

/* ---- everything else ---- */

/* What the peer's alert means for us (RFC 8446 6.2). */
static const char *alert_words(int reason)
{
    switch (reason) {
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        return "the peer refuses our certificate: it does not trust who issued it";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        return "the peer refuses our certificate: a wrong name or purpose, or not trusted";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        return "the peer refuses our certificate: it has expired";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        return "the peer refuses our certificate: it was revoked";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        return "the peer requires a certificate of ours (<tls certificate>, <tls key>)";
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        return "the peer takes neither TLS 1.2 nor 1.3";
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        return "the peer refuses the handshake: no cipher suite of BCP 195 in common, or it "
               "requires a certificate of ours";
    case SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
        return "the peer wants other cipher suites than those of BCP 195";
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        return "the peer refuses our certificate: access denied";
    default:
        return NULL;
    }
}

static enum dx_tls_why alert_kind(int reason)
{
    switch (reason) {
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        return DX_TLS_REFUSES_US;
    default:
        return DX_TLS_OTHER;
    }
}

static const char *version_words(int version)
{
    switch (version) {
    case TLS1_3_VERSION:
        return "TLS 1.3";
    case TLS1_2_VERSION:
        return "TLS 1.2";
    case TLS1_1_VERSION:
        return "TLS 1.1";
    case TLS1_VERSION:
        return "TLS 1.0";
    case SSL3_VERSION:
        return "SSL 3.0";
    default:
        return "an unknown version";
    }
}

static enum dx_status too_old(const struct dx_tls *tls, struct dx_error *err)
{
    const char *least =
        SSL_get_min_proto_version(tls->ssl) == TLS1_3_VERSION ? "TLS 1.3" : "TLS 1.2";
    if (tls->offered != 0)
        (void)dx_fail(err, DX_TLS, "old version: the peer offers %s at most, %s is the least",
                      version_words(tls->offered), least);
    else
        (void)dx_fail(err, DX_TLS, "old version: the peer has not what we offer, %s is the least",
                      least);
    err->tls = DX_TLS_OLD;
    return DX_TLS;
}

static enum dx_status fail(enum dx_tls_why why, struct dx_error *err, const char *text)
{
    (void)dx_fail(err, DX_TLS, "%s", text);
    err->tls = why;
    return DX_TLS;
}

enum dx_status dx_tls_explain(const struct dx_tls *tls, struct dx_error *err)
{
    unsigned long error = ERR_peek_error();
    int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
    if (alert_words(reason) != NULL)
        return fail(alert_kind(reason), err, alert_words(reason));
    switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION:
        return too_old(tls, err);
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return fail(tls->why, err, tls->doubt[0] != '\0' ? tls->doubt : "bad certificate");
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return fail(DX_TLS_NO_CERTIFICATE, err,
                    "no certificate: the peer shows none, and one is required");
    case SSL_R_NO_SHARED_CIPHER:
        return dx_fail(err, DX_TLS,
                       "no cipher suite of BCP 195 is offered (ECDHE with AES-GCM or "
                       "ChaCha20)");
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
        return dx_fail(err, DX_TLS, "the peer closed during the handshake");
    default:
        break;
    }
    if (error == 0)
        return dx_fail(err, DX_TLS, "the connection ended during the handshake%s%s",
                       errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
    const char *words = ERR_reason_error_string(error);
    return dx_fail(err, DX_TLS, "%s", words != NULL ? words : "an unknown fault");
}
