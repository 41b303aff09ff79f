/* graph_ops.h: an operator's name, number of producers and attributes. Not a public header. */
#ifndef NN_GRAPH_OPS_H
#define NN_GRAPH_OPS_H

#include "graph_internal.h"

#define NN_FIELD_TEXT 64 /* bytes of an attribute's text */

enum nn_field_kind {
    NN_FIELD_BOOL,
    NN_FIELD_FLOAT,
    NN_FIELD_INT, /* so many neighbours in the struct */
    NN_FIELD_INT2,
    NN_FIELD_INT3,
    NN_FIELD_INT4
};

struct nn_field {
    const char *key; /* NULL: the end */
    enum nn_field_kind kind;
    size_t offset; /* in struct nn_layer */
};

struct nn_op_form {
    const char *name;
    int least_from, most_from;
    const struct nn_field *fields;
};

const struct nn_op_form *nn_op_form(enum nn_op op);
bool nn_op_find(const char *name, enum nn_op *op);

/* The attribute's text; false when it need not be written (false). */
bool nn_field_print(const struct nn_field *field, const struct nn_layer *layer,
                    char text[NN_FIELD_TEXT]);
/* False: not a value of its kind. */
bool nn_field_scan(const struct nn_field *field, const char *text, struct nn_layer *layer);

#endif
