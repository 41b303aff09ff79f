/* phantom_dicom.h: a phantom as a DICOM object of a synthetic patient.
 *
 * X-rays are DX or CR, 10 to 16 bits, MONOCHROME1 or 2, with some range and window, as a dice of
 * (seed, device) falls; a CT slice is a CT image, a photograph a Secondary Capture. The
 * header tells what the phantom is, or, careless, what a busy department leaves of it. */
#ifndef PHANTOM_DICOM_H
#define PHANTOM_DICOM_H

#include "phantom/phantom.h"

struct phantom_header {
    uint64_t seed, index; /* accession number, date, what is forgotten */
    uint64_t device;      /* DX or CR, bits, photometric interpretation, range */
    bool careless;
    const char *study;                      /* UID, or NULL: the image is a study of its own */
    const char *station;                    /* NULL: "PHANTOM" */
    int image;                              /* number of series in the study, from 1; 0: 1 */
    const struct nn_phantom_truth *patient; /* whose age, sex and number: NULL: the image's own */
};

/* Prepares DCMTK, once, before threads. */
bool phantom_dicom_begin(struct nn_error *err);
/* UIDs of image and series are a function of the pixels (the same phantom is the same object).
 * Safe from several threads. False with a sentence in err. */
bool phantom_dicom_write(const char *path, const struct nn_plane *plane,
                         const struct nn_phantom_truth *truth, const struct phantom_header *header,
                         struct nn_error *err);
/* UID of the study that (seed, index) names; false without memory. */
bool phantom_dicom_study(uint64_t seed, uint64_t index, char uid[65]);
/* SOP Class UID that phantom_dicom_write would write: what an association must propose. */
const char *phantom_dicom_sop_class(enum nn_phantom_subject subject,
                                    const struct phantom_header *header);

#endif
