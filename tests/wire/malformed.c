/* Malformed objects by the million: malformed CORPUS SEED COUNT [FIRST]
 *
 * Each mutation goes where a received object goes: pre-scanner, parser, attributes, two frames,
 * rejection note, under the object child's ceilings. Children of this process take a batch each;
 * what kills one or takes longer than 10 s is written down, and the next one goes on behind it.
 * Prints what became of each strategy; exits 1 when anything died or hung.
 *
 *   malformed CORPUS SEED emit NUMBER FILE    writes the one as a Part 10 file
 *   malformed CORPUS SEED send COUNT FIRST PORT [LEDGER]    sends them to a node [malformed_send]
 */
#include "malformed.h"

#include "command.h"
#include "dx_init.h"
#include "dx_object.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CORPUS_MOST  (48u << 10) /* bytes of an object: more inputs, not longer ones */
#define BATCH        2000
#define HANG_SECONDS 10
#define MEMORY       (1u << 30)
#define STATUSES     (DX_INTERNAL + 1)

enum stage { PRESCAN, PARSE, ATTRIBUTES, IMAGE, STAGES };
static const char *const stage_names[STAGES] = {"pre-scan", "parse", "attributes", "image"};

/* Shared with the children. */
struct record {
    uint64_t now; /* the mutation that is being judged */
    unsigned strategy;
    uint64_t count[STRATEGIES][STAGES][STATUSES];
    uint64_t slowest_us, slowest;
};
static struct record *record;
static uint64_t deaths, hangs;

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool put(int fd, const void *bytes, size_t count)
{
    return count == 0 || write(fd, bytes, count) == (ssize_t)count;
}

bool malformed_write(int fd, const struct mutation *mutation)
{
    uint8_t head[DX_PART10_MAX];
    struct dx_command command = {.field = DX_C_STORE_RQ};
    memcpy(command.sop_class, mutation->from->sop_class, sizeof command.sop_class);
    memcpy(command.sop_instance, mutation->sop_instance, sizeof command.sop_instance);
    size_t count = dx_part10_header(&command, mutation->transfer_syntax, "MALFORMED", head);
    return put(fd, head, count) && put(fd, mutation->dataset.at, mutation->dataset.count);
}

/* The furthest that it comes, and what is said there. */
static enum dx_status judge(int fd, const struct dx_limits *limits, enum stage *stage)
{
    struct dx_object *object = NULL;
    struct dx_attrs *attrs = NULL;
    struct dx_rejection note = {.reference_count = 0};
    struct dx_frame frame = {.bytes = NULL};
    struct dx_grey grey = {.pixels = NULL};
    struct dx_error err = {0};
    struct dx_scan scan;
    char syntax[DX_UID_MAX];

    *stage = PRESCAN;
    enum dx_status status = dx_prescan_file(fd, limits, syntax, &scan, &err);
    if (status != DX_OK)
        return status;
    *stage = PARSE;
    status = lseek(fd, 0, SEEK_SET) == 0 ? dx_object_open(fd, limits, &object, &err) : DX_IO;
    if (status != DX_OK)
        return status;
    *stage = ATTRIBUTES;
    status = dx_object_attributes(object, &attrs, &err);
    if (status == DX_OK) {
        *stage = IMAGE;
        status = dx_object_grey(object, 0, &grey, &err);
        dx_grey_finish(&grey);
        if (dx_object_frame(object, 1, &frame, &err) == DX_OK)
            dx_frame_finish(&frame);
        if (dx_object_rejection(object, &note, &err) == DX_OK)
            dx_rejection_finish(&note);
    }
    dx_attrs_destroy(attrs);
    dx_object_close(object);
    return status;
}

static void judge_one(const struct corpus *corpus, uint64_t seed, uint64_t number,
                      const struct dx_limits *limits)
{
    struct mutation mutation;
    enum stage stage;
    mutate(corpus, seed, number, &mutation);
    record->now = number;
    record->strategy = mutation.strategy;
    int fd = memfd_create("object", MFD_CLOEXEC);
    if (fd < 0 || !malformed_write(fd, &mutation) || lseek(fd, 0, SEEK_SET) != 0)
        _exit(3);
    bytes_finish(&mutation.dataset);

    (void)alarm(HANG_SECONDS);
    int64_t begin = now_us();
    enum dx_status status = judge(fd, limits, &stage);
    uint64_t took = (uint64_t)(now_us() - begin);
    (void)alarm(0);
    close(fd);
    record->count[mutation.strategy][stage][status]++;
    if (took > record->slowest_us) {
        record->slowest_us = took;
        record->slowest = number;
    }
}

_Noreturn static void judge_batch(const struct corpus *corpus, uint64_t seed, uint64_t first,
                                  uint64_t end)
{
    const struct rlimit memory = {.rlim_cur = MEMORY, .rlim_max = MEMORY};
    struct dx_limits limits;
    dx_limits_default(&limits);
#ifndef __SANITIZE_ADDRESS__
    if (setrlimit(RLIMIT_AS, &memory) != 0)
        _exit(3);
#else
    (void)memory;
#endif
    for (uint64_t i = first; i < end; i++)
        judge_one(corpus, seed, i, &limits);
    _exit(0);
}

/* One batch; returns the number of the mutation to go on with. */
static uint64_t run_batch(const struct corpus *corpus, uint64_t seed, uint64_t first, uint64_t end)
{
    int status;
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        judge_batch(corpus, seed, first, end);
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        perror("malformed: fork");
        exit(71);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return end;
    bool hung = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
    *(hung ? &hangs : &deaths) += 1;
    printf("%s: seed %llu number %llu (%s), signal %d exit %d\n", hung ? "HANG" : "DEATH",
           (unsigned long long)seed, (unsigned long long)record->now,
           strategy_names[record->strategy], WIFSIGNALED(status) ? WTERMSIG(status) : 0,
           WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    return record->now + 1;
}

static void print_table(void)
{
    uint64_t all = 0;
    for (unsigned s = 0; s < STRATEGIES; s++) {
        uint64_t sum = 0;
        for (unsigned i = 0; i < STAGES * STATUSES; i++)
            sum += record->count[s][i / STATUSES][i % STATUSES];
        all += sum;
        printf("%-20s %8llu ", strategy_names[s], (unsigned long long)sum);
        for (unsigned g = 0; g < STAGES; g++)
            for (unsigned i = 0; i < STATUSES; i++)
                if (record->count[s][g][i] > 0)
                    printf(" %s/%s=%llu", stage_names[g], dx_status_text((enum dx_status)i),
                           (unsigned long long)record->count[s][g][i]);
        putchar('\n');
    }
    printf("outcomes recorded: %llu; slowest %.1f ms (number %llu)\n", (unsigned long long)all,
           (double)record->slowest_us / 1000, (unsigned long long)record->slowest);
}

static int run(const struct corpus *corpus, uint64_t seed, uint64_t count, uint64_t first)
{
    uint64_t at = first, end = first + count;
    int64_t begin = now_us();
    record = mmap(NULL, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (record == MAP_FAILED)
        return 71;
    while (at < end)
        at = run_batch(corpus, seed, at, at + BATCH < end ? at + BATCH : end);
    print_table();
    printf("seed %llu, %llu mutations of %zu objects from number %llu: %llu deaths, %llu hangs, "
           "%.0f s\n",
           (unsigned long long)seed, (unsigned long long)count, corpus->count,
           (unsigned long long)first, (unsigned long long)deaths, (unsigned long long)hangs,
           (double)(now_us() - begin) / 1e6);
    return deaths + hangs > 0 ? 1 : 0;
}

static int emit(const struct corpus *corpus, uint64_t seed, uint64_t number, const char *path)
{
    struct mutation mutation;
    mutate(corpus, seed, number, &mutation);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool well = fd >= 0 && malformed_write(fd, &mutation) && close(fd) == 0;
    printf("%s of %s, transfer syntax %s\n", strategy_names[mutation.strategy], mutation.from->name,
           mutation.transfer_syntax);
    bytes_finish(&mutation.dataset);
    return well ? 0 : 73;
}

int main(int argc, char **argv)
{
    struct corpus corpus;
    struct dx_error err;
    int status = 64;
    if (argc < 4) {
        (void)fputs("usage: malformed CORPUS SEED COUNT [FIRST]\n"
                    "       malformed CORPUS SEED emit NUMBER FILE\n"
                    "       malformed CORPUS SEED send COUNT FIRST PORT [LEDGER]\n",
                    stderr);
        return 64;
    }
    if (!corpus_read(&corpus, argv[1], CORPUS_MOST)) {
        (void)fprintf(stderr, "malformed: %s: no DICOM object\n", argv[1]);
        return 66;
    }
    uint64_t seed = strtoull(argv[2], NULL, 10);
    if (dx_init(NULL, NULL, &err) != DX_OK)
        status = 70;
    else if (strcmp(argv[3], "emit") == 0 && argc == 6)
        status = emit(&corpus, seed, strtoull(argv[4], NULL, 10), argv[5]);
    else if (strcmp(argv[3], "send") == 0 && (argc == 7 || argc == 8))
        status =
            malformed_send(&corpus, seed, strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10),
                           (uint16_t)atoi(argv[6]), argc == 8 ? argv[7] : NULL);
    else
        status = run(&corpus, seed, strtoull(argv[3], NULL, 10),
                     argc > 4 ? strtoull(argv[4], NULL, 10) : 0);
    corpus_finish(&corpus);
    return status;
}
