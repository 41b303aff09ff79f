/* dx_status.h: what can go wrong with DICOM, and the text that travels with it.
 *
 * The library never logs, exits or aborts on input: it returns enum dx_status and fills a
 * struct dx_error whose sentence names the file, attribute, peer or limit. Any thread, each with a
 * struct dx_error of its own. */
#ifndef DX_STATUS_H
#define DX_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#define DX_STATUS_MAP(X)                                                                           \
    X(DX_OK, "ok")                                                                                 \
    X(DX_INVALID, "invalid argument")                                                              \
    X(DX_NO_MEMORY, "out of memory")                                                               \
    X(DX_IO, "input/output error")                                                                 \
    X(DX_NO_SPACE, "no space left")                                                                \
    X(DX_MISSING, "not found")                                                                     \
    X(DX_MALFORMED, "malformed DICOM")                                                             \
    X(DX_LIMIT, "over a limit")                                                                    \
    X(DX_UNSUPPORTED, "not supported")                                                             \
    X(DX_NO_PIXELS, "no pixel data")                                                               \
    X(DX_REFUSED, "refused by the peer")                                                           \
    X(DX_NO_CONTEXT, "no accepted presentation context")                                           \
    X(DX_UNREACHABLE, "peer unreachable")                                                          \
    X(DX_ABORTED, "association aborted")                                                           \
    X(DX_TIMEOUT, "time-out")                                                                      \
    X(DX_TLS, "no TLS session")                                                                    \
    X(DX_MIXUP, "TLS on one side only")                                                            \
    X(DX_INTERNAL, "internal error")

enum dx_status {
#define X(code, text) code,
    DX_STATUS_MAP(X)
#undef X
};

/* What it was of DX_TLS, for who gives advice. */
enum dx_tls_why {
    DX_TLS_OTHER,
    DX_TLS_UNTRUSTED,      /* the peer's certificate: nobody whom we trust vouches for it */
    DX_TLS_WRONG_NAME,     /* the peer's certificate is another's */
    DX_TLS_NO_CERTIFICATE, /* the peer shows none */
    DX_TLS_OLD,            /* the peer has no version that we speak */
    DX_TLS_REFUSES_US      /* the peer does not like our certificate */
};

struct dx_error {
    enum dx_status status;
    enum dx_tls_why tls;
    char text[256];
};

#define DX_MUST_USE __attribute__((warn_unused_result))

const char *dx_status_text(enum dx_status status); /* static */
/* Fills err (which may be NULL) and returns status. tls becomes DX_TLS_OTHER. */
enum dx_status dx_fail(struct dx_error *err, enum dx_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif
#endif
