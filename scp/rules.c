#include "rules.h"
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TAG_SOP_CLASS   DX_TAG(0x0008, 0x0016)
#define TAG_MODALITY    DX_TAG(0x0008, 0x0060)
#define RULES_VALUE_MAX 1024 /* of one value of an attribute; the rest is not looked at */

struct rules {
    const struct conf *conf;
    regex_t *pattern; /* one a match that has a pattern, in the order of the file */
    size_t patterns;
    size_t *first; /* (rules) number of each rule's first pattern */
};

static int patterns_of(const struct conf_rule *rule)
{
    int count = 0;
    for (size_t i = 0; i < rule->matches; i++)
        count += rule->match[i].pattern != NULL;
    return count;
}

static bool compile_rule(struct rules *rules, const struct conf_rule *rule, char *error,
                         size_t error_size)
{
    for (size_t i = 0; i < rule->matches; i++) {
        const struct conf_match *match = &rule->match[i];
        if (!match->pattern)
            continue;

        regex_t *to = &rules->pattern[rules->patterns];
        int code = regcomp(to, match->pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB);
        if (code != 0) {
            char why[128];
            regerror(code, to, why, sizeof why);
            snprintf(error, error_size, "line %d: rule %s: pattern \"%s\": %s", match->line,
                     rule->name, match->pattern, why);
            return false;
        }
        rules->patterns++;
    }
    return true;
}

struct rules *rules_create(const struct conf *conf, char *error, size_t error_size)
{
    size_t total = 0;
    for (size_t i = 0; i < conf->rule_count; i++)
        total += (size_t)patterns_of(&conf->rules[i]);

    struct rules *rules = calloc(1, sizeof *rules);
    if (!rules)
        goto memory;
    rules->conf = conf;
    rules->pattern = calloc(total + 1, sizeof *rules->pattern);
    rules->first = calloc(conf->rule_count + 1, sizeof *rules->first);
    if (!rules->pattern || !rules->first)
        goto memory;

    for (size_t i = 0; i < conf->rule_count; i++) {
        rules->first[i] = rules->patterns;
        if (!compile_rule(rules, &conf->rules[i], error, error_size)) {
            rules_destroy(rules);
            return NULL;
        }
    }
    return rules;

memory:
    snprintf(error, error_size, "out of memory");
    rules_destroy(rules);
    return NULL;
}

void rules_destroy(struct rules *rules)
{
    if (!rules)
        return;
    for (size_t i = 0; i < rules->patterns; i++)
        regfree(&rules->pattern[i]);
    free(rules->pattern);
    free(rules->first);
    free(rules);
}

/* Takes the next of a multi-valued text's values, without its padding; false after the last. */
static bool next_value(const char **text, char value[RULES_VALUE_MAX])
{
    if (!*text)
        return false;
    size_t length = strcspn(*text, "\\");
    const char *start = *text;
    *text = start[length] == '\\' ? start + length + 1 : NULL;

    while (length > 0 && start[0] == ' ')
        start++, length--;
    while (length > 0 && start[length - 1] == ' ')
        length--;
    if (length >= RULES_VALUE_MAX)
        length = RULES_VALUE_MAX - 1;
    memcpy(value, start, length);
    value[length] = 0;
    return true;
}

static bool is_listed(const char *list, const char *value)
{
    size_t length = strlen(value);
    while (*list) {
        list += strspn(list, " \t\r\n");
        size_t word = strcspn(list, " \t\r\n");
        if (word > 0 && word == length && strncasecmp(list, value, word) == 0)
            return true;
        list += word;
    }
    return false;
}

static bool match_holds(const struct conf_match *match, const regex_t *pattern,
                        const struct dx_attrs *attrs)
{
    const char *text = dx_attrs_text(attrs, match->tag);
    char value[RULES_VALUE_MAX];
    while (next_value(&text, value)) {
        if (match->values && !is_listed(match->values, value))
            continue;
        if (pattern && regexec(pattern, value, 0, NULL, 0) != 0)
            continue;
        return true;
    }
    return false;
}

bool rules_hold(const struct rules *rules, size_t rule, const struct dx_attrs *attrs,
                const struct conf_match **failed)
{
    const struct conf_rule *taken = &rules->conf->rules[rule];
    size_t pattern = rules->first[rule];
    for (size_t i = 0; i < taken->matches; i++) {
        const regex_t *compiled = NULL;
        if (taken->match[i].pattern)
            compiled = &rules->pattern[pattern++];
        if (!match_holds(&taken->match[i], compiled, attrs)) {
            *failed = &taken->match[i];
            return false;
        }
    }
    *failed = NULL;
    return true;
}

const struct conf_rule *rules_select(const struct rules *rules, const struct dx_attrs *attrs)
{
    const struct conf_match *failed;
    for (size_t i = 0; i < rules->conf->rule_count; i++)
        if (rules_hold(rules, i, attrs, &failed))
            return &rules->conf->rules[i];
    return NULL;
}

bool rules_settle(const struct rules *rules, const struct dx_attrs *attrs,
                  const struct conf_rule **rule)
{
    for (size_t i = 0; i < rules->conf->rule_count; i++) {
        const struct conf_rule *candidate = &rules->conf->rules[i];
        size_t pattern = rules->first[i];
        bool open = false, fails = false;
        for (size_t m = 0; m < candidate->matches; m++) {
            const struct conf_match *match = &candidate->match[m];
            const regex_t *compiled = match->pattern ? &rules->pattern[pattern++] : NULL;
            if (match->tag == TAG_SOP_CLASS || match->tag == TAG_MODALITY)
                fails |= !match_holds(match, compiled, attrs);
            else
                open = true;
        }
        if (fails)
            continue;
        *rule = candidate;
        return !open;
    }
    *rule = NULL;
    return true;
}

bool rules_own_class(const char *sop_class)
{
    static const char *const classes[] = {
        "1.2.840.10008.5.1.4.1.1.7",     /* Secondary Capture */
        "1.2.840.10008.5.1.4.1.1.7.4",   /* Multi-frame True Color Secondary Capture */
        "1.2.840.10008.5.1.4.1.1.88.22", /* Enhanced SR */
        "1.2.840.10008.5.1.4.1.1.88.33", /* Comprehensive SR */
        "1.2.840.10008.5.1.4.1.1.88.34", /* Comprehensive 3D SR */
        "1.2.840.10008.5.1.4.1.1.88.59", /* Key Object Selection: our rejection notes */
        "1.2.840.10008.5.1.4.1.1.11.1",  /* Grayscale Softcopy Presentation State */
        "1.2.840.10008.5.1.4.1.1.30",    /* Parametric Map */
    };
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (strcmp(sop_class, classes[i]) == 0)
            return true;
    return false;
}

bool rules_own(const struct conf *conf, const struct dx_attrs *attrs)
{
    return strcmp(dx_attrs_text(attrs, DX_TAG(0x0008, 0x0070)), conf->manufacturer) == 0 &&
           strcmp(dx_attrs_text(attrs, DX_TAG(0x0008, 0x1090)), RULES_MODEL_NAME) == 0 &&
           rules_own_class(dx_attrs_text(attrs, TAG_SOP_CLASS));
}
