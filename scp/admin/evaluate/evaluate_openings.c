/* evaluate_openings.c: a record of every test part that was opened, so that a protocol can say
 * whether it came first. One line an opening in $XDG_STATE_HOME/cervigate/openings.csv (or
 * ~/.local/state): time, model digest, test digest, protocol. It is the record of one account on
 * one machine, and says no more. */
#include "clock.h"
#include "csv_table.h"
#include "evaluate.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char header[] = "time,model,test,protocol\n";

static bool make_folder(char *path, size_t from)
{
    for (char *at = path + from;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char kept = *at;
        *at = '\0';
        bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
        *at = kept;
        if (!made || !kept)
            return made;
    }
}

static bool record_path(char path[PATH_MAX], bool create)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int length = state && state[0] == '/'
                     ? snprintf(path, PATH_MAX, "%s/cervigate", state)
                     : snprintf(path, PATH_MAX, "%s/.local/state/cervigate", home ? home : "/tmp");
    if (length < 0 || length + 16 > PATH_MAX || (create && !make_folder(path, 1)))
        return false;
    memcpy(path + length, "/openings.csv", sizeof "/openings.csv");
    return true;
}

void evaluate_openings_count(const char *model_digest, const char *test_digest, const char *before,
                             size_t *count, char first[25])
{
    char path[PATH_MAX];
    struct csv_table table = {0};
    bool more = true;
    *count = 0;
    first[0] = '\0';
    if (!record_path(path, false))
        return;
    enum nn_status status = csv_table_open(&table, path, NULL);
    int time = csv_table_column(&table, "time"), model = csv_table_column(&table, "model"),
        test = csv_table_column(&table, "test");
    while (status == NN_OK && (status = csv_next(&table.csv, &more, NULL)) == NN_OK && more) {
        const char *when = csv_table_cell(&table, time);
        if (strcmp(csv_table_cell(&table, model), model_digest) != 0 ||
            strcmp(csv_table_cell(&table, test), test_digest) != 0 ||
            (before && strcmp(when, before) >= 0))
            continue;
        if (*count == 0 || strcmp(when, first) < 0)
            snprintf(first, 25, "%.24s", when);
        ++*count;
    }
    csv_table_close(&table);
}

bool evaluate_openings_note(const char *model_digest, const char *test_digest, const char *protocol)
{
    char path[PATH_MAX], now[25], line[256];
    struct stat st;
    if (!record_path(path, true))
        return false;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    clock_iso(clock_utc_ms(), now);
    bool fresh = fstat(fd, &st) == 0 && st.st_size == 0;
    int length = snprintf(line, sizeof line, "%s%s,%s,%s,%s\n", fresh ? header : "", now,
                          model_digest, test_digest, protocol);
    bool written = write(fd, line, (size_t)length) == length && fsync(fd) == 0;
    return close(fd) == 0 && written;
}
