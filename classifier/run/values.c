/* A graph's parameters: borrowed from a weight file, copied from it, or freshly drawn. */
#include "memory.h"
#include "mix_internal.h"
#include "values_internal.h"
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct nn_values {
    const struct nn_graph *graph;
    const float **data;
    float *owned; /* writable or fresh ones; NULL when all are borrowed */
    bool writable;
    struct packs *packs;
};

/* A block of memory for packed forms. */
struct memory {
    struct memory *next;
    float *floats;
};

/* Packed forms, two a parameter. They are no part of the values' meaning, so that constant values
 * may gain them. */
struct packs {
    pthread_mutex_t lock;
    struct memory *memory;
    struct nn_packed packed[][2];
};

static struct packs *make_packs(int parameters)
{
    struct packs *packs =
        calloc(1, sizeof *packs + ((size_t)parameters + 1) * sizeof packs->packed[0]);
    if (packs != NULL)
        pthread_mutex_init(&packs->lock, NULL);
    return packs;
}

static void destroy_packs(struct packs *packs)
{
    if (packs == NULL)
        return;
    for (struct memory *memory = packs->memory, *next; memory != NULL; memory = next) {
        next = memory->next;
        free(memory->floats);
        free(memory);
    }
    pthread_mutex_destroy(&packs->lock);
    free(packs);
}

static bool is_fresh(const char *const *fresh, const char *layer)
{
    for (; fresh != NULL && *fresh != NULL; fresh++)
        if (strcmp(*fresh, layer) == 0)
            return true;
    return false;
}

static const char *layer_name(const struct nn_graph *graph, const struct nn_parameter *parameter)
{
    return nn_graph_name(graph, parameter->layer);
}

/* Uniform in +-sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010), or with the deviation that
 * the layer says; vectors are what it says: biases zero, a batch norm's factors one. */
static void draw(const struct nn_parameter *parameter, int index, uint64_t seed, float *to)
{
    if (parameter->dims == 1) {
        for (size_t i = 0; i < parameter->elements; i++)
            to[i] = parameter->initial;
        return;
    }
    double area = 1;
    for (int i = 2; i < parameter->dims; i++)
        area *= parameter->dim[i];
    double limit = sqrt(6.0 / (area * ((double)parameter->dim[0] + (double)parameter->dim[1])));
    if (parameter->deviation > 0)
        limit = sqrt(3.0) * (double)parameter->deviation;
    uint64_t state = seed ^ (uint64_t)(index + 1) * UINT64_C(0xd1342543de82ef95);
    for (size_t i = 0; i < parameter->elements; i++) {
        double u = (double)(nn_mix_next(&state) >> 11) * 0x1p-53;
        to[i] = (float)((2 * u - 1) * limit);
    }
}

static void print_shape(char text[64], int dims, const int64_t *dim)
{
    size_t used = (size_t)snprintf(text, 64, "(");
    for (int i = 0; i < dims && used < 44; i++)
        used +=
            (size_t)snprintf(text + used, 64 - used, i > 0 ? ", %lld" : "%lld", (long long)dim[i]);
    snprintf(text + used, 64 - used, ")");
}

static enum nn_status other_shape(const struct nn_parameter *parameter,
                                  const struct nn_tensor *tensor, struct nn_error *err)
{
    char have[64], want[64];
    int64_t dim[4];
    for (int i = 0; i < 4; i++)
        dim[i] = parameter->dim[i];
    print_shape(have, tensor->dims, tensor->dim);
    print_shape(want, parameter->dims, dim);
    return nn_fail(err, NN_SHAPE, "tensor %s: its shape %s is not the network's %s",
                   parameter->name, have, want);
}

static enum nn_status find(const struct nn_parameter *parameter, const struct nn_weights *weights,
                           const float **data, struct nn_error *err)
{
    const struct nn_tensor *tensor =
        weights == NULL ? NULL : nn_weights_find(weights, parameter->name);
    if (tensor == NULL)
        return nn_fail(err, NN_MISSING, "tensor %s: not in the weights", parameter->name);

    bool same = tensor->dims == parameter->dims;
    for (int i = 0; same && i < parameter->dims; i++)
        same = tensor->dim[i] == parameter->dim[i];
    if (!same)
        return other_shape(parameter, tensor, err);
    for (size_t i = 0; i < tensor->elements; i++)
        if (!isfinite(tensor->data[i]))
            return nn_fail(err, NN_BAD_DATA, "tensor %s: element %zu is not finite",
                           parameter->name, i);
    for (size_t i = 0; parameter->not_negative && i < tensor->elements; i++)
        if (tensor->data[i] < 0)
            return nn_fail(err, NN_BAD_DATA, "tensor %s: element %zu is negative", parameter->name,
                           i);
    *data = tensor->data;
    return NN_OK;
}

static size_t owned_elements(const struct nn_graph *graph, bool writable, const char *const *fresh)
{
    size_t sum = 0;
    for (int i = 0; i < nn_graph_parameter_count(graph); i++) {
        const struct nn_parameter *parameter = nn_graph_parameter(graph, i);
        if (writable || is_fresh(fresh, layer_name(graph, parameter)))
            sum += parameter->elements;
    }
    return sum;
}

static enum nn_status check_fresh(const struct nn_graph *graph, const char *const *fresh,
                                  struct nn_error *err)
{
    for (; fresh != NULL && *fresh != NULL; fresh++)
        if (nn_graph_find(graph, *fresh) < 0)
            return nn_fail(err, NN_MISSING, "layer %.100s: not in the network", *fresh);
    return NN_OK;
}

static enum nn_status fill(struct nn_values *values, const struct nn_weights *weights,
                           const char *const *fresh, uint64_t seed, struct nn_error *err)
{
    float *to = values->owned;
    for (int i = 0; i < nn_graph_parameter_count(values->graph); i++) {
        const struct nn_parameter *parameter = nn_graph_parameter(values->graph, i);
        const float *data = NULL;
        bool new = is_fresh(fresh, layer_name(values->graph, parameter));
        if (new) {
            draw(parameter, i, seed, to);
        } else {
            enum nn_status status = find(parameter, weights, &data, err);
            if (status != NN_OK)
                return status;
            if (values->writable)
                memcpy(to, data, parameter->elements * sizeof *to);
        }
        values->data[i] = new || values->writable ? to : data;
        if (new || values->writable)
            to += parameter->elements;
    }
    return NN_OK;
}

enum nn_status nn_values_create(const struct nn_graph *graph, const struct nn_weights *weights,
                                bool writable, const char *const *fresh, uint64_t seed,
                                struct nn_values **values, struct nn_error *err)
{
    *values = NULL;
    enum nn_status status = check_fresh(graph, fresh, err);
    if (status != NN_OK)
        return status;

    struct nn_values *made = calloc(1, sizeof *made);
    if (made == NULL)
        return nn_fail(err, NN_NO_MEMORY, "parameters: out of memory");
    size_t owned = owned_elements(graph, writable, fresh);
    made->graph = graph;
    made->writable = writable;
    made->data = calloc((size_t)nn_graph_parameter_count(graph) + 1, sizeof *made->data);
    made->owned = owned == 0 ? NULL : calloc(owned, sizeof(float));
    made->packs = make_packs(nn_graph_parameter_count(graph));
    if (made->packs == NULL || made->data == NULL || (owned > 0 && made->owned == NULL))
        status = nn_fail(err, NN_NO_MEMORY, "parameters: out of memory");
    else
        status = fill(made, weights, fresh, seed, err);

    if (status != NN_OK) {
        nn_values_destroy(made);
        return status;
    }
    *values = made;
    return NN_OK;
}

void nn_values_destroy(struct nn_values *values)
{
    if (values == NULL)
        return;

    destroy_packs(values->packs);
    free(values->data);
    free(values->owned);
    free(values);
}

const float *nn_values_peek(const struct nn_values *values, int parameter)
{
    return parameter >= 0 && parameter < nn_graph_parameter_count(values->graph)
               ? values->data[parameter]
               : NULL;
}

float *nn_values_at(struct nn_values *values, int parameter)
{
    const float *data = values->writable ? nn_values_peek(values, parameter) : NULL;
    return data == NULL ? NULL : values->owned + (data - values->owned);
}

const struct nn_graph *nn_values_graph(const struct nn_values *values)
{
    return values->graph;
}

bool nn_values_writable(const struct nn_values *values)
{
    return values->writable;
}

void nn_values_lock(const struct nn_values *values)
{
    pthread_mutex_lock(&values->packs->lock);
}

void nn_values_unlock(const struct nn_values *values)
{
    pthread_mutex_unlock(&values->packs->lock);
}

struct nn_packed *nn_values_packed(const struct nn_values *values, int parameter, bool backward)
{
    return &values->packs->packed[parameter][backward];
}

float *nn_values_add_memory(const struct nn_values *values, size_t floats)
{
    struct memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        return NULL;
    memory->floats = nn_memory_take(floats);
    if (memory->floats == NULL) {
        free(memory);
        return NULL;
    }
    memory->next = values->packs->memory;
    values->packs->memory = memory;
    return memory->floats;
}
