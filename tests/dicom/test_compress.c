/* Our pictures in other transfer syntaxes, and what a peer takes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dx_object.h"
#include "dx_scu.h"
#include "sample_objects.h"
#include "tools.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const syntaxes[] = {DX_SYNTAX_RLE, DX_SYNTAX_JPEG_LS, DX_SYNTAX_EXPLICIT};
static const enum sample_kind pictures[] = {SAMPLE_SC, SAMPLE_FRAMES};

static void open_object(const char *path, struct dx_object **object)
{
    struct dx_limits limits;
    struct dx_error err = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    dx_limits_default(&limits);
    if (dx_object_open(fd, &limits, object, &err))
        fail_msg("%s", err.text);
    close(fd);
}

static void same_pixels(const char *one, const char *other)
{
    struct dx_object *objects[2];
    struct dx_image_info info;
    struct dx_error err = {0};
    open_object(one, &objects[0]);
    open_object(other, &objects[1]);
    assert_int_equal(dx_object_image(objects[0], &info, &err), DX_OK);
    for (uint32_t i = 0; i < info.frames; i++) {
        struct dx_frame frames[2];
        for (int j = 0; j < 2; j++)
            if (dx_object_frame(objects[j], i, &frames[j], &err))
                fail_msg("%s", err.text);
        assert_int_equal(frames[0].count, frames[1].count);
        assert_memory_equal(frames[0].bytes, frames[1].bytes, frames[0].count);
        dx_frame_finish(&frames[0]);
        dx_frame_finish(&frames[1]);
    }
    dx_object_close(objects[0]);
    dx_object_close(objects[1]);
}

static void pixels_and_bytes_stay_the_same(void **state)
{
    (void)state;
    static char first[1 << 16], second[1 << 16];
    struct dx_attrs *source = sample_source();
    struct dx_error err = {0};
    for (size_t k = 0; k < 2; k++) {
        struct dx_expectation expected;
        const char *plain = tools_place("plain.dcm");
        sample_object(pictures[k], source, plain, &expected);
        for (size_t i = 0; i < sizeof syntaxes / sizeof *syntaxes; i++) {
            const char *packed = tools_place("packed.dcm"), *again = tools_place("again.dcm");
            if (dx_result_compress(plain, syntaxes[i], packed, &err))
                fail_msg("%s", err.text);
            assert_int_equal(dx_result_compress(plain, syntaxes[i], again, &err), DX_OK);
            size_t count = tools_load(packed, first, sizeof first);
            assert_int_equal(tools_load(again, second, sizeof second), count);
            assert_memory_equal(first, second, count);
            tools_valid(packed);
            same_pixels(plain, packed);
            tools_prints((const char *const[]){"dcmdump", "-Un", "+P", "0002,0010", packed, NULL},
                         syntaxes[i]);
            if (dx_result_check(packed, &expected, &err))
                fail_msg("%s: %s", syntaxes[i], err.text);
            assert_int_equal(dx_result_compress(packed, DX_SYNTAX_EXPLICIT, again, &err), DX_OK);
            same_pixels(plain, again);
        }
    }
    dx_attrs_destroy(source);
}

static void what_is_no_picture_is_refused(void **state)
{
    (void)state;
    struct dx_attrs *source = sample_source();
    struct dx_error err = {0};
    struct dx_expectation expected;
    const char *sr = tools_place("sr.dcm"), *sc = tools_place("sc.dcm"), *to = tools_place("to");
    sample_object(SAMPLE_SR, source, sr, &expected);
    sample_object(SAMPLE_SC, source, sc, &expected);
    assert_int_equal(dx_result_compress(sr, DX_SYNTAX_RLE, to, &err), DX_NO_PIXELS);
    assert_int_equal(dx_result_compress(sc, "1.2.840.10008.1.2.4.50", to, &err), DX_INVALID);
    assert_int_equal(dx_result_compress(sc, DX_SYNTAX_RLE, sc, &err), DX_INVALID);
    assert_int_equal(dx_result_compress("/nonexistent", DX_SYNTAX_RLE, to, &err), DX_MISSING);
    assert_int_equal(dx_result_compress(sc, DX_SYNTAX_RLE, "/nonexistent/to", &err), DX_IO);
    assert_int_equal(dx_result_compress(sc, DX_SYNTAX_RLE, "/dev/full", &err), DX_NO_SPACE);
    dx_attrs_destroy(source);
}

/* A port that is free now. */
static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static pid_t start_storescp(const char *option, uint16_t port)
{
    char number[8];
    snprintf(number, sizeof number, "%u", port);
    pid_t child = fork();
    if (child == 0) {
        (void)!freopen("/dev/null", "w", stderr);
        execlp("storescp", "storescp", option, "-od", tools_place("."), number, (char *)NULL);
        _exit(127);
    }
    return child;
}

/* One association that proposes a class in all three; NULL: nobody answers. */
static struct dx_scu *associate(uint16_t port, const char *sop_class)
{
    struct dx_scu_context contexts[3];
    struct dx_scu_params params;
    struct dx_error err = {0};
    struct dx_scu *scu = NULL;
    dx_scu_params_default(&params);
    snprintf(params.calling, sizeof params.calling, "CERVIGATE");
    snprintf(params.called, sizeof params.called, "STORESCP");
    params.host = "127.0.0.1";
    params.port = port;
    for (int i = 0; i < 3; i++) {
        snprintf(contexts[i].sop_class, DX_UID_MAX, "%s", sop_class);
        snprintf(contexts[i].transfer_syntax, DX_UID_MAX, "%s", syntaxes[i]);
    }
    for (int i = 0; i < 100; i++) {
        enum dx_status status = dx_scu_open(&params, contexts, 3, &scu, &err);
        if (status == DX_OK)
            return scu;
        if (status != DX_UNREACHABLE)
            fail_msg("%s", err.text);
        usleep(50000);
    }
    return NULL;
}

#define SYNTAX_IMPLICIT "1.2.840.10008.1.2"

static void what_the_peer_took_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *option;
        int takes[3]; /* RLE, JPEG-LS, explicit */
    } peers[] = {{"+xr", {1, 0, 1}}, {"+xt", {0, 1, 1}}, {"+xs", {0, 0, 1}},
                 {"+xd", {0, 0, 1}}, {"+xi", {0, 0, 0}}, {"+xa", {1, 1, 1}}};
    struct dx_attrs *source = sample_source();
    struct dx_error err = {0};
    struct dx_expectation expected;
    const char *plain = tools_place("plain.dcm"), *packed = tools_place("packed.dcm");
    sample_object(SAMPLE_FRAMES, source, plain, &expected);
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
        uint16_t port = free_port(), answer;
        char comment[65];
        int exit_status;
        pid_t peer = start_storescp(peers[i].option, port);
        struct dx_scu *scu = associate(port, expected.sop_class);
        if (!scu && waitpid(peer, &exit_status, WNOHANG) == peer) {
            print_message("skipped: no storescp\n");
            break;
        }
        assert_non_null(scu);
        for (int j = 0; j < 3; j++) {
            if (dx_scu_accepts(scu, expected.sop_class, syntaxes[j]) != peers[i].takes[j])
                fail_msg("storescp %s, %s", peers[i].option, syntaxes[j]);
            /* What the peer takes arrives; an uncompressed file is rewritten where it must be. */
            if (!peers[i].takes[j] && j < 2)
                continue;
            assert_int_equal(dx_result_compress(plain, syntaxes[j], packed, &err), DX_OK);
            if (dx_scu_store(scu, packed, &answer, comment, &err))
                fail_msg("storescp %s, %s: %s", peers[i].option, syntaxes[j], err.text);
            assert_int_equal(answer, 0);
        }
        assert_int_equal(dx_scu_accepts(scu, expected.sop_class, SYNTAX_IMPLICIT), 1);
        assert_int_equal(dx_scu_accepts(scu, "1.2.840.10008.5.1.4.1.1.2", DX_SYNTAX_EXPLICIT), 0);
        dx_scu_close(scu);
        kill(peer, SIGTERM);
        waitpid(peer, &exit_status, 0);
    }
    dx_attrs_destroy(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_and_bytes_stay_the_same),
        cmocka_unit_test(what_is_no_picture_is_refused),
        cmocka_unit_test(what_the_peer_took_is_known),
    };
    return cmocka_run_group_tests(tests, tools_prepare, tools_clear);
}
