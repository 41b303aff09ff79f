/* nn_explain.h: where in the image a judge's answer comes from, and how well such a map finds a
 * box.
 *
 * A map is (side, side) in [0,1], of the network's input (nn_judgement.box tells which part of the
 * plane that is). All methods end alike: smoothed by a Gaussian of NN_SALIENCY_SIGMA of the side,
 * scaled so that the 99.5th percentile is 1, clipped; a map of nothing stays black.
 *
 * A map is no evidence that the network is right: it shows what the answer is sensitive to. Threads
 * as the judge's (nn_model.h). */
#ifndef NN_EXPLAIN_H
#define NN_EXPLAIN_H

#include "nn_model.h"

enum nn_explain_method {
    /* |d(class score)/d(input)|, the largest of the channels (Simonyan et al. 2014). The bits are
     * those of nn_judge_saliency. */
    NN_EXPLAIN_GRADIENT,
    /* The same of the mean gradient over `samples` noisy copies of the input (Smilkov et al. 2017);
     * one noise for all channels, since they show one plane. */
    NN_EXPLAIN_SMOOTHGRAD,
    /* max(0, sum of a layer's channels, each times its mean gradient), enlarged bilinearly
     * (Selvaraju et al. 2017). */
    NN_EXPLAIN_GRADCAM,
    /* How far the class's softmax falls when a window is covered with the input's mean, over all
     * windows that hold the pixel; a rise counts as nothing (Zeiler and Fergus 2014). */
    NN_EXPLAIN_OCCLUSION
};
#define NN_EXPLAIN_METHODS 4

/* A field that is zero (NULL) means its default. */
struct nn_explain {
    enum nn_explain_method method;
    int samples;       /* SmoothGrad: 1..1000; default 25 */
    float noise;       /* SmoothGrad: standard deviation, as a part of each channel's range, at most
                        * 1; default 0.02. The paper's 0.1 to 0.2 is for photographs of large
                        * objects: a fracture line is gone at 0.1 (explain.c) */
    uint64_t seed;     /* SmoothGrad: the same seed, the same bits */
    const char *layer; /* Grad-CAM: its name. Default: GoogLeNet's last inception, where the network
                        * holds one of at least 4 x 4; else the last layer of at least 4 x 4 that is
                        * no pooling, normalisation of neighbours, padding or dropout */
    float window;      /* occlusion: side of the window as a part of the input's, at most 1; 0.2 */
    float step;        /* occlusion: from window to window, as a part of the side, at most the
                        * window; half the window */
};

const char *nn_explain_name(enum nn_explain_method method); /* "gradient", "smoothgrad", ... */
bool nn_explain_find(const char *name, enum nn_explain_method *method);

/* Explains class_ for the plane judged last; `map` holds side * side floats. The judge can be asked
 * for other maps of the same plane afterwards, in any order. Errors: NN_INVALID (nothing judged, no
 * such class, a field out of its range, a layer that does not lead to the scores or has no extent),
 * NN_BAD_DATA (a gradient that is not finite), NN_NO_MEMORY. */
NN_MUST_USE enum nn_status nn_judge_explain(struct nn_judge *judge, const struct nn_explain *how,
                                            int class_, float *map, struct nn_error *err);

/* box: x0, y0, x1, y1 in the map's pixels; a pixel belongs to it when its centre does (x0 <= x +
 * 0.5 < x1). Pure functions.
 *
 * Pointing game (Zhang et al. 2018): does the map's maximum lie in the box? Maps are clipped at 1,
 * so the maximum may be several pixels: more than half of them must. false for a black map. */
bool nn_map_pointing(const float *map, int side, const double box[4]);
/* The middle of the map's maximum, in the map's pixels (centres at + 0.5): the mean of its places.
 * false for a black map. */
bool nn_map_peak(const float *map, int side, double at[2]);
/* The part of the map's sum that lies in the box (Wang et al. 2020); 0 for a black map. */
double nn_map_energy(const float *map, int side, const double box[4]);
/* How many separate spots (4-connected) of values >= level > 0 there are. */
NN_MUST_USE enum nn_status nn_map_spots(const float *map, int side, float level, int *spots,
                                        struct nn_error *err);

#endif
