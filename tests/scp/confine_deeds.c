/* The deeds: 0 done, or errno. */
#include "confine_deeds.h"
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

struct place place;

int deed_opens(const char *path, int flags)
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
    return deed_opens(path, flags);
}

static int code(long result)
{
    return result < 0 ? errno : 0;
}

#define MAKE (O_WRONLY | O_CREAT | O_EXCL)
static int read_passwd(void)
{
    return deed_opens("/etc/passwd", O_RDONLY);
}
static int read_key(void)
{
    return deed_opens(place.key, O_RDONLY);
}
static int write_key(void)
{
    return deed_opens(place.key, O_RDWR);
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
    return deed_opens(place.object, O_RDONLY);
}
static int write_object(void)
{
    return deed_opens(place.object, O_WRONLY);
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
static int read_audit(void)
{
    return opens_in_spool("audit/1.log", O_RDONLY);
}
static int write_audit(void)
{
    return opens_in_spool("audit/1.log", O_WRONLY);
}
static int note_sent(void)
{
    return opens_in_spool("audit/sent/new", MAKE);
}
static int make_folder(void)
{
    char path[200];
    snprintf(path, sizeof path, "%s/new", place.fixture->spool);
    return code(mkdir(path, 0700));
}
static int read_model(void)
{
    return deed_opens(place.model, O_RDONLY);
}
static int make_outside(void)
{
    return deed_opens(place.outside, MAKE);
}
static int read_library(void)
{
    return deed_opens("/usr/share/fonts", O_RDONLY | O_DIRECTORY);
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
static int connect_receiver(void)
{
    return connects(place.news_port);
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
int deed_threads(void)
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

const struct deed deeds[] = {
    /*                                     SRAFCNZDDONCohiqUTAPX */
    {"compute", computes, /*            */ "yyyyyyyyyyyyyyyyyyyyy", false},
    {"read /etc/passwd", read_passwd, /**/ "y22n22n222222n2222yyk", false},
    {"read /usr", read_library, /*      */ "yyynyynyyyyyynyyyyyyk", false},
    {"read the job store", read_store, /**/ "yy2nyynyyyyyyny222yyk", false},
    {"write the job store", write_store, "yy2nyyny2yy2yny222yyk", false},
    {"receive a file", make_incoming, "yyynyyny2yy2yny222yyk", false},
    {"read an object", read_object, "yy2nyynyyyyyyny222yyk", false},
    {"change an object", write_object, "yy2nyyny2yy2yny222yyk", false},
    {"remove an object", remove_object, "yy2nyyny2yy2yny222yyk", false},
    {"keep a received object", keep_object, "yyynyyny2yy2yny222yyk", false},
    {"open a folder to sync it", sync_objects, "yyynyynyyyyyyny222yyk", false},
    {"make a result", make_result, "yy2nyyny2yy2yny222yyk", false},
    {"read a result", read_result, "yy2nyynyyyyyyny222yyk", false},
    {"make a file of the run", make_run, "yy2nyynyyyy2yny222yyk", false},
    {"quarantine", make_quarantine, "yyynyyny2yy2yny222yyk", false},
    {"read the quarantine", read_quarantine, "yy2nyynyyyyyyny222yyk", false},
    {"read the audit log", read_audit, "yy2nyynyyyyyyny2y2yyk", false},
    {"change the audit log", write_audit, "yy2nyyny2yy2yny222yyk", false},
    {"note what was sent of it", note_sent, "yy2nyyny2yy2yny2y2yyk", false},
    {"make a folder", make_folder, "y2Ln2yn2L22L2n2LL2yyk", false},
    {"read a model", read_model, "y22n2yn222222n222yyyk", false},
    {"read a key of <tls>", read_key, /**/ "yy2n22n222222n2222yyk", false},
    {"write a key of <tls>", write_key, "222n22n222222n2222yyk", false},
    {"write outside the spool", make_outside, "222n22n222222n2222yyk", false},
    {"connect to the destination", connect_peer, "ynnnnnnyyn44nn44ynnyk", false},
    {"connect to news' receiver", connect_receiver, "ynnnnnn44nyynnyy4nnyk", false},
    {"connect to another port", connect_other, "ynnnnnn44n44nn444nnyk", false},
    {"listen", listens, "ynnnnnnnnnnnnnnnnnnyk", false},
    {"listen on a socket it has", listen_taken, "ynnnnnnnnnnnnnnnnnnyk", false},
    {"accept", accepts, "yynnnnnnnynnynnnnnnyk", false},
    {"a netlink socket", netlink, "nnnnnnnnnnnnnnnnnnnnk", false},
    {"a packet socket", packet, "nnnnnnnnnnnnnnnnnnnnk", false},
    {"a unix socket", unix_socket, "ynnnnnnyynyynnyyynnyk", false},
    {"run a program", executes, "kkkkkkkkkkkkkkkkkkkkk", true},
    {"run a program by descriptor", executes_descriptor, "kkkkkkkkkkkkkkkkkkkkk", true},
    {"fork", forks, "yynnnnyynnynynynnnyyk", false},
    {"fork past the filter", forks_raw, "nnnnnnnnnnnnnnnnnnnnk", false},
    {"make a thread", deed_threads, "yynnnyyynnynynynnyyyk", false},
    {"make a namespace", new_namespace, "nnnnnnnnnnnnnnnnnnnnk", false},
    {"signal another process", signal_parent, "66nnnn66nn6n6n6nnn66k", false},
    {"queue a signal to another", queue_parent, "66nnnn66nn6n6n6nnn66k", false},
    {"signal itself", signal_itself, "yyyyyyyyyyyyyyyyyyyyk", false},
    {"end a child", signal_child, "yynnnnyynnynynynnnyyk", false},
    {"hold another process", hold_parent, "yynnnnyynnynynynnnyyk", false},
    {"debug another process", traces, "kkkkkkkkkkkkkkkkkkkkk", true},
    {"read another's memory", reads_parent, "kkkkkkkkkkkkkkkkkkkkk", false},
    {"mount", mounts, "kkkkkkkkkkkkkkkkkkkkk", false},
    {"bpf", loads_bpf, "kkkkkkkkkkkkkkkkkkkkk", false},
    {"keys", asks_keys, "kkkkkkkkkkkkkkkkkkkkk", false},
    {"perf", counts_events, "kkkkkkkkkkkkkkkkkkkkk", false},
    {"userfaultfd", handles_faults, "kkkkkkkkkkkkkkkkkkkkk", false},
    {"io_uring", queues_io, "kkkkkkkkkkkkkkkkkkkkk", false},
    {"set the clock", sets_clock, "kkkkkkkkkkkkkkkkkkkkk", false},
    {"become another user", becomes_other, "kkkkkkkkkkkkkkkkkkkkk", false},
    {"make a device", makes_device, "kkkkkkkkkkkkkkkkkkkkk", false},
    {"load a module", loads_module, "kkkkkkkkkkkkkkkkkkkkk", false},
    {"unshare", unshares, "kkkkkkkkkkkkkkkkkkkkk", false},
    {"memory to write and run", maps_writable_code, "kkkkkkkkkkkkkkkkkkkkk", false},
    {"run what was written", makes_code, "kkkkkkkkkkkkkkkkkkkkk", false},
    {"load a library", maps_library, "ynnnnnnyynyynnyyynyyk", false},
    {"300 descriptors", takes_descriptors, "yynnynnynnynynynnnyyk", false},
    {"9 GiB of addresses", takes_memory, "ynnnnyynnnnnnnnnnnyyn", true},
    {"type into a terminal", types_for_user, "nnnnnnnnnnnnnnnnnnnnk", false},
};
const size_t deed_count = sizeof deeds / sizeof deeds[0];
