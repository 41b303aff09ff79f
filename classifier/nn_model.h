/* nn_model.h: a model folder (model.xml + weights.safetensors), judged on one plane at a time.
 *
 * struct nn_model is immutable after open and shared by threads; struct nn_judge is the scratch of
 * one thread. Every plane, in training and in the node, becomes the network's input through
 * nn_model_prepare: one code path. */
#ifndef NN_MODEL_H
#define NN_MODEL_H

#include "nn_graph.h"
#include "nn_image.h"
#include "nn_run.h"

#define NN_MAX_CLASSES      16
#define NN_GATE_SHORT       "-short"
#define NN_TEMPERATURE_LOW  0.01
#define NN_TEMPERATURE_HIGH 100.0

enum nn_provenance { NN_SYNTHETIC, NN_CLINICAL };

struct nn_class {
    char name[64];          /* "dislocation", "fracture", "normal" */
    bool finding;           /* false for the class that is no finding */
    double operating_point; /* a score at or above it is a finding; finding classes only */
};

enum nn_fit { NN_FIT_STRETCH, NN_FIT_PAD };

/* Intensities before the network: as they are, or the plane's 1st to 99th percentile as 0 to 1. */
enum nn_normalise { NN_NORMALISE_NONE, NN_NORMALISE_PERCENTILE };
/* What of the plane is judged: all of it, or the region of the spine that is found in it. */
enum nn_region { NN_REGION_WHOLE, NN_REGION_SPINE };

/* In this order: region, normalise, fit to side, denoise, scale and mean. All zero but side, scale
 * and mean is what the papers do at least (stretch). */
struct nn_preprocess {
    int side; /* network input rows = columns */
    enum nn_fit fit;
    float scale[3]; /* plane [0,1] -> x * scale[c] - mean[c] */
    float mean[3];  /* in network channel order (BGR for GoogLeNet) */
    enum nn_normalise normalise;
    float denoise; /* Gaussian standard deviation in pixels of the input; 0: none */
    enum nn_region region;
};

/* What was measured on images that training never saw. */
struct nn_measures {
    char data[256];                                  /* what the images were */
    long confusion[NN_MAX_CLASSES * NN_MAX_CLASSES]; /* [truth * classes + answer], answer: top */
    struct {
        double sensitivity, specificity; /* of score >= operating point, against all others */
        double auc;                      /* area under the ROC curve of the score */
    } finding[NN_MAX_CLASSES];           /* finding classes only */
};

struct nn_model_info {
    char name[64], version[32], network[32];
    int classes;
    struct nn_class class_[NN_MAX_CLASSES];
    struct nn_preprocess preprocess;
    enum nn_provenance provenance;
    char provenance_text[512];
    char intended_use[512];
    char modalities[64];  /* "CR DX": what the model is meant for */
    char body_parts[128]; /* "CSPINE" */
    char views[64];       /* "LL LATERAL" */
    int minimum_age;      /* years */
    /* Slices (CT): a series is judged as one. A class's score for the series is the highest that
     * `series_positive` slices in a row all reach; fewer than series_minimum slices are no answer.
     * Both 0: every image is judged by itself. */
    int series_positive, series_minimum;
    bool validated; /* a <validation> bound to these digests is present */
    /* Scores are softmax(logits / temperature); 1, and 0 for short: not calibrated. */
    double temperature; /* NN_TEMPERATURE_LOW..NN_TEMPERATURE_HIGH */
    /* How the images were divided: "grouped" (patients and near-duplicates on one side), "random",
     * "given" by the data, or "" (phantoms: each image is its own). The mark stays with the model:
     * what a random division measures is too good. */
    char split[16];
    long leaking_pairs;      /* of one group on two sides of that division */
    char graph_digest[65];   /* network "graph": SHA-256 of its <graph>; otherwise "" */
    char weights_digest[65]; /* SHA-256 of weights.safetensors, checked against model.xml */
    char digest[65];         /* SHA-256 over all that changes an answer: weights, network or graph,
                              * preprocessing, classes, operating points, temperature, gate */
    /* The input gate: a model in the folder's own "gate" folder that says what kind of picture a
     * plane is. A plane is judged when the score of `gate_accept` is gate_least or more; a class of
     * that name and NN_GATE_SHORT, the same view that shows less, adds to it. */
    char gate_digest[65]; /* of that model; "" none: every plane is judged */
    char gate_accept[64]; /* one of its classes: "lateral" */
    double gate_least;    /* 0..1 */
    /* The raw saliency (NN_SALIENCY_SIGMA applied) that is drawn as strong: the median, over
     * findings of the validation images, of a map's 99.5th percentile. 0: not measured. It changes
     * pictures, not answers: outside the digest. */
    double saliency_scale;
    bool measured; /* measures below are present */
    struct nn_measures measures;
};

/* Reads a model.xml: schema (model.xsd, built in), then what a schema cannot say (class numbers
 * without gaps, a finding and a class that is none, digest form). Every refusal is
 * "NAME:LINE: what was found, what is expected". No network, no DTD, at most 1 MiB. `digest` of
 * info is filled; that the weights match is nn_model_open's part. */
#define NN_MODEL_XML_MAX (1u << 20)
NN_MUST_USE enum nn_status nn_model_info_parse(const char *name, const char *xml, size_t size,
                                               struct nn_model_info *info, struct nn_error *err);
/* Writes DIR/model.xml by temporary file, fsync, rename, directory fsync; info->digest is computed
 * first, and info->graph_digest. What nn_model_info_parse would refuse is NN_INVALID and not
 * written. A validation is never written: a site adds it by hand.
 *
 * graph NULL: info->network names one. A network of its own: info->network is NN_OWN_GRAPH, and the
 * graph stands in model.xml. It is finished, takes (3, side, side), ends in a softmax of
 * info->classes and has no auxiliary heads; layer names are printable ASCII without spaces
 * (NN_INVALID, NN_SHAPE and the layer's name). */
#define NN_OWN_GRAPH "graph"
NN_MUST_USE enum nn_status nn_model_write(const char *dir, struct nn_model_info *info,
                                          const struct nn_graph *graph, struct nn_error *err);
/* Makes the model in `gate` the input gate of the model in `dir`: copies its two files to DIR/gate,
 * then writes model.xml anew, whose digest changes: a <validation> falls away, since it was of the
 * model without. NN_INVALID: accept is no class of the gate, least is not in 0..1, the gate has a
 * gate. */
NN_MUST_USE enum nn_status nn_model_attach_gate(const char *dir, const char *gate,
                                                const char *accept, double least,
                                                struct nn_error *err);

/* Writes <saliency scale="..."/> into DIR/model.xml, or replaces it; all else stays as it stands,
 * the site's <validation>, too. NN_INVALID: scale is not above 0 and at most 1e30. */
NN_MUST_USE enum nn_status nn_model_set_saliency_scale(const char *dir, double scale,
                                                       struct nn_error *err);

/* A whole model folder from tensors: what an importer calls. DIR exists. Writes
 * DIR/weights.safetensors with the tensors that the graph's parameters name (others are left out;
 * one that is missing, of another shape or not finite is refused by its name), then DIR/model.xml;
 * fills info's digests. graph NULL: info->network names one. Everything stays the caller's. */
NN_MUST_USE enum nn_status nn_model_save(const char *dir, struct nn_model_info *info,
                                         const struct nn_graph *graph,
                                         const struct nn_tensor *tensors, size_t count,
                                         enum nn_dtype store, struct nn_error *err);

struct nn_model;
/* A model from an info that never was a file (the trainer's): weights_digest is filled from the
 * weights and must match when it is not empty. graph: of its own, copied; NULL: the named one. */
NN_MUST_USE enum nn_status nn_model_assemble(const struct nn_model_info *info,
                                             const struct nn_graph *graph, const char *weights_path,
                                             struct nn_model **model, struct nn_error *err);
/* Reads and checks DIR/model.xml (against the built-in rules, with line numbers in errors) and
 * DIR/weights.safetensors (digest must match), and DIR/gate when model.xml names one. */
NN_MUST_USE enum nn_status nn_model_open(const char *dir, struct nn_model **model,
                                         struct nn_error *err);
void nn_model_close(struct nn_model *model);
const struct nn_model_info *nn_model_info(const struct nn_model *model);
/* What runs, whether named or its own; borrowed. */
const struct nn_graph *nn_model_graph(const struct nn_model *model);
const struct nn_values *nn_model_values(const struct nn_model *model);
/* The input gate's model, borrowed; NULL: none. */
const struct nn_model *nn_model_gate(const struct nn_model *model);

/* A part of a plane: columns x0..x1-1 of rows y0..y1-1. */
struct nn_box {
    int x0, y0, x1, y1;
};

/* plane (rows, cols) in [0,1] -> input (3, side, side). NN_INVALID: sizes or settings that are
 * none; NN_BAD_DATA: a pixel is not finite. */
NN_MUST_USE enum nn_status nn_model_prepare(const struct nn_preprocess *preprocess,
                                            const float *plane, int rows, int cols, float *input,
                                            struct nn_error *err);
/* The same on the pool's threads (NULL: the caller's; the same bits), with the plane's levels where
 * they are known (NULL), and which part of the plane the input shows: all of it unless region says
 * otherwise. */
NN_MUST_USE enum nn_status nn_model_prepare_part(const struct nn_preprocess *preprocess,
                                                 const float *plane, int rows, int cols,
                                                 const struct nn_levels *levels, float *input,
                                                 struct nn_box *box, struct nn_pool *pool,
                                                 struct nn_error *err);

/* Scores at temperature 1 (a softmax's output, info->classes of them) become scores at the model's
 * temperature, in place; does nothing when it is 1. The judge and nn_measure have done so already.
 * What holds no score (NaN) stays. */
void nn_model_calibrate(const struct nn_model_info *info, float *score);

struct nn_judge;
NN_MUST_USE enum nn_status nn_judge_create(const struct nn_model *model, struct nn_pool *pool,
                                           struct nn_judge **judge, struct nn_error *err);
void nn_judge_destroy(struct nn_judge *judge);
/* Nothing is judged for a while: see nn_run_rest. There is no plane judged last any more. */
void nn_judge_rest(struct nn_judge *judge);

/* The levels of the plane that is judged next, by the gate and then by the model, so that they are
 * not counted again; NULL: not known. Borrowed until the next call. */
void nn_judge_levels(struct nn_judge *judge, const struct nn_levels *levels);

struct nn_judgement {
    float score[NN_MAX_CLASSES]; /* softmax, sums to 1 */
    int top;                     /* class with the highest score */
    struct nn_box box;           /* the part of the plane that was judged: what the map shows */
};

/* Fails with NN_BAD_DATA when a score is not finite: never a silent negative. */
NN_MUST_USE enum nn_status nn_judge_plane(struct nn_judge *judge, const float *plane, int rows,
                                          int cols, struct nn_judgement *judgement,
                                          struct nn_error *err);
struct nn_verdict {
    bool accepted;
    const char *kind; /* the gate's highest class; borrowed from the model; "" without a gate */
    float score;      /* of what the gate accepts */
};
/* Is the plane what the model is meant for? Accepted without a gate. Same errors. */
NN_MUST_USE enum nn_status nn_judge_gate(struct nn_judge *judge, const float *plane, int rows,
                                         int cols, struct nn_verdict *verdict,
                                         struct nn_error *err);
/* The standard deviation of the saliency map's smoothing, as a part of the side (see saliency.c).*/
#define NN_SALIENCY_SIGMA 0.04

/* Saliency of class_ for the plane judged last (Simonyan et al. 2014): the largest absolute
 * gradient of the class score (before softmax) over the channels, (side, side), scaled so that the
 * 99.5th percentile is 1, clipped to [0,1]. `map` holds side*side floats. */
NN_MUST_USE enum nn_status nn_judge_saliency(struct nn_judge *judge, int class_, float *map,
                                             struct nn_error *err);
/* The same, not scaled by its own maximum but by the model's saliency_scale, and not clipped; by
 * its own 99.5th percentile when the model has no scale. *raw (may be NULL): that percentile. */
NN_MUST_USE enum nn_status nn_judge_saliency_absolute(struct nn_judge *judge, int class_,
                                                      float *map, double *raw,
                                                      struct nn_error *err);

#endif
