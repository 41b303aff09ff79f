/* How fast phantoms are drawn: lateral ones of every class, as training streams them.
 *
 *   bench_phantom [COUNT]
 *
 * For each side (384, 1024) and number of threads (1, 2): images a second by the clock, and
 * processor seconds an image, which a busy machine disturbs less. COUNT images of 384 (48), a
 * quarter of them of 1024. The aims on two processors: 20 and 4 images a second. */
#include "bench.h"
#include "phantom/phantom.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct work {
    struct nn_phantom_settings settings;
    atomic_int next;
    int count;
    atomic_bool failed;
};

static void *draw(void *argument)
{
    struct work *work = argument;
    int at;

    while ((at = atomic_fetch_add(&work->next, 1)) < work->count) {
        struct nn_plane plane;

        if (nn_phantom_draw(&work->settings, (uint64_t)at, &plane, NULL, NULL, NULL) != NN_OK)
            atomic_store(&work->failed, true);
        nn_plane_finish(&plane);
    }
    return NULL;
}

/* Milliseconds of all this process's threads. */
static double spent(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static bool measure(int side, int threads, int count, double aim)
{
    struct work work = {
        .settings = {.seed = 1, .rows = side, .cols = side, .prevalence = {0.3, 0.4, 0.3}},
        .count = count};
    double began = bench_now(), used = spent(), took;
    pthread_t other;
    bool joined = threads == 2 && pthread_create(&other, NULL, draw, &work) == 0;

    draw(&work);
    if (joined)
        pthread_join(other, NULL);
    took = bench_now() - began;
    used = spent() - used;
    printf("%5d %7d %6d %9.2f %12.1f", side, threads, count, 1e3 * count / took, used / count);
    if (threads == 2)
        printf(" %5.0f", aim);
    printf("\n");
    fflush(stdout);
    return !atomic_load(&work.failed) && (threads == 1 || joined);
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 48;
    bool fine = true;

    if (count < 4 || argc > 2) {
        fprintf(stderr, "usage: bench_phantom [COUNT >= 4]\n");
        return 64;
    }
    printf("%5s %7s %6s %9s %12s %5s\n", "side", "threads", "images", "a second", "CPU ms each",
           "aim");
    for (int threads = 1; threads <= 2; threads++) {
        fine = measure(384, threads, count, 20) && fine;
        fine = measure(1024, threads, count / 4, 4) && fine;
    }
    return fine ? 0 : 70;
}
