/* phantom_dicom.h: a phantom as a DICOM file: a DX image of a synthetic patient. */
#ifndef PHANTOM_DICOM_H
#define PHANTOM_DICOM_H

#include "phantom/phantom.h"

/* A format of phantom.c. UIDs are a function of the pixels: the same phantom is the same object. */
bool phantom_dicom_write(const char *path, const struct nn_plane *plane,
                         const struct nn_phantom_truth *truth, struct nn_error *err);

#endif
