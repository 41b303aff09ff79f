/* A hostile PACS: what it answers to our SCU ends in a status, in time, without a crash. */
#include "peer.h"

#include "dx_init.h"
#include "dx_scu.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define IMPLICIT "1.2.840.10008.1.2"

/* A PACS in a process of its own: the next script answers each request PDU; then silence. */
struct pacs {
    pid_t pid;
    uint16_t port;
};

static void pacs_start(struct pacs *pacs, const struct script *scripts, size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    uint8_t body[64];

    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 4), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    pacs->port = ntohs(address.sin_port);
    pacs->pid = fork();
    if (pacs->pid == 0) {
        int fd = accept(listener, NULL, NULL);
        for (size_t i = 0; i < count && peer_receive(fd, 5, body, sizeof body) > 0; i++)
            (void)peer_send(fd, scripts[i].bytes, scripts[i].count);
        (void)pause();
        _exit(0);
    }
    close(listener);
}

static void pacs_stop(struct pacs *pacs)
{
    (void)kill(pacs->pid, SIGKILL);
    (void)waitpid(pacs->pid, NULL, 0);
}

/* Opens and echoes against a PACS that answers with these scripts; frees them. */
static enum dx_status echo_against(struct script *scripts, size_t count, struct dx_error *err)
{
    struct dx_scu_params params;
    struct dx_scu *scu;
    struct pacs pacs;

    pacs_start(&pacs, scripts, count);
    dx_scu_params_default(&params);
    (void)snprintf(params.calling, sizeof params.calling, "SELF");
    (void)snprintf(params.called, sizeof params.called, "PACS");
    params.host = "127.0.0.1";
    params.port = pacs.port;
    params.acse_seconds = 1;
    params.dimse_seconds = 1;
    double begin = peer_now();
    enum dx_status status = dx_scu_open(&params, NULL, 0, &scu, err);
    if (status == DX_OK)
        status = dx_scu_echo(scu, err);
    dx_scu_close(scu);
    assert_true(peer_now() - begin < 4);
    pacs_stop(&pacs);
    for (size_t i = 0; i < count; i++)
        script_finish(&scripts[i]);
    if (status != DX_OK)
        assert_non_null(strstr(err->text, "127.0.0.1:"));
    return status;
}

/* A C-ECHO-RSP: Command Field, Message ID Being Responded To, no dataset, Status. */
static void echo_answer(struct script *script, uint8_t responded_id, uint8_t status)
{
    const uint8_t answer[] = {
        0, 0, 0x00, 0x01, 2, 0, 0, 0, 0x30, 0x80, 0, 0, 0x20, 0x01, 2, 0, 0, 0, responded_id, 0,
        0, 0, 0,    8,    2, 0, 0, 0, 1,    1,    0, 0, 0,    9,    2, 0, 0, 0, status,       0};
    script_pdata(script, 3, answer, sizeof answer);
}

static void good_and_bad_answers(void **state)
{
    static const struct {
        uint8_t id, status;
        enum dx_status expected;
    } cases[] = {{1, 0, DX_OK}, {1, 0x22, DX_REFUSED}, {2, 0, DX_MALFORMED}};
    struct dx_error err = {0};
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct script scripts[2] = {{0}};
        script_accept(&scripts[0], 1, IMPLICIT);
        echo_answer(&scripts[1], cases[i].id, cases[i].status);
        assert_int_equal(echo_against(scripts, 2, &err), cases[i].expected);
    }
}

static void nested_sequences_in_an_answer(void **state)
{
    struct script scripts[2] = {{0}}, bytes = {0};
    struct dx_error err = {0};
    (void)state;

    script_accept(&scripts[0], 1, IMPLICIT);
    script_nested(&bytes, 4000, false);
    script_fragments(&scripts[1], true, &bytes);
    script_finish(&bytes);
    assert_int_equal(echo_against(scripts, 2, &err), DX_MALFORMED);
}

static void a_command_without_end(void **state)
{
    struct script scripts[2] = {{0}};
    struct dx_error err = {0};
    static uint8_t zeros[16000];
    (void)state;

    script_accept(&scripts[0], 1, IMPLICIT);
    for (int i = 0; i < 6; i++)
        script_pdata(&scripts[1], 1, zeros, sizeof zeros);
    assert_int_equal(echo_against(scripts, 2, &err), DX_LIMIT);
}

static void silence_and_abort(void **state)
{
    struct script scripts[2] = {{0}};
    struct dx_error err = {0};
    (void)state;

    assert_int_equal(echo_against(scripts, 0, &err), DX_TIMEOUT); /* no A-ASSOCIATE-AC */
    script_accept(&scripts[0], 1, IMPLICIT);
    assert_int_equal(echo_against(scripts, 1, &err), DX_TIMEOUT);
    script_accept(&scripts[0], 1, IMPLICIT);
    script_abort(&scripts[1]);
    assert_int_equal(echo_against(scripts, 2, &err), DX_ABORTED);
    script_abort(&scripts[0]);
    assert_int_equal(echo_against(scripts, 1, &err), DX_ABORTED);
}

static void lengths_that_lie(void **state)
{
    struct script scripts[1] = {{0}};
    struct dx_error err = {0};
    (void)state;

    script_add(&scripts[0],
               "\x02\x00\xff\xff\xff\xff"
               "12345678",
               14);
    assert_int_equal(echo_against(scripts, 1, &err), DX_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_and_bad_answers),  cmocka_unit_test(nested_sequences_in_an_answer),
        cmocka_unit_test(a_command_without_end), cmocka_unit_test(silence_and_abort),
        cmocka_unit_test(lengths_that_lie),
    };
    struct dx_error err;
    if (dx_init(NULL, NULL, &err) != DX_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
