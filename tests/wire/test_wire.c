/* Scripted peers against the SCP: whatever they send, the listener lives, answers C-ECHO within a
 * second, and the association ends with an abort or a refusal (PS3.8 table 9-10). */
#include "net_server.h"
#include "peer.h"

#include "dx_init.h"
#include "dx_scu.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SECONDARY_CAPTURE "1.2.840.10008.5.1.4.1.1.7"
#define EXPLICIT          "1.2.840.10008.1.2.1"
#define RESPONSE          1024u

enum {
    TIMED_OUT = -1,
    CLOSED = 0,
    ACCEPTED = 2,
    REJECTED = 3,
    DATA = 4,
    RELEASED = 6,
    ABORTED = 7
};

#ifdef __SANITIZE_ADDRESS__ /* forks of an instrumented process are slow */
#define ECHO_SECONDS 5.0
#else
#define ECHO_SECONDS 1.0
#endif
static struct net_server server;
static double slowest_echo;

static int start(void **state)
{
    struct dx_scp_params params;
    struct dx_error err;
    (void)state;

    dx_scp_params_default(&params);
    params.acse_seconds = 2;
    params.dimse_seconds = 2;
    params.pdu_seconds = 1;
    params.minimum_rate = 1000;
    params.rate_seconds = 1;
    params.limits.dataset_bytes = 64u << 20;
    if (dx_init(NULL, NULL, &err) != DX_OK)
        return -1;
    return net_server_start(&server, &params, 0);
}

static int stop(void **state)
{
    (void)state;
    print_message("slowest C-ECHO: %.0f ms\n", slowest_echo * 1000);
    net_server_stop(&server);
    return 0;
}

/* The listener is the same process, and an echo in a new association takes less than a second. */
static int still_answers(void **state)
{
    struct dx_scu_params params;
    struct dx_error err = {0};
    struct dx_scu *scu;
    (void)state;

    dx_scu_params_default(&params);
    (void)snprintf(params.calling, sizeof params.calling, "CHECK");
    (void)snprintf(params.called, sizeof params.called, "CERVIGATE");
    params.host = "127.0.0.1";
    params.port = server.port;
    double begin = peer_now();
    enum dx_status status = dx_scu_open(&params, NULL, 0, &scu, &err);
    if (status == DX_OK)
        status = dx_scu_echo(scu, &err);
    dx_scu_close(scu);
    double took = peer_now() - begin;
    if (took > slowest_echo)
        slowest_echo = took;
    return net_server_is_alive(&server) && status == DX_OK && took < ECHO_SECONDS ? 0 : -1;
}

static int associate(void)
{
    struct script script = {0};
    uint8_t body[RESPONSE];

    int fd = peer_connect(server.port);
    assert_true(fd >= 0);
    script_associate(&script, "PEER", "CERVIGATE", SECONDARY_CAPTURE, EXPLICIT);
    assert_int_equal(peer_send(fd, script.bytes, script.count), script.count);
    assert_int_equal(peer_receive(fd, 3, body, sizeof body), ACCEPTED);
    script_finish(&script);
    return fd;
}

/* Sends the script in a new association; returns what came first. */
static int answer_to(struct script *script, double seconds, uint8_t *body, size_t size)
{
    int fd = associate();
    (void)peer_send(fd, script->bytes, script->count);
    int type = peer_receive(fd, seconds, body, size);
    close(fd);
    script_finish(script);
    return type;
}

static void assert_aborted(struct script *script, double seconds)
{
    uint8_t body[RESPONSE];
    int type = answer_to(script, seconds, body, sizeof body);
    assert_true(type == ABORTED || type == CLOSED);
}

static void command_with_20000_sequences(void **state)
{
    struct script script = {0}, bytes = {0};
    (void)state;

    script_nested(&bytes, 4000, false);
    script_fragments(&script, true, &bytes);
    assert_aborted(&script, 3);
    script_nested(&bytes, 16000, false);
    script_fragments(&script, true, &bytes);
    assert_aborted(&script, 3);
    script_finish(&bytes);
}

static void command_that_never_ends(void **state)
{
    struct script script = {0};
    static uint8_t zeros[16000];
    (void)state;

    for (int i = 0; i < 10; i++)
        script_pdata(&script, 1, zeros, sizeof zeros);
    assert_aborted(&script, 3);
}

static void dataset_with_1000000_sequences(void **state)
{
    struct script script = {0}, bytes = {0};
    uint8_t body[RESPONSE];
    (void)state;

    script_nested(&bytes, 1000000, true);
    script_store_command(&script, "1.2.34");
    script_fragments(&script, false, &bytes);
    int fd = associate();
    assert_int_equal(peer_send(fd, script.bytes, script.count), script.count);
    assert_int_equal(peer_receive(fd, 10, body, sizeof body), DATA);
    assert_int_equal(peer_status(body, sizeof body), 0xc000);
    close(fd);
    script_finish(&script);
    script_finish(&bytes);
    assert_true(net_server_count(&server, "refused c000 1.2.34 (over a limit)", 1) >= 1);
}

static void answers_to_datasets(void **state)
{
    static const uint8_t good[] = {8, 0, 0x18, 0, 'U', 'I', 6, 0, '1', '.', '2', '.', '3', '4'};
    static const uint8_t lies[] = {0xe0, 0x7f, 0x10, 0,    'O',  'W', 0,
                                   0,    0xfe, 0xff, 0xff, 0xff, 1,   2};
    static const struct {
        const uint8_t *bytes;
        size_t count;
        const char *instance;
        int status;
    } cases[] = {
        {good, sizeof good, "1.2.34", 0},
        {good, sizeof good, "1.2.35", 0xa900},
        {good, sizeof good, "../etc/", 0xc000},
        {good, sizeof good, "", 0xc000},
        {lies, sizeof lies, "1.2.34", 0xc000},
        {good, 7, "1.2.34", 0xc000},
        {good, 0, "1.2.34", 0xc000},
    };
    uint8_t body[RESPONSE];
    (void)state;

    /* One association for all: a refused object doesn't end it. */
    int fd = associate();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct script script = {0};
        script_store_command(&script, cases[i].instance);
        script_pdata(&script, 2, cases[i].bytes, cases[i].count);
        assert_int_equal(peer_send(fd, script.bytes, script.count), script.count);
        assert_int_equal(peer_receive(fd, 5, body, sizeof body), DATA);
        assert_int_equal(peer_status(body, sizeof body), cases[i].status);
        script_finish(&script);
    }
    struct script script = {0};
    script_release(&script);
    (void)peer_send(fd, script.bytes, script.count);
    assert_int_equal(peer_receive(fd, 3, body, sizeof body), RELEASED);
    close(fd);
    script_finish(&script);
}

static void dataset_over_the_ceiling(void **state)
{
    struct script script = {0};
    static uint8_t zeros[16000];
    uint8_t body[RESPONSE];
    (void)state;

    /* The ceiling is 64 MiB: 65 MiB is drained and refused, without end it is aborted. */
    script_store_command(&script, "1.2.34");
    for (int i = 0; i < 4260; i++)
        script_pdata(&script, i == 4259 ? 2 : 0, zeros, sizeof zeros);
    assert_int_equal(answer_to(&script, 20, body, sizeof body), DATA);
    assert_int_equal(peer_status(body, sizeof body), 0xc000);
    script_store_command(&script, "1.2.34");
    for (int i = 0; i < 8500; i++)
        script_pdata(&script, 0, zeros, sizeof zeros);
    assert_aborted(&script, 20);
}

static void pdu_lengths_that_lie(void **state)
{
    static const uint8_t types[] = {1, 2, 3, 4, 5, 6, 7, 8, 0, 0xff};
    static const uint32_t lengths[] = {0, 1, 3, 5, 131073, 0x7fffffffu, 0x80000000u, 0xffffffffu};
    (void)state;

    for (size_t t = 0; t < sizeof types; t++)
        for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
            uint8_t head[38] = {types[t],
                                0,
                                (uint8_t)(lengths[l] >> 24),
                                (uint8_t)(lengths[l] >> 16),
                                (uint8_t)(lengths[l] >> 8),
                                (uint8_t)lengths[l]};
            struct script script = {0};
            script_add(&script, head, sizeof head);
            assert_aborted(&script, 4);
        }
}

static void pdv_lengths_that_lie(void **state)
{
    static const uint32_t lengths[] = {0, 1, 2, 100, 0x7fffffffu, 0xffffffffu, 0xfffffffeu};
    (void)state;

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint8_t pdu[6 + 20] = {4,
                               0,
                               0,
                               0,
                               0,
                               20,
                               (uint8_t)(lengths[i] >> 24),
                               (uint8_t)(lengths[i] >> 16),
                               (uint8_t)(lengths[i] >> 8),
                               (uint8_t)lengths[i],
                               1,
                               3};
        struct script script = {0};
        script_add(&script, pdu, sizeof pdu);
        assert_aborted(&script, 4);
    }
}

static void fragments_out_of_place(void **state)
{
    struct script script = {0};
    (void)state;

    script_pdata(&script, 2, "12345678", 8); /* a dataset without a command */
    assert_aborted(&script, 3);
    script_store_command(&script, "1.2.34"); /* a command within a dataset */
    script_pdata(&script, 0, "12345678", 8);
    script_store_command(&script, "1.2.34");
    assert_aborted(&script, 3);
}

static void abort_within_a_dataset(void **state)
{
    struct script script = {0};
    int before = net_server_count(&server, "refused 0000", 0);
    (void)state;

    script_store_command(&script, "1.2.34");
    script_pdata(&script, 0, "12345678", 8);
    script_abort(&script);
    int fd = associate();
    (void)peer_send(fd, script.bytes, script.count);
    assert_int_equal(net_server_count(&server, "refused 0000", before + 1), before + 1);
    close(fd);
    script_finish(&script);
}

/* Stalls within a PDU, between PDUs, and never sends anything. */
static void stalls_are_ended(void **state)
{
    uint8_t body[RESPONSE];
    (void)state;

    int silent = peer_connect(server.port);
    int idle = associate();
    int within = associate();
    double begin = peer_now();
    assert_int_equal(peer_send(within, "\x04\x00\x00\x00\x00\x40\x00", 7), 7);
    assert_int_equal(peer_receive(within, 3, body, sizeof body), ABORTED);
    assert_true(peer_now() - begin < 2);
    assert_int_equal(peer_receive(idle, 4, body, sizeof body), ABORTED);
    int end = peer_receive(silent, 4, body, sizeof body);
    assert_true(end == ABORTED || end == CLOSED);
    assert_true(peer_now() - begin < 5);
    assert_true(net_server_count(&server, "end timeout", 3) >= 3);
    close(silent);
    close(idle);
    close(within);
}

/* Never silent, never stalled within a PDU, and still too slow. */
static void drips_are_ended(void **state)
{
    struct script script = {0};
    uint8_t body[RESPONSE];
    int type = TIMED_OUT;
    (void)state;

    script_store_command(&script, "1.2.34");
    int fd = associate();
    (void)peer_send(fd, script.bytes, script.count);
    script_finish(&script);
    script_pdata(&script, 0, "12345678", 8);
    double begin = peer_now();
    while (type == TIMED_OUT && peer_now() - begin < 4) {
        (void)peer_send(fd, script.bytes, script.count);
        type = peer_receive(fd, 0.2, body, sizeof body);
    }
    assert_true(type == ABORTED || type == CLOSED); /* a reset may overtake the abort */
    close(fd);
    script_finish(&script);
    assert_true(net_server_count(&server, "refused 0000 1.2.34 (time-out)", 1) >= 1);
}

static int first_answer(const char *calling, const char *called, const char *abstract,
                        uint8_t body[RESPONSE])
{
    struct script script = {0};
    int fd = peer_connect(server.port);
    script_associate(&script, calling, called, abstract, EXPLICIT);
    (void)peer_send(fd, script.bytes, script.count);
    int type = peer_receive(fd, 3, body, RESPONSE);
    close(fd);
    script_finish(&script);
    return type;
}

/* PS3.8 table 9-21: result, source, reason. */
static void wrong_titles_are_rejected(void **state)
{
    uint8_t body[RESPONSE];
    (void)state;

    assert_int_equal(first_answer("PEER", "OTHER", SECONDARY_CAPTURE, body), REJECTED);
    assert_memory_equal(body + 1, "\x01\x01\x07", 3);
    assert_int_equal(first_answer("EVIL", "CERVIGATE", SECONDARY_CAPTURE, body), REJECTED);
    assert_memory_equal(body + 1, "\x01\x01\x03", 3);
    assert_int_equal(first_answer("FULL", "CERVIGATE", SECONDARY_CAPTURE, body), REJECTED);
    assert_memory_equal(body + 1, "\x02\x03\x02", 3);
}

/* The result of context 1 in an A-ASSOCIATE-AC: item 21H, PS3.8 table 9-18. */
static int context_result(const uint8_t body[RESPONSE])
{
    for (size_t i = 68; i + 8 < RESPONSE; i++)
        if (body[i] == 0x21 && body[i + 1] == 0 && body[i + 4] == 1)
            return body[i + 6];
    return -1;
}

static void services_other_than_storage_are_refused(void **state)
{
    static const struct {
        const char *abstract;
        int result;
    } cases[] = {
        {"1.2.840.10008.1.1", 0},             /* Verification */
        {SECONDARY_CAPTURE, 0},               /* storage */
        {"1.2.840.10008.5.1.4.1.1.999.1", 0}, /* storage of a later edition */
        {"1.2.840.10008.5.1.4.38.1", 0},      /* Hanging Protocol Storage */
        {"1.2.840.113619.4.27", 0},           /* private */
        {"1.2.840.10008.5.1.4.1.2.2.1", 3},   /* Study Root Query */
        {"1.2.840.10008.5.1.4.31", 3},        /* Modality Worklist */
        {"1.2.840.10008.1.20.1", 4}, /* answers to our requests: in implicit little endian only */
        {"1.2.840.10008.5.1.4.34.6.1", 3}, /* UPS Push */
        {"1.2.840.10008.5.1.1.9", 3},      /* Print */
    };
    uint8_t body[RESPONSE];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(first_answer("PEER", "CERVIGATE", cases[i].abstract, body), ACCEPTED);
        assert_int_equal(context_result(body), cases[i].result);
    }
}

/* A valid request, a command and a dataset, cut at every byte. */
static void closed_at_every_byte(void **state)
{
    struct script script = {0};
    (void)state;

    script_associate(&script, "PEER", "CERVIGATE", SECONDARY_CAPTURE, EXPLICIT);
    script_store_command(&script, "1.2.34");
    script_pdata(&script, 2,
                 "\x08\x00\x18\x00UI\x06\x00"
                 "1.2.34",
                 14);
    for (size_t cut = 0; cut < script.count; cut++) {
        int fd = peer_connect(server.port);
        assert_true(fd >= 0);
        (void)peer_send(fd, script.bytes, cut);
        close(fd);
        if (cut % 64 == 0)
            assert_int_equal(still_answers(NULL), 0);
    }
    script_finish(&script);
}

/* Every byte of a valid request changed, one at a time: no answer is worse than an abort. */
static void every_byte_changed(void **state)
{
    struct script script = {0};
    uint8_t body[RESPONSE];
    (void)state;

    script_associate(&script, "PEER", "CERVIGATE", SECONDARY_CAPTURE, EXPLICIT);
    for (size_t i = 0; i < script.count; i++) {
        uint8_t good = script.bytes[i];
        int fd = peer_connect(server.port);
        script.bytes[i] ^= 0xff;
        (void)peer_send(fd, script.bytes, script.count);
        (void)shutdown(fd, SHUT_WR);
        int type = peer_receive(fd, 4, body, sizeof body);
        script.bytes[i] = good;
        close(fd);
        assert_int_not_equal(type, TIMED_OUT);
    }
    script_finish(&script);
}

/* Operations that we don't serve are answered 0211, their datasets drained. */
static void unknown_operations(void **state)
{
    static const uint8_t find[] = {0, 0, 0x00, 0x01, 2, 0, 0, 0, 0x20, 0, 0, 0, 0x10, 0x01, 2,
                                   0, 0, 0,    9,    0, 0, 0, 0, 8,    2, 0, 0, 0,    1,    0};
    static const uint8_t cancel[] = {0, 0, 0x00, 0x01, 2, 0, 0, 0, 0xff, 0x0f, 0, 0, 0x20, 0x01, 2,
                                     0, 0, 0,    9,    0, 0, 0, 0, 8,    2,    0, 0, 0,    1,    1};
    struct script script = {0};
    uint8_t body[RESPONSE];
    (void)state;

    script_pdata(&script, 3, cancel, sizeof cancel);
    script_pdata(&script, 3, find, sizeof find);
    script_pdata(&script, 0, "12345678", 8);
    script_pdata(&script, 2, "12345678", 8);
    assert_int_equal(answer_to(&script, 3, body, sizeof body), DATA);
    assert_int_equal(peer_status(body, sizeof body), 0x0211);
}

#define PEER_TEST(name) cmocka_unit_test_teardown(name, still_answers)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PEER_TEST(command_with_20000_sequences),
        PEER_TEST(command_that_never_ends),
        PEER_TEST(dataset_with_1000000_sequences),
        PEER_TEST(answers_to_datasets),
        PEER_TEST(dataset_over_the_ceiling),
        PEER_TEST(pdu_lengths_that_lie),
        PEER_TEST(pdv_lengths_that_lie),
        PEER_TEST(fragments_out_of_place),
        PEER_TEST(abort_within_a_dataset),
        PEER_TEST(stalls_are_ended),
        PEER_TEST(drips_are_ended),
        PEER_TEST(wrong_titles_are_rejected),
        PEER_TEST(services_other_than_storage_are_refused),
        PEER_TEST(closed_at_every_byte),
        PEER_TEST(every_byte_changed),
        PEER_TEST(unknown_operations),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
