/* Named crash points: where a fault test makes a process die, from the first day.
 *
 * Receiving (listener, association, committer):
 *   receive-accepted                a connection is accepted, nobody has it
 *   receive-forked                  its process runs, the listener has not counted it
 *   assoc-requested                 the association is asked for, not answered
 *   receive-created                 the object's file is in incoming/, empty
 *   receive-before-fsync            the object's bytes are complete, not yet synced
 *   receive-after-fsync             synced, still in incoming/
 *   receive-after-rename            in objects/, its directory not yet synced
 *   receive-after-dirsync           the file is durable; the store knows nothing
 *   again-before-rename             committer: a damaged object came again, synced, in incoming/
 *   again-after-rename              it took the damaged one's place, its directory not yet synced
 *   commit-cleared                  committer: earlier associations ended, not committed
 *   commit-before                   committer: records read, transaction open
 *   commit-after                    committer: committed, nobody told
 *   commit-unwoken                  committer: associations told, analyze not woken
 *   store-answered                  the store's answer is here, the peer has none
 *   quarantine-reason               refused: the reason is written, the bytes still in incoming/
 *   quarantine-renamed              refused: both there, their directory not yet synced
 *   refuse-uncounted                refused and kept, not counted, the peer has no answer
 *
 * Analysis (analyze, zygote, object child):
 *   analyze-counted                 the attempt is counted, not begun
 *   zygote-asked                    zygote: an object is handed over, its child not forked
 *   object-begun                    object child: nothing parsed, not confined yet
 *   analyze-after-picture           an image's picture is in results/, its judgement nowhere
 *   analyze-before-judge            the judgement is made, the store was not told
 *   analyze-judged                  the judgement is stored, nobody was told
 *   report-due                      the study is complete, nothing of its report is written
 *   result-written                  a result's file is whole, under its temporary name
 *   result-renamed                  it has its name, its directory not yet synced
 *   report-after-files              the report is in results/, the store knows nothing of it
 *   report-after-commit             report and deliveries are stored, deliver was not woken
 *   reject-after-file               a rejection note is in results/, the store knows nothing of it
 *   reject-after-commit             it is stored with its delivery
 *   request-unanswered              what a person asked for is done, not answered
 *
 * Delivery (deliver, sender):
 *   deliver-chosen                  a batch is read from the store, not handed to the sender
 *   sender-unassociated             the sender has it, no association
 *   deliver-sent-unanswered         the peer has the object, its answer is not with the parent
 *   sender-between                  the parent has the answer, the next object is not sent
 *   commitment-asked                the peer was asked to commit, what it said is not entered
 *   deliver-answered-unjournalled   the peer's answer is known, the store was not told
 *   deliver-journalled              the store was told
 *
 * The reading worklist (analyze, announce, crier):
 *   placed                          a study's place is entered with its news, nobody was woken
 *   announce-chosen                 news is read from the store, not handed to the crier
 *   crier-asked                     the crier has it, nothing is sent
 *   crier-told                      the receiver has it, the parent does not know
 *   announce-answered               the parent knows, the store was not told
 *
 * The reading worklist for those who ask (desk):
 *   desk-uncommitted                an item's state may change, the store was not told
 *   desk-committed                  it was told, the performer was not
 *   desk-unwoken                    it is in the audit log, too, analyze was not woken
 *
 * The site's orders (orders, hearer):
 *   orders-heard                    hearer: the message is read, the role does not know
 *   orders-taken                    the role has its orders, the store was not told
 *   orders-entered                  they are stored, nobody was told
 *   patient-corrected               images and results have a patient's new data, analyze: not done
 *   orders-answered                 hearer: the store's answer is here, the caller has none
 *
 * Asking a worklist for orders (inquire, inquirer):
 *   inquirer-asked                  the inquirer has the question, nobody was called
 *   inquirer-answered               the peer has answered, the role does not know
 *   inquiry-taken                   the role has its orders, the store was not told
 *   inquiry-entered                 they are stored, it is not noted that it was asked
 *
 * The supervisor:
 *   start-locked                    the spool is ours, nothing is looked at
 *   migrate-uncommitted             the schema is brought up to date, its transaction open
 *   start-stored                    the store is whole and of our version
 *   start-role                      a role is forked, the supervisor does not know its number
 *   reload-looked                   in the child that looks at a new configuration: it is good
 *   reload-loaded                   a new configuration is in force, no role has it
 *   reload-told                     in the child that tells the audit log of it: it is told
 *   reload-overlapped               two of one role run, the older is not asked to leave
 *   stop-asked                      SIGTERM is passed on
 *   whole-written                   a small file (run/node, mode, node-id) under its temporary name
 *   whole-renamed                   it has its name, its directory not yet synced
 *
 * Retention, forgetting, copies:
 *   retention-given-up              rows gave up their files, which are there
 *   retention-removed               a file is gone, the list still has it
 *   forget-scrubbed                 a patient's rows are scrubbed, the files there
 *   forget-removed                  the files are gone, the request still names the patient
 *   forget-drafted                  the request is scrubbed, too, the old log not emptied
 *   backup-written                  a backup is whole, under its temporary name
 *   restore-marked                  the spool is marked, what was there is there
 *   restore-emptied                 what was there is gone, what comes lies beside
 *
 * The audit log:
 *   audit-rotated                   a new file is there, empty, nothing in it
 *   audit-written                   records are written, not synced
 *   audit-synced                    synced, the head not noted
 *   audit-told                      noted; a gap that they told is not taken off the count
 *   audit-based                     what goes with time is marked, the file there
 *   audit-sent                      audit role: a record is with the kernel
 *   audit-confirmed                 audit role: the collector confirmed, the cursor is where it was
 *
 * CERVIGATE_CRASH=name[:n] fires at the n-th passing (1) in each process; with
 * CERVIGATE_CRASH_MARK=FILE it fires only in the process that manages to create FILE: once in the
 * node's life.
 *
 * CERVIGATE_CRASH_ARMS=FILE arms points from outside while the node runs: the file is an array of
 * struct arm, mapped at the first point (the supervisor's, so that every process has it, whatever
 * it is forbidden later). A slot fires in the process whose passing counts `left` down to 0. */
#include "node.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARMS 64

struct arm {
    atomic_uchar left; /* passings until it fires; 0: not armed */
    char name[63];
};

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

static struct arm *map_arms(const char *file)
{
    int fd = open(file, O_RDWR | O_CLOEXEC);
    void *arms =
        fd < 0 ? MAP_FAILED
               : mmap(NULL, ARMS * sizeof(struct arm), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        (void)close(fd);
    return arms == MAP_FAILED ? NULL : arms;
}

static bool is_armed(const char *name)
{
    static struct arm *arms;
    static bool looked;
    const char *file = looked ? NULL : getenv("CERVIGATE_CRASH_ARMS");
    looked = true;
    if (file != NULL)
        arms = map_arms(file);
    for (size_t i = 0; arms != NULL && i < ARMS; i++) {
        unsigned char left = atomic_load(&arms[i].left);
        if (left == 0 || strncmp(arms[i].name, name, sizeof arms[i].name) != 0)
            continue;
        while (left > 0 &&
               !atomic_compare_exchange_weak(&arms[i].left, &left, (unsigned char)(left - 1)))
            continue;
        if (left == 1)
            return true;
    }
    return false;
}

static bool is_wanted(const char *name)
{
    static long passed;
    const char *wanted = getenv("CERVIGATE_CRASH");
    if (wanted == NULL)
        return false;

    size_t length = strcspn(wanted, ":");
    if (strlen(name) != length || memcmp(wanted, name, length) != 0)
        return false;
    long at = wanted[length] == ':' ? strtol(wanted + length + 1, NULL, 10) : 1;
    return ++passed == at && first_of_all();
}

void crash_point(const char *name)
{
    if (!is_wanted(name) && !is_armed(name))
        return;
    (void)kill(getpid(), SIGKILL);
    _exit(137); /* a filter may forbid kill */
}
