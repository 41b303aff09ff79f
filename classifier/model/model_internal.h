/* model_internal.h: what the files of a model share; not a public header. */
#ifndef MODEL_INTERNAL_H
#define MODEL_INTERNAL_H

#include "nn_model.h"
#include "nn_network.h"

struct nn_model {
    struct nn_model_info info;
    struct nn_graph *graph;
    struct nn_weights *weights;
    struct nn_values *values;
    int head; /* nn_graph_scores */
    struct nn_model *gate;
};

/* SHA-256 as 64 lower-case hex digits. */
NN_MUST_USE enum nn_status nn_model_sha256(const void *bytes, size_t size, char hex[65],
                                           struct nn_error *err);
/* info->digest (model_digest.c tells from what). */
NN_MUST_USE enum nn_status nn_model_digest(struct nn_model_info *info, struct nn_error *err);

/* As nn_model_info_parse; *graph is the caller's when there is one, NULL otherwise. */
NN_MUST_USE enum nn_status nn_model_parse(const char *name, const char *xml, size_t size,
                                          struct nn_model_info *info, struct nn_graph **graph,
                                          struct nn_error *err);
/* Input (3, side, side) and output (classes) are the info's; NN_SHAPE. */
NN_MUST_USE enum nn_status nn_model_check_graph(const struct nn_model_info *info,
                                                const struct nn_graph *graph, struct nn_error *err);

bool nn_is_calibrated(const struct nn_model_info *info);
/* One scale for the three channels. */
bool nn_scale_is_one(const struct nn_preprocess *preprocess);

/* nn_model_open without the gate that model.xml names. */
NN_MUST_USE enum nn_status nn_model_open_alone(const char *dir, struct nn_model **model,
                                               struct nn_error *err);
/* Opens DIR/gate for a model whose info names one. */
NN_MUST_USE enum nn_status nn_model_open_gate(struct nn_model *model, const char *dir,
                                              struct nn_error *err);

/* The whole of a small file; *text is malloc'ed and terminated. */
NN_MUST_USE enum nn_status nn_model_read_xml(const char *path, char **text, size_t *size,
                                             struct nn_error *err);
/* DIR/model.xml by temporary file, fsync, rename, directory fsync. */
NN_MUST_USE enum nn_status nn_model_commit(const char *dir, const char *bytes, size_t size,
                                           struct nn_error *err);

/* model.xsd, built in. */
extern const char nn_model_xsd[];
extern const unsigned nn_model_xsd_size;

/* The smoothed absolute gradient, and its 99.5th percentile. */
NN_MUST_USE enum nn_status nn_saliency_raw(const float *gradient, int channels, int side,
                                           float *map, float *top, struct nn_error *err);
/* The same divided by that percentile and clipped to 1. */
NN_MUST_USE enum nn_status nn_saliency_map(const float *gradient, int channels, int side,
                                           float *map, struct nn_error *err);

struct nn_judge {
    const struct nn_model *model;
    struct nn_pool *pool;
    struct nn_run *run;
    float *input;                   /* (3, side, side) */
    float *output;                  /* (classes) */
    float *seed;                    /* (classes): d(class score) */
    const struct nn_levels *levels; /* of the plane judged next; NULL: not known */
    bool judged;                    /* a plane has been judged, saliency may be asked */
    struct nn_judge *gate;          /* of the model's gate, without gradients; NULL: none */
};

#endif
