/* check_model.h: `cervigate check --model`, from check.c. */
#ifndef CHECK_MODEL_H
#define CHECK_MODEL_H

/* Prints what the model in DIR is, what the node may do with it, and, when it is not validated, the
 * <validation> that would bind it, to be filled in. An exit status: 78, the node refuses it. */
int check_model(const char *dir);

#endif
