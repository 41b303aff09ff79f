/* optimiser.c: SGD with momentum, Adam, weight decay and clipping, in pieces for the pool. A
 * piece's bounds depend on the parameter alone and every element is its own, so threads change no
 * bit; the norm is summed a piece at a time, in the order of pieces. */
#include "nn_optimiser.h"

#include <math.h>
#include <stdlib.h>

#define MAX_SLOTS 2
#define PIECE     ((size_t)1 << 20) /* elements of a task */

struct piece {
    int parameter;
    size_t first, count;
    double squares; /* of its gradients */
};

struct nn_optimiser {
    const struct nn_graph *graph;
    struct nn_pool *pool;
    struct nn_optimiser_settings s;
    int slots;
    float **slot[MAX_SLOTS]; /* an array a parameter, or NULL: frozen */
    bool *frozen;
    uint64_t steps;
    struct piece *pieces;
    int piece_count;

    /* of the step under way */
    const float *const *gradients;
    struct nn_values *values;
    const double *factors;
    double rate, step_rate, root; /* Adam: rate / (1 - b1^t), sqrt(1 - b2^t) */
    float clip;
};

const char *nn_optimiser_kind_name(enum nn_optimiser_kind kind)
{
    return kind == NN_ADAM ? "adam" : "sgd";
}

static enum nn_status check(const struct nn_optimiser_settings *s, struct nn_error *err)
{
    bool fine = s->weight_decay >= 0 && s->weight_decay <= 1 && s->clip_norm >= 0;

    if (s->kind != NN_SGD && s->kind != NN_ADAM)
        return nn_fail(err, NN_INVALID, "optimiser: kind %d is not known", (int)s->kind);
    if (s->kind == NN_SGD && !(fine && s->momentum >= 0 && s->momentum < 1))
        return nn_fail(err, NN_INVALID, "optimiser: sgd with momentum %g, decay %g, clip %g",
                       s->momentum, s->weight_decay, s->clip_norm);
    if (s->kind == NN_ADAM &&
        !(fine && s->beta1 >= 0 && s->beta1 < 1 && s->beta2 >= 0 && s->beta2 < 1 && s->epsilon > 0))
        return nn_fail(err, NN_INVALID,
                       "optimiser: adam with betas %g and %g, epsilon %g, decay %g, clip %g",
                       s->beta1, s->beta2, s->epsilon, s->weight_decay, s->clip_norm);
    return NN_OK;
}

static bool make_slots(struct nn_optimiser *o, int count)
{
    for (int s = 0; s < o->slots; s++) {
        o->slot[s] = calloc((size_t)count + 1, sizeof *o->slot[s]);
        for (int i = 0; o->slot[s] && i < count; i++) {
            if (o->frozen[i])
                continue;
            o->slot[s][i] = calloc(nn_graph_parameter(o->graph, i)->elements, sizeof(float));
            if (!o->slot[s][i])
                return false;
        }
        if (!o->slot[s])
            return false;
    }
    return true;
}

static bool make_pieces(struct nn_optimiser *o, int count)
{
    size_t pieces = 0;

    for (int i = 0; i < count; i++)
        pieces += (nn_graph_parameter(o->graph, i)->elements + PIECE - 1) / PIECE;
    o->pieces = calloc(pieces + 1, sizeof *o->pieces);
    if (!o->pieces)
        return false;
    for (int i = 0; i < count; i++) {
        size_t elements = nn_graph_parameter(o->graph, i)->elements;
        for (size_t at = 0; !o->frozen[i] && at < elements; at += PIECE)
            o->pieces[o->piece_count++] =
                (struct piece){.parameter = i,
                               .first = at,
                               .count = elements - at < PIECE ? elements - at : PIECE};
    }
    return true;
}

enum nn_status nn_optimiser_create(const struct nn_graph *graph,
                                   const struct nn_optimiser_settings *settings, const bool *frozen,
                                   struct nn_pool *pool, struct nn_optimiser **optimiser,
                                   struct nn_error *err)
{
    int count = nn_graph_parameter_count(graph);
    enum nn_status status = check(settings, err);

    *optimiser = NULL;
    if (status != NN_OK)
        return status;
    struct nn_optimiser *o = calloc(1, sizeof *o);
    if (!o)
        return nn_fail(err, NN_NO_MEMORY, "optimiser: no memory");
    o->graph = graph;
    o->pool = pool;
    o->s = *settings;
    o->slots = settings->kind == NN_ADAM ? 2 : 1;
    o->frozen = calloc((size_t)count + 1, sizeof *o->frozen);
    for (int i = 0; o->frozen && i < count; i++)
        o->frozen[i] = (frozen && frozen[i]) || nn_graph_parameter(graph, i)->statistic;
    if (!o->frozen || !make_slots(o, count) || !make_pieces(o, count)) {
        nn_optimiser_destroy(o);
        return nn_fail(err, NN_NO_MEMORY, "optimiser: no memory for its state");
    }
    *optimiser = o;
    return NN_OK;
}

void nn_optimiser_destroy(struct nn_optimiser *optimiser)
{
    if (!optimiser)
        return;
    int count = nn_graph_parameter_count(optimiser->graph);
    for (int s = 0; s < MAX_SLOTS; s++) {
        for (int i = 0; optimiser->slot[s] && i < count; i++)
            free(optimiser->slot[s][i]);
        free(optimiser->slot[s]);
    }
    free(optimiser->frozen);
    free(optimiser->pieces);
    free(optimiser);
}

/* Eight lanes: a fixed order of summation that vectorises. */
static void sum_squares(void *context, int i, int thread)
{
    struct nn_optimiser *o = context;
    struct piece *piece = &o->pieces[i];
    const float *gradient = o->gradients[piece->parameter];
    float lane[8] = {0};
    double sum = 0;

    (void)thread;
    piece->squares = 0;
    if (!gradient)
        return;
    gradient += piece->first;
    for (size_t k = 0; k + 8 <= piece->count; k += 8) {
        for (size_t j = 0; j < 8; j++)
            lane[j] += gradient[k + j] * gradient[k + j];
    }
    for (size_t k = piece->count & ~(size_t)7; k < piece->count; k++)
        sum += (double)(gradient[k] * gradient[k]);
    for (int j = 0; j < 8; j++)
        sum += (double)lane[j];
    piece->squares = sum;
}

static enum nn_status measure_clip(struct nn_optimiser *o, struct nn_error *err)
{
    double sum = 0;

    nn_pool_run(o->pool, o->piece_count, sum_squares, o);
    for (int i = 0; i < o->piece_count; i++) {
        sum += o->pieces[i].squares;
        if (!isfinite(o->pieces[i].squares))
            return nn_fail(err, NN_BAD_DATA, "the gradient of %.100s is not finite: lower the rate",
                           nn_graph_parameter(o->graph, o->pieces[i].parameter)->name);
    }
    double norm = sqrt(sum);
    o->clip = o->s.clip_norm > 0 && norm > o->s.clip_norm ? (float)(o->s.clip_norm / norm) : 1;
    return NN_OK;
}

static void step_sgd(const struct nn_optimiser *o, size_t count, float rate, float decay,
                     const float *restrict gradient, float *restrict w, float *restrict v)
{
    float clip = o->clip, momentum = (float)o->s.momentum;

    for (size_t k = 0; k < count; k++) {
        v[k] = momentum * v[k] - rate * (clip * gradient[k] + decay * w[k]);
        w[k] += v[k];
    }
}

static void step_adam(const struct nn_optimiser *o, size_t count, float rate, float decay,
                      const float *restrict gradient, float *restrict w, float *restrict m,
                      float *restrict s)
{
    float clip = o->clip, b1 = (float)o->s.beta1, b2 = (float)o->s.beta2;
    float c1 = (float)(1 - o->s.beta1), c2 = (float)(1 - o->s.beta2);
    float root = (float)o->root, epsilon = (float)o->s.epsilon;

    for (size_t k = 0; k < count; k++) {
        float h = clip * gradient[k] + decay * w[k];
        m[k] = b1 * m[k] + c1 * h;
        s[k] = b2 * s[k] + c2 * h * h;
        w[k] -= rate * m[k] / (sqrtf(s[k]) / root + epsilon);
    }
}

static void step_piece(void *context, int i, int thread)
{
    struct nn_optimiser *o = context;
    const struct piece *piece = &o->pieces[i];
    int p = piece->parameter;
    double factor = o->factors ? o->factors[p] : 1;
    float decay = nn_graph_parameter(o->graph, p)->dims > 1 ? (float)o->s.weight_decay : 0;

    (void)thread;
    if (!o->gradients[p])
        return;
    const float *gradient = o->gradients[p] + piece->first;
    float *w = nn_values_at(o->values, p) + piece->first;
    float *first = o->slot[0][p] + piece->first;
    if (o->s.kind == NN_ADAM)
        step_adam(o, piece->count, (float)(o->step_rate * factor), decay, gradient, w, first,
                  o->slot[1][p] + piece->first);
    else
        step_sgd(o, piece->count, (float)(o->rate * factor), decay, gradient, w, first);
}

/* By squaring: the same bits with every C library. */
static double power(double base, uint64_t exponent)
{
    double result = 1;

    for (; exponent > 0; exponent >>= 1, base *= base) {
        if (exponent & 1)
            result *= base;
    }
    return result;
}

enum nn_status nn_optimiser_step(struct nn_optimiser *optimiser, const float *const *gradients,
                                 struct nn_values *values, double rate, const double *factors,
                                 struct nn_error *err)
{
    struct nn_optimiser *o = optimiser;
    enum nn_status status;

    o->gradients = gradients;
    o->values = values;
    o->factors = factors;
    o->rate = rate;
    if ((status = measure_clip(o, err)) != NN_OK)
        return status;
    o->steps++;
    o->step_rate = rate / (1 - power(o->s.beta1, o->steps));
    o->root = sqrt(1 - power(o->s.beta2, o->steps));
    nn_pool_run(o->pool, o->piece_count, step_piece, o);
    return NN_OK;
}

int nn_optimiser_slots(const struct nn_optimiser *optimiser)
{
    return optimiser->slots;
}

const char *nn_optimiser_slot_name(const struct nn_optimiser *optimiser, int slot)
{
    return optimiser->s.kind == NN_SGD ? "momentum" : slot == 0 ? "adam_m" : "adam_s";
}

float *nn_optimiser_slot(struct nn_optimiser *optimiser, int slot, int parameter)
{
    return slot >= 0 && slot < optimiser->slots ? optimiser->slot[slot][parameter] : NULL;
}

uint64_t nn_optimiser_steps(const struct nn_optimiser *optimiser)
{
    return optimiser->steps;
}

void nn_optimiser_set_steps(struct nn_optimiser *optimiser, uint64_t steps)
{
    optimiser->steps = steps;
}
