/* rules.h: which images the node judges: the configuration's selection rules, compiled once.
 *
 * First rule whose matches all hold wins. A missing attribute is empty text. `values` holds when
 * one of the attribute's values equals one of the blank-separated words, letter case aside;
 * `pattern` when the regular expression is found in one of the values; `least` and `most` when one
 * of the values is a number within them. Text is compared as UTF-8, whatever the object's character
 * set is. The answer is a function of rules and object alone, in bounded time (conf_pattern.h).
 *
 * One thread at a time: patterns hold the scratch of their matching. */
#ifndef RULES_H
#define RULES_H

#include "conf.h"
#include "dx_attrs.h"
#include <stdbool.h>
#include <stddef.h>

#define RULES_MODEL_NAME "cervigate"              /* Manufacturer's Model Name of our results */
#define RULES_MARK       "AI - not for diagnosis" /* so their Series Descriptions begin */
#define RULES_SCHEME     "99CERVIGATE" /* the coding scheme of what they say (codes.md) */
#define RULES_TITLE      "126000"      /* DCM, Imaging Measurement Report */

struct rules;
/* conf must outlive the rules. NULL with a sentence in error when a pattern does not compile or
 * memory is short. */
struct rules *rules_create(const struct conf *conf, char *error, size_t error_size);
void rules_destroy(struct rules *rules);

/* What rules look at. All is borrowed but utf8. */
struct rules_object {
    const struct dx_attrs *attrs;
    const char *calling, *called; /* AE titles of the association that brought it, or "" */
    struct dx_attrs *utf8;        /* attrs in UTF-8 where they are not ASCII and can be converted */
};
/* Without memory for another character set the bytes are looked at as they are. Finish it. */
void rules_object_init(struct rules_object *object, const struct dx_attrs *attrs,
                       const char *calling, const char *called);
void rules_object_finish(struct rules_object *object);

/* The rule that takes the object; NULL when none does. */
const struct conf_rule *rules_select(const struct rules *rules, const struct rules_object *object);
/* Whether SOP class, modality and AE titles settle it, whatever else the object holds; then *rule
 * is the one that takes it, or NULL. */
bool rules_settle(const struct rules *rules, const struct rules_object *object,
                  const struct conf_rule **rule);
/* Whether rule number `rule` takes it; if not, *failed is the first match that does not hold. */
bool rules_hold(const struct rules *rules, size_t rule, const struct rules_object *object,
                const struct conf_match **failed);
/* What a match looks at, in words, for people: without controls; "" when it is empty. */
void rules_value(const struct rules_object *object, const struct conf_match *match, char *text,
                 size_t size);

/* Which models may judge what a rule takes that was sent to this AE title: a set of 1u << index of
 * conf.models, 0: any. */
unsigned rules_models(const struct conf *conf, const struct conf_rule *rule, const char *called);

/* What a rule gives a destination of what it is configured to get: a set of enum conf_output. */
unsigned rules_outputs(const struct conf_rule *rule, const struct conf_destination *destination);

/* Whether a rule lets an announcement be told of a study. */
bool rules_tell(const struct conf_rule *rule, const struct conf_announcement *announcement);

/* An SR, SC ... that says it was made by this product, in Manufacturer's Model Name or, where a
 * router took that out, in its Series Description: a result of ours that came back although its UID
 * is not in the job store (another spool, a restored node, new UIDs). An SR also by its content: a
 * measurement report of devices alone, with concepts of our own scheme. Of any manufacturer's name:
 * it is a setting, and another node's result is no radiologist's report either. */
bool rules_own_class(const char *sop_class); /* of those that ours can have */
bool rules_own(const struct dx_attrs *attrs);
/* Whether it is a report of others that could be a study's reading. */
bool rules_report_class(const char *sop_class);
/* NULL: such a report says that its study has been read. Else why it does not, in words. It does
 * when it is COMPLETE, not PRELIMINARY, no CAD report or key objects by its title, and a person's:
 * an observer or author is one; or it names neither person nor device, and is VERIFIED, which
 * persons do (PS3.3 C.17.2, PS3.16 TID 1001 to 1004). */
const char *rules_not_read(const struct dx_attrs *attrs);
/* A document, presentation or reference: nothing that could be judged, whatever a rule says. */
bool rules_is_no_image(const char *sop_class);

/* rules_number.c: the text's values one after the other, without padding; false after the last. */
#define RULES_VALUE_MAX 1024 /* bytes of a value; the rest is not looked at */
bool rules_next_value(const char **text, char value[RULES_VALUE_MAX]);
/* rules_number.c: whether one of the attribute's values is within the match's bounds. */
bool rules_is_within(const struct dx_attrs *attrs, const struct conf_match *match);
/* The patient's completed years, months, weeks or days: Patient's Age, or between birth and study;
 * false where neither is told. */
bool rules_age(const struct dx_attrs *attrs, enum conf_unit unit, double *age);

#endif
