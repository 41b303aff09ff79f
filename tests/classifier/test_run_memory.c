/* Forward and backward take no memory: this program's own malloc and mmap count. */
#include "networks.h"
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static atomic_long taken, mapped;

void *malloc(size_t size)
{
    atomic_fetch_add(&taken, 1);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    atomic_fetch_add(&taken, 1);
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    atomic_fetch_add(&taken, 1);
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    atomic_fetch_add(&taken, 1);
    return __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size)
{
    return aligned_alloc(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    *memory = aligned_alloc(alignment, size);
    return *memory != NULL ? 0 : ENOMEM;
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    atomic_fetch_add(&mapped, 1);
    return (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
}

/* Takes the graph. The counter must see the library's own memory, or the test would prove nothing.
 */
static void takes_none(enum nn_run_mode mode, struct nn_graph *graph)
{
    struct nn_error err = {0};
    struct nn_run *run;
    double loss;
    float output[2 * 4], direction[2 * 4];
    const int labels[2] = {0, 3};
    struct nn_values *values = draw_values(graph, 1);
    struct nn_pool *pool = nn_pool_create(2);
    float *input = calloc(2 * elements_of(graph, 0), sizeof(float));
    assert_true(pool != NULL && input != NULL);
    fill(input, 2 * elements_of(graph, 0), 2);
    fill(direction, 8, 3);

    long before = taken;
    assert_int_equal(create_run(graph, values, 2, mode, pool, &run), NN_OK);
    assert_true(taken > before + 5);
    before = taken;
    long maps = mapped;
    for (int i = 0; i < 20; i++) {
        enum nn_status status = NN_OK;
        if (mode == NN_RUN_TRAIN)
            status = nn_run_train_step(run, input, labels, 2, 0, 0, NULL, 0, &loss, output, &err);
        else
            status = nn_run_forward(run, input, 2, output, &err);
        if (status == NN_OK && mode == NN_RUN_EXPLAIN)
            status = nn_run_backward(run, nn_graph_scores(graph), direction, &err);
        assert_int_equal(status, NN_OK);
    }
    assert_int_equal(taken, before);
    if (mode != NN_RUN_TRAIN) /* OpenBLAS maps a buffer a thread when it first multiplies */
        assert_int_equal(mapped, maps);

    free(input);
    nn_run_destroy(run);
    nn_pool_destroy(pool);
    nn_values_destroy(values);
    nn_graph_destroy(graph);
}

/* With packed weights, which the first pass fills, and max pools' scratch. */
static struct nn_graph *winograd_network(void)
{
    struct nn_error err = {0};
    struct nn_graph *graph = nn_googlenet(4, 96, &err);
    assert_non_null(graph);
    return graph;
}

/* With groups and fully connected layers. */
static struct nn_graph *grouped_network(void)
{
    struct nn_error err = {0};
    struct nn_graph *graph = nn_alexnet(4, 99, &err);
    assert_non_null(graph);
    return graph;
}

static void infer(void **state)
{
    (void)state;
    takes_none(NN_RUN_INFER, small_network());
    takes_none(NN_RUN_INFER, modern_network());
    takes_none(NN_RUN_INFER, winograd_network());
    takes_none(NN_RUN_INFER, grouped_network());
}

static void explain(void **state)
{
    (void)state;
    takes_none(NN_RUN_EXPLAIN, small_network());
    takes_none(NN_RUN_EXPLAIN, modern_network());
    takes_none(NN_RUN_EXPLAIN, winograd_network());
    takes_none(NN_RUN_EXPLAIN, grouped_network());
}

static void train(void **state)
{
    (void)state;
    takes_none(NN_RUN_TRAIN, small_network());
    takes_none(NN_RUN_TRAIN, modern_network());
    takes_none(NN_RUN_TRAIN, winograd_network());
    takes_none(NN_RUN_TRAIN, grouped_network());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(infer),
        cmocka_unit_test(explain),
        cmocka_unit_test(train),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
