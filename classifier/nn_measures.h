/* nn_measures.h: the statistics of an evaluation.
 *
 * Pure functions of arrays: no files, threads, globals or clock; callable from any thread. The same
 * input, settings and build give the same bits. The order of samples changes no figure without a
 * bootstrap, nor with one where patients have numbers (they are drawn by rising number). Arrays are
 * the caller's and only read. At most NN_MEASURES_MAX samples a call, else NN_LIMIT; a score that
 * is no number (NaN, infinity) or a class out of range is NN_BAD_DATA and names the sample; an
 * impossible argument is NN_INVALID.
 *
 * No rate travels without its counts, and 0/0 is `defined == false` (its value is then 0 and means
 * nothing), never a zero. Rates are 0..1, not percent. */
#ifndef NN_MEASURES_H
#define NN_MEASURES_H

#include "nn_model.h"

#define NN_MEASURES_MAX 1000000
#define NN_DRAWS_MAX    20000 /* bootstrap draws */
#define NN_FIGURES_MAX  256   /* figures of one bootstrap */
#define NN_PLAN_MAX     100000
#define NN_BINS_MAX     100
#define NN_GROUPS_MAX   1000 /* rows of one subgroup table */
#define NN_SUFFICIENT   30   /* a subgroup under it is insufficient */

/* ------------------------------------------------------------------ figures and intervals */

/* How an interval was made. NONE: none can be given (undefined, one patient, too few draws).
 * DEGENERATE: the bootstrap has no width and no exact method exists (an AUC of 1): low and high are
 * not to be printed as an interval. */
enum nn_interval_kind {
    NN_INTERVAL_NONE,
    NN_INTERVAL_DEGENERATE,
    NN_INTERVAL_EXACT,      /* Clopper-Pearson 1934 */
    NN_INTERVAL_WILSON,     /* Wilson 1927 */
    NN_INTERVAL_PERCENTILE, /* bootstrap by patient, Efron 1979 */
    NN_INTERVAL_BCA,        /* bootstrap by patient, Efron 1987 */
    NN_INTERVAL_DELONG,     /* normal, DeLong's variance: samples taken as independent */
    NN_INTERVAL_NEWCOMBE,   /* paired difference, Newcombe 1998, method 10 */
    NN_INTERVAL_JOINT       /* from the limits of two other figures: nn_everyday_measure */
};

/* "exact (Clopper-Pearson)", ...: for captions; never NULL. */
const char *nn_interval_text(enum nn_interval_kind kind);

struct nn_interval {
    enum nn_interval_kind kind;
    double low, high;
    int draws; /* bootstrap draws in which the figure was defined; else 0 */
};

/* A rate: value = hits / of. For an average over classes hits is the classes in which the figure is
 * defined and of all of them (hits < of: say so); for AUC and average precision hits is the
 * positives and of all samples. */
struct nn_figure {
    bool defined;
    double value;
    uint64_t hits, of;
    struct nn_interval interval; /* kind NONE where no interval was asked for */
};

/* One class or finding against the rest. */
struct nn_tally {
    uint64_t tp, fp, fn, tn;
};

/* hits / of, undefined when of is 0; no interval. */
struct nn_figure nn_figure_rate(uint64_t hits, uint64_t of);

/* Two-sided exact interval at `level` (0.95) by the beta quantiles; hits <= of, of >= 1, 0 < level
 * < 1, else kind is NONE. */
struct nn_interval nn_interval_exact(uint64_t hits, uint64_t of, double level);
struct nn_interval nn_interval_wilson(uint64_t hits, uint64_t of, double level);

/* ------------------------------------------------------------------ the bootstrap by patient */

/* stratify: injured patients (at least one positive sample) and the others are drawn apart, so that
 * every draw has as many of each as the data; without it all patients are drawn alike. */
struct nn_bootstrap {
    int draws; /* 0: no intervals at all; else 100..NN_DRAWS_MAX */
    uint64_t seed;
    double level;
    bool bca;
    bool stratify;
};
#define NN_BOOTSTRAP_DEFAULT                                                                       \
    {                                                                                              \
        .draws = 2000, .seed = 1, .level = 0.95, .bca = false, .stratify = true                    \
    }

/* What is resampled: sample i belongs to patient[i] (any number; NULL: each sample is a patient)
 * and to stratum[i] (NULL: one stratum; a patient is in the highest stratum of its samples). */
struct nn_resample {
    size_t count;
    const uint32_t *patient;
    const uint8_t *stratum;
};

/* Computes `figures` values of the samples, sample i counted weight[i] times; NaN: undefined there.
 * Must not depend on anything else. Called draws + 1 times, and at most 1000 more for BCa. */
struct nn_statistic {
    void *context;
    int figures; /* 1..NN_FIGURES_MAX */
    void (*compute)(void *context, const uint32_t *weight, size_t count, double *figures);
};

/* Cluster bootstrap: draws patients with replacement (each with all its samples), within strata.
 * value[k] is the statistic of the data itself, interval[k] its interval: percentile (Hyndman-Fan
 * type 7), or BCa (acceleration from a jackknife that leaves out one patient, or one of 1000 groups
 * of patients when there are more). NONE when the value is undefined, fewer than 2 patients exist
 * or more than 5 % of the draws are undefined; DEGENERATE when all draws are equal. draw d depends
 * on (seed, d) only. samples (may be NULL) gets (draws, figures), NaN where undefined. */
NN_MUST_USE enum nn_status nn_bootstrap_run(const struct nn_resample *over,
                                            const struct nn_statistic *statistic,
                                            const struct nn_bootstrap *settings, double *value,
                                            struct nn_interval *interval, double *samples,
                                            struct nn_error *err);

/* ------------------------------------------------------------------ two answers: injured or not */

/* One finding (or any injury) against the rest, for images, studies or a subgroup. */
struct nn_binary {
    size_t count;
    const double *score;  /* NULL: no AUC, no average precision */
    const bool *positive; /* truth */
    const bool *called;   /* answer at the locked operating points; NULL: no rates */
    const bool *refused; /* not processed: see nn_binary_eligible; NULL: none. Left out otherwise */
    const uint32_t *patient; /* NULL: each sample is a patient */
};

struct nn_binary_figures {
    uint64_t count, positives; /* of those counted */
    struct nn_tally tally;
    struct nn_figure accuracy, sensitivity, specificity, precision, negative_value, f1, auc,
        average_precision;
};

/* All figures with intervals. A rate with no error or no hit (0 or all) has no bootstrap width: its
 * interval is Clopper-Pearson's over the number of *patients* that the rate is about (of one
 * patient's images each tells the same: the cautious end). F1, AUC and average precision of 1 are
 * DEGENERATE. Of no samples every figure is undefined. Refused samples are left out: "among
 * processed". */
NN_MUST_USE enum nn_status nn_binary_measure(const struct nn_binary *binary,
                                             const struct nn_bootstrap *settings,
                                             struct nn_binary_figures *figures,
                                             struct nn_error *err);

/* The same among all eligible: a refused positive is a miss (fn), a refused negative is not a right
 * negative (fp: somebody has to look). auc and average_precision are undefined here. */
NN_MUST_USE enum nn_status nn_binary_eligible(const struct nn_binary *binary,
                                              const struct nn_bootstrap *settings,
                                              struct nn_binary_figures *figures,
                                              struct nn_error *err);

/* ------------------------------------------------------------------ many classes: images */

struct nn_cases {
    size_t count;
    int classes;             /* 2..NN_MAX_CLASSES */
    const float *scores;     /* (count, classes), softmax */
    const int *truth;        /* (count) */
    const uint32_t *patient; /* (count); NULL: each sample is a patient */
    const uint32_t *study;   /* (count); NULL: each sample is a study */
    const bool *finding;     /* (classes) false for a class that is no finding */
    const double *point;     /* (classes) score >= point is a finding; NULL: no points yet */
};

struct nn_class_figures {
    struct nn_tally tally; /* by the highest score (the lowest class among equals) */
    struct nn_figure accuracy, sensitivity, specificity, precision, f1;
    struct nn_figure auc, average_precision; /* score of the class against the rest */
    struct nn_tally at_point;                /* finding classes, where points are given */
    struct nn_figure point_sensitivity, point_specificity, point_precision;
};

/* macro: mean over the classes where the figure is defined (a draw that lacks one of them doesn't
 * count, so an interval may be NONE where a class is rare). micro: of the summed tallies; micro
 * sensitivity, precision and F1 all equal `right`, the share of right answers. Formulas: those of
 * papers A and B; accuracy is (tp + tn) / all, so macro accuracy is above `right`. */
struct nn_case_figures {
    int classes;
    uint64_t count;
    uint64_t confusion[NN_MAX_CLASSES * NN_MAX_CLASSES]; /* [truth * classes + answer] */
    struct nn_figure right;
    struct nn_class_figures class_[NN_MAX_CLASSES];
    struct {
        struct nn_figure accuracy, sensitivity, specificity, precision, f1, auc, average_precision;
    } macro;
    struct {
        struct nn_figure accuracy, specificity;
    } micro;
};

/* figures is large (some 50 KB): keep it off small stacks. Intervals as in nn_binary_measure;
 * strata: a patient is injured when a sample's truth is a finding. */
NN_MUST_USE enum nn_status nn_cases_measure(const struct nn_cases *cases,
                                            const struct nn_bootstrap *settings,
                                            struct nn_case_figures *figures, struct nn_error *err);

/* confusion[truth * classes + answer], answer being the highest score. */
NN_MUST_USE enum nn_status nn_confusion_count(const float *scores, const int *truth, size_t count,
                                              int classes, uint64_t *confusion,
                                              struct nn_error *err);

/* ------------------------------------------------------------------ the primary endpoint */

/* One row a study, in the order of first appearance: score = the highest 1 - P(no finding) of its
 * images, called = some finding's score reaches its point in some image (all false without points),
 * positive = some image's truth is a finding. A study of two patients is NN_BAD_DATA. */
struct nn_studies {
    size_t count;
    uint32_t *study, *patient;
    uint32_t *images; /* how many */
    double *score;
    bool *positive, *called;
};
NN_MUST_USE enum nn_status nn_studies_create(const struct nn_cases *cases,
                                             struct nn_studies *studies, struct nn_error *err);
void nn_studies_finish(struct nn_studies *studies);
/* A view of studies for nn_binary_measure and all below; valid as long as studies is. */
struct nn_binary nn_studies_binary(const struct nn_studies *studies);

/* ------------------------------------------------------------------ curves */

/* Where score >= threshold is called; first point: +infinity, nothing called. One point a distinct
 * score, thresholds falling: ROC is fp/negatives against tp/positives, precision-recall is
 * tp/positives against tp/(tp+fp). */
struct nn_curve_point {
    double threshold;
    uint64_t tp, fp;
};
struct nn_curve {
    size_t count;
    struct nn_curve_point *points;
    uint64_t positives, negatives;
    struct nn_figure auc;               /* Mann-Whitney, ties half; exact in integers */
    struct nn_figure average_precision; /* sum of (recall step) * precision, not interpolated */
};
NN_MUST_USE enum nn_status nn_curve_create(const double *score, const bool *positive, size_t count,
                                           struct nn_curve *curve, struct nn_error *err);
void nn_curve_finish(struct nn_curve *curve);

/* ------------------------------------------------------------------ calibration */

/* One temperature for all (Guo et al. 2017): softmax(log(score) / T), which is softmax(logit / T).
 * T minimises the negative log-likelihood of the *validation* part; the likelihood is convex in
 * 1/T, so bisection on its slope in 1/T in [0.01, 100] is safe. at_bound: the data wants more (all
 * right, or noise): not to be used without a look. A score of 0 counts as FLT_MIN. */
struct nn_temperature {
    double temperature;
    double nll_before, nll_after; /* mean, natural logarithm, on the data given */
    bool at_bound;
};
NN_MUST_USE enum nn_status nn_temperature_fit(const float *scores, const int *truth, size_t count,
                                              int classes, struct nn_temperature *fit,
                                              struct nn_error *err);
/* scores and out (count, classes), may be the same array. temperature > 0. */
NN_MUST_USE enum nn_status nn_temperature_apply(const float *scores, size_t count, int classes,
                                                double temperature, float *out,
                                                struct nn_error *err);
/* Mean negative log-likelihood; and Brier's mean sum over classes of (p - y)^2, 0..2. */
NN_MUST_USE enum nn_status nn_likelihood(const float *scores, const int *truth, size_t count,
                                         int classes, double *nll, double *brier,
                                         struct nn_error *err);

struct nn_bin {
    uint64_t count, events;
    double low, high; /* edges (equal width); lowest and highest probability (equal count) */
    double mean;      /* mean probability; 0 when count is 0 */
};
enum nn_binning { NN_BINS_EQUAL_WIDTH, NN_BINS_EQUAL_COUNT };
struct nn_reliability {
    int bins;
    struct nn_bin bin[NN_BINS_MAX];
    double ece;   /* sum of count/all * |events/count - mean| (Guo et al. 2017) */
    double worst; /* the largest gap of a bin that is not empty */
    double brier; /* mean (p - y)^2 */
};
/* probability[i] in [0,1] of event[i]: the injury, or the top score and "the answer was right".
 * Equal width: bin k is [k/bins, (k+1)/bins), the last with 1. Equal count: equal probabilities
 * stay in one bin, so bins may differ in size or be empty. */
NN_MUST_USE enum nn_status nn_reliability_measure(const double *probability, const bool *event,
                                                  size_t count, int bins, enum nn_binning binning,
                                                  struct nn_reliability *out, struct nn_error *err);

/* ------------------------------------------------------------------ operating points */

/* The operating point of one finding class, chosen by specificity: the smallest score, not below
 * `floor`, at which at least `specificity` of the samples of class `none` stay under it. scores is
 * (count, classes), truth (count). Without memory it is 1. */
double nn_operating_point(const float *scores, const int *truth, size_t count, int classes,
                          int class_, int none, double specificity, double floor);
/* The same as the trainer and the evaluation choose it: by a specificity of 0.95, and no lower than
 * what says nothing among so many classes: 0.2 of three, 0.6 / classes otherwise. */
double nn_operating_point_usual(const float *scores, const int *truth, size_t count, int classes,
                                int class_, int none);
/* What model.xml keeps: the confusion matrix and, for every finding class of info, sensitivity and
 * specificity at its operating point (against all other classes) and AUC. A rate without samples is
 * 0 there: model.xml knows no undefined. */
NN_MUST_USE enum nn_status nn_measures_fill(struct nn_model_info *info, const float *scores,
                                            const int *truth, size_t count, struct nn_error *err);

/* ------------------------------------------------------------------ sample size (--plan) */

/* Smallest n at which, the true rate being `rate`, the lower limit of the two-sided exact interval
 * at `level` exceeds `limit` with probability `power`. The power of an exact test is a saw:
 * `always` is the n from which it never falls below again (searched up to twice n). */
struct nn_plan {
    uint64_t n, always;
    uint64_t most_errors; /* at n: so many misses still pass */
    double power;         /* reached at n */
};
/* NN_INVALID unless 0 < limit < rate <= 1; NN_LIMIT when more than NN_PLAN_MAX are needed. */
NN_MUST_USE enum nn_status nn_plan_rate(double rate, double limit, double level, double power,
                                        struct nn_plan *plan, struct nn_error *err);
/* How many consecutive patients at `prevalence` (0 < p <= 1) give n injured: on average, and with a
 * chance of at least `assurance` (0.95). For n healthy ones pass 1 - prevalence. */
NN_MUST_USE enum nn_status nn_plan_total(uint64_t n, double prevalence, double assurance,
                                         uint64_t *expected, uint64_t *assured,
                                         struct nn_error *err);

/* ------------------------------------------------------------------ everyday prevalence */

/* Bayes at a prevalence that is not the data's. Intervals: both limits of sensitivity and
 * specificity taken together (all figures are monotone in both), kept only where both have one; two
 * 95 % intervals make at least 90 % together: label them so. A figure without an answer (no alert
 * at all) is undefined. hits and of are 0: these are computed, not counted. */
struct nn_everyday {
    double prevalence, studies_a_day;
    struct nn_figure positive_value, negative_value;
    struct nn_figure alerts_a_day, true_alerts_a_day, missed_a_day;
    struct nn_figure false_per_true;
};
NN_MUST_USE enum nn_status nn_everyday_measure(const struct nn_figure *sensitivity,
                                               const struct nn_figure *specificity,
                                               double prevalence, double studies_a_day,
                                               struct nn_everyday *out, struct nn_error *err);

/* ------------------------------------------------------------------ subgroups */

struct nn_subgroup {
    char key[64];      /* of the group, cut; "" gathers NULL and empty: unknown */
    bool insufficient; /* fewer than NN_SUFFICIENT samples: counts only, all rates undefined */
    struct nn_binary_figures figures;
};
/* One row a key, in strcmp order; keys (count), compared in full. Rows are allocated: free(*rows).
 * More than NN_GROUPS_MAX keys are NN_LIMIT. Refused samples are left out. */
NN_MUST_USE enum nn_status nn_subgroups_measure(const struct nn_binary *binary,
                                                const char *const *keys,
                                                const struct nn_bootstrap *settings,
                                                struct nn_subgroup **rows, size_t *row_count,
                                                struct nn_error *err);

/* ------------------------------------------------------------------ readers, two models: McNemar
 */

/* Two raters on the same cases (McNemar 1947). Exact: two-sided binomial of the discordant pairs at
 * 1/2. Chi-square: (|b - c| - 1)^2 / (b + c), 1 degree (Edwards 1948). `p` is the exact one when
 * fewer than 25 pairs are discordant, else the chi-square's. No discordant pair: both p are 1. */
struct nn_mcnemar {
    uint64_t both, only_a, only_b, neither; /* right */
    double chi_square, p_chi_square, p_exact, p;
    bool exact;                      /* which one p is */
    struct nn_figure rate_a, rate_b; /* share right, exact intervals at 95 % */
    struct nn_figure difference;     /* a - b, Newcombe's interval at 95 %; defined when n > 0 */
};
void nn_mcnemar(uint64_t both, uint64_t only_a, uint64_t only_b, uint64_t neither,
                struct nn_mcnemar *out);

/* Answers (classes) of two raters - model and reader, or two models - to the same cases. accuracy:
 * the class is right. sensitivity and specificity: any finding, among cases whose truth is one and
 * is none. finding is (classes). Cases are taken as independent: one image a patient, or say so. */
struct nn_comparison {
    struct nn_mcnemar accuracy, sensitivity, specificity;
};
NN_MUST_USE enum nn_status nn_readers_compare(const int *truth, const int *answer_a,
                                              const int *answer_b, size_t count,
                                              const bool *finding, int classes,
                                              struct nn_comparison *out, struct nn_error *err);

/* ------------------------------------------------------------------ two AUCs on the same cases */

/* DeLong, DeLong & Clarke-Pearson 1988, by midranks (Sun & Xu 2014), O(n log n). Samples are taken
 * as independent: several images of one patient make its p too small; nn_auc_difference doesn't
 * assume that. Fewer than 2 positives or negatives: NN_BAD_DATA. p_defined is false when the
 * difference has no variance (the same order of cases). */
struct nn_delong {
    struct nn_figure auc_a, auc_b, difference; /* intervals DELONG, cut to [0,1] and [-1,1] */
    double variance_a, variance_b, covariance;
    double z, p; /* two-sided */
    bool p_defined;
};
NN_MUST_USE enum nn_status nn_delong_compare(const double *score_a, const double *score_b,
                                             const bool *positive, size_t count, double level,
                                             struct nn_delong *out, struct nn_error *err);
/* a - b with the bootstrap by patient; p: two-sided, 2 (1 + draws on the rarer side of 0) / (draws
 * + 1), at most 1. patient may be NULL. */
struct nn_auc_pair {
    struct nn_figure auc_a, auc_b, difference;
    double p;
    bool p_defined;
};
NN_MUST_USE enum nn_status nn_auc_difference(const double *score_a, const double *score_b,
                                             const bool *positive, const uint32_t *patient,
                                             size_t count, const struct nn_bootstrap *settings,
                                             struct nn_auc_pair *out, struct nn_error *err);

/* ------------------------------------------------------------------ special functions */

/* Regularised incomplete beta I_x(a, b), a, b > 0, 0 <= x <= 1 (continued fraction, Lentz; DLMF
 * 8.17.22); relative error some 1e-12 up to a + b = 1e6. NaN out of range. */
double nn_beta(double a, double b, double x);
/* x with I_x(a, b) = p, 0 <= p <= 1; by bisection to the last bit or 1e-15. */
double nn_beta_quantile(double a, double b, double p);
/* P(X >= k), X binomial (n, p). */
double nn_binomial_upper(uint64_t k, uint64_t n, double p);
double nn_normal_cdf(double z);
/* z with nn_normal_cdf(z) = p, 0 < p < 1 (bisection of erfc to the last bit). */
double nn_normal_quantile(double p);
/* P(X > x), chi-square with one degree of freedom. */
double nn_chi_square_upper(double x);

#endif
