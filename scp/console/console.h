/* console.h: what the console role's files share: one thread, one loop (console.c).
 *
 *   guests.c   accepts, caps and hurries connections    http.c    requests and answers
 *   routes.c   which address is answered by whom        login.c   sessions in and out
 *   health_page.c  /healthz, /readyz                    list.c    the reading worklist
 *   events.c   server-sent events                       study.c   one study, its pictures
 *   change.c   what is asked of the node                metrics.c Prometheus
 *   basic.c    who proves himself with each request   proxy.c  who a proxy says that he is
 *   tls.c      certificate and key
 *   dicomweb.c our own results by DICOMweb (dicomweb.h)
 *   web.c      the page's own files, compiled in        order.c   what is ordered of the node
 *   node_page.c, peers.c, drift.c, models.c, quarantine.c, audit_page.c   the node, to be looked at
 *   outcomes.c  figures and CSV of what readers said    tally.c   the sums in them
 *   upload.c   images that are tried
 *
 * A handler gets a whole request and answers it (http.h), or suspends its connection and is called
 * once more later. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include "cards.h"
#include "health.h"
#include "http.h"
#include "nn_model.h"
#include "node.h"
#include "ration.h"
#include "session.h"
#include "store.h"
#include "tls.h"
#include <sys/stat.h>

#define CONSOLE_COOKIE "cervigate"
#define CONSOLE_TOLD   64

struct basic;
struct change;
struct events;
struct guests;
struct list;
struct throttle;
struct upload;

struct console {
    const struct node *node;
    struct MHD_Daemon *daemon;
    struct guests *guests;
    struct store *store; /* NULL: it cannot be read now */
    int64_t open_at;
    struct nn_model_info model[SRT_MAX_MODELS]; /* as configured */
    struct card card[SRT_MAX_MODELS];           /* of the same */
    size_t model_count;
    struct sessions *sessions;
    struct account *accounts;
    size_t account_count;
    struct stat accounts_were;
    bool accounts_known;
    struct throttle *throttle;
    struct list *list;
    struct events *events;
    struct change *changes; /* that wait for an answer */
    struct ration echoes, selftests, searches, reloads;
    json_t *drift; /* the last answer about it; NULL: none */
    int64_t drift_until;
    struct upload *uploads; /* that come, and that wait for the trial role: web.tries places */
    char *page;             /* the last answer about health */
    bool well, ready;
    int64_t page_until; /* monotonic */
    struct basic *basic;
    struct {
        char what[ACCOUNT_NAME_MAX + HTTP_ADDRESS_MAX + DX_UID_MAX];
        int64_t until_ms;    /* monotonic */
    } told_of[CONSOLE_TOLD]; /* what the audit log was told lately of DICOMweb */
};

/* A request under way: libmicrohttpd's per-request state. */
struct visit {
    struct http_request request;
    struct change *change; /* that it waits for */
    struct session guest;  /* of a request that proves itself; no session of the table */
    struct upload *upload; /* that it brings */
};

/* All but the loop; the console is zeros, or has its models; to be closed whatever it returns.
 * tls may be NULL. False: no memory, or TLS cannot begin. */
bool console_open(struct console *console, const struct node *node, const struct console_tls *tls);
void console_close(struct console *console);
/* Answers what is there, after at most so long. */
void console_turn(struct console *console, int most_ms);

/* Whether the job store can be read, now; tries once a second. */
bool console_store(struct console *console);
void console_close_store(struct console *console);

/* routes.c */
enum MHD_Result routes_answer(struct console *console, struct visit *visit);
/* Only the headers are there: is the body one that is not held in memory? May it come? */
enum MHD_Result routes_begin(struct console *console, struct visit *visit);

/* One request each; `tail` is what follows the route's address, "" or without its first slash. */
typedef enum MHD_Result console_handler(struct console *console, struct visit *visit,
                                        struct session *session, const char *tail);
console_handler health_page, ready_page, node_page, metrics_page;
console_handler login_page;
console_handler list_page, change_page, mode_page, events_page;
console_handler study_page, verdict_page;
console_handler dicomweb_page;
console_handler peers_page, echo_page, jobs_page, selftest_page, reload_page;
console_handler drift_page, models_page, quarantine_page, audit_page, configuration_page;
console_handler figures_page, outcomes_page;
console_handler upload_page, upload_begin;

/* list.c: the list as it is; NULL: no memory. */
struct list *list_create(void);
void list_destroy(struct list *list);
/* Looks whether it changed; its number grows when it did. */
int64_t list_revision(struct console *console);
/* Keeps it ready, for as long as somebody may ask for it. */
void list_turn(struct console *console, int64_t now_ms);
/* Studies in each band (enum priority_band); NULL: the job store cannot be read. */
const uint64_t *list_bands(struct console *console);
/* In shadow mode the node's word reaches nobody who reads: only those who run it see it here. */
bool list_is_shown(const struct console *console, const struct session *session);

/* events.c */
struct events *events_create(void);
void events_destroy(struct events *events);
void events_turn(struct console *console, int64_t now_ms);
void events_end(struct console *console);

/* change.c */
bool changes_create(struct console *console);
void changes_turn(struct console *console, int64_t now_ms);
void changes_end(struct console *console);
/* Whoever asked is gone. */
void change_drop(struct change *change);

/* upload.c */
bool uploads_create(struct console *console);
void uploads_turn(struct console *console, int64_t now_ms);
void uploads_end(struct console *console);
/* More of the file. */
void upload_take(struct upload *upload, const char *bytes, size_t size);
/* Whoever brought it is gone. */
void upload_drop(struct upload *upload);

/* login.c */
struct throttle *throttle_create(void);
/* Reads the accounts anew when their file changed. */
void login_turn(struct console *console);
/* The account whose password this is; the audit log is told. NULL: it is not, or, *wait above 0, so
 * many seconds must pass before the next try. */
const struct account *login_verify(struct console *console, const struct http_request *request,
                                   const char *name, const char *password, int *wait);
/* Whether the request came over TLS, to us or to a proxy on this machine. */
bool console_is_encrypted(const struct console *console, const struct http_request *request);
/* Whether nobody between can have read a password in it: TLS, or from this machine itself. */
bool console_is_private(const struct console *console, const struct http_request *request);

/* proxy.c */
bool proxy_is_one(const struct console *console, const char *address);
/* With <console userHeader>: the session of him whom the proxy names, `has` (of the cookie, or
 * NULL) where it is his, else one for this request alone, by which nothing can be changed; NULL:
 * nobody is named who may come. Without: `has`. */
struct session *proxy_session(struct console *console, struct visit *visit, struct session *has);

/* basic.c */
struct basic *basic_create(void);
void basic_destroy(struct basic *basic);
/* A session for this request alone, by its Authorization; NULL: it has none, or *wait as above. */
struct session *basic_session(struct console *console, struct visit *visit, int *wait);

/* health_page.c: the node's health and counts now (zeros without a job store); health_finish
 * whatever it returns. False: no memory. */
bool console_health(struct console *console, struct health *health, struct store_counts *counts);
/* Why the node is not well, [] when it is; NULL: no memory. */
json_t *health_page_why(struct console *console, bool *well);

/* web.c: false: there is no such file. */
bool web_page(const struct http_request *request, enum MHD_Result *result);

#endif
