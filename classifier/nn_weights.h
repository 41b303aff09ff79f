/* nn_weights.h: a set of named tensors, read from and written to safetensors files.
 *
 * Reading maps the file read-only and checks the header before anything is believed: its length,
 * JSON, dtypes, shapes, that offsets lie inside the file, do not overlap and match shape x dtype.
 * Every refusal names the file and tensor. Files written here hold a checksum of each tensor, so
 * that flipped bits are refused by the tensor's name; files of others without any are taken as they
 * are. F32 is used in place (copied when it is misaligned); F16 is widened once into private
 * memory; other dtypes are NN_UNSUPPORTED. Gaps between tensors are allowed. An opened set is
 * immutable and may be shared by threads. */
#ifndef NN_WEIGHTS_H
#define NN_WEIGHTS_H

#include "nn_status.h"
#include <stddef.h>
#include <stdint.h>

#define NN_WEIGHTS_MAX_HEADER  (1u << 20) /* bytes of JSON */
#define NN_WEIGHTS_MAX_TENSORS 4096
#define NN_WEIGHTS_MAX_DIMS    8
#define NN_WEIGHTS_MAX_PARTS   16 /* files of one union */

enum nn_dtype { NN_F32, NN_F16 };

struct nn_tensor {
    const char *name;
    enum nn_dtype stored; /* the type in the file; data is always float32 */
    int dims;
    int64_t dim[NN_WEIGHTS_MAX_DIMS];
    size_t elements;
    const float *data;
};

struct nn_weights;

/* NN_MISSING, NN_IO: no such file, not readable. NN_INVALID: not a regular file. NN_BAD_DATA,
 * NN_LIMIT, NN_UNSUPPORTED: what is in it. The file must not be truncated while it is open. */
NN_MUST_USE enum nn_status nn_weights_open(const char *path, struct nn_weights **weights,
                                           struct nn_error *err);
void nn_weights_close(struct nn_weights *weights);
size_t nn_weights_count(const struct nn_weights *weights);
const struct nn_tensor *nn_weights_at(const struct nn_weights *weights, size_t index);
const struct nn_tensor *nn_weights_find(const struct nn_weights *weights, const char *name);
/* A "__metadata__" value, or NULL. */
const char *nn_weights_metadata(const struct nn_weights *weights, const char *key);
/* SHA-256 of the file's bytes as 64 lower-case hex digits. */
const char *nn_weights_digest(const struct nn_weights *weights);

/* The union of several sets: of tensors (and metadata) of one name the first in `parts` counts. Its
 * digest is SHA-256 of the parts' digests, 64 digits each, in order; one part alone stays itself.
 * On success the union owns the parts (close it, not them); on failure they are the caller's. */
NN_MUST_USE enum nn_status nn_weights_join(struct nn_weights *const *parts, size_t count,
                                           struct nn_weights **joined, struct nn_error *err);

struct nn_metadata {
    const char *key, *value;
};

/* Writes tensors (all as `store`) to path by temporary file, fsync, rename, directory fsync.
 * The bytes are a function of the arguments alone. F16 rounds to nearest, ties to even; a number
 * that it cannot hold is NN_LIMIT with the tensor's name. */
NN_MUST_USE enum nn_status nn_weights_write(const char *path, const struct nn_tensor *tensors,
                                            size_t count, const struct nn_metadata *metadata,
                                            size_t metadata_count, enum nn_dtype store,
                                            struct nn_error *err);

#endif
