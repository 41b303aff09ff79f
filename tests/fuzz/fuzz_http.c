/* Any bytes as what a browser sends, in two pieces: the console answers or ends the connection,
 * with one of the statuses that it has, and goes on. A request with the mark %LOGIN% in it is sent
 * with the cookie and the token of a session of each role in turn. */
#include "asks.h"
#include "console/console.h"
#include "console/guests.h"

#include "clock.h"
#include "pass.h"
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

static void begin(void)
{
    static bool begun;
    static char spool[] = "/tmp/cervigate-fuzz-http.XXXXXX";
    char incoming[64];
    if (begun)
        return;
    begun = true;
    must(mkdtemp(spool) != NULL);
    set_aside(spool);
    (void)snprintf(incoming, sizeof incoming, "%s/incoming", spool);
    must(mkdir(incoming, 0700) == 0);
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

/* The input with the mark replaced by what proves a login. */
static char *with_login(const uint8_t *data, size_t size, size_t *length)
{
    static const char mark[] = "%LOGIN%";
    static unsigned turn;
    char token[SESSION_TOKEN_MAX];
    struct account account = {.name = "fuzz", .role = ROLE_VIEWER + turn++ % 3};
    const uint8_t *at = memmem(data, size, mark, sizeof mark - 1);
    char *text = malloc(size + 256);
    must(text != NULL);
    *length = size;
    memcpy(text, data, size);
    if (at == NULL)
        return text;
    struct session *s = session_begin(console.sessions, &account, clock_monotonic_ms(), token);
    must(s != NULL);
    size_t before = (size_t)(at - data);
    int n = sprintf(text + before, "Cookie: cervigate=%s\r\nX-CSRF-Token: %s\r\n", token, s->csrf);
    memcpy(text + before + n, at + sizeof mark - 1, size - before - (sizeof mark - 1));
    *length = size + (size_t)n - (sizeof mark - 1);
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
        must(strncmp(ask.who, "console:fuzz", sizeof ask.who) == 0 && ask.kind < ASK_KINDS);
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
    char *text = with_login(data, size, &length);
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
