/* nn_status.h: what can go wrong in the classifier, and the text that travels with it.
 *
 * Every fallible function of the room returns enum nn_status and, where it takes one, fills a
 * struct nn_error with a sentence that names the file, tensor, layer or setting. The library never
 * logs, exits or aborts on input. Any thread, each with a struct nn_error of its own. */
#ifndef NN_STATUS_H
#define NN_STATUS_H

#define NN_STATUS_MAP(X)                                                                           \
    X(NN_OK, "ok")                                                                                 \
    X(NN_INVALID, "invalid argument")                                                              \
    X(NN_SHAPE, "shapes do not fit")                                                               \
    X(NN_NO_MEMORY, "out of memory")                                                               \
    X(NN_IO, "input/output error")                                                                 \
    X(NN_MISSING, "not found")                                                                     \
    X(NN_BAD_DATA, "malformed data")                                                               \
    X(NN_UNSUPPORTED, "not supported")                                                             \
    X(NN_LIMIT, "over a limit")                                                                    \
    X(NN_STOPPED, "stopped on request")

enum nn_status {
#define X(code, text) code,
    NN_STATUS_MAP(X)
#undef X
};

/* status plus one sentence for a human; always terminated. */
struct nn_error {
    enum nn_status status;
    char text[256];
};

#define NN_MUST_USE __attribute__((warn_unused_result))

/* Static text of a status; never NULL. */
const char *nn_status_text(enum nn_status status);

/* Fills err (which may be NULL) and returns status, so that a failing line reads
 * `return nn_fail(err, NN_SHAPE, "layer %s: ...", name);`. */
enum nn_status nn_fail(struct nn_error *err, enum nn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
