/* DCMTK's data dictionary when one of its files could not be opened. */
#include "dx_init.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* As after a moment without descriptors or memory: private attributes, and none of the standard. */
static void test_private_attributes_alone_are_no_dictionary(void **state)
{
    char path[] = "/tmp/cervigate-dictionary-XXXXXX";
    struct dx_error err;
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    (void)fprintf(file, "(0009,\"A TEST\",10)\tLO\tSomething\t1\tPrivateTag\n");
    assert_int_equal(fclose(file), 0);
    assert_int_equal(setenv("DCMDICTPATH", path, 1), 0);
    enum dx_status status = dx_init(NULL, NULL, &err);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(status, DX_MISSING);
    assert_non_null(strstr(err.text, "DCMDICTPATH"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_private_attributes_alone_are_no_dictionary)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
