/* The pre-scanner over every file of the shared corpus. */
#include "dx_prescan.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Skipping what is not needed must find what reading everything found. */
static void check_digested(int fd, enum dx_status expected, const struct dx_scan *read,
                           const struct dx_error *why)
{
    struct dx_limits limits;
    struct dx_scan found;
    struct dx_error err = {0};
    char syntax[DX_UID_MAX];
    const char *digest = expected == DX_OK ? read->digest : "unknown";

    dx_limits_default(&limits);
    assert_int_equal(dx_prescan_digested(fd, digest, &limits, syntax, &found, &err), expected);
    if (expected == DX_OK)
        assert_memory_equal(&found, read, sizeof found);
    else
        assert_string_equal(err.text, why->text);
}

static enum dx_status scan_path(const char *path, struct dx_error *err)
{
    struct dx_limits limits;
    struct dx_scan found;
    char syntax[DX_UID_MAX];

    dx_limits_default(&limits);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return DX_MISSING;
    enum dx_status status = dx_prescan_file(fd, &limits, syntax, &found, err);
    check_digested(fd, status, &found, err);
    close(fd);
    return status;
}

/* Is "status TAB path" one of the expectations? */
static bool is_expected(const char *path, const char *status)
{
    char line[1200], wanted[1200];
    bool found = false;

    (void)snprintf(wanted, sizeof wanted, "%s\t%s\n", status, path);
    FILE *list = fopen(CERVIGATE_SOURCE_DIR "/tests/dicom/corpus_prescan.tsv", "r");
    assert_non_null(list);
    while (!found && fgets(line, sizeof line, list) != NULL)
        found = strcmp(line, wanted) == 0;
    fclose(list);
    return found;
}

/* Every file of the corpus: all pass but those that corpus_prescan.tsv names. */
static void corpus(void **state)
{
    char path[1024];
    int passed = 0, refused = 0, surprises = 0;
    (void)state;

    FILE *files = popen("cd " CERVIGATE_SHARED_DIR "/corpus && find . -type f ! -name '*.raw' "
                        "! -name '*.tsv' -printf '%P\\n' | LC_ALL=C sort",
                        "r");
    assert_non_null(files);
    while (fgets(path, sizeof path, files) != NULL) {
        char whole[1400];
        struct dx_error err = {0};
        path[strcspn(path, "\n")] = '\0';
        (void)snprintf(whole, sizeof whole, CERVIGATE_SHARED_DIR "/corpus/%s", path);
        enum dx_status status = scan_path(whole, &err);
        passed += status == DX_OK;
        refused += status != DX_OK;
        if (status == DX_OK)
            continue;
        print_message("refused: %s: %s: %s\n", path, dx_status_text(status), err.text);
        surprises += !is_expected(path, dx_status_text(status));
    }
    (void)pclose(files);
    print_message("%d files pass, %d are refused\n", passed, refused);
    assert_int_equal(surprises, 0);
    assert_true(passed >= 330);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(corpus)};

    if (access(CERVIGATE_SHARED_DIR "/corpus", R_OK) != 0) {
        (void)puts("skipped: no shared data");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
