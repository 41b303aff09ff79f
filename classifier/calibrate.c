/* calibrate.c: temperature scaling (Guo et al., "On calibration of modern neural networks", ICML
 * 2017, section 4.2). softmax(logits / T) needs no logits: logits and log(score) differ by one
 * number, which softmax takes no notice of. */
#include "model_internal.h"
#include "ops/ops.h"

#include <math.h>

bool nn_is_calibrated(const struct nn_model_info *info)
{
    return info->temperature > 0 && (info->temperature < 1 || info->temperature > 1);
}

/* log(x) of x > 0 by the same few operations on every machine (libm's changes with the CPU):
 * x = m 2^e, m in [sqrt(1/2), sqrt(2)); log m = 2 atanh(t), t = (m-1)/(m+1), |t| < 0.172. */
static double ln(double x)
{
    int e;
    double m = frexp(x, &e), sum = 0;
    if (m < 0x1.6a09e667f3bcdp-1) {
        m *= 2;
        e--;
    }
    double t = (m - 1) / (m + 1);
    for (int k = 23; k >= 1; k -= 2)
        sum = sum * t * t + 1.0 / k;
    return 2 * t * sum + e * 0x1.62e42fefa39efp-1;
}

void nn_model_calibrate(const struct nn_model_info *info, float *score)
{
    float logit[NN_MAX_CLASSES];

    if (!nn_is_calibrated(info))
        return;
    for (int i = 0; i < info->classes; i++) {
        double at = (double)score[i] > 0x1p-149 ? (double)score[i] : 0x1p-149;
        logit[i] = isnan(score[i]) ? score[i] : (float)(ln(at) / info->temperature);
    }
    nn_softmax_forward(info->classes, logit, score);
}
