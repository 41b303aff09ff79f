/* Any bytes as what a browser sends, in two pieces: the console answers or ends the connection,
 * with one of the statuses that it has, and goes on. Its job store has a study of each kind, its
 * file of accounts one person a role. A request with the mark %LOGIN% in it is sent with the cookie
 * and the token of a session of each role in turn; one with the mark %PROXY% comes through a proxy
 * that names the user, his groups by a header or by the accounts in turn. */
#include "asks.h"
#include "console/console.h"
#include "console/guests.h"

#include "clock.h"
#include "dx_attrs.h"
#include "pass.h"
#include "store_place.h"
#include "trial.h"
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER_MOST 65536
#define MARK        7 /* bytes of a mark */
#define TURNS       64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct conf_peer pacs = {
    .name = "pacs", .ae_title = "PACS", .host = "127.0.0.1", .port = 104};
static const struct conf_destination archive = {.peer = &pacs};
static struct conf conf;
static struct node node;
static struct console console;

static void must(bool good)
{
    if (!good)
        abort();
}

/* What was refused: a reason that is none, and one that a peer wrote. */
static void set_aside(const char *spool)
{
    static const char *const files[] = {"quarantine/0123456789abcdef0123456789abcdef.dcm",
                                        "quarantine/0123456789abcdef0123456789abcdef.txt",
                                        "quarantine/fedcba9876543210fedcba9876543210.dcm"};
    char path[256];
    (void)snprintf(path, sizeof path, "%s/quarantine", spool);
    must(mkdir(path, 0700) == 0);
    (void)snprintf(path, sizeof path, "%s/audit", spool);
    must(mkdir(path, 0700) == 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", spool, files[i]);
        FILE *file = fopen(path, "we");
        must(file != NULL &&
             fputs("status: C000\nreason: \xff\xfe\ncalling: A: B\nno value\n", file) >= 0 &&
             fclose(file) == 0);
    }
}

/* Names that the marks stand for. */
static const char *const people[] = {"fuzz-viewer", "fuzz-reader", "fuzz-admin"};

static void write_accounts(const char *path)
{
    char why[ACCOUNT_WHY];
    struct account list[3] = {{.role = ROLE_VIEWER}, {.role = ROLE_READER}, {.role = ROLE_ADMIN}};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(list[i].name, sizeof list[i].name, "%s", people[i]);
        (void)snprintf(list[i].hash, sizeof list[i].hash, "$argon2id$of nothing");
    }
    must(accounts_write(path, list, 3, why));
}

static int64_t receive(struct store *store, int number)
{
    enum store_identity identity;
    struct instance in = {.received_ms = 1000 + number, .bytes = 100};
    (void)snprintf(in.sop_instance, sizeof in.sop_instance, "1.2.4.%d", number);
    (void)snprintf(in.digest, sizeof in.digest, "%064d", number);
    (void)snprintf(in.study, sizeof in.study, "1.2.%d", number);
    (void)snprintf(in.association, sizeof in.association, "a");
    must(store_add_instance(store, &in, &identity) == STORE_OK);
    return in.id;
}

/* The header's texts are a peer's: quotation marks, controls, and bytes that are no UTF-8. */
static void judge(struct store *store, int64_t id, struct judgement judgement)
{
    uint8_t *bytes = NULL;
    struct dx_attrs *attrs = dx_attrs_create();
    must(attrs != NULL &&
         dx_attrs_set_text(attrs, DX_TAG(0x0008, 0x0050), "SH", "A\"<b>\x1b") == DX_OK &&
         dx_attrs_set_text(attrs, DX_TAG(0x0010, 0x0010), "PN", "\xff\xfe^\\") == DX_OK &&
         dx_attrs_set_text(attrs, DX_TAG(0x0010, 0x0020), "LO", "1234567") == DX_OK &&
         dx_attrs_pack(attrs, &bytes, &judgement.attrs_bytes) == DX_OK);
    judgement.attrs = bytes;
    must(store_judge(store, id, &judgement) == STORE_OK);
    dx_attrs_destroy(attrs);
    free(bytes);
}

/* 1.2.1 has no answer yet, 1.2.2 a raised finding, 1.2.3 a report, 1.2.4 is set aside. */
static void fill_store(const char *path)
{
    char error[256];
    struct store *store;
    struct store_case c;
    struct priority p;
    const struct judgement finding = {.state = INSTANCE_JUDGED,
                                      .outcome = SRT_FINDING,
                                      .alone = true,
                                      .finding_score = 0.9,
                                      .opinion = {{.score = {0.25, 0.75}, .classes = 2}}};
    const struct judgement refused = {.state = INSTANCE_NOT_PROCESSED, .reason = SRT_UNDECODABLE};
    const struct addressee to = {"pacs", 1u << RESULT_SR, false};
    struct result sr = {
        .kind = RESULT_SR, .uid = "2.25.1", .study = "1.2.3", .path = "results/2.25.1.dcm"};
    must(store_open(path, &store, error, sizeof error) == STORE_OK);
    (void)receive(store, 1);
    judge(store, receive(store, 2), finding);
    int64_t reported = receive(store, 3);
    judge(store, reported, finding);
    judge(store, receive(store, 4), refused);
    const struct store_report report = {.study = "1.2.3",
                                        .results = &sr,
                                        .count = 1,
                                        .instances = &reported,
                                        .instance_count = 1,
                                        .to = &to,
                                        .to_count = 1};
    must(store_add_report(store, &report) == STORE_OK);
    while (store_next_case(store, 0, &c) == STORE_OK) {
        priority_of(&c.known, &p);
        must((c.known.answered ? store_place(store, &c, &p, NEWS_PRIORITY, NULL, 0, 2000)
                               : store_place_stays(store, &c, 2000)) == STORE_OK);
    }
    store_close(store);
}

static void begin(void)
{
    static bool begun;
    static char spool[] = "/tmp/cervigate-fuzz-http.XXXXXX";
    char incoming[64], store[64];
    static char accounts[64];
    if (begun)
        return;
    begun = true;
    must(mkdtemp(spool) != NULL);
    set_aside(spool);
    (void)snprintf(incoming, sizeof incoming, "%s/incoming", spool);
    must(mkdir(incoming, 0700) == 0);
    (void)snprintf(store, sizeof store, "%s/jobs.sqlite", spool);
    fill_store(store);
    (void)snprintf(accounts, sizeof accounts, "%s/accounts", spool);
    write_accounts(accounts);
    conf = (struct conf){.spool = spool,
                         .path = "cervigate.xml",
                         .ae_title = "CERVIGATE",
                         .bind_address = "127.0.0.1",
                         .mode = CONF_DEMO,
                         .picture_modality = "OT",
                         .language = "en",
                         .destinations = &archive,
                         .destination_count = 1,
                         .health = {.reference = 50, .minimum = 30, .cusum_limit = 14},
                         .web = {.dicomweb = true,
                                 .accounts = accounts,
                                 .proxies = "127.0.0.1",
                                 .viewer_group = "viewer",
                                 .reader_group = "reader",
                                 .admin_group = "admin",
                                 .connections = 200,
                                 .streams = 2,
                                 .request_seconds = 10,
                                 .answer_seconds = 10,
                                 .idle_seconds = 1800,
                                 .session_seconds = 1800,
                                 .tries = 2,
                                 .try_bytes = 1024,
                                 .try_seconds = 60,
                                 .tries_per_minute = 1 << 30}};
    int asks[2], trials[2];
    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, asks) == 0 &&
         socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, trials) == 0);
    node = (struct node){.conf = &conf,
                         .console_fd = -1,
                         .wake_analyze = -1,
                         .asks_console = asks[0],
                         .asks_analyze = asks[1],
                         .trials_console = trials[0],
                         .trials_trial = trials[1]};
    must(console_open(&console, &node, NULL));
    console.echoes.every_ms = console.selftests.every_ms = console.searches.every_ms = 0;
    console.reloads.every_ms = 0;
}

#define HEADERS_MOST 512

/* What proves a login, or what a proxy says; "": neither is asked for. The mark of either, and
 * where it is. */
static const uint8_t *headers_of(const uint8_t *data, size_t size, char headers[HEADERS_MOST])
{
    static unsigned turn;
    char token[SESSION_TOKEN_MAX];
    struct account account = {.role = ROLE_VIEWER + turn % 3};
    const uint8_t *proxy = memmem(data, size, "%PROXY%", MARK), *at = proxy;
    (void)snprintf(account.name, sizeof account.name, "%s", people[turn % 3]);
    conf.web.user_header = proxy != NULL ? "X-Remote-User" : NULL;
    conf.web.roles_header = proxy != NULL && turn % 2 != 0 ? "X-Remote-Groups" : NULL;
    headers[0] = '\0';
    if (at == NULL)
        at = memmem(data, size, "%LOGIN%", MARK);
    if (at == NULL)
        return NULL;
    turn++;
    struct session *s = session_begin(console.sessions, &account, clock_monotonic_ms(), token);
    must(s != NULL);
    int n = snprintf(headers, HEADERS_MOST, "Cookie: cervigate=%s\r\nX-CSRF-Token: %s\r\n", token,
                     s->csrf);
    if (proxy != NULL) /* of another than the cookie's in some turns */
        (void)snprintf(headers + n, (size_t)(HEADERS_MOST - n),
                       "X-Remote-User: %s\r\nX-Remote-Groups: x, %s\r\n", people[turn % 5 % 3],
                       account_role_name(account.role));
    return at;
}

/* The input with its mark replaced. */
static char *with_headers(const uint8_t *data, size_t size, size_t *length)
{
    char headers[HEADERS_MOST];
    const uint8_t *at = headers_of(data, size, headers);
    size_t before = at != NULL ? (size_t)(at - data) : size, more = strlen(headers);
    size_t behind = at != NULL ? size - before - MARK : 0;
    char *text = malloc(size + HEADERS_MOST);
    must(text != NULL);
    memcpy(text, data, before);
    memcpy(text + before, headers, more);
    memcpy(text + before + more, data + size - behind, behind);
    *length = before + more + behind;
    return text;
}

static void check(const char *answer, size_t size)
{
    static const int known[] = {100, 200, 204, 304, 400, 401, 403, 404, 405, 406, 409, 411, 413,
                                414, 415, 417, 422, 429, 431, 500, 501, 503, 504, 505, 507};
    int status = 0;
    if (size == 0)
        return;
    must(sscanf(answer, "HTTP/1.%*d %d ", &status) == 1);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (status == known[i])
            return;
    fprintf(stderr, "status %d\n", status);
    abort();
}

/* What was asked of the node is answered, as analyze would: else connections wait for seconds. */
static void answer_asks(void)
{
    struct ask ask;
    while (recv(node.asks_analyze, &ask, sizeof ask, 0) == (ssize_t)sizeof ask) {
        struct ask_taken taken = {.ticket = ask.ticket, .answer = "no"};
        must(strnlen(ask.uid, sizeof ask.uid) < sizeof ask.uid);
        must(strncmp(ask.who, "console:", 8) == 0 && ask.kind < ASK_KINDS);
        must(strnlen(ask.who, sizeof ask.who) < sizeof ask.who);
        must(strnlen(ask.subject, sizeof ask.subject) < sizeof ask.subject);
        (void)send(node.asks_analyze, &taken, sizeof taken, 0);
    }
}

/* And what was tried: by each end in turn. */
static void answer_trials(void)
{
    static unsigned turn;
    struct trial_ask ask;
    int fd;
    while (pass_receive(node.trials_trial, &ask, sizeof ask, &fd, 1, MSG_DONTWAIT)) {
        int picture = memfd_create("picture", MFD_CLOEXEC);
        struct trial_answer told = {.ticket = ask.ticket,
                                    .end = turn % (TRIAL_LIVES + 1),
                                    .words = "\"why\" \xff\n",
                                    .picture_bytes = turn % 9};
        turn++;
        must(lseek(fd, 0, SEEK_END) <= 1024 && write(picture, "picture!", 8) == 8);
        must(pass_send(node.trials_trial, &told, sizeof told, &picture, 1, MSG_DONTWAIT));
        told.end = TRIAL_LIVES; /* for whom that was no end */
        must(pass_send(node.trials_trial, &told, sizeof told, &picture, 1, MSG_DONTWAIT));
        (void)close(picture);
        (void)close(fd);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char answer[ANSWER_MOST + 1];
    int pair[2];
    size_t length, got = 0;
    const struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    begin();
    char *text = with_headers(data, size, &length);
    size_t first = length > 0 ? (unsigned char)text[0] % (length < 64 ? length : 64) : 0;
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    must(MHD_add_connection(console.daemon, pair[1], (const struct sockaddr *)&from, sizeof from) ==
         MHD_YES);
    (void)send(pair[0], text, first, MSG_NOSIGNAL);
    console_turn(&console, 0);
    (void)send(pair[0], text + first, length - first, MSG_NOSIGNAL);
    (void)shutdown(pair[0], SHUT_WR);
    for (int i = 0; i < TURNS; i++) {
        console_turn(&console, 0);
        answer_asks();
        answer_trials();
        ssize_t n = recv(pair[0], answer + got, ANSWER_MOST - got, 0);
        if (n == 0)
            break;
        got += n > 0 ? (size_t)n : 0;
        if (got == ANSWER_MOST)
            break;
    }
    answer[got] = '\0';
    check(answer, got);
    (void)close(pair[0]);
    console_turn(&console, 0);
    free(text);
    return 0;
}
