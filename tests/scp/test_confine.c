/* Every role's confinement against every deed: a process enters it as the node's process would,
 * parents' layers first, and tries. One row a deed, one column a role. */
#include "confine_deeds.h"
#include "object.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { OBJECT_CHILD = CONFINE_ROLES, COLUMNS };
enum { NOBODY = -1, NEWEST = 99 };

/* Who forked whom. */
static const int parents[COLUMNS] = {[CONFINE_SUPERVISOR] = NOBODY,
                                     [CONFINE_RECEIVE] = CONFINE_SUPERVISOR,
                                     [CONFINE_ASSOCIATION] = CONFINE_RECEIVE,
                                     [CONFINE_REFUSER] = CONFINE_RECEIVE,
                                     [CONFINE_COMMITTER] = CONFINE_RECEIVE,
                                     [CONFINE_ANALYZE] = CONFINE_SUPERVISOR,
                                     [CONFINE_ZYGOTE] = CONFINE_SUPERVISOR,
                                     [CONFINE_DELIVER] = CONFINE_SUPERVISOR,
                                     [CONFINE_SENDER] = CONFINE_DELIVER,
                                     [CONFINE_CONSOLE] = CONFINE_SUPERVISOR,
                                     [CONFINE_ANNOUNCE] = CONFINE_SUPERVISOR,
                                     [CONFINE_CRIER] = CONFINE_ANNOUNCE,
                                     [CONFINE_ORDERS] = CONFINE_SUPERVISOR,
                                     [CONFINE_HEARER] = CONFINE_ORDERS,
                                     [CONFINE_INQUIRE] = CONFINE_SUPERVISOR,
                                     [CONFINE_INQUIRER] = CONFINE_INQUIRE,
                                     [CONFINE_AUDIT] = CONFINE_SUPERVISOR,
                                     [CONFINE_TRIAL] = CONFINE_SUPERVISOR,
                                     [CONFINE_ADMIN] = NOBODY,
                                     [CONFINE_ADMIN_PEER] = NOBODY,
                                     [OBJECT_CHILD] = CONFINE_ZYGOTE};

/* ---- trying them ---- */

static bool enter(int column)
{
    static const struct object_limits limits = {
        .dx = {.frame_pixels = 1 << 20, .frame_bytes = 1 << 20},
        .memory_bytes = 1ull << 30,
        .cpu_seconds = 5,
        .wall_seconds = 10};
    if (column == NOBODY)
        return true;
    if (!enter(parents[column]))
        return false;
    if (column == OBJECT_CHILD)
        return object_confine(&limits);
    return confine((enum confine_role)column, &place.fixture->conf,
                   column == CONFINE_SENDER || column == CONFINE_AUDIT ? &place.to : NULL);
}

static void clean(void)
{
    static const char *const made[] = {"incoming/new",
                                       "objects/ab/new.dcm",
                                       "results/new.dcm",
                                       "quarantine/new.txt",
                                       "run/new",
                                       "audit/sent/new",
                                       "new"};
    char path[200];
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        snprintf(path, sizeof path, "%s/%s", place.fixture->spool, made[i]);
        (void)remove(path);
    }
    (void)unlink(place.outside);
    fixture_write(place.incoming, "bytes");
    fixture_write(place.object, "bytes");
}

enum { DONE, REFUSED, KILLED, STRANGE };

static int attempt(int column, const struct deed *deed)
{
    clean();
    for (int fd; (fd = accept4(place.listener, NULL, NULL, SOCK_CLOEXEC)) >= 0;)
        close(fd);
    for (int fd; (fd = accept4(place.receiver, NULL, NULL, SOCK_CLOEXEC)) >= 0;)
        close(fd);
    for (int fd; (fd = accept4(place.other, NULL, NULL, SOCK_CLOEXEC)) >= 0;)
        close(fd);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!enter(column))
            _exit(100);
        int failed = deed->does();
        bool refused = failed == EPERM || failed == EACCES || failed == ENOSYS ||
                       failed == EMFILE || failed == ENOMEM || failed == EXDEV ||
                       (deed->does == deed_threads && failed == EAGAIN);
        _exit(failed == 0 ? 0 : refused ? 1 : failed > 1 ? failed : 99);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGSYS ? KILLED : STRANGE + WTERMSIG(status);
    int code_ = WEXITSTATUS(status);
    return code_ == 0 ? DONE : code_ == 1 ? REFUSED : STRANGE + 100 + code_;
}

static int wanted(char expected, int version)
{
    switch (expected) {
    case 'y':
        return DONE;
    case 'n':
        return REFUSED;
    case 'k':
        return SANITIZED ? REFUSED : KILLED;
    case 'L':
        return !SANITIZED || version >= 2 ? REFUSED : DONE;
    default:
        return version >= expected - '0' ? REFUSED : DONE;
    }
}

static void try_all(int most)
{
    char number[8];
    int wrong = 0, tried = 0;
    snprintf(number, sizeof number, "%d", most);
    assert_int_equal(setenv("CERVIGATE_LANDLOCK_MOST", number, 1), 0);
    int version = confine_landlock();
    for (int column = 0; column < COLUMNS; column++) {
        if (column == OBJECT_CHILD && SANITIZED)
            continue;
        for (size_t i = 0; i < deed_count; i++) {
            bool depends = strchr("ynk", deeds[i].expected[column]) == NULL;
            if ((SANITIZED && deeds[i].plain) || (most != NEWEST && !depends))
                continue;
            int got = attempt(column, &deeds[i]), want = wanted(deeds[i].expected[column], version);
            tried++;
            if (got == want)
                continue;
            wrong++;
            print_error("column %d (the roles of confine.h, then the object child): %s: %d instead "
                        "of %d\n",
                        column, deeds[i].name, got, want);
        }
    }
    assert_int_equal(unsetenv("CERVIGATE_LANDLOCK_MOST"), 0);
    print_message("Landlock %d: %d deeds tried\n", version, tried);
    assert_int_equal(wrong, 0);
}

static void test_here(void **state)
{
    (void)state;
    if (confine_landlock() == 0)
        print_message("skipped: this kernel has no Landlock: what it refuses was not tried\n");
    if (SANITIZED)
        print_message("skipped: sanitizers: the object child, and deeds that they do themselves\n");
    try_all(NEWEST);
}

/* Older kernels: what their Landlock lacks is not there. */
static void test_older(void **state)
{
    (void)state;
    static const int versions[] = {0, 2, 4};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        try_all(versions[i]);
}

static void read_proc(pid_t pid, const char *name, char text[8192])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    size_t count = 0;
    ssize_t n;
    while ((n = read(fd, text + count, 8191 - count)) > 0)
        count += (size_t)n;
    text[count] = 0;
    close(fd);
}

static uint64_t field(const char *text, const char *name, int base)
{
    const char *at = strstr(text, name);
    assert_non_null(at);
    return strtoull(at + strlen(name), NULL, base);
}

/* What the kernel says of a process in each role. */
static void test_marks(void **state)
{
    (void)state;
    for (int role = 0; role < CONFINE_ROLES; role++) {
        char text[8192], byte;
        int told[2], hold[2];
        assert_int_equal(pipe2(told, O_CLOEXEC), 0);
        assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
        pid_t pid = fork();
        if (pid == 0) {
            close(hold[1]);
            byte = enter(role) ? 'y' : 'n';
            if (write(told[1], &byte, 1) == 1)
                _exit(read(hold[0], &byte, 1) < 0);
            _exit(1);
        }
        assert_int_equal(read(told[0], &byte, 1), 1);
        assert_int_equal(byte, 'y');
        read_proc(pid, "status", text);
        assert_int_equal(field(text, "NoNewPrivs:", 10), 1);
        assert_int_equal(field(text, "Seccomp:", 10), 2);
        if (role != CONFINE_ADMIN && role != CONFINE_ADMIN_PEER)
            assert_int_equal(field(text, "CapPrm:", 16) & ~(role == 0 ? 1ull << 10 : 0), 0);
        read_proc(pid, "limits", text);
        assert_int_equal(field(text, "Max core file size", 10), 0);
        for (int i = 0; i < 2; i++) {
            close(told[i]);
            close(hold[1 - i]);
        }
        assert_int_equal(waitpid(pid, NULL, 0), pid);
    }
}

/* Who makes a handshake may read its key, and nobody else: a listener, or a caller. */
static int read_key(void)
{
    return deed_opens(place.key, O_RDONLY);
}
static int write_key(void)
{
    return deed_opens(place.key, O_WRONLY);
}
static void test_keys(void **state)
{
    (void)state;
    const struct deed reads = {.name = "read", .does = read_key};
    const struct deed writes = {.name = "write", .does = write_key};
    struct conf_tls *tls = &place.fixture->conf.tls;
    bool has = confine_landlock() > 0;
    assert_int_equal(attempt(CONFINE_DELIVER, &reads), has ? REFUSED : DONE);
    place.peer.tls = true;
    assert_int_equal(attempt(CONFINE_DELIVER, &reads), DONE);
    assert_int_equal(attempt(CONFINE_SENDER, &reads), DONE);
    assert_int_equal(attempt(CONFINE_CRIER, &reads), has ? REFUSED : DONE);
    if (has)
        assert_int_equal(attempt(CONFINE_SENDER, &writes), REFUSED);
    place.peer.tls = false;
    assert_int_equal(attempt(CONFINE_INQUIRER, &reads), has ? REFUSED : DONE);
    place.manager.tls = true;
    assert_int_equal(attempt(CONFINE_CRIER, &reads), DONE);
    assert_int_equal(attempt(CONFINE_INQUIRER, &reads), DONE);
    assert_int_equal(attempt(CONFINE_SENDER, &reads), has ? REFUSED : DONE);
    if (has)
        for (int i = 0; i < 2; i++)
            assert_int_equal(attempt(i == 0 ? CONFINE_CRIER : CONFINE_INQUIRER, &writes), REFUSED);
    place.manager.tls = false;
    assert_int_equal(attempt(CONFINE_SENDER, &reads), has ? REFUSED : DONE);
    tls->listen = false;
    assert_int_equal(attempt(CONFINE_RECEIVE, &reads), has ? REFUSED : DONE);
    tls->listen = true;
    assert_int_equal(attempt(CONFINE_RECEIVE, &reads), DONE);
}

/* A password is for who calls with it. */
static int read_password(void)
{
    return deed_opens(place.password, O_RDONLY);
}
static void test_passwords(void **state)
{
    (void)state;
    const struct deed reads = {.name = "read", .does = read_password};
    int refused = confine_landlock() > 0 ? REFUSED : DONE;
    assert_int_equal(attempt(CONFINE_SENDER, &reads), refused);
    place.peer.password = place.password;
    assert_int_equal(attempt(CONFINE_SENDER, &reads), DONE);
    assert_int_equal(attempt(CONFINE_ANNOUNCE, &reads), refused);
    assert_int_equal(attempt(CONFINE_CRIER, &reads), refused);
    place.peer.password = NULL;
    place.news.secret = place.password;
    assert_int_equal(attempt(CONFINE_CRIER, &reads), DONE);
    assert_int_equal(attempt(CONFINE_SENDER, &reads), refused);
    place.news.secret = NULL;
}

/* A destination with a name may read what a name service needs; still nothing is written. */
static int write_hosts(void)
{
    return deed_opens("/etc/hosts", O_WRONLY);
}
static int read_hosts(void)
{
    return deed_opens("/etc/hosts", O_RDONLY);
}
static void test_names(void **state)
{
    (void)state;
    const struct deed reads = {.name = "read", .does = read_hosts};
    const struct deed writes = {.name = "write", .does = write_hosts};
    bool has = confine_landlock() > 0;
    assert_int_equal(attempt(CONFINE_SENDER, &reads), has ? REFUSED : DONE);
    place.peer.host = "pacs.example.org";
    assert_int_equal(attempt(CONFINE_SENDER, &reads), DONE);
    if (has)
        assert_int_equal(attempt(CONFINE_SENDER, &writes), REFUSED);
    assert_int_equal(attempt(CONFINE_CONSOLE, &reads), has ? REFUSED : DONE);
    assert_int_equal(attempt(CONFINE_CRIER, &reads), has ? REFUSED : DONE);
    assert_int_equal(attempt(CONFINE_INQUIRER, &reads), has ? REFUSED : DONE);
    place.peer.host = "127.0.0.1";
    place.manager.host = "ris.example.org";
    assert_int_equal(attempt(CONFINE_CRIER, &reads), DONE);
    assert_int_equal(attempt(CONFINE_INQUIRER, &reads), DONE);
    assert_int_equal(attempt(CONFINE_SENDER, &reads), has ? REFUSED : DONE);
    place.manager.host = "127.0.0.1";
}

/* ---- the place ---- */

static int listening(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 128), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static int setup(void **state)
{
    char path[200];
    int failed = fixture_setup(state);
    if (failed != 0)
        return failed;
    place.fixture = *state;
    const char *spool = place.fixture->spool, *folder = place.fixture->folder;
    snprintf(place.model, sizeof place.model, "%s/model", folder);
    snprintf(place.outside, sizeof place.outside, "%s/outside", folder);
    snprintf(place.key, sizeof place.key, "%s/tls", folder);
    assert_int_equal(mkdir(place.key, 0700), 0);
    snprintf(place.key, sizeof place.key, "%s/tls/key", folder);
    snprintf(place.incoming, sizeof place.incoming, "%s/incoming/1-old", spool);
    snprintf(place.object, sizeof place.object, "%s/objects/ab/old.dcm", spool);
    fixture_write(place.model, "model");
    fixture_write(place.key, "key");
    snprintf(place.password, sizeof place.password, "%s/secrets", folder);
    assert_int_equal(mkdir(place.password, 0700), 0);
    snprintf(place.password, sizeof place.password, "%s/secrets/password", folder);
    fixture_write(place.password, "password");
    place.fixture->conf.tls = (struct conf_tls){.listen = true, .key = place.key};
    static const char *const files[] = {"jobs.sqlite", "results/old.dcm", "quarantine/old.dcm",
                                        "audit/1.log"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", spool, files[i]);
        fixture_write(path, "bytes");
    }
    for (int role = 0; role < CONFINE_ROLES; role++)
        assert_true(confine_prepare((enum confine_role)role));
    place.listener = listening(&place.port);
    place.receiver = listening(&place.news_port);
    place.other = listening(&place.other_port);
    place.library = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    FILE *scratch = tmpfile();
    assert_true(scratch && dup2(fileno(scratch), SCRATCH) == SCRATCH);
    fclose(scratch);
    place.peer = (struct conf_peer){.name = "p", .host = "127.0.0.1", .port = place.port};
    place.to = (struct conf_destination){.peer = &place.peer};
    place.manager = (struct conf_peer){.name = "m", .host = "127.0.0.1", .port = place.news_port};
    place.news = (struct conf_announcement){.way = CONF_UPS, .name = "u", .peer = &place.manager};
    place.fixture->conf.announcements = &place.news;
    place.fixture->conf.announcement_count = 1;
    place.fixture->conf.order_query.peer = &place.manager;
    place.fixture->conf.destinations = &place.to;
    place.fixture->conf.destination_count = 1;
    place.fixture->conf.models[0] = place.fixture->conf.model = place.model;
    place.fixture->conf.model_count = 1;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_here),  cmocka_unit_test(test_older),
        cmocka_unit_test(test_marks), cmocka_unit_test(test_names),
        cmocka_unit_test(test_keys),  cmocka_unit_test(test_passwords)};
    return cmocka_run_group_tests(tests, setup, fixture_teardown);
}
