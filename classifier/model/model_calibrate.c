/* model_calibrate.c: a model's own temperature (Guo et al., "On calibration of modern neural
 * networks", ICML 2017, section 4.2), for all who judge with it. The formula is
 * nn_temperature_apply's. */
#include "model_internal.h"
#include "nn_measures.h"

bool nn_is_calibrated(const struct nn_model_info *info)
{
    return info->temperature > 0 && (info->temperature < 1 || info->temperature > 1);
}

void nn_model_calibrate(const struct nn_model_info *info, float *score)
{
    struct nn_error err;

    /* What it refuses are scores that are none, and those its callers refuse by their class. */
    if (nn_is_calibrated(info) &&
        nn_temperature_apply(score, 1, info->classes, info->temperature, score, &err) != NN_OK)
        return;
}
