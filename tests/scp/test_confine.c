/* Every role's confinement against every deed: a process enters it as the node's process would,
 * parents' layers first, and tries. One row a deed, one column a role. */
#include "confine.h"
#include "object.h"
#include "scp_fixture.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

enum { OBJECT_CHILD = CONFINE_ROLES, COLUMNS };
enum { NOBODY = -1, SCRATCH = 40, NEWEST = 99 };

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
                                     [CONFINE_ADMIN] = NOBODY,
                                     [CONFINE_ADMIN_PEER] = NOBODY,
                                     [OBJECT_CHILD] = CONFINE_ZYGOTE};

struct place {
    struct fixture *fixture;
    struct conf_peer peer;
    struct conf_destination to;
    char model[128], incoming[160], object[160], outside[128];
    int listener, other, library;
    uint16_t port, other_port;
};
static struct place place;

/* ---- the deeds: 0 done, or errno ---- */

static int opens(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int opens_in_spool(const char *name, int flags)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", place.fixture->spool, name);
    return opens(path, flags);
}

static int code(long result)
{
    return result < 0 ? errno : 0;
}

#define MAKE (O_WRONLY | O_CREAT | O_EXCL)
static int read_passwd(void)
{
    return opens("/etc/passwd", O_RDONLY);
}
static int read_store(void)
{
    return opens_in_spool("jobs.sqlite", O_RDONLY);
}
static int write_store(void)
{
    return opens_in_spool("jobs.sqlite", O_RDWR);
}
static int make_incoming(void)
{
    return opens_in_spool("incoming/new", MAKE);
}
static int read_object(void)
{
    return opens(place.object, O_RDONLY);
}
static int write_object(void)
{
    return opens(place.object, O_WRONLY);
}
static int remove_object(void)
{
    return code(unlink(place.object));
}
static int keep_object(void)
{
    char to[200];
    snprintf(to, sizeof to, "%s/objects/ab/new.dcm", place.fixture->spool);
    return code(renameat2(AT_FDCWD, place.incoming, AT_FDCWD, to, RENAME_NOREPLACE));
}
static int sync_objects(void)
{
    return opens_in_spool("objects/ab", O_RDONLY | O_DIRECTORY);
}
static int make_result(void)
{
    return opens_in_spool("results/new.dcm", MAKE);
}
static int read_result(void)
{
    return opens_in_spool("results/old.dcm", O_RDONLY);
}
static int make_run(void)
{
    return opens_in_spool("run/new", MAKE);
}
static int make_quarantine(void)
{
    return opens_in_spool("quarantine/new.txt", MAKE);
}
static int read_quarantine(void)
{
    return opens_in_spool("quarantine/old.dcm", O_RDONLY);
}
static int make_folder(void)
{
    char path[200];
    snprintf(path, sizeof path, "%s/new", place.fixture->spool);
    return code(mkdir(path, 0700));
}
static int read_model(void)
{
    return opens(place.model, O_RDONLY);
}
static int make_outside(void)
{
    return opens(place.outside, MAKE);
}
static int read_library(void)
{
    return opens("/usr/share/fonts", O_RDONLY | O_DIRECTORY);
}

static int connects(uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd < 0 ? errno : code(connect(fd, (struct sockaddr *)&to, sizeof to));
}
static int connect_peer(void)
{
    return connects(place.port);
}
static int connect_other(void)
{
    return connects(place.other_port);
}
static int listens(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0)
        return errno;
    return code(listen(fd, 1));
}
static int listen_taken(void)
{
    return code(listen(place.other, 128));
}
static int accepts(void)
{
    return accept4(place.listener, NULL, NULL, SOCK_CLOEXEC) < 0 && errno != EAGAIN ? errno : 0;
}
static int netlink(void)
{
    return code(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
}
static int packet(void)
{
    return code(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
}
static int unix_socket(void)
{
    return code(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int executes(void)
{
    char *const arguments[] = {(char *)"sh", (char *)"-c", (char *)"exit 0", NULL};
    return code(execv("/bin/sh", arguments));
}
static int executes_descriptor(void)
{
    char *const arguments[] = {(char *)"x", NULL};
    return code(syscall(SYS_execveat, place.library, "", arguments, arguments + 1, AT_EMPTY_PATH));
}
static int forks(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid < 0 ? errno : code(waitpid(pid, NULL, 0));
}
static int forks_raw(void)
{
    uint64_t arguments[8] = {0};
    long pid = syscall(SYS_clone3, arguments, sizeof arguments);
    if (pid == 0)
        _exit(0);
    return code(pid);
}
static void *nothing(void *context)
{
    return context;
}
static int threads(void)
{
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, nothing, NULL);
    return failed != 0 ? failed : pthread_join(thread, NULL);
}
static int new_namespace(void)
{
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0)
        _exit(0);
    return code(pid);
}
static int signal_parent(void)
{
    return code(kill(getppid(), SIGWINCH));
}
static int signal_itself(void)
{
    return code(kill(getpid(), SIGWINCH));
}
static int signal_child(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        pause();
        _exit(1);
    }
    if (pid < 0 || kill(pid, SIGKILL) != 0)
        return errno;
    return code(waitpid(pid, NULL, 0));
}
static int hold_parent(void)
{
    return code(syscall(SYS_pidfd_open, getppid(), 0));
}
static int queue_parent(void)
{
    return code(sigqueue(getppid(), SIGWINCH, (union sigval){.sival_int = 1}));
}

static int traces(void)
{
    return code(ptrace(PTRACE_SEIZE, getppid(), NULL, NULL)); /* NOLINT */
}
static int reads_parent(void)
{
    char byte;
    struct iovec here = {.iov_base = &byte, .iov_len = 1},
                 there = {.iov_base = &place, .iov_len = 1};
    return code(syscall(SYS_process_vm_readv, getppid(), &here, 1, &there, 1, 0));
}
static int mounts(void)
{
    return code(syscall(SYS_mount, "none", place.fixture->folder, "tmpfs", 0, NULL));
}
static int loads_bpf(void)
{
    return code(syscall(SYS_bpf, 0, NULL, 0));
}
static int asks_keys(void)
{
    return code(syscall(SYS_keyctl, 0, -3, 1, 0, 0));
}
static int counts_events(void)
{
    return code(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
}
static int handles_faults(void)
{
    return code(syscall(SYS_userfaultfd, 0));
}
static int queues_io(void)
{
    return code(syscall(SYS_io_uring_setup, 0, NULL));
}
static int sets_clock(void)
{
    return code(syscall(SYS_clock_settime, 0, NULL));
}
static int becomes_other(void)
{
    return code(syscall(SYS_setuid, 12345));
}
static int makes_device(void)
{
    return code(syscall(SYS_mknodat, AT_FDCWD, place.outside, S_IFIFO | 0600, 0));
}
static int loads_module(void)
{
    return code(syscall(SYS_init_module, NULL, 0, ""));
}
static int unshares(void)
{
    return code(syscall(SYS_unshare, 0));
}

static int maps_writable_code(void)
{
    void *at =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? errno : 0;
}
static int makes_code(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? errno : code(mprotect(at, 4096, PROT_READ | PROT_EXEC));
}
static int maps_library(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, place.library, 0);
    return at == MAP_FAILED ? errno : 0;
}
static int takes_descriptors(void)
{
    for (int i = 0; i < 300; i++)
        if (dup(place.library) < 0)
            return errno;
    return 0;
}
static int takes_memory(void)
{
    void *at =
        mmap(NULL, (size_t)9 << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? errno : 0;
}
static int types_for_user(void)
{
    return ioctl(place.library, TIOCSTI, "x") != 0 && errno != ENOTTY ? errno : 0;
}
static int computes(void)
{
    void *bytes = malloc(1 << 20);
    struct timespec now;
    bool good = bytes && clock_gettime(CLOCK_MONOTONIC, &now) == 0 && write(SCRATCH, "x", 1) == 1 &&
                lseek(SCRATCH, 0, SEEK_SET) == 0;
    free(bytes);
    return good ? 0 : errno;
}

/* y done; n refused; k killed by SIGSYS (refused under a sanitizer); digits: refused where Landlock
 * has that version, else done; L: as 2 under a sanitizer, which has no list of calls, else n.
 * Columns: Supervisor Receive Association reFuser Committer aNalyze Zygote Deliver senDer cOnsole,
 * admin, admin-Peer, object child. */
static const struct deed {
    const char *name;
    int (*does)(void);
    const char *expected;
    bool plain; /* not under a sanitizer */
} deeds[] = {
    /*                                     SRAFCNZDDOAPX */
    {"compute", computes, /*            */ "yyyyyyyyyyyyy", false},
    {"read /etc/passwd", read_passwd, /**/ "y22n22n222yyk", false},
    {"read /usr", read_library, /*      */ "yyynyynyyyyyk", false},
    {"read the job store", read_store, /**/ "yy2nyynyyyyyk", false},
    {"write the job store", write_store, "yy2nyyny2yyyk", false},
    {"receive a file", make_incoming, "yyynyyny2yyyk", false},
    {"read an object", read_object, "yy2nyynyyyyyk", false},
    {"change an object", write_object, "yy2nyyny2yyyk", false},
    {"remove an object", remove_object, "yy2nyyny2yyyk", false},
    {"keep a received object", keep_object, "yyynyyny2yyyk", false},
    {"open a folder to sync it", sync_objects, "yyynyynyyyyyk", false},
    {"make a result", make_result, "yy2nyyny2yyyk", false},
    {"read a result", read_result, "yy2nyynyyyyyk", false},
    {"make a file of the run", make_run, "yy2nyynyyyyyk", false},
    {"quarantine", make_quarantine, "yyynyyny2yyyk", false},
    {"read the quarantine", read_quarantine, "yy2nyynyyyyyk", false},
    {"make a folder", make_folder, "y2Ln2yn2L2yyk", false},
    {"read a model", read_model, "y22n2yn222yyk", false},
    {"write outside the spool", make_outside, "222n22n222yyk", false},
    {"connect to the destination", connect_peer, "ynnnnnnyynnyk", false},
    {"connect to another port", connect_other, "ynnnnnn44nnyk", false},
    {"listen", listens, "ynnnnnnnnnnyk", false},
    {"listen on a socket it has", listen_taken, "ynnnnnnnnnnyk", false},
    {"accept", accepts, "yynnnnnnnynyk", false},
    {"a netlink socket", netlink, "nnnnnnnnnnnnk", false},
    {"a packet socket", packet, "nnnnnnnnnnnnk", false},
    {"a unix socket", unix_socket, "ynnnnnnyynnyk", false},
    {"run a program", executes, "kkkkkkkkkkkkk", true},
    {"run a program by descriptor", executes_descriptor, "kkkkkkkkkkkkk", true},
    {"fork", forks, "yynnnnyynnyyk", false},
    {"fork past the filter", forks_raw, "nnnnnnnnnnnnk", false},
    {"make a thread", threads, "yynnnyyynnyyk", false},
    {"make a namespace", new_namespace, "nnnnnnnnnnnnk", false},
    {"signal another process", signal_parent, "66nnnn66nn66k", false},
    {"queue a signal to another", queue_parent, "66nnnn66nn66k", false},
    {"signal itself", signal_itself, "yyyyyyyyyyyyk", false},
    {"end a child", signal_child, "yynnnnyynnyyk", false},
    {"hold another process", hold_parent, "yynnnnyynnyyk", false},
    {"debug another process", traces, "kkkkkkkkkkkkk", true},
    {"read another's memory", reads_parent, "kkkkkkkkkkkkk", false},
    {"mount", mounts, "kkkkkkkkkkkkk", false},
    {"bpf", loads_bpf, "kkkkkkkkkkkkk", false},
    {"keys", asks_keys, "kkkkkkkkkkkkk", false},
    {"perf", counts_events, "kkkkkkkkkkkkk", false},
    {"userfaultfd", handles_faults, "kkkkkkkkkkkkk", false},
    {"io_uring", queues_io, "kkkkkkkkkkkkk", false},
    {"set the clock", sets_clock, "kkkkkkkkkkkkk", false},
    {"become another user", becomes_other, "kkkkkkkkkkkkk", false},
    {"make a device", makes_device, "kkkkkkkkkkkkk", false},
    {"load a module", loads_module, "kkkkkkkkkkkkk", false},
    {"unshare", unshares, "kkkkkkkkkkkkk", false},
    {"memory to write and run", maps_writable_code, "kkkkkkkkkkkkk", false},
    {"run what was written", makes_code, "kkkkkkkkkkkkk", false},
    {"load a library", maps_library, "ynnnnnnyynyyk", false},
    {"300 descriptors", takes_descriptors, "yynnynnynnyyk", false},
    {"9 GiB of addresses", takes_memory, "ynnnnyynnnyyn", true},
    {"type into a terminal", types_for_user, "nnnnnnnnnnnnk", false},
};
enum { DEEDS = sizeof deeds / sizeof deeds[0] };

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
                   column == CONFINE_SENDER ? &place.to : NULL);
}

static void clean(void)
{
    static const char *const made[] = {"incoming/new",    "objects/ab/new.dcm",
                                       "results/new.dcm", "quarantine/new.txt",
                                       "run/new",         "new"};
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
                       (deed->does == threads && failed == EAGAIN);
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
        for (size_t i = 0; i < DEEDS; i++) {
            bool depends = strchr("ynk", deeds[i].expected[column]) == NULL;
            if ((SANITIZED && deeds[i].plain) || (most != NEWEST && !depends))
                continue;
            int got = attempt(column, &deeds[i]), want = wanted(deeds[i].expected[column], version);
            tried++;
            if (got == want)
                continue;
            wrong++;
            print_error("%s: %s: %d instead of %d\n",
                        column == OBJECT_CHILD ? "object child"
                                               : confine_role_name((enum confine_role)column),
                        deeds[i].name, got, want);
        }
    }
    assert_int_equal(unsetenv("CERVIGATE_LANDLOCK_MOST"), 0);
    print_message("Landlock %d: %d deeds tried\n", version, tried);
    assert_int_equal(wrong, 0);
}

static void test_here(void **state)
{
    (void)state;
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

/* A destination with a name may read what a name service needs; still nothing is written. */
static int write_hosts(void)
{
    return opens("/etc/hosts", O_WRONLY);
}
static int read_hosts(void)
{
    return opens("/etc/hosts", O_RDONLY);
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
    place.peer.host = "127.0.0.1";
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
    snprintf(place.incoming, sizeof place.incoming, "%s/incoming/1-old", spool);
    snprintf(place.object, sizeof place.object, "%s/objects/ab/old.dcm", spool);
    fixture_write(place.model, "model");
    static const char *const files[] = {"jobs.sqlite", "results/old.dcm", "quarantine/old.dcm"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", spool, files[i]);
        fixture_write(path, "bytes");
    }
    for (int role = 0; role < CONFINE_ROLES; role++)
        assert_true(confine_prepare((enum confine_role)role));
    place.listener = listening(&place.port);
    place.other = listening(&place.other_port);
    place.library = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    FILE *scratch = tmpfile();
    assert_true(scratch && dup2(fileno(scratch), SCRATCH) == SCRATCH);
    fclose(scratch);
    place.peer = (struct conf_peer){.name = "p", .host = "127.0.0.1", .port = place.port};
    place.to = (struct conf_destination){.peer = &place.peer};
    place.fixture->conf.destinations = &place.to;
    place.fixture->conf.destination_count = 1;
    place.fixture->conf.models[0] = place.fixture->conf.model = place.model;
    place.fixture->conf.model_count = 1;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_here), cmocka_unit_test(test_older),
                                       cmocka_unit_test(test_marks), cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, setup, fixture_teardown);
}
