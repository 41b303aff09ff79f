/* nn_graph.h: a network as a graph of layers in topological order.
 *
 * A graph is a blueprint: names, parameters, shapes. It holds no weights and no activations, is
 * immutable after nn_graph_finish and may then be shared by any number of threads. Layouts are
 * NCHW, weights OIHW, fully connected (out, in); all float32.
 *
 * Builders take the producing layer's id and return the new layer's id (>= 0). The first error
 * sticks: later builders return -1 and nn_graph_finish reports it with the layer's name, so that a
 * network reads like its table in the paper, without a check a line. */
#ifndef NN_GRAPH_H
#define NN_GRAPH_H

#include "nn_status.h"
#include <stdbool.h>
#include <stddef.h>

struct nn_graph;

/* Per-sample shape: channels, rows, columns (a vector is {n, 1, 1}). */
struct nn_shape {
    int c, h, w;
};

struct nn_conv2d {
    int out_channels;
    int kernel_h, kernel_w;
    int stride_h, stride_w;
    int pad_h, pad_w;
    int groups;   /* 1: ordinary; the input's channels: depthwise */
    bool relu;    /* fused ReLU on the output */
    bool no_bias; /* there is no ".bias" parameter */
};

struct nn_pool2d {
    int kernel_h, kernel_w;
    int stride_h, stride_w;
    int pad_h, pad_w;
    bool ceil_mode;     /* Caffe's rounding: the last window may hang over, but starts inside */
    bool count_padding; /* a mean is over the whole window (ONNX count_include_pad = 1), as far as
                         * it lies inside the padded input; max: no meaning */
};

/* Local response normalisation across channels, alpha divided by size (Caffe, AlexNet paper). */
struct nn_lrn {
    int size;
    float alpha, beta, k;
};

/* Batch normalisation over samples, rows and columns of each channel (Ioffe and Szegedy 2015),
 * PyTorch's meaning: y = (x - mean) / sqrt(variance + epsilon) * weight + bias. */
struct nn_batch_norm {
    float epsilon;  /* above 0 */
    float momentum; /* 0..1: running = (1 - momentum) * running + momentum * batch */
};

/* Cells added around each channel. */
struct nn_pad {
    int top, left, bottom, right; /* at least 0 */
    float value;                  /* finite */
};

struct nn_graph *nn_graph_create(void);
void nn_graph_destroy(struct nn_graph *graph); /* NULL is allowed */

int nn_graph_input(struct nn_graph *graph, const char *name, struct nn_shape shape);
int nn_graph_conv2d(struct nn_graph *graph, const char *name, int from, struct nn_conv2d conv);
int nn_graph_relu(struct nn_graph *graph, const char *name, int from);
int nn_graph_max_pool(struct nn_graph *graph, const char *name, int from, struct nn_pool2d pool);
/* Average over the window's cells that lie inside the input (see count_padding). */
int nn_graph_avg_pool(struct nn_graph *graph, const char *name, int from, struct nn_pool2d pool);
int nn_graph_global_avg_pool(struct nn_graph *graph, const char *name, int from);
int nn_graph_lrn(struct nn_graph *graph, const char *name, int from, struct nn_lrn lrn);
int nn_graph_concat(struct nn_graph *graph, const char *name, const int *from, int count);
int nn_graph_linear(struct nn_graph *graph, const char *name, int from, int out_features,
                    bool relu);
/* Identity outside training. In training the mask is a function of (seed, step, sample, index). */
int nn_graph_dropout(struct nn_graph *graph, const char *name, int from, float rate);
int nn_graph_softmax(struct nn_graph *graph, const char *name, int from);
/* Parameters ".weight", ".bias", ".running_mean", ".running_var", each (C). In training the
 * batch's statistics (the biased variance normalises, the unbiased one goes into the running
 * value), unless the layer is frozen; else the running ones. */
int nn_graph_batch_norm(struct nn_graph *graph, const char *name, int from,
                        struct nn_batch_norm norm);
/* The sum of 1..count producers of one shape (residual); a producer may come twice. */
int nn_graph_add(struct nn_graph *graph, const char *name, const int *from, int count, bool relu);
/* a * b, b of a's shape or (C, 1, 1), one factor a channel (squeeze-excite). */
int nn_graph_mul(struct nn_graph *graph, const char *name, int a, int b);
int nn_graph_sigmoid(struct nn_graph *graph, const char *name, int from);
int nn_graph_silu(struct nn_graph *graph, const char *name, int from); /* x * sigmoid(x) */
/* low < high; either may be infinite. */
int nn_graph_clip(struct nn_graph *graph, const char *name, int from, float low, float high);
int nn_graph_pad(struct nn_graph *graph, const char *name, int from, struct nn_pad pad);
/* The same numbers in another shape of as many elements; flatten is {n, 1, 1}. */
int nn_graph_reshape(struct nn_graph *graph, const char *name, int from, struct nn_shape shape);

/* `softmax` ends an auxiliary head (Szegedy et al. 2015, section 5): in training its cross-entropy
 * times `weight` (finite, above 0) is added to the loss. It has as many classes as the output, and
 * outside training nothing is computed for it alone. Returns softmax, or -1. */
int nn_graph_auxiliary(struct nn_graph *graph, int softmax, float weight);

/* `scores`, a convolution without ReLU of as many channels as the output has classes (at most
 * NN_PLACES_MAX_CLASSES), says what is where: in training the cross-entropy at its places
 * (nn_run_set_places) times `weight` (finite, above 0) is added to the loss; outside training it is
 * not computed. One a graph. Returns scores, or -1. */
#define NN_PLACES_MAX_CLASSES 64
int nn_graph_places(struct nn_graph *graph, int scores, float weight);

/* How a fresh convolution or fully connected layer starts, when not after Glorot and with bias 0:
 * the standard deviation of its weights (above 0) and its bias. Returns layer, or -1. */
int nn_graph_initial(struct nn_graph *graph, int layer, float deviation, float bias);

/* Checks shapes and seals the graph. The last layer added is the output. */
NN_MUST_USE enum nn_status nn_graph_finish(struct nn_graph *graph, struct nn_error *err);

/* Queries, valid after finish. Ids run from 0 to count-1 in topological order. */
int nn_graph_count(const struct nn_graph *graph);
int nn_graph_find(const struct nn_graph *graph, const char *name); /* -1: no such layer */
const char *nn_graph_name(const struct nn_graph *graph, int id);
struct nn_shape nn_graph_shape(const struct nn_graph *graph, int id);
/* The layer whose values are the scores of the classes: the producer of the output's softmax, or
 * the output itself when it is none. */
int nn_graph_scores(const struct nn_graph *graph);

/* The layer that another number of classes replaces: the last fully connected one or convolution
 * before the scores; NULL: there is none. */
const char *nn_graph_head(const struct nn_graph *graph);
/* The same graph, finished, with `classes` outputs (as many as it has: a copy). Layers keep their
 * names, nn_graph_head's parameters their names but not their shapes. It must end in softmax; NULL
 * and err otherwise (NN_UNSUPPORTED), or when an auxiliary head is there. */
struct nn_graph *nn_graph_refit(const struct nn_graph *graph, int classes, struct nn_error *err);

/* Whether the output depends on the layer: false for what only an auxiliary head needs. */
bool nn_graph_serves_output(const struct nn_graph *graph, int id);

/* Parameters ("conv1/7x7_s2.weight", ".bias"), in graph order. */
struct nn_parameter {
    const char *name;
    int dims; /* 1, 2 or 4 */
    int dim[4];
    size_t elements;
    int layer;
    bool statistic;    /* a running mean or variance: gathered, not trained; has no gradient */
    bool not_negative; /* a variance */
    float initial;     /* dims 1: what a fresh one is filled with */
    float deviation;   /* dims > 1: standard deviation of a fresh one; 0: Glorot's */
};
int nn_graph_parameter_count(const struct nn_graph *graph);
const struct nn_parameter *nn_graph_parameter(const struct nn_graph *graph, int index);

/* GoogLeNet (Szegedy et al. 2015, table 1; Caffe's layer names): input `side` x `side` (224, or 227
 * for the golden activations), `classes` outputs. Layers: "data", "conv1/7x7_s2", ...,
 * "pool5/7x7_s1", "pool5/drop_7x7_s1", "loss3/classifier", "prob". NULL on no memory; errors
 * surface in err. The graph is finished. */
struct nn_graph *nn_googlenet(int classes, int side, struct nn_error *err);
/* The same for training from scratch: with both auxiliary heads (Szegedy et al. 2015, section 5:
 * "loss1/..." on inception_4a, "loss2/..." on inception_4d, weight 0.3 each). Their tensors belong
 * to no model: nn_graph_serves_output tells. The side is at least 79 (5 x 5 in
 * inception 4). */
struct nn_graph *nn_googlenet_auxiliary(int classes, int side, struct nn_error *err);
/* The same with "places/classifier" on inception_5b (nn_graph_places; a cell is 32 x 32 pixels). */
struct nn_graph *nn_googlenet_places(int classes, int side, float weight, struct nn_error *err);
/* GoogLeNet whose answer is its highest place: on "inception_5b/output" a 1 x 1 convolution
 * "places/classifier" scores every cell of 32 x 32 pixels, and "places/peak" takes each class's
 * maximum (Oquab et al., "Is object localization for free?", CVPR 2015), where GoogLeNet takes the
 * mean, in which an injury of one cell counts a 49th. The second also learns what is where, by
 * nn_graph_places of the same scores. Errors as above. */
struct nn_graph *nn_googlenet_peak(int classes, int side, struct nn_error *err);
struct nn_graph *nn_googlenet_peak_places(int classes, int side, float weight,
                                          struct nn_error *err);
/* AlexNet (Krizhevsky et al. 2012; Caffe's layer names and groups, LRN before pool): input 3 x
 * `side` x `side` (227), layers "data", "conv1", "norm1", "pool1", ..., "pool5", "fc6", "drop6",
 * "fc7", "drop7", "fc8", "prob". The ImageNet weights of fc6 to fc8 are not to be had: a training
 * that starts from the convolutions draws all three afresh. */
struct nn_graph *nn_alexnet(int classes, int side, struct nn_error *err);
/* The stacked network of paper B: GoogLeNet up to "pool5/7x7_s1" (1024) and
 * AlexNet up to "pool5" (9216, its convolutions alone, see nn_alexnet) read one "data" (227);
 * "flatten", "features" (10240), "stacked/drop" (0.5), "stacked/fc1" (1024, ReLU), "stacked/fc2"
 * (512, ReLU), "stacked/classifier", "prob". Both networks' layers keep their names: both weight
 * files fit. */
struct nn_graph *nn_stacked(int classes, int side, struct nn_error *err);
/* What kind of picture is this? GoogLeNet's beginning and one layer: the input gate's network. */
struct nn_graph *nn_gate(int classes, int side, struct nn_error *err);

#endif
