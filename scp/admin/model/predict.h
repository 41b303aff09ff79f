/* predict.h: between predict.c (the command) and predict_file.c (one file to scores). */
#ifndef PREDICT_H
#define PREDICT_H

#include "gate.h"
#include "image_file.h"
#include "nn_explain.h"
#include "picture.h"
#include <limits.h>

/* The model that comes with the program: beside an installed binary, or in the tree that it was
 * built in. In path, or static. */
const char *predict_bundled_model(char path[PATH_MAX]);

struct predictor {
    struct image_reader reader;
    struct nn_model *model;
    struct nn_pool *pool;
    struct nn_judge *judge;
    float *map; /* (side, side) */
};
/* threads 0: one a processor. 0, or an exit status with a sentence. predictor_close may be called
 * in any case. */
int predictor_open(struct predictor *predictor, const char *model, int threads, char *error,
                   size_t error_size);
void predictor_close(struct predictor *predictor);

struct prediction {
    bool judged;
    const char *reason; /* not judged: srt_reason_name, or "unreadable" */
    char detail[256];
    struct nn_judgement scores;
    struct nn_plane plane; /* nn_plane_finish */
    char orientation[32];  /* DICOM's Patient Orientation; "": none */
    int64_t milliseconds;  /* decoding and judging */
};
/* 0, or an exit status with a sentence. A file that cannot be judged is an answer, no error; one
 * that cannot be opened is both. */
int predict_file(struct predictor *predictor, const char *path, struct prediction *prediction,
                 char *error, size_t error_size);
/* The picture of the prediction that was made last. */
int predict_picture(struct predictor *predictor, const struct prediction *prediction,
                    const struct nn_explain *how, const char *out, char *error, size_t error_size);

#endif
