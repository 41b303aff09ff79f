/* Every file of the shared corpus over the wire, each in an association of its own, by our SCU:
 * what is acknowledged is stored with the digest of what was sent. */
#include "net_server.h"
#include "peer.h"

#include "dx_init.h"
#include "dx_scu.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct net_server server;

static enum dx_status scan_path(const char *path, struct dx_scu_context *context,
                                struct dx_scan *scan, struct dx_error *err)
{
    struct dx_limits limits;

    dx_limits_default(&limits);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    enum dx_status status = dx_prescan_file(fd, &limits, context->transfer_syntax, scan, err);
    close(fd);
    const char *sop_class = scan->sop_class[0] != '\0' ? scan->sop_class : scan->meta_sop_class;
    (void)snprintf(context->sop_class, DX_UID_MAX, "%s", sop_class);
    return status;
}

/* DX_OK and *answer 0: stored. */
static enum dx_status send_file(const char *path, uint16_t *answer, struct dx_scan *scan,
                                struct dx_error *err)
{
    struct dx_scu_params params;
    struct dx_scu_context context;
    struct dx_scu *scu;
    char comment[65];

    enum dx_status status = scan_path(path, &context, scan, err);
    if (status != DX_OK)
        return status;
    if (context.sop_class[0] == '\0')
        return dx_fail(err, DX_MALFORMED, "no SOP Class UID");
    dx_scu_params_default(&params);
    (void)snprintf(params.calling, sizeof params.calling, "CORPUS");
    (void)snprintf(params.called, sizeof params.called, "CERVIGATE");
    params.host = "127.0.0.1";
    params.port = server.port;
    status = dx_scu_open(&params, &context, 1, &scu, err);
    if (status != DX_OK)
        return status;
    status = dx_scu_store(scu, path, answer, comment, err);
    if (status == DX_OK && *answer != 0)
        (void)dx_fail(err, DX_REFUSED, "%s", comment);
    dx_scu_close(scu);
    return status;
}

static void corpus_over_the_wire(void **state)
{
    char path[1024];
    int stored = 0, others = 0;
    (void)state;

    FILE *files = popen("find " CERVIGATE_SHARED_DIR "/corpus/ -type f ! -name '*.raw' "
                        "! -name '*.tsv' | LC_ALL=C sort",
                        "r");
    assert_non_null(files);
    while (fgets(path, sizeof path, files) != NULL) {
        struct dx_error err = {0};
        struct dx_scan scan;
        char line[200];
        uint16_t answer = 0xffff;
        path[strcspn(path, "\n")] = '\0';
        enum dx_status status = send_file(path, &answer, &scan, &err);
        if (status != DX_OK || answer != 0) {
            others++;
            print_message("not stored: %s: %s %04x %s\n", path, dx_status_text(status), answer,
                          err.text);
            continue;
        }
        stored++;
        (void)snprintf(line, sizeof line, "stored %s %s",
                       scan.sop_instance[0] != '\0' ? scan.sop_instance : scan.meta_sop_instance,
                       scan.digest);
        assert_true(net_server_count(&server, line, 1) >= 1);
    }
    (void)pclose(files);
    print_message("%d stored, %d not\n", stored, others);
    assert_true(stored >= 320);
    assert_int_equal(net_server_is_alive(&server), 1);
}

/* The sessions that AFLNet's DICOM subject starts from. */
static void seeds_of_others(void **state)
{
    static const char *const names[] = {"echo", "find", "get", "store"};
    static uint8_t bytes[1u << 20];
    char path[256];
    (void)state;

    for (int i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof path, CERVIGATE_SHARED_DIR "/corpus/pdu-seeds/dicom_%s.raw",
                       names[i]);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        size_t count = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        int fd = peer_connect(server.port);
        (void)peer_send(fd, bytes, count);
        close(fd);
    }
    assert_int_equal(net_server_is_alive(&server), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(corpus_over_the_wire),
                                       cmocka_unit_test(seeds_of_others)};
    struct dx_scp_params params;
    struct dx_error err;

    if (access(CERVIGATE_SHARED_DIR "/corpus", R_OK) != 0) {
        (void)puts("skipped: no shared data");
        return 77;
    }
    dx_scp_params_default(&params);
    if (dx_init(NULL, NULL, &err) != DX_OK || net_server_start(&server, &params, 0) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    net_server_stop(&server);
    return failed;
}
