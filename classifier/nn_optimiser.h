/* nn_optimiser.h: how gradients move a network's parameters.
 *
 * g is the gradient times the clip factor, d the weight decay (L2, added to the gradient) of
 * weights: parameters of two and more dimensions. One-dimensional ones (biases, batch
 * normalisation) are not decayed.
 *
 *   SGD (Qian 1999): v <- momentum v - rate (g + d w); w <- w + v.
 *     PyTorch's SGD scales by the rate after the momentum: the same steps while the rate stands.
 *   Adam (Kingma and Ba 2015, algorithm 1; torch.optim.Adam): h = g + d w;
 *     m <- b1 m + (1 - b1) h; s <- b2 s + (1 - b2) h h;
 *     w <- w - rate / (1 - b1^t) m / (sqrt(s) / sqrt(1 - b2^t) + epsilon).
 *
 * Clipping (Pascanu et al. 2013): when the Euclidean norm of all gradients together is above
 * clip_norm they are scaled by clip_norm / norm.
 *
 * The bits are a function of the arguments, never of the pool's number of threads. */
#ifndef NN_OPTIMISER_H
#define NN_OPTIMISER_H

#include "nn_graph.h"
#include "nn_run.h"

enum nn_optimiser_kind { NN_SGD, NN_ADAM };
const char *nn_optimiser_kind_name(enum nn_optimiser_kind kind); /* "sgd", "adam" */

struct nn_optimiser_settings {
    enum nn_optimiser_kind kind;
    double momentum;              /* SGD: 0 to below 1 */
    double beta1, beta2, epsilon; /* Adam: 0.9, 0.999, 1e-8 */
    double weight_decay;          /* >= 0 */
    double clip_norm;             /* 0: any length */
};

struct nn_optimiser;
/* State of zeroes for every parameter that is not frozen. graph and pool (NULL: the caller's thread
 * alone) must outlive it; frozen: one a parameter, copied; NULL: none. NN_INVALID for settings out
 * of range. */
NN_MUST_USE enum nn_status nn_optimiser_create(const struct nn_graph *graph,
                                               const struct nn_optimiser_settings *settings,
                                               const bool *frozen, struct nn_pool *pool,
                                               struct nn_optimiser **optimiser,
                                               struct nn_error *err);
void nn_optimiser_destroy(struct nn_optimiser *optimiser); /* NULL is allowed */

/* One step at this rate. gradients and factors (of the rate; NULL: 1) have one entry a parameter; a
 * NULL gradient leaves its parameter alone, as frozen does. values are writable. A gradient whose
 * norm is not finite is NN_BAD_DATA with the parameter's name, and nothing has moved. */
NN_MUST_USE enum nn_status nn_optimiser_step(struct nn_optimiser *optimiser,
                                             const float *const *gradients,
                                             struct nn_values *values, double rate,
                                             const double *factors, struct nn_error *err);

/* The state, for checkpoints: slots 0..slots-1 of a name each ("momentum"; "adam_m", "adam_s"), an
 * array a parameter (NULL: frozen), and the number of steps done (Adam's t). */
int nn_optimiser_slots(const struct nn_optimiser *optimiser);
const char *nn_optimiser_slot_name(const struct nn_optimiser *optimiser, int slot);
float *nn_optimiser_slot(struct nn_optimiser *optimiser, int slot, int parameter);
uint64_t nn_optimiser_steps(const struct nn_optimiser *optimiser);
void nn_optimiser_set_steps(struct nn_optimiser *optimiser, uint64_t steps);

#endif
