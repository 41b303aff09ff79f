/* region.h: where the cervical spine lies in a lateral radiograph. */
#ifndef NN_REGION_H
#define NN_REGION_H

#include "nn_model.h"

#define NN_REGION_LEAST 0.72 /* of the columns: no region is narrower */

/* Finds the columns that hold the spine; all rows belong to it, since it runs through the image
 * from the skull to the shoulders. The whole plane when the image is small, flat, or its edges show
 * no column. A function of the pixels alone; values that are not finite are NN_BAD_DATA. */
NN_MUST_USE enum nn_status nn_region_spine(const float *plane, int rows, int cols,
                                           struct nn_box *box, struct nn_pool *pool,
                                           struct nn_error *err);

#endif
