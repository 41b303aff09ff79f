/* Images that people try: the file goes to a place without a name in the spool, from there to the
 * trial role (trial.h), and the answer to whoever sent it. Nothing of it stays.
 *
 *   headers -> [upload_begin] may it come? -> [upload_take]... -> [upload_page] whole: asked,
 * suspended
 *     -> [uploads_turn] the answer is there -> [upload_page] answered */
#include "trial.h"

#include "clock.h"
#include "guests.h"
#include "spool.h"
#include "study.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

#define MINUTE_MS 60000
#define GRACE_MS  30000 /* beside what object children may take */

struct upload {
    struct MHD_Connection *connection; /* NULL: free */
    unsigned char session[32];         /* digest of who brings it */
    int fd;                            /* -1: handed over, or never opened */
    uint64_t most, size;
    bool too_large;
    int failed;      /* errno of the spool */
    uint64_t ticket; /* 0: not asked yet */
    int64_t until_ms;
    bool taken;          /* by the trial role */
    bool over, answered; /* resumed; with an answer */
    struct trial_answer answer;
    int picture; /* -1: none */
};

bool uploads_create(struct console *console)
{
    size_t count = (size_t)console->node->conf->web.tries;
    console->uploads = calloc(count > 0 ? count : 1, sizeof *console->uploads);
    return console->uploads != NULL;
}

static void close_once(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

void upload_drop(struct upload *upload)
{
    close_once(&upload->fd);
    close_once(&upload->picture);
    upload->connection = NULL;
}

static void finish(struct upload *upload)
{
    upload->over = true;
    MHD_resume_connection(upload->connection);
}

void uploads_end(struct console *console)
{
    for (int i = 0; console->uploads != NULL && i < console->node->conf->web.tries; i++)
        if (console->uploads[i].ticket != 0 && console->uploads[i].connection != NULL &&
            !console->uploads[i].over)
            finish(&console->uploads[i]);
}

/* Whose answer it is; NULL: who asked is gone. */
static struct upload *asker(struct console *console, uint64_t ticket)
{
    for (int i = 0; i < console->node->conf->web.tries; i++) {
        struct upload *upload = &console->uploads[i];
        if (upload->connection != NULL && !upload->over && upload->ticket != 0 &&
            upload->ticket == ticket)
            return upload;
    }
    return NULL;
}

/* What the trial role had taken when it died, nobody judges any more. */
static void forget_taken(struct console *console)
{
    for (int i = 0; i < console->node->conf->web.tries; i++) {
        struct upload *upload = &console->uploads[i];
        if (upload->connection != NULL && upload->taken && !upload->over)
            finish(upload);
    }
}

static void hear(struct console *console, const struct trial_answer *answer, int picture)
{
    struct upload *upload = asker(console, answer->ticket);
    if (answer->end == TRIAL_LIVES)
        forget_taken(console);
    else if (upload != NULL && answer->end == TRIAL_TAKEN)
        upload->taken = true;
    else if (upload != NULL) {
        upload->answer = *answer;
        upload->picture = picture;
        upload->answered = true;
        finish(upload);
        return;
    }
    (void)close(picture);
}

void uploads_turn(struct console *console, int64_t now_ms)
{
    struct trial_answer answer;
    int picture;
    while (console->node->trials_console >= 0 && trial_receive(console->node, &answer, &picture))
        hear(console, &answer, picture);
    for (int i = 0; i < console->node->conf->web.tries; i++) {
        struct upload *upload = &console->uploads[i];
        if (upload->connection != NULL && upload->ticket != 0 && !upload->over &&
            now_ms >= upload->until_ms)
            finish(upload);
    }
}

/* ---- may it come? ---- */

/* NULL: it is allowed. */
static const char *why_not(const struct console *console)
{
    if (console->node->conf->web.tries == 0)
        return "trying images is switched off (<console tries>)";
    if (node_mode(console->node->conf) == CONF_CLINICAL)
        return "the node is in clinical mode: images come from the modalities only";
    return NULL;
}

static bool is_known_type(const char *type)
{
    static const char *const known[] = {"application/dicom", "image/png", "image/jpeg",
                                        "application/octet-stream"};
    for (size_t i = 0; type != NULL && i < sizeof known / sizeof *known; i++) {
        size_t length = strlen(known[i]);
        if (strncasecmp(type, known[i], length) == 0 &&
            (type[length] == '\0' || type[length] == ';' || type[length] == ' '))
            return true;
    }
    return false;
}

/* A session's share of the minute. */
static bool is_patient(const struct console *console, struct session *session)
{
    int64_t now = clock_monotonic_ms();
    if (session->tries_ms == 0 || now - session->tries_ms >= MINUTE_MS) {
        session->tries_ms = now;
        session->tries = 0;
    }
    return session->tries++ < console->node->conf->web.tries_per_minute;
}

/* A place; NULL: `own` tells that the session has one already. */
static struct upload *place_for(struct console *console, const struct session *session, bool *own)
{
    struct upload *place = NULL;
    *own = false;
    for (int i = 0; i < console->node->conf->web.tries; i++) {
        struct upload *upload = &console->uploads[i];
        if (upload->connection == NULL)
            place = place != NULL ? place : upload;
        else
            *own |= memcmp(upload->session, session->digest, sizeof upload->session) == 0;
    }
    return *own ? NULL : place;
}

/* In the spool, and without a name from the beginning: -errno. */
static int open_nameless(const struct conf *conf)
{
    char path[PATH_MAX];
    int fd = spool_create_incoming(conf, path, sizeof path);
    if (fd >= 0)
        (void)unlink(path);
    return fd;
}

static enum MHD_Result too_large(const struct console *console, const struct http_request *request)
{
    char words[128];
    (void)snprintf(words, sizeof words, "the file is larger than %llu bytes (<console tryBytes>)",
                   (unsigned long long)console->node->conf->web.try_bytes);
    return http_error(request, MHD_HTTP_CONTENT_TOO_LARGE, words, 0);
}

/* What the headers say; true: *result answers them. */
static bool is_refused(struct console *console, const struct http_request *request,
                       struct session *session, enum MHD_Result *result)
{
    const struct conf *conf = console->node->conf;
    const char *length = http_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    uint64_t size = length != NULL ? strtoull(length, NULL, 10) : 0;
    const char *why = why_not(console);
    if (why != NULL)
        *result = http_error(request, MHD_HTTP_FORBIDDEN, why, 0);
    else if (!is_known_type(http_header(request, MHD_HTTP_HEADER_CONTENT_TYPE)))
        *result = http_error(request, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
                             "expected the bytes of one file as application/dicom, image/png, "
                             "image/jpeg or application/octet-stream",
                             0);
    else if (size > conf->web.try_bytes)
        *result = too_large(console, request);
    else if (spool_free_bytes(conf) < conf->limits.spool_reserve_bytes + size)
        *result = http_error(request, MHD_HTTP_INSUFFICIENT_STORAGE,
                             "the node's disk has no room for the file now", 0);
    else if (!is_patient(console, session))
        *result = http_error(request, MHD_HTTP_TOO_MANY_REQUESTS,
                             "too many images were tried in this minute", MINUTE_MS / 1000);
    else
        return false;
    return true;
}

enum MHD_Result upload_begin(struct console *console, struct visit *visit, struct session *session,
                             const char *tail)
{
    bool own;
    enum MHD_Result result;
    const struct http_request *request = &visit->request;
    const struct conf *conf = console->node->conf;
    (void)tail;
    if (is_refused(console, request, session, &result))
        return result;
    struct upload *upload = place_for(console, session, &own);
    if (upload == NULL)
        return own ? http_error(request, MHD_HTTP_TOO_MANY_REQUESTS,
                                "one image at a time: the one before is still on its way", 5)
                   : http_error(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                                "other images are waiting to be judged; try again in a moment", 10);
    int fd = open_nameless(conf);
    if (fd < 0)
        return http_error(request, MHD_HTTP_INSUFFICIENT_STORAGE,
                          "the node's disk cannot take the file now", 0);
    *upload = (struct upload){
        .connection = request->connection, .fd = fd, .picture = -1, .most = conf->web.try_bytes};
    memcpy(upload->session, session->digest, sizeof upload->session);
    visit->upload = upload;
    guest_uploads(request->connection, clock_monotonic_ms(), conf->web.try_seconds * INT64_C(1000));
    return MHD_YES;
}

/* What is above the limit is read for a moment, so that the answer is seen, and dropped. */
void upload_take(struct upload *upload, const char *bytes, size_t size)
{
    upload->too_large |= size > upload->most - upload->size;
    if (upload->too_large) {
        close_once(&upload->fd);
        return;
    }
    guest_goes_on(upload->connection, clock_monotonic_ms());
    upload->size += size;
    while (upload->failed == 0 && size > 0) {
        ssize_t n = write(upload->fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            upload->failed = n < 0 ? errno : ENOSPC;
        bytes += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
}

/* ---- asked and answered ---- */

static enum MHD_Result ask(struct console *console, struct upload *upload,
                           const struct http_request *request)
{
    const struct conf *conf = console->node->conf;
    struct trial_ask ask = {0};
    if (upload->too_large)
        return too_large(console, request);
    if (upload->failed != 0)
        return http_error(request, MHD_HTTP_INSUFFICIENT_STORAGE,
                          "the node's disk cannot take the file now", 0);
    if (getrandom(&ask.ticket, sizeof ask.ticket, 0) < 0 || ask.ticket == 0 ||
        !trial_send(console->node, &ask, upload->fd))
        return http_error(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                          "the node does not take this now; try again in a moment", 5);
    close_once(&upload->fd);
    upload->ticket = ask.ticket;
    upload->until_ms = clock_monotonic_ms() + GRACE_MS +
                       conf->web.tries * (conf->limits.object_wall_seconds * INT64_C(1000));
    guest_listens(request->connection);
    MHD_suspend_connection(request->connection);
    return MHD_YES;
}

/* Words of a child may hold what it found in the file. */
static void make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if (*text < 0x20 || *text > 0x7e)
            *text = '?';
}

static enum MHD_Result refuse(const struct http_request *request, struct trial_answer *answer)
{
    static const struct {
        unsigned status;
        const char *words;
    } ends[TRIAL_ENDS] = {
        [TRIAL_EMPTY] = {MHD_HTTP_BAD_REQUEST, ""},
        [TRIAL_FOREIGN] = {MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "this cannot be judged: "},
        [TRIAL_UNSUPPORTED] = {MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
                               "this kind of image cannot be decoded: "},
        [TRIAL_DAMAGED] = {MHD_HTTP_UNPROCESSABLE_CONTENT, "the file is damaged or cut short: "},
        [TRIAL_TOO_LARGE] = {MHD_HTTP_UNPROCESSABLE_CONTENT,
                             "the image is over the node's limits: "},
        [TRIAL_NO_PIXELS] = {MHD_HTTP_UNPROCESSABLE_CONTENT, "there is no image in the file: "},
        [TRIAL_TROUBLE] = {MHD_HTTP_SERVICE_UNAVAILABLE, ""},
    };
    char words[384];
    make_printable(answer->words);
    (void)snprintf(words, sizeof words, "%s%s", ends[answer->end].words, answer->words);
    return http_error(request, ends[answer->end].status, words,
                      answer->end == TRIAL_TROUBLE ? 5 : 0);
}

/* As a text: the answer is one, and nothing has to be kept for a second request. NULL: none. */
static json_t *picture_json(const struct upload *upload)
{
    size_t size = (size_t)upload->answer.picture_bytes;
    uint8_t *bytes = malloc(size + 1);
    char *text = malloc(4 * (size / 3 + 1) + 1);
    json_t *json = NULL;
    if (bytes != NULL && text != NULL && size > 0 &&
        pread(upload->picture, bytes, size, 0) == (ssize_t)size) {
        int length = EVP_EncodeBlock((unsigned char *)text, bytes, (int)size);
        json = json_stringn(text, (size_t)length);
    }
    free(bytes);
    free(text);
    return json;
}

static const char *prediction(const struct console *console, const struct trial_answer *answer)
{
    if (answer->end != TRIAL_JUDGED)
        return "not processed";
    if (answer->outcome == SRT_NO_FINDING)
        return "no finding above the operating point";
    if (answer->outcome != SRT_FINDING)
        return "undetermined: the models disagree";
    if (answer->model >= console->model_count ||
        (int)answer->class_ >= console->model[answer->model].classes)
        return "finding";
    return console->model[answer->model].class_[answer->class_].name;
}

static enum MHD_Result tell(struct console *console, const struct http_request *request,
                            struct upload *upload)
{
    struct trial_answer *a = &upload->answer;
    bool judged = a->end == TRIAL_JUDGED;
    make_printable(a->words);
    json_t *picture = judged ? picture_json(upload) : json_null();
    if (picture == NULL)
        return http_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the node is out of memory", 5);
    return http_json(
        request, MHD_HTTP_OK,
        json_pack("{s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:b, s:o, s:I, s:I, s:o}",
                  "judged", judged, "outcome",
                  srt_outcome_name(judged ? (enum srt_outcome)a->outcome : SRT_NOT_PROCESSED),
                  "prediction", prediction(console, a), "sentence", a->sentence, "reason",
                  judged ? "" : srt_reason_words((enum srt_reason)a->reason), "detail", a->words,
                  "kind", a->dicom != 0 ? "dicom" : "picture", "rows", (json_int_t)a->rows,
                  "columns", (json_int_t)a->cols, "research", true, "models",
                  opinions_json(console, a->opinion), "decodingMilliseconds",
                  (json_int_t)a->decode_ms, "judgingMilliseconds", (json_int_t)a->judge_ms,
                  "picture", picture));
}

/* The place is free again whatever is answered. */
static enum MHD_Result answer(struct console *console, struct visit *visit)
{
    enum MHD_Result result;
    struct upload *upload = visit->upload;
    const struct http_request *request = &visit->request;
    const char *why = why_not(console);
    guest_has_asked(request->connection, clock_monotonic_ms());
    if (why != NULL) /* it changed meanwhile */
        result = http_error(request, MHD_HTTP_FORBIDDEN, why, 0);
    else if (!upload->answered && upload->taken)
        result = http_error(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                            "the node's process ended while it judged this; try again", 5);
    else if (!upload->answered)
        result = http_error(request, MHD_HTTP_GATEWAY_TIMEOUT,
                            "the node has not answered; try again in a moment", 0);
    else if (upload->answer.end == TRIAL_JUDGED || upload->answer.end == TRIAL_NOT_PROCESSED)
        result = tell(console, request, upload);
    else
        result = refuse(request, &upload->answer);
    visit->upload = NULL;
    upload_drop(upload);
    return result;
}

static enum MHD_Result about(struct console *console, const struct http_request *request)
{
    int waiting = 0;
    const char *why = why_not(console);
    for (int i = 0; i < console->node->conf->web.tries; i++)
        waiting += console->uploads[i].connection != NULL;
    return http_json(request, MHD_HTTP_OK,
                     json_pack("{s:b, s:s, s:I, s:i, s:i}", "allowed", why == NULL, "why",
                               why != NULL ? why : "", "most",
                               (json_int_t)console->node->conf->web.try_bytes, "places",
                               console->node->conf->web.tries, "waiting", waiting));
}

enum MHD_Result upload_page(struct console *console, struct visit *visit, struct session *session,
                            const char *tail)
{
    const struct http_request *request = &visit->request;
    (void)session;
    (void)tail;
    if (request->method == HTTP_GET)
        return about(console, request);
    if (visit->upload == NULL)
        return http_error(request, MHD_HTTP_BAD_REQUEST, "expected the bytes of one file", 0);
    if (visit->upload->over)
        return answer(console, visit);
    if (visit->upload->ticket == 0)
        return ask(console, visit->upload, request);
    return MHD_YES;
}
