/* bench.c: `cervigate bench`: what a radiograph costs this machine; docs/sizing.md makes a node of
 * it. */
#include "admin.h"
#include "command.h"
#include "nn_kernel_set.h"
#include "option.h"
#include "phantom/phantom.h"
#include "predict.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define BENCH_ROWS         2494 /* of a usual radiograph; 2 bytes a pixel */
#define BENCH_COLUMNS      2048
#define BENCH_DRAWN        256 /* sides of the phantom that is enlarged to it */
#define BENCH_OBJECT_BYTES ((size_t)BENCH_ROWS * BENCH_COLUMNS * 2)
#define BENCH_RECORD_BYTES 4096
#define BENCH_LEAST        5    /* rounds of each, however long they take */
#define BENCH_MOST         1000 /* however short */

static const char usage[] =
    "usage: cervigate bench [--folder DIR] [--model DIR] [--seconds N] [--json]\n"
    "\n"
    "What a radiograph of 2048 x 2494 pixels costs this machine, as medians: the network with its\n"
    "gate, the saliency of a finding, and its bytes made durable (written, synced, renamed, the\n"
    "folder synced). Nothing of a running node is asked or changed. What a site needs:\n"
    "docs/sizing.md.\n"
    "\n"
    "  --folder DIR  where the disk is tried: on the file system of the spool (.)\n"
    "  --model DIR   the model folder (CERVIGATE_MODEL, else the model that comes with it)\n"
    "  --seconds N   for each figure, 0.1 to 600 (3)\n"
    "  --json        one JSON object\n"
    "\n"
    "Exit status: 0 done; 64 usage; 65 a model folder is wrong; 66 it is missing;\n"
    "70 the network failed; 73 DIR cannot be written.\n";

struct bench {
    const char *folder, *model;
    double seconds;
    bool json;
    struct nn_plane plane;
    struct nn_model *loaded;
    struct nn_pool *pool;
    struct nn_judge *judge;
    float *map;  /* (side, side) */
    void *bytes; /* BENCH_OBJECT_BYTES */
    size_t size; /* of them, of the file that is written now */
    char error[512];
};

/* One round of what is measured; 0, or an exit status with a sentence in b->error. */
typedef int (*round_fn)(struct bench *b);

static double now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The first round, with cold caches, does not count. */
static int median(struct bench *b, round_fn once, double *ms, int *rounds)
{
    double took[BENCH_MOST], end = now_ms() + b->seconds * 1e3;
    int n = 0, status = once(b);
    while (status == 0 && n < BENCH_MOST && (n < BENCH_LEAST || now_ms() < end)) {
        double begin = now_ms();
        status = once(b);
        took[n++] = now_ms() - begin;
    }
    qsort(took, (size_t)n, sizeof *took, compare);
    *ms = n > 0 ? took[n / 2] : 0;
    *rounds = n;
    return status;
}

static int judge(struct bench *b)
{
    struct nn_error err = {0};
    struct nn_verdict verdict;
    struct nn_judgement scores;
    if (nn_judge_gate(b->judge, b->plane.pixels, BENCH_ROWS, BENCH_COLUMNS, &verdict, &err) ==
            NN_OK &&
        nn_judge_plane(b->judge, b->plane.pixels, BENCH_ROWS, BENCH_COLUMNS, &scores, &err) ==
            NN_OK)
        return 0;
    snprintf(b->error, sizeof b->error, "network: %s", err.text);
    return EX_SOFTWARE;
}

static int explain(struct bench *b)
{
    struct nn_error err = {0};
    if (nn_judge_saliency_absolute(b->judge, 0, b->map, NULL, &err) == NN_OK)
        return 0;
    snprintf(b->error, sizeof b->error, "saliency: %s", err.text);
    return EX_SOFTWARE;
}

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n <= 0)
            return false;
        bytes += n;
        size -= (size_t)n;
    }
    return true;
}

/* As spool_keep_object does it, in a folder that is no spool. */
static int keep(struct bench *b)
{
    char name[64], kept[80];
    snprintf(name, sizeof name, ".cervigate-bench-%ld", (long)getpid());
    snprintf(kept, sizeof kept, "%s.kept", name);
    int folder = open(b->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = folder < 0 ? -1 : openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool done = fd >= 0 && write_all(fd, b->bytes, b->size) && fsync(fd) == 0 &&
                renameat(folder, name, folder, kept) == 0 && fsync(folder) == 0;
    if (!done)
        snprintf(b->error, sizeof b->error, "%s: %s", b->folder, strerror(errno));
    if (fd >= 0) {
        (void)close(fd);
        (void)unlinkat(folder, name, 0);
        (void)unlinkat(folder, kept, 0);
    }
    if (folder >= 0)
        (void)close(folder);
    return done ? 0 : EX_CANTCREAT;
}

/* A phantom, each of its pixels many times: what it shows costs nothing, its size does. */
static bool draw(struct bench *b, struct nn_error *err)
{
    const struct nn_phantom_settings settings = {
        .seed = 1, .rows = BENCH_DRAWN, .cols = BENCH_DRAWN, .prevalence = {0, 1, 0}};
    struct nn_plane small = {0};
    b->plane = (struct nn_plane){BENCH_ROWS, BENCH_COLUMNS, malloc(BENCH_OBJECT_BYTES * 2)};
    bool drawn = b->plane.pixels && nn_phantom_draw(&settings, 0, &small, NULL, NULL, err) == NN_OK;
    for (size_t i = 0; drawn && i < (size_t)BENCH_ROWS * BENCH_COLUMNS; i++) {
        size_t row = i / BENCH_COLUMNS * BENCH_DRAWN / BENCH_ROWS;
        b->plane.pixels[i] =
            small.pixels[row * BENCH_DRAWN + i % BENCH_COLUMNS * BENCH_DRAWN / BENCH_COLUMNS];
    }
    nn_plane_finish(&small);
    return drawn;
}

static int prepare(struct bench *b)
{
    struct nn_error err = {0};
    if (nn_model_open(b->model, &b->loaded, &err) != NN_OK) {
        snprintf(b->error, sizeof b->error, "model %s: %s", b->model, err.text);
        return err.status == NN_MISSING || err.status == NN_IO ? EX_NOINPUT : EX_DATAERR;
    }
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t side = (size_t)nn_model_info(b->loaded)->preprocess.side;
    b->pool = nn_pool_create(processors > 0 ? (int)processors : 1);
    b->map = malloc(side * side * sizeof *b->map);
    b->bytes = calloc(1, BENCH_OBJECT_BYTES);
    if (b->pool && b->map && b->bytes && draw(b, &err) &&
        nn_judge_create(b->loaded, b->pool, &b->judge, &err) == NN_OK) {
        for (size_t i = 0; i < BENCH_OBJECT_BYTES / sizeof(uint32_t); i++) /* nothing to compress */
            ((uint32_t *)b->bytes)[i] = (uint32_t)(i * 2654435761u);
        return 0;
    }
    snprintf(b->error, sizeof b->error, "%s", err.text[0] ? err.text : "out of memory");
    return EX_SOFTWARE;
}

static int measure(struct bench *b)
{
    const struct {
        const char *name, *what;
        round_fn once;
        size_t size;
    } of[] = {{"network_ms", "gate and network of an image", judge, 0},
              {"saliency_ms", "where a finding comes from", explain, 0},
              {"object_ms", "its 10.2 million bytes made durable", keep, BENCH_OBJECT_BYTES},
              {"record_ms", "4096 bytes made durable", keep, BENCH_RECORD_BYTES}};
    int threads = nn_pool_threads(b->pool), status = 0;
    json_t *answer = json_pack("{s:s, s:s, s:i}", "model", nn_model_info(b->loaded)->digest,
                               "kernels", nn_kernel_set(), "threads", threads);
    if (!b->json)
        printf("kernels %s, %d threads\n", nn_kernel_set(), threads);
    for (size_t i = 0; status == 0 && i < sizeof of / sizeof of[0]; i++) {
        double ms = 0;
        int rounds = 0;
        b->size = of[i].size;
        status = median(b, of[i].once, &ms, &rounds);
        (void)json_object_set_new(answer, of[i].name, json_real(ms));
        if (status == 0 && !b->json)
            printf("%-12s %8.1f   %s (median of %d)\n", of[i].name, ms, of[i].what, rounds);
    }
    if (status == 0 && b->json)
        return command_print(answer);
    json_decref(answer);
    return status;
}

static int parse(int argc, char **argv, struct bench *b)
{
    static const struct option options[] = {
        {"folder", required_argument, NULL, 'f'},  {"model", required_argument, NULL, 'm'},
        {"seconds", required_argument, NULL, 's'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return -1;
        }
        if (option == 'f')
            b->folder = optarg;
        else if (option == 'm')
            b->model = optarg;
        else if (option == 'j')
            b->json = true;
        else if (option != 's')
            return command_misused(usage, "an option is not known here");
        else if (!option_real("bench", "seconds", optarg, 0.1, 600, &b->seconds))
            return EX_USAGE;
    }
    return optind < argc ? command_misused(usage, "an argument too many") : 0;
}

int admin_bench(int argc, char **argv)
{
    char path[PATH_MAX];
    struct bench b = {.folder = ".", .model = getenv("CERVIGATE_MODEL"), .seconds = 3};
    int status = parse(argc, argv, &b);
    if (status != 0)
        return status < 0 ? 0 : status;
    if (!b.model)
        b.model = predict_bundled_model(path);
    status = prepare(&b);
    if (status == 0)
        status = measure(&b);
    if (status != 0)
        fprintf(stderr, "cervigate bench: %s\n", b.error);
    nn_judge_destroy(b.judge);
    nn_pool_destroy(b.pool);
    nn_model_close(b.loaded);
    nn_plane_finish(&b.plane);
    free(b.map);
    free(b.bytes);
    return status;
}
