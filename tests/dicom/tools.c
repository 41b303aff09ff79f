#include "tools.h"

#include "dx_init.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/dx_result_XXXXXX";

const char *tools_place(const char *name)
{
    static char paths[8][128];
    static size_t next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

int tools_run(const char *const *arguments, char *output, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    close(ends[1]);
    size_t count = 0;
    ssize_t got;
    while ((got = read(ends[0], output + count, size - 1 - count)) > 0)
        count += (size_t)got;
    output[count] = '\0';
    close(ends[0]);
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void tools_valid(const char *path)
{
    static char output[1 << 16];
    const char *const arguments[] = {"dciodvfy", "-new", path, NULL};
    if (tools_run(arguments, output, sizeof output) == 127) {
        print_message("skipped: no dciodvfy\n");
        return;
    }
    char *rest = NULL;
    for (char *line = strtok_r(output, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if ((strstr(line, "Error") || strstr(line, "Warning")) &&
            !strstr(line, "Unrecognized defined term = <99CERVIGATE>"))
            fail_msg("dciodvfy %s: %s", path, line);
}

void tools_prints(const char *const *arguments, const char *expected)
{
    static char output[1 << 18];
    int status = tools_run(arguments, output, sizeof output);
    if (status == 127) {
        print_message("skipped: no %s\n", arguments[0]);
        return;
    }
    if (status != 0 || !strstr(output, expected))
        fail_msg("%s: status %d, no \"%s\" in:\n%s", arguments[0], status, expected, output);
}

/* Its tables put the Accession Number of an SR into another entity than that of an image. */
void tools_agree(const char *const *arguments)
{
    static char output[1 << 16];
    char *rest = NULL;
    if (tools_run(arguments, output, sizeof output) == 127) {
        print_message("skipped: no dcentvfy\n");
        return;
    }
    for (char *line = strtok_r(output, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (!strstr(line, "Different information entities for attribute - Element=<Accession"))
            fail_msg("dcentvfy: %s", line);
}

size_t tools_load(const char *path, char *bytes, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = read(fd, bytes, size);
    close(fd);
    assert_true(got > 0);
    return (size_t)got;
}

int tools_prepare(void **state)
{
    (void)state;
    struct dx_error err;
    return mkdtemp(folder) && dx_init(NULL, NULL, &err) == DX_OK ? 0 : 1;
}

int tools_clear(void **state)
{
    (void)state;
    static char output[4096];
    return tools_run((const char *const[]){"rm", "-rf", folder, NULL}, output, sizeof output);
}
