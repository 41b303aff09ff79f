/* Named crash points: where a fault test makes a process die, from the first day.
 *
 *   receive-before-fsync            the object's bytes are complete, not yet synced
 *   receive-after-fsync             synced, still in incoming/
 *   receive-after-rename            in objects/, its directory not yet synced
 *   receive-after-dirsync           the file is durable; the store knows nothing
 *   commit-before                   committer: records read, transaction open
 *   commit-after                    committer: committed, nobody told
 *   store-answered                  the store's answer is here, the peer has none
 *   analyze-after-picture           an image's picture is in results/, its judgement nowhere
 *   analyze-before-judge            the judgement is made, the store was not told
 *   report-after-files              the report is in results/, the store knows nothing of it
 *   report-after-commit             report and deliveries are stored, deliver was not woken
 *   deliver-sent-unanswered         the peer has the object, its answer is not with the parent
 *   deliver-answered-unjournalled   the peer's answer is known, the store was not told
 *
 * CERVIGATE_CRASH=name[:n] fires at the n-th passing (1) in each process; with
 * CERVIGATE_CRASH_MARK=FILE it fires only in the process that manages to create FILE: once in the
 * node's life. */
#include "node.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool first_of_all(void)
{
    const char *mark = getenv("CERVIGATE_CRASH_MARK");
    if (mark == NULL)
        return true;
    int fd = open(mark, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    (void)close(fd);
    return true;
}

void crash_point(const char *name)
{
    static long passed;
    const char *wanted = getenv("CERVIGATE_CRASH");
    if (wanted == NULL)
        return;

    size_t length = strcspn(wanted, ":");
    if (strlen(name) != length || memcmp(wanted, name, length) != 0)
        return;
    long at = wanted[length] == ':' ? strtol(wanted + length + 1, NULL, 10) : 1;
    if (++passed == at && first_of_all())
        (void)kill(getpid(), SIGKILL);
}
