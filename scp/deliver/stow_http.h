/* stow_http.h: HTTP with one configured archive, by libcurl, within limits: no redirects, proxies,
 * cookies or compression; TLS always verified against <tls authorities>; time-outs, a least speed,
 * a ceiling of what is read.
 *
 * An address is resolved once, without threads; user and password or token are read from their
 * files when it is opened, and are in no text that comes back. */
#ifndef STOW_HTTP_H
#define STOW_HTTP_H

#include "conf.h"
#include <stddef.h>

struct stow_http;

enum stow_end {
    STOW_ANSWERED, /* whole, whatever its status */
    STOW_AWAY,     /* not reached: name, TCP, TLS, our own files */
    STOW_BROKE     /* reached, and no whole answer came; or what was posted cannot be read */
};
enum stow_layer { STOW_NETWORK, STOW_TLS, STOW_HTTP };
struct stow_reply {
    enum stow_end end;
    enum stow_layer layer; /* of AWAY */
    bool is_unread;        /* of BROKE: our own file's fault, the archive is as good as before */
    long status;           /* of HTTP; 0: none came */
    char type[64];         /* Content-Type without parameters, lower case */
    const char *body;      /* until the next request */
    size_t count;
    int retry_after_seconds; /* 0: not said */
    char text[256];          /* why not ANSWERED */
};

/* Never NULL but without memory; what is wrong is said by each request. */
struct stow_http *stow_http_open(const struct conf *conf, const struct conf_peer *peer);
void stow_http_close(struct stow_http *http); /* takes NULL */

#define STOW_BODY_MAX (4u << 20)
/* GET of the address with `path` ("/studies?...") behind it; DICOM JSON is asked for. */
void stow_http_get(struct stow_http *http, const char *path, struct stow_reply *reply);

/* POST of a Part 10 file, read from its begin, as the only part of a multipart/related body. */
void stow_http_post(struct stow_http *http, const char *path, int fd, struct stow_reply *reply);
/* POST of these bytes, of this Content-Type. */
void stow_http_post_text(struct stow_http *http, const char *path, const char *type,
                         const char *body, size_t count, struct stow_reply *reply);

/* Instead of the usual time-outs: for a connection, and for all of a request. */
void stow_http_patience(struct stow_http *http, int seconds);

#endif
