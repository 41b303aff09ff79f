/* rules.h: which images the node judges: the configuration's selection rules, compiled once.
 *
 * First rule whose matches all hold wins. A missing attribute is empty text. `values` holds when
 * one of the attribute's values equals one of the blank-separated words, letter case aside;
 * `pattern` when the regular expression is found in one of the values. Immutable after create. */
#ifndef RULES_H
#define RULES_H

#include "conf.h"
#include "dx_attrs.h"
#include <stdbool.h>
#include <stddef.h>

#define RULES_MODEL_NAME "cervigate" /* Manufacturer's Model Name of our results */

struct rules;
/* conf must outlive the rules. NULL with a sentence in error when a pattern does not compile or
 * memory is short. */
struct rules *rules_create(const struct conf *conf, char *error, size_t error_size);
void rules_destroy(struct rules *rules);

/* The rule that takes the object; NULL when none does. */
const struct conf_rule *rules_select(const struct rules *rules, const struct dx_attrs *attrs);
/* Whether SOP class and modality settle it, whatever else the object holds; then *rule is the one
 * that takes it, or NULL. */
bool rules_settle(const struct rules *rules, const struct dx_attrs *attrs,
                  const struct conf_rule **rule);
/* Whether rule number `rule` takes it; if not, *failed is the first match that does not hold. */
bool rules_hold(const struct rules *rules, size_t rule, const struct dx_attrs *attrs,
                const struct conf_match **failed);

/* An SR or SC that says it was made by this product of this manufacturer: a result of ours that
 * came back although its UID is not in the job store (another spool, a restored node). */
bool rules_own_class(const char *sop_class); /* of those that ours can have */
bool rules_own(const struct conf *conf, const struct dx_attrs *attrs);

#endif
