/* What an archive's answer to STOW-RS and QIDO-RS means. */
#include "dx_init.h"
#include "scp_fixture.h"
#include "stow.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#define OURS                "1.2.3"
#define ITEM(uid, more)     "{\"00081155\":{\"vr\":\"UI\",\"Value\":[\"" uid "\"]}" more "}"
#define REASON(tag, number) ",\"" tag "\":{\"vr\":\"US\",\"Value\":[" number "]}"
#define STORED(items)       "\"00081199\":{\"vr\":\"SQ\",\"Value\":[" items "]}"
#define FAILED(items)       "\"00081198\":{\"vr\":\"SQ\",\"Value\":[" items "]}"

struct judged {
    long status;
    const char *type, *body;
    enum verdict verdict;
    uint16_t reason;
};

static void judge_all(const struct judged *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct stow_reply reply = {.end = STOW_ANSWERED,
                                   .status = cases[i].status,
                                   .body = cases[i].body,
                                   .count = strlen(cases[i].body)};
        struct stow_told told;
        (void)snprintf(reply.type, sizeof reply.type, "%s", cases[i].type);
        stow_judge(&reply, OURS, &told);
        if (told.verdict != cases[i].verdict || told.reason != cases[i].reason)
            fail_msg("%ld %s: verdict %d, reason %04X (%s)", cases[i].status, cases[i].body,
                     told.verdict, told.reason, told.text);
    }
}

#define JSON "application/dicom+json"
static void what_it_says_of_our_object(void **state)
{
    static const struct judged cases[] = {
        {200, JSON, "{" STORED(ITEM(OURS, "")) "}", VERDICT_DELIVERED, 0},
        {200, "application/json", "[{" STORED(ITEM("9", "") "," ITEM(OURS, "")) "}]",
         VERDICT_DELIVERED, 0},
        {202, JSON, "{" STORED(ITEM(OURS, REASON("00081196", "45063"))) "}", VERDICT_DELIVERED,
         0xb007},
        {202, JSON, "{" FAILED(ITEM(OURS, REASON("00081197", "42752"))) "}", VERDICT_LATER, 0xa700},
        {409, JSON, "{" FAILED(ITEM(OURS, REASON("00081197", "290"))) "}", VERDICT_REFUSED, 0x0122},
        {409, JSON, "{" FAILED(ITEM(OURS, REASON("00081197", "273"))) "}", VERDICT_DELIVERED,
         0x0111},
        /* a failure without a reason, or with one that is none, is no success */
        {200, JSON, "{" FAILED(ITEM(OURS, "")) "}", VERDICT_LATER, 0x0110},
        {200, JSON, "{" FAILED(ITEM(OURS, REASON("00081197", "0"))) "}", VERDICT_LATER, 0x0110},
        {200, JSON, "{" FAILED(ITEM(OURS, REASON("00081197", "45063"))) "}", VERDICT_LATER, 0xb007},
        /* both: it failed */
        {200, JSON,
         "{" STORED(ITEM(OURS, "")) "," FAILED(ITEM(OURS, REASON("00081197", "43264"))) "}",
         VERDICT_REFUSED, 0xa900},
    };
    (void)state;
    judge_all(cases, sizeof cases / sizeof *cases);
}

static void a_success_that_says_nothing_is_none(void **state)
{
    static const char *const bodies[] = {
        "", "{}", "[]", "null", "7", "{", "[[[[", "{" STORED("") "}", "{" STORED("null,7,[]") "}",
        "{" STORED(ITEM("1.2.3.4", "")) "}", "{\"00081199\":{\"Value\":{\"0\":1}}}",
        "{\"00081199\":7}", "{" STORED("{\"00081155\":{\"Value\":[7]}}") "}",
        /* twice the same name: which of them is meant? */
        "{" STORED(ITEM("9", "")) "," STORED(ITEM(OURS, "")) "}"};
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        judge_all(&(struct judged){200, JSON, bodies[i], VERDICT_LATER, 0}, 1);
    judge_all(&(struct judged){200, "text/html", "{" STORED(ITEM(OURS, "")) "}", VERDICT_LATER, 0},
              1);
    judge_all(&(struct judged){204, "", "", VERDICT_LATER, 0}, 1);
}

static void what_a_status_alone_says(void **state)
{
    static const struct judged cases[] = {
        {301, "", "", VERDICT_UNREACHED, 0}, {400, "", "", VERDICT_REFUSED, 0},
        {401, "", "", VERDICT_UNREACHED, 0}, {403, "", "", VERDICT_LATER, 0},
        {404, "", "", VERDICT_UNREACHED, 0}, {405, "", "", VERDICT_UNREACHED, 0},
        {408, "", "", VERDICT_UNREACHED, 0}, {409, "", "", VERDICT_REFUSED, 0},
        {413, "", "", VERDICT_REFUSED, 0},   {415, "", "", VERDICT_REFUSED, 0},
        {429, "", "", VERDICT_UNREACHED, 0}, {500, "", "", VERDICT_LATER, 0},
        {501, "", "", VERDICT_REFUSED, 0},   {502, "", "", VERDICT_UNREACHED, 0},
        {503, "", "", VERDICT_UNREACHED, 0}, {504, "", "", VERDICT_UNREACHED, 0},
        {507, "", "", VERDICT_LATER, 0},     {999, "", "", VERDICT_LATER, 0},
        {0, "", "", VERDICT_LATER, 0},       {100, "", "", VERDICT_LATER, 0},
    };
    (void)state;
    judge_all(cases, sizeof cases / sizeof *cases);
}

static void note(void *context, const char *const values[STOW_TAGS])
{
    char *text = context;
    size_t used = strlen(text);
    (void)snprintf(text + used, 256 - used, "%s,%s,%s,%s;", values[0], values[1], values[2],
                   values[3]);
}

static void matches_of_a_query(void **state)
{
    static const char *const tags[STOW_TAGS] = {"0020000D", "00100020"};
    static const char good[] = "[{\"0020000D\":{\"vr\":\"UI\",\"Value\":[\"1\",\"2\"]},"
                               "\"00100020\":{\"vr\":\"LO\"}},7,{}]";
    char text[256] = "";
    size_t matches;
    (void)state;
    assert_true(stow_matches(good, strlen(good), tags, note, text, &matches));
    assert_string_equal(text, "1,,,;,,,;,,,;");
    assert_int_equal(matches, 3);
    assert_true(stow_matches("[]", 2, tags, note, text, &matches));
    assert_int_equal(matches, 0);
    assert_false(stow_matches("{}", 2, tags, note, text, &matches));
    assert_false(stow_matches("<html>", 6, tags, note, text, &matches));
}

/* ---- files of ours that cannot be read ---- */

/* A listening socket whose caller nobody answers. */
static int listening(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* It is this object's fault, not the archive's: the destination goes on. */
static void a_file_that_cannot_be_read(void **state)
{
    struct fixture *fixture = *state;
    char path[128], url[64];
    struct conf_peer peer = {.name = "p", .host = "127.0.0.1", .url = url};
    struct stow_reply reply;
    int server = listening(&peer.port);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", peer.port);
    snprintf(path, sizeof path, "%s/unread", fixture->folder);
    fixture_write(path, "bytes");
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    struct stow_http *http = stow_http_open(&fixture->conf, &peer);
    stow_http_post(http, "/studies", fd, &reply);
    assert_int_equal(reply.end, STOW_BROKE);
    assert_true(reply.is_unread);
    assert_string_equal(reply.text, "our own file cannot be read");
    close(fd);
    close(server);
    stow_http_get(http, "/studies", &reply); /* the archive's own fault is its own */
    assert_int_equal(reply.end, STOW_AWAY);
    assert_false(reply.is_unread);
    stow_http_close(http);
}

static void store_form(struct fixture *fixture, enum conf_picture_syntax syntax, const char *name,
                       struct send_answer *answer)
{
    struct conf_peer peer = {
        .name = "p", .host = "127.0.0.1", .port = 1, .url = "http://127.0.0.1:1"};
    struct conf_destination to = {.peer = &peer, .picture_syntax = syntax};
    struct send_job job = {.picture = true, .forms = 1};
    snprintf(job.form[0].path, sizeof job.form[0].path, "results/%s", name);
    *answer = (struct send_answer){.text = ""};
    struct sender_way *way = stow_open(&fixture->conf, &to);
    way->store(way, &job, answer);
    assert_true(way->alive);
    way->close(way);
}

/* What cannot be sent in any time is not tried for ever. */
static void a_file_that_is_gone_or_no_picture(void **state)
{
    static const enum conf_picture_syntax syntaxes[] = {CONF_UNCOMPRESSED, CONF_RLE, CONF_JPEG_LS};
    static const char one[] = "DICM\x02\0\0\0UL\x04\0\x1c\0\0\0\x02\0\x10\0UI\x14\0"
                              "1.2.840.10008.1.2.1\0\x08\0\x60\0CS\x02\0OT";
    struct fixture *fixture = *state;
    struct send_answer answer;
    char path[128];
    for (size_t i = 0; i < sizeof syntaxes / sizeof *syntaxes; i++) {
        store_form(fixture, syntaxes[i], "gone.dcm", &answer);
        assert_int_equal(answer.verdict, VERDICT_REFUSED);
        assert_string_equal(answer.text, "results/gone.dcm: No such file or directory");
    }
    snprintf(path, sizeof path, "%s/results/report.dcm", fixture->spool);
    struct dx_error err = {.status = DX_OK};
    assert_int_equal(dx_init(NULL, NULL, &err), DX_OK);
    FILE *file = fopen(path, "w"); /* with one attribute: Modality */
    assert_non_null(file);
    assert_int_equal(fwrite((const char[128]){0}, 1, 128, file), 128);
    assert_int_equal(fwrite(one, 1, sizeof one - 1, file), sizeof one - 1);
    assert_int_equal(fclose(file), 0);
    store_form(fixture, CONF_RLE, "report.dcm", &answer);
    assert_int_equal(answer.verdict, VERDICT_REFUSED);
    assert_non_null(strstr(answer.text, "no Pixel Data"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_says_of_our_object),
        cmocka_unit_test(a_success_that_says_nothing_is_none),
        cmocka_unit_test(what_a_status_alone_says),
        cmocka_unit_test(matches_of_a_query),
        cmocka_unit_test(a_file_that_cannot_be_read),
        cmocka_unit_test(a_file_that_is_gone_or_no_picture),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
