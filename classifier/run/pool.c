/* A job is published by a new generation number. Workers spin on it for a moment (a forward pass is
 * some thirty jobs, microseconds apart), then sleep. A worker enters a job under the lock, so that
 * a late one finds it closed; tasks are handed out by an atomic counter. */
#include "nn_run.h"
#include <cblas.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SPINS 20000

struct worker {
    struct nn_pool *pool;
    pthread_t thread;
    int number;
};

struct nn_pool {
    int threads;
    struct worker *workers; /* threads - 1: the caller is number 0 */
    int started;
    pthread_mutex_t lock;
    pthread_cond_t published, left;
    atomic_uint generation;
    atomic_int next;
    atomic_int active; /* workers inside the open job; changed under the lock */
    bool open, quit;
    int count;
    void (*task)(void *context, int i, int thread);
    void *context;
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

static void work(struct nn_pool *pool, int thread)
{
    for (;;) {
        int i = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (i >= pool->count)
            return;
        pool->task(pool->context, i, thread);
    }
}

/* Waits for a generation other than *seen, spinning first; leaves the lock held. */
static void await_job(struct nn_pool *pool, unsigned *seen)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&pool->generation, memory_order_relaxed) != *seen)
            break;
        relax();
    }
    pthread_mutex_lock(&pool->lock);
    while (atomic_load(&pool->generation) == *seen && !pool->quit)
        pthread_cond_wait(&pool->published, &pool->lock);
    *seen = atomic_load(&pool->generation);
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct nn_pool *pool = worker->pool;
    unsigned seen = 0;

    for (;;) {
        await_job(pool, &seen);
        if (pool->quit)
            break;
        if (!pool->open) {
            pthread_mutex_unlock(&pool->lock);
            continue;
        }
        atomic_fetch_add(&pool->active, 1);
        pthread_mutex_unlock(&pool->lock);

        work(pool, worker->number);

        pthread_mutex_lock(&pool->lock);
        if (atomic_fetch_sub(&pool->active, 1) == 1)
            pthread_cond_signal(&pool->left);
        pthread_mutex_unlock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

struct nn_pool *nn_pool_create(int threads)
{
    if (threads < 1 || threads > 1024)
        return NULL;

    struct nn_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return NULL;
    openblas_set_num_threads(1);
    pool->threads = threads;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->published, NULL);
    pthread_cond_init(&pool->left, NULL);
    pool->workers = calloc((size_t)threads, sizeof *pool->workers);
    if (pool->workers == NULL)
        goto fail;

    for (int i = 1; i < threads; i++) {
        struct worker *worker = &pool->workers[pool->started];
        worker->pool = pool;
        worker->number = i;
        if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
            goto fail;
        pool->started++;
    }
    return pool;

fail:
    nn_pool_destroy(pool);
    return NULL;
}

void nn_pool_destroy(struct nn_pool *pool)
{
    if (pool == NULL)
        return;

    pthread_mutex_lock(&pool->lock);
    pool->quit = true;
    pthread_cond_broadcast(&pool->published);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->published);
    pthread_cond_destroy(&pool->left);
    free(pool->workers);
    free(pool);
}

int nn_pool_threads(const struct nn_pool *pool)
{
    return pool ? pool->threads : 1;
}

void nn_pool_run(struct nn_pool *pool, int count, void (*task)(void *context, int i, int thread),
                 void *context)
{
    if (pool == NULL || pool->threads == 1 || count <= 1) {
        for (int i = 0; i < count; i++)
            task(context, i, 0);
        return;
    }

    pthread_mutex_lock(&pool->lock);
    pool->task = task;
    pool->context = context;
    pool->count = count;
    atomic_store(&pool->next, 0);
    pool->open = true;
    atomic_fetch_add(&pool->generation, 1);
    pthread_cond_broadcast(&pool->published);
    pthread_mutex_unlock(&pool->lock);

    work(pool, 0);

    for (int i = 0; i < SPINS && atomic_load(&pool->active) > 0; i++)
        relax();
    pthread_mutex_lock(&pool->lock);
    pool->open = false;
    while (atomic_load(&pool->active) > 0)
        pthread_cond_wait(&pool->left, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}
