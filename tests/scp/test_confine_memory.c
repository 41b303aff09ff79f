/* Each request for memory fails in turn while a filter of system calls is compiled: it is as it
 * should be, or there is none. libseccomp itself may die of it, or go on for ever: its process dies
 * then. */
#include "confine_row.h"
#include "denied_memory.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { NONE, WHOLE, NOT_DENIED, WRONG, DIED, ENDS };

/* In a child: what comes of it with request n denied. */
static int compile_denied(const struct confine_row *row, const struct sock_fprog *whole, long n)
{
    struct sock_fprog program = {0};
    taken = 0;
    denied = n;
    bool good = confine_compile(row, &program);
    bool was = taken > n;
    if (!good)
        return was ? NONE : WRONG;
    if (program.len != whole->len ||
        memcmp(program.filter, whole->filter, whole->len * sizeof *whole->filter) != 0)
        return WRONG;
    return was ? WHOLE : NOT_DENIED;
}

static int once(const struct confine_row *row, const struct sock_fprog *whole, long n)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)signal(SIGSEGV, SIG_DFL); /* cmocka's would go on as the test */
        _exit(compile_denied(row, whole, n));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : DIED;
}

static void a_filter_is_whole_or_none(void **state)
{
    static const struct confine_row rows[] = {
        {.name = "listed", .may = MAY_OPEN | MAY_CONNECT, .listed = true},
        {.name = "other", .may = MAY_OPEN}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sock_fprog whole;
        int came[ENDS] = {0};
        assert_true(confine_compile(&rows[i], &whole));
        for (long n = 0; came[NOT_DENIED] == 0; n += n < 16 ? 1 : n / 12)
            came[once(&rows[i], &whole, n)]++;
        print_message("%s, %d steps: %d none, %d whole, %d deaths\n", rows[i].name, whole.len,
                      came[NONE], came[WHOLE], came[DIED]);
        assert_int_equal(came[WRONG], 0);
        assert_true(came[NONE] > 5);
        free(whole.filter);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_filter_is_whole_or_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
