/* The group commit: many processes ask at once, each is answered, each record is there once. */
#include "audit_reader.h"
#include "committer.h"
#include "log.h"
#include "scp_fixture.h"
#include "seen.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PROCESSES 20
#define EACH      25

struct running {
    struct node node;
    pid_t pid;
    int control;
};

static const struct fixture *spool; /* of the running committer */

static struct running start(const struct fixture *f)
{
    int pair[2];
    spool = f;
    struct running r = {.node = {.conf = &f->conf, .wake_analyze = eventfd(0, EFD_NONBLOCK)}};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    r.pid = fork();
    if (r.pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test must not leave it to ctest */
        close(pair[0]);
        _exit(committer_run(&r.node, pair[1]));
    }
    close(pair[1]);
    r.control = pair[0];
    return r;
}

static int finish(struct running *r)
{
    int status = 0;
    close(r->control);
    assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
    close(r->node.wake_analyze);
    return status;
}

static int attach(const struct running *r, const char *association)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_true(committer_attach(r->control, pair[1], association));
    close(pair[1]);
    return pair[0];
}

/* The file that a row will point to. */
static void put_object(const char *digest)
{
    char path[256];
    snprintf(path, sizeof path, "%s/objects/%.2s/%s.dcm", spool->spool, digest, digest);
    fixture_write(path, "DICM");
}

static bool ask(int fd, int sop, int digest, struct commit_answer *answer)
{
    struct commit_request request = {.kind = COMMIT_INSTANCE};
    request.instance = fixture_instance(sop, digest, 1, "what the child says");
    put_object(request.instance.digest);
    return committer_ask(fd, &request, answer);
}

static void process(int fd, int number)
{
    struct commit_answer answer;
    for (int i = 0; i < EACH; i++)
        if (!ask(fd, number * 1000 + i, number * 1000 + i, &answer) || answer.status != STORE_OK ||
            answer.identity != STORE_NEW || answer.id <= 0)
            _exit(1);
    _exit(0);
}

static void twenty_processes_at_once(void **state)
{
    const struct fixture *f = *state;
    struct running r = start(f);
    for (int p = 0; p < PROCESSES; p++) {
        char name[24];
        snprintf(name, sizeof name, "assoc-%d", p);
        int fd = attach(&r, name);
        if (fork() == 0) {
            close(r.control);
            process(fd, p);
        }
        close(fd);
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status = 0;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    uint64_t wakes = 0;
    assert_int_equal(read(r.node.wake_analyze, &wakes, sizeof wakes), sizeof wakes);
    assert_true(wakes >= 1 && wakes <= PROCESSES * EACH + PROCESSES);
    assert_int_equal(finish(&r), 0);

    struct store *store = fixture_open(f);
    struct store_counts counts;
    FIXTURE_OK(store_counts(store, &counts));
    assert_int_equal(counts.instances[INSTANCE_RECEIVED], PROCESSES * EACH);
    assert_int_equal(counts.duplicates, 0);
    store_close(store);
}

static void the_same_object_at_once_is_one(void **state)
{
    const struct fixture *f = *state;
    struct running r = start(f);
    int fd[PROCESSES];
    struct commit_answer answer;
    for (int p = 0; p < PROCESSES; p++)
        fd[p] = attach(&r, "a");
    struct commit_request request = {.kind = COMMIT_INSTANCE};
    request.instance = fixture_instance(1, 1, 1, "a");
    put_object(request.instance.digest);
    for (int p = 0; p < PROCESSES; p++)
        assert_int_equal(send(fd[p], &request, sizeof request, 0), sizeof request);
    int fresh = 0;
    for (int p = 0; p < PROCESSES; p++) {
        assert_int_equal(recv(fd[p], &answer, sizeof answer, 0), sizeof answer);
        assert_int_equal(answer.status, STORE_OK);
        fresh += answer.identity == STORE_NEW;
    }
    assert_int_equal(fresh, 1);
    assert_true(ask(fd[0], 1, 2, &answer));
    assert_int_equal(answer.identity, STORE_RIVAL);
    for (int p = 0; p < PROCESSES; p++)
        close(fd[p]);
    assert_int_equal(finish(&r), 0);
}

/* What a child says of itself is not believed: association, path, time, length of its texts. */
static void a_lying_child(void **state)
{
    const struct fixture *f = *state;
    struct running r = start(f);
    struct commit_answer answer;
    struct commit_request request = {.kind = COMMIT_INSTANCE};
    int fd = attach(&r, "true-name");
    request.instance = fixture_instance(1, 1, 1, "false-name");
    snprintf(request.instance.path, sizeof request.instance.path, "../../etc/passwd");
    memset(request.instance.calling, 'x', sizeof request.instance.calling);
    memset(request.instance.sop_class, '1', sizeof request.instance.sop_class);
    put_object(request.instance.digest);
    assert_true(committer_ask(fd, &request, &answer));
    assert_int_equal(answer.status, STORE_OK);

    struct store *store = fixture_open(f);
    struct instance kept;
    FIXTURE_OK(store_get_instance(store, answer.id, &kept));
    assert_string_equal(kept.association, "true-name");
    assert_int_equal(strncmp(kept.path, "objects/00/", 11), 0);
    assert_int_equal(strlen(kept.calling), sizeof kept.calling - 1);
    sqlite3 *db = NULL; /* what was written, not what is read */
    sqlite3_stmt *row = NULL;
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT length(sop_class),length(calling) FROM instance",
                                        -1, &row, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(row, 0), sizeof kept.sop_class - 1);
    assert_int_equal(sqlite3_column_int(row, 1), sizeof kept.calling - 1);
    sqlite3_finalize(row);
    sqlite3_close(db);
    assert_true(kept.received_ms > 1000000);
    store_close(store);

    request.instance.digest[0] = '/';
    assert_false(committer_ask(fd, &request, &answer)); /* its line is cut */
    close(fd);
    fd = attach(&r, "short");
    assert_int_equal(send(fd, "x", 1, 0), 1);
    assert_int_equal(recv(fd, &answer, sizeof answer, 0), 0);
    close(fd);
    assert_int_equal(finish(&r), 0);
}

/* Retention removed the file between its rename and the row: nothing may be answered stored. */
static void an_object_whose_file_went_is_not_stored(void **state)
{
    struct running r = start(*state);
    struct commit_answer answer;
    struct commit_request request = {.kind = COMMIT_INSTANCE};
    request.instance = fixture_instance(1, 1, 1, "a");
    int fd = attach(&r, "a");
    assert_true(committer_ask(fd, &request, &answer));
    assert_int_not_equal(answer.status, STORE_OK);
    put_object(request.instance.digest); /* its sender tries again */
    assert_true(committer_ask(fd, &request, &answer));
    assert_int_equal(answer.status, STORE_OK);
    assert_int_equal(answer.identity, STORE_NEW);
    close(fd);
    assert_int_equal(finish(&r), 0);
}

/* Stored bytes that are not their digest's give way to none that are not either, whatever is named.
 */
static void a_damaged_object_is_not_replaced_by_other_bytes(void **state)
{
    const struct fixture *f = *state;
    struct running r = start(f);
    static const char *const offered[] = {"1-0a", "1-0b", "../node-id"};
    struct commit_answer answer;
    struct commit_request request = {.kind = COMMIT_INSTANCE};
    char path[256], bytes[8];
    request.instance = fixture_instance(1, 1, 1, "a");
    put_object(request.instance.digest);
    snprintf(path, sizeof path, "%s/incoming/1-0a", f->spool);
    fixture_write(path, "other bytes");

    int fd = attach(&r, "a");
    for (size_t i = 0; i < sizeof offered / sizeof *offered; i++) {
        snprintf(request.again, sizeof request.again, "%s", offered[i]);
        assert_true(committer_ask(fd, &request, &answer));
        assert_int_not_equal(answer.status, STORE_OK);
    }
    close(fd);
    assert_int_equal(finish(&r), 0);

    snprintf(path, sizeof path, "%s/objects/%.2s/%s.dcm", f->spool, request.instance.digest,
             request.instance.digest);
    int file = open(path, O_RDONLY);
    assert_int_equal(read(file, bytes, sizeof bytes), 4);
    assert_memory_equal(bytes, "DICM", 4);
    close(file);
}

static bool stop_at_first(void *context, const struct study *study)
{
    (void)study;
    ++*(int *)context;
    return false;
}

static int count_due(struct store *store)
{
    int count = 0;
    FIXTURE_OK(store_studies_due(store, stop_at_first, &count));
    return count;
}

/* The association is open until its socket ends, and an earlier life's until the next start. */
static void ends_are_recorded(void **state)
{
    const struct fixture *f = *state;
    struct running r = start(f);
    struct commit_answer answer;
    int fd = attach(&r, "a");
    assert_true(ask(fd, 1, 1, &answer));
    struct store *store = fixture_open(f);
    struct judgement judgement = {.state = INSTANCE_JUDGED};
    FIXTURE_OK(store_judge(store, answer.id, &judgement));
    assert_int_equal(count_due(store), 0);
    kill(r.pid, SIGKILL);
    finish(&r);
    assert_false(ask(fd, 2, 2, &answer)); /* nothing may be called stored now */
    close(fd);
    assert_int_equal(count_due(store), 0);

    r = start(f);
    fd = attach(&r, "b");
    assert_true(ask(fd, 3, 3, &answer));
    FIXTURE_OK(store_judge(store, answer.id, &judgement));
    assert_int_equal(count_due(store), 0);
    close(fd);
    for (int i = 0; i < 500 && count_due(store) == 0; i++)
        usleep(10000);
    assert_int_equal(count_due(store), 1);
    store_close(store);
    assert_int_equal(finish(&r), 0);
}

static void refusals_are_counted(void **state)
{
    const struct fixture *f = *state;
    struct running r = start(f);
    const struct commit_request request = {.kind = COMMIT_REFUSED};
    struct commit_answer answer;
    int fd = attach(&r, "a");
    assert_true(committer_ask(fd, &request, &answer));
    assert_int_equal(answer.status, STORE_OK);
    close(fd);
    assert_int_equal(finish(&r), 0);
    struct store *store = fixture_open(f);
    struct store_counts counts;
    FIXTURE_OK(store_counts(store, &counts));
    assert_int_equal(counts.refused, 1);
    store_close(store);
}

/* A store that cannot be opened is an answer, not an end; when it can, all goes on. */
static void a_broken_store_is_temporary(void **state)
{
    const struct fixture *f = *state;
    char aside[256];
    fixture_write(f->database, "this is no database, and it is longer than a header of one is: "
                               "SQLite looks at a hundred bytes before it believes anything.");
    struct running r = start(f);
    struct commit_answer answer;
    int fd = attach(&r, "a");
    assert_true(ask(fd, 1, 1, &answer));
    assert_int_not_equal(answer.status, STORE_OK);
    snprintf(aside, sizeof aside, "%s.aside", f->database);
    assert_int_equal(rename(f->database, aside), 0);
    assert_true(ask(fd, 1, 1, &answer));
    assert_int_equal(answer.status, STORE_OK);
    close(fd);
    assert_int_equal(finish(&r), 0);
}

/* Ends that another program's lock puts off are no failure: nobody waits for them. */
static void a_lock_puts_ends_off(void **state)
{
    const struct fixture *f = *state;
    char path[160], text[4096];
    sqlite3 *other = NULL;
    struct commit_answer answer;
    snprintf(path, sizeof path, "%s/log", f->folder);
    int before = dup(STDERR_FILENO), log = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(dup2(log, STDERR_FILENO), STDERR_FILENO);
    log_init("committer", LOG_AT_DEBUG, false);
    struct running r = start(f);
    assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
    int fd = attach(&r, "a");
    assert_true(ask(fd, 1, 1, &answer));
    assert_int_equal(answer.status, STORE_OK);

    assert_int_equal(sqlite3_open(f->database, &other), SQLITE_OK);
    sqlite3_busy_timeout(other, 5000);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    close(fd);
    for (int i = 0; i < 500; i++) {
        ssize_t n = pread(log, text, sizeof text - 1, 0);
        assert_true(n >= 0);
        text[n] = '\0';
        if (strstr(text, "commit-put-off group=0") != NULL || strstr(text, "commit-failed") != NULL)
            break;
        usleep(10000);
    }
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    assert_int_equal(finish(&r), 0); /* when the end is recorded */
    close(before);
    close(log);
    assert_non_null(strstr(text, "commit-put-off"));
    assert_null(strstr(text, "commit-failed"));
}

static size_t told(const struct fixture *f, const char *code, const char *text)
{
    struct audit_reader *reader = audit_reader_open(&f->conf, NULL);
    struct audit_record r;
    size_t found = 0;
    while (reader != NULL && audit_reader_next(reader, &r) == AUDIT_READ_RECORD)
        found += memmem(r.message, r.message_bytes, code, strlen(code)) != NULL &&
                 memmem(r.message, r.message_bytes, text, strlen(text)) != NULL;
    audit_reader_close(reader);
    return found;
}

/* It died with what it received in the job store and not yet in the audit log: the next one tells
 * it, and no more than that. */
static void what_died_untold_is_told(void **state)
{
    const struct fixture *f = *state;
    const struct dx_scan scan = {.patient_id = "PAT-7"};
    struct commit_request request = {.kind = COMMIT_INSTANCE};
    struct commit_answer answer;
    assert_int_equal(setenv("CERVIGATE_CRASH", "commit-unwoken:3", 1), 0);
    struct running r = start(f);
    assert_int_equal(unsetenv("CERVIGATE_CRASH"), 0);
    int fd = attach(&r, "before"), other = attach(&r, "whole");
    assert_true(ask(other, 1, 1, &answer));
    close(other);
    for (int i = 0; i < 500 && told(f, "\"110104\"", "\"1.2.4.1\"") == 0; i++)
        usleep(10000);
    request.instance = fixture_instance(2, 2, 2, "before");
    seen_keep(&request.instance, &scan);
    put_object(request.instance.digest);
    assert_true(committer_ask(fd, &request, &answer));
    assert_int_equal(answer.status, STORE_OK);
    close(fd);
    (void)finish(&r);
    assert_int_equal(told(f, "\"110102\"", "\"1.2.4.2\""), 0);

    r = start(f);
    for (int i = 0; i < 500 && told(f, "\"110104\"", "\"1.2.4.2\"") == 0; i++)
        usleep(10000);
    assert_int_equal(finish(&r), 0);
    static const char *const codes[] = {"\"110102\"", "\"110104\""};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(told(f, codes[i], "PAT-7"), 1);
        assert_int_equal(told(f, codes[i], "the process that received it died"), 1);
        assert_int_equal(told(f, codes[i], "\"1.2.4.1\""), 1);
    }
}

static int count_open(const struct fixture *f)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    assert_int_equal(sqlite3_open(f->database, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT COUNT(*) FROM open_association", -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    int count = sqlite3_column_int(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return count;
}

/* The first commit fails (the disk is full), and with it the end of what an earlier life left open:
 * it is entered once there is room, or its studies would never be done. */
static void an_end_that_was_not_kept_is_entered_again(void **state)
{
    const struct fixture *f = *state;
    struct rlimit before, little;
    enum store_identity identity;
    struct store *store = fixture_open(f);
    struct instance in = fixture_instance(1, 1, 1, "earlier");
    FIXTURE_OK(store_add_instance(store, &in, &identity));
    for (int i = 0; i < 40; i++) /* the log of changes is longer than the limit */
        FIXTURE_OK(store_count(store, "refused"));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    little = (struct rlimit){.rlim_cur = 65536, .rlim_max = before.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    struct running r = start(f);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    usleep(300000);
    assert_int_equal(count_open(f), 1);
    assert_int_equal(prlimit(r.pid, RLIMIT_FSIZE, &before, NULL), 0);
    for (int i = 0; i < 500 && count_open(f) > 0; i++)
        usleep(10000);
    assert_int_equal(count_open(f), 0);
    assert_int_equal(finish(&r), 0);
    store_close(store);
}

/* What comes after a question has failed is an answer to nothing. */
static void a_late_answer_is_nobodys(void **state)
{
    const struct fixture *f = *state;
    int pair[2];
    spool = f;
    const struct commit_answer late = {.status = STORE_OK, .id = 7};
    struct commit_answer answer;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(send(pair[1], "x", 1, 0), 1);
    assert_int_equal(send(pair[1], &late, sizeof late, 0), sizeof late);
    assert_false(ask(pair[0], 1, 1, &answer));
    assert_false(ask(pair[0], 2, 2, &answer));
    close(pair[0]);
    close(pair[1]);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(twenty_processes_at_once),
        T(the_same_object_at_once_is_one),
        T(a_lying_child),
        T(an_object_whose_file_went_is_not_stored),
        T(a_damaged_object_is_not_replaced_by_other_bytes),
        T(ends_are_recorded),
        T(a_late_answer_is_nobodys),
        T(refusals_are_counted),
        T(a_broken_store_is_temporary),
        T(a_lock_puts_ends_off),
        T(what_died_untold_is_told),
        T(an_end_that_was_not_kept_is_entered_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
