/* check_model.h: what `cervigate check` says of models. */
#ifndef CHECK_MODEL_H
#define CHECK_MODEL_H

#include "nn_model.h"

/* `cervigate check --model`, from check.c: prints what the model in DIR is, what the node may do
 * with it, and, when it is not validated, the <validation> that would bind it, to be filled in. An
 * exit status: 78, the node refuses it. */
int check_model(const char *dir);
/* The rest of a line: what the card says the model is meant for. */
void check_print_scope(const struct nn_model_info *info);

#endif
