/* The node's wire against the tools of others, and against its own SCU. */
#include "net_server.h"

#include "dx_init.h"
#include "dx_scu.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define CORPUS  CERVIGATE_SHARED_DIR "/corpus/"
#define PYDICOM CORPUS "pydicom+pydicom/src/pydicom/data/test_files/"

static struct net_server server;

static int start(void **state)
{
    struct dx_scp_params params;
    struct dx_error err;
    (void)state;

    dx_scp_params_default(&params);
    params.dimse_seconds = 10;
    if (dx_init(NULL, NULL, &err) != DX_OK)
        return -1;
    return net_server_start(&server, &params, 0);
}

static int stop(void **state)
{
    (void)state;
    net_server_stop(&server);
    return 0;
}

static void tool(char *const extra[], int expected)
{
    char port[8];
    char *argv[16] = {extra[0], "-aet", "PEER", "-aec", "CERVIGATE", "-nh"};
    int n = 5;

    (void)snprintf(port, sizeof port, "%u", server.port);
    for (int i = 1; extra[i] != NULL && extra[i][0] == '+'; i++)
        argv[n++] = extra[i];
    argv[n++] = "127.0.0.1";
    argv[n++] = port;
    for (int i = 1; extra[i] != NULL; i++)
        if (extra[i][0] != '+')
            argv[n++] = extra[i];
    argv[n] = NULL;
    assert_int_equal(net_run(&server, argv), expected);
}

static void scu_params(struct dx_scu_params *params)
{
    dx_scu_params_default(params);
    (void)snprintf(params->calling, sizeof params->calling, "SELF");
    (void)snprintf(params->called, sizeof params->called, "CERVIGATE");
    params->host = "127.0.0.1";
    params->port = server.port;
    params->dimse_seconds = 20;
}

static void echoscu_is_answered(void **state)
{
    (void)state;
    tool((char *[]){"echoscu", NULL}, 0);
    assert_int_equal(net_server_count(&server, "end released ok stored=0 refused=0 echoes=1", 1),
                     1);
}

static void skip_without_corpus(void)
{
    if (access(CORPUS, R_OK) != 0) {
        print_message("skipped: no shared data\n");
        skip();
    }
}

static void storescu_and_dcmsend_are_stored(void **state)
{
    (void)state;
    skip_without_corpus();
    int before = net_server_count(&server, "stored ", 0);
    tool((char *[]){"storescu", PYDICOM "CT_small.dcm", NULL}, 0);
    tool((char *[]){"dcmsend", PYDICOM "MR_small.dcm", NULL}, 0);
    assert_int_equal(net_server_count(&server, "stored ", before + 2), before + 2);
}

/* The dataset in the stored file has the digest of the file that was sent. */
static void bits_are_preserved(void **state)
{
    struct dx_scu_params params;
    struct dx_error err = {0};
    struct dx_limits limits;
    struct dx_scan scan;
    struct dx_scu *scu;
    char syntax[DX_UID_MAX], comment[65], prefix[160];
    uint16_t answer;
    (void)state;

    skip_without_corpus();
    dx_limits_default(&limits);
    int fd = open(PYDICOM "MR_small_jp2klossless.dcm", O_RDONLY);
    assert_int_equal(dx_prescan_file(fd, &limits, syntax, &scan, &err), DX_OK);
    close(fd);
    struct dx_scu_context context = {{0}, {0}};
    (void)snprintf(context.sop_class, DX_UID_MAX, "%s", scan.sop_class);
    (void)snprintf(context.transfer_syntax, DX_UID_MAX, "%s", syntax);

    scu_params(&params);
    assert_int_equal(dx_scu_open(&params, &context, 1, &scu, &err), DX_OK);
    assert_int_equal(dx_scu_store(scu, PYDICOM "MR_small_jp2klossless.dcm", &answer, comment, &err),
                     DX_OK);
    assert_int_equal(answer, 0);
    assert_int_equal(dx_scu_echo(scu, &err), DX_OK);
    assert_int_equal(dx_scu_store(scu, PYDICOM "CT_small.dcm", &answer, comment, &err),
                     DX_NO_CONTEXT);
    dx_scu_close(scu);
    (void)snprintf(prefix, sizeof prefix, "stored %s %s", scan.sop_instance, scan.digest);
    assert_int_equal(net_server_count(&server, prefix, 1), 1);
}

static enum dx_status open_as(const char *calling, const char *called, uint16_t port,
                              struct dx_error *err)
{
    struct dx_scu_params params;
    struct dx_scu *scu;

    scu_params(&params);
    (void)snprintf(params.calling, sizeof params.calling, "%s", calling);
    (void)snprintf(params.called, sizeof params.called, "%s", called);
    params.port = port;
    params.connect_seconds = 2;
    params.acse_seconds = 3;
    enum dx_status status = dx_scu_open(&params, NULL, 0, &scu, err);
    dx_scu_close(scu);
    return status;
}

static void rejections_name_their_reason(void **state)
{
    struct dx_error err = {0};
    (void)state;

    assert_int_equal(open_as("PEER", "WRONG", server.port, &err), DX_REFUSED);
    assert_non_null(strstr(err.text, "permanent"));
    assert_non_null(strstr(err.text, "called AE title"));
    assert_non_null(strstr(err.text, "(WRONG)"));
    assert_int_equal(open_as("EVIL", "CERVIGATE", server.port, &err), DX_REFUSED);
    assert_non_null(strstr(err.text, "calling AE title"));
    assert_int_equal(open_as("FULL", "CERVIGATE", server.port, &err), DX_REFUSED);
    assert_non_null(strstr(err.text, "transient"));
    assert_non_null(strstr(err.text, "local limit"));
    assert_int_equal(open_as("PEER", "CERVIGATE", 1, &err), DX_UNREACHABLE);
    assert_non_null(strstr(err.text, "127.0.0.1:1"));
}

/* Without room for a process the listener itself answers, within a second. */
static void no_room_is_refused_politely(void **state)
{
    struct net_server small;
    struct dx_scp_params params;
    struct dx_error err = {0};
    struct dx_scu_params to;
    struct dx_scu *first;
    (void)state;

    dx_scp_params_default(&params);
    assert_int_equal(net_server_start(&small, &params, 1), 0);
    scu_params(&to);
    to.port = small.port;
    assert_int_equal(dx_scu_open(&to, NULL, 0, &first, &err), DX_OK);
    assert_int_equal(open_as("PEER", "CERVIGATE", small.port, &err), DX_REFUSED);
    assert_non_null(strstr(err.text, "local limit exceeded"));
    assert_int_equal(dx_scu_echo(first, &err), DX_OK);
    dx_scu_close(first);
    net_server_stop(&small);
}

static void full_disk_is_a700_and_goes_on(void **state)
{
    struct dx_scu_params params;
    struct dx_error err = {0};
    struct dx_scu *scu;
    struct dx_scu_context context = {"1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"};
    char path[96], comment[65];
    uint16_t answer;
    (void)state;

    skip_without_corpus();
    (void)snprintf(path, sizeof path, "%s/full", server.folder);
    scu_params(&params);
    assert_int_equal(dx_scu_open(&params, &context, 1, &scu, &err), DX_OK);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(dx_scu_store(scu, PYDICOM "CT_small.dcm", &answer, comment, &err), DX_OK);
    assert_int_equal(answer, 0xa700);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(dx_scu_store(scu, PYDICOM "CT_small.dcm", &answer, comment, &err), DX_OK);
    assert_int_equal(answer, 0);
    dx_scu_close(scu);
}

/* A peer that takes implicit little endian alone gets the dataset rewritten. */
static void explicit_file_to_an_implicit_peer(void **state)
{
    struct dx_scu_params params;
    struct dx_error err = {0};
    struct dx_scu *scu = NULL;
    struct dx_scu_context context = {"1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"};
    char port[8], comment[65];
    uint16_t answer = 0xffff;
    (void)state;

    skip_without_corpus();
    scu_params(&params);
    params.port = (uint16_t)(server.port ^ 1);
    (void)snprintf(port, sizeof port, "%u", params.port);
    pid_t pid = fork();
    if (pid == 0) {
        (void)execlp("storescp", "storescp", "+xi", "--ignore", "-aet", "CERVIGATE", port, NULL);
        _exit(127);
    }
    enum dx_status status = DX_UNREACHABLE;
    for (int i = 0; i < 100 && status == DX_UNREACHABLE; i++) {
        status = dx_scu_open(&params, &context, 1, &scu, &err);
        (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    if (status == DX_OK)
        status = dx_scu_store(scu, PYDICOM "CT_small.dcm", &answer, comment, &err);
    dx_scu_close(scu);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    assert_int_equal(status, DX_OK);
    assert_int_equal(answer, 0);
}

/* Several associations of one process, one after the other: nothing global is left behind. */
static void scu_can_be_opened_again(void **state)
{
    struct dx_scu_params params;
    struct dx_error err = {0};
    struct dx_scu *scu;
    (void)state;

    scu_params(&params);
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(dx_scu_open(&params, NULL, 0, &scu, &err), DX_OK);
        assert_int_equal(dx_scu_echo(scu, &err), DX_OK);
        dx_scu_close(scu);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    print_message(
        "%.1f ms for an association with a C-ECHO\n",
        ((double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) * 1e-6) /
            20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echoscu_is_answered),
        cmocka_unit_test(storescu_and_dcmsend_are_stored),
        cmocka_unit_test(bits_are_preserved),
        cmocka_unit_test(rejections_name_their_reason),
        cmocka_unit_test(no_room_is_refused_politely),
        cmocka_unit_test(full_disk_is_a700_and_goes_on),
        cmocka_unit_test(explicit_file_to_an_implicit_peer),
        cmocka_unit_test(scu_can_be_opened_again),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
