/* weights_internal.h: the inside of nn_weights: a header reader that works on memory. */
#ifndef NN_WEIGHTS_INTERNAL_H
#define NN_WEIGHTS_INTERNAL_H

#include "nn_weights.h"
#include <stdbool.h>

struct nn_header_pair {
    const char *key, *value;
};

/* The header of a safetensors file. Strings live in `text`. */
struct nn_header {
    char *text;
    size_t text_used, text_size;
    struct nn_header_tensor {
        const char *name;
        char dtype[8];
        int dims;
        int64_t dim[NN_WEIGHTS_MAX_DIMS];
        uint64_t begin, end; /* bytes from the end of the header */
    } * tensors;
    size_t count, capacity;
    struct nn_header_pair *metadata;
    size_t metadata_count, metadata_capacity;
};

/* Reads `length` bytes of JSON, strictly: nothing but what safetensors defines. `where` names the
 * file in errors. The caller calls nn_header_finish in every case. */
NN_MUST_USE enum nn_status nn_header_read(const char *json, size_t length, const char *where,
                                          struct nn_header *header, struct nn_error *err);
void nn_header_finish(struct nn_header *header);

/* Checksums a tensor (weights_sums.c). `data` is what follows the header; the tensors' offsets are
 * inside it. */
NN_MUST_USE enum nn_status nn_sums_check(const struct nn_header *header, const unsigned char *data,
                                         const char *where, struct nn_error *err);
struct nn_sum {
    char text[9];
};
/* Of tensors as they will be stored; *sums is malloc'ed. */
NN_MUST_USE enum nn_status nn_sums_make(const struct nn_tensor *tensors, size_t count,
                                        enum nn_dtype store, struct nn_sum **sums,
                                        struct nn_error *err);

/* As nn_weights_open, from memory that the caller keeps until close. `where` names it in errors. */
NN_MUST_USE enum nn_status nn_weights_open_memory(const void *bytes, size_t size, const char *where,
                                                  struct nn_weights **weights,
                                                  struct nn_error *err);

float nn_half_to_float(uint16_t half);
uint16_t nn_float_to_half(float value); /* to nearest, ties to even; too large becomes infinite */

#endif
