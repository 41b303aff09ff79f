#include "rules.h"
#include "conf_pattern.h"
#include "dx_result.h"
#include "report_class.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TAG_SOP_CLASS DX_TAG(0x0008, 0x0016)
#define TAG_MODALITY  DX_TAG(0x0008, 0x0060)
#define TAG_AGE       DX_TAG(0x0010, 0x1010)

struct rules {
    const struct conf *conf;
    struct conf_pattern **pattern; /* one a match that has a pattern, in the order of the file */
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

        char why[200];
        struct conf_pattern *pattern = conf_pattern_create(match->pattern, why, sizeof why);
        if (!pattern) {
            snprintf(error, error_size, "%s: rule %s: pattern \"%s\": %s",
                     conf_spot_of(rules->conf, match->line).text, rule->name, match->pattern, why);
            return false;
        }
        rules->pattern[rules->patterns++] = pattern;
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
        conf_pattern_destroy(rules->pattern[i]);
    free(rules->pattern);
    free(rules->first);
    free(rules);
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

static const char *text_of(const struct rules_object *object, uint32_t tag)
{
    switch (tag) {
    case CONF_CALLING_AE_TITLE:
        return object->calling;
    case CONF_CALLED_AE_TITLE:
        return object->called;
    default:
        return dx_attrs_text(object->attrs, tag);
    }
}

static bool match_holds(const struct conf_match *match, struct conf_pattern *pattern,
                        const struct rules_object *object)
{
    const char *text = text_of(object, match->tag);
    char value[RULES_VALUE_MAX];
    if (match->least || match->most)
        return rules_is_within(object->attrs, match);
    while (rules_next_value(&text, value)) {
        if (match->values && !is_listed(match->values, value))
            continue;
        if (pattern && !conf_pattern_found(pattern, value))
            continue;
        return true;
    }
    return false;
}

void rules_value(const struct rules_object *object, const struct conf_match *match, char *text,
                 size_t size)
{
    double age;
    snprintf(text, size, "%s", text_of(object, match->tag));
    if (match->tag == TAG_AGE && text[0] == '\0' && (match->least || match->most) &&
        rules_age(object->attrs, CONF_YEARS, &age))
        snprintf(text, size, "%.0f years, by date of birth", age);
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

void rules_object_init(struct rules_object *object, const struct dx_attrs *attrs,
                       const char *calling, const char *called)
{
    struct dx_error err = {.status = DX_OK};
    bool ascii = true;
    *object = (struct rules_object){.attrs = attrs, .calling = calling, .called = called};
    for (size_t i = 0; ascii && i < dx_attrs_count(attrs); i++) {
        uint32_t tag;
        char vr[3];
        const char *value;
        size_t length;
        dx_attrs_at(attrs, i, &tag, vr, &value, &length);
        ascii = dx_text_is_ascii(dx_attrs_text(attrs, tag));
    }
    if (!ascii && dx_attrs_to_utf8(attrs, &object->utf8, &err) == DX_OK)
        object->attrs = object->utf8;
}

void rules_object_finish(struct rules_object *object)
{
    dx_attrs_destroy(object->utf8);
    object->utf8 = NULL;
}

bool rules_hold(const struct rules *rules, size_t rule, const struct rules_object *object,
                const struct conf_match **failed)
{
    const struct conf_rule *taken = &rules->conf->rules[rule];
    size_t pattern = rules->first[rule];
    for (size_t i = 0; i < taken->matches; i++) {
        struct conf_pattern *compiled = NULL;
        if (taken->match[i].pattern)
            compiled = rules->pattern[pattern++];
        if (!match_holds(&taken->match[i], compiled, object)) {
            *failed = &taken->match[i];
            return false;
        }
    }
    *failed = NULL;
    return true;
}

const struct conf_rule *rules_select(const struct rules *rules, const struct rules_object *object)
{
    const struct conf_match *failed;
    for (size_t i = 0; i < rules->conf->rule_count; i++)
        if (rules_hold(rules, i, object, &failed))
            return &rules->conf->rules[i];
    return NULL;
}

/* Whether the receiver knows what the match looks at. */
static bool is_seen(const struct conf_match *match)
{
    return match->tag == TAG_SOP_CLASS || match->tag == TAG_MODALITY ||
           match->tag == CONF_CALLING_AE_TITLE || match->tag == CONF_CALLED_AE_TITLE;
}

bool rules_settle(const struct rules *rules, const struct rules_object *object,
                  const struct conf_rule **rule)
{
    for (size_t i = 0; i < rules->conf->rule_count; i++) {
        const struct conf_rule *candidate = &rules->conf->rules[i];
        size_t pattern = rules->first[i];
        bool open = false, fails = false;
        for (size_t m = 0; m < candidate->matches; m++) {
            const struct conf_match *match = &candidate->match[m];
            struct conf_pattern *compiled = match->pattern ? rules->pattern[pattern++] : NULL;
            if (is_seen(match))
                fails |= !match_holds(match, compiled, object);
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

unsigned rules_models(const struct conf *conf, const struct conf_rule *rule, const char *called)
{
    const struct conf_ae *ae = conf_find_ae(conf, called);
    return rule->models != 0 || !ae ? rule->models : ae->models;
}

unsigned rules_outputs(const struct conf_rule *rule, const struct conf_destination *destination)
{
    if (rule->destinations && !conf_is_listed(rule->destinations, destination->peer->name))
        return 0;
    return rule->outputs ? rule->outputs & destination->outputs : destination->outputs;
}

bool rules_tell(const struct conf_rule *rule, const struct conf_announcement *announcement)
{
    return !rule->announcements || conf_is_listed(rule->announcements, announcement->name);
}

bool rules_own_class(const char *sop_class)
{
    for (size_t i = 0; i < report_class_count; i++)
        if (strcmp(sop_class, report_classes[i].uid) == 0)
            return true;
    return false;
}

/* What no router takes out: the codes. A person's report that took ours over is that person's. */
static bool is_own_document(const struct dx_attrs *attrs)
{
    return strcmp(dx_attrs_text(attrs, DX_TAG(0x0040, 0xa043)), RULES_TITLE) == 0 &&
           strcmp(dx_attrs_text(attrs, DX_TAG(0x0040, 0xa084)), "DEV") == 0 &&
           strcmp(dx_attrs_text(attrs, DX_TAG(0x0008, 0x0102)), RULES_SCHEME) == 0;
}

bool rules_own(const struct dx_attrs *attrs)
{
    const char *model = dx_attrs_text(attrs, DX_TAG(0x0008, 0x1090));
    const char *series = dx_attrs_text(attrs, DX_TAG(0x0008, 0x103e));
    return rules_own_class(dx_attrs_text(attrs, TAG_SOP_CLASS)) &&
           (strcmp(model, RULES_MODEL_NAME) == 0 ||
            strncmp(series, RULES_MARK, sizeof RULES_MARK - 1) == 0 || is_own_document(attrs));
}

bool rules_report_class(const char *sop_class)
{
    static const char *const classes[] = {
        "1.2.840.10008.5.1.4.1.1.88.11",  /* Basic Text SR */
        "1.2.840.10008.5.1.4.1.1.88.22",  /* Enhanced SR */
        "1.2.840.10008.5.1.4.1.1.88.33",  /* Comprehensive SR */
        "1.2.840.10008.5.1.4.1.1.88.34"}; /* Comprehensive 3D SR */
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strcmp(sop_class, classes[i]) == 0)
            return true;
    return false;
}

static bool says(const struct dx_attrs *attrs, uint32_t tag, const char *word)
{
    const char *text = dx_attrs_text(attrs, tag);
    char value[RULES_VALUE_MAX];
    return rules_next_value(&text, value) && strcmp(value, word) == 0;
}

/* Document titles (DCM) of what is no reading, whoever is named in it. */
static bool is_no_reading(const char *title)
{
    static const char *const titles[] = {"111036",  /* Mammography CAD Report */
                                         "112000",  /* Chest CAD Report */
                                         "112220",  /* Colon CAD Report */
                                         "113701"}; /* X-Ray Radiation Dose Report */
    if (strncmp(title, "1130", 4) == 0)
        return true; /* key objects: CID 7010 */
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (strcmp(title, titles[i]) == 0)
            return true;
    return false;
}

const char *rules_not_read(const struct dx_attrs *attrs)
{
    const uint32_t preliminary = DX_TAG(0x0040, 0xa496), observer = DX_TAG(0x0040, 0xa084);
    if (!says(attrs, DX_TAG(0x0040, 0xa491), "COMPLETE"))
        return "a report that is not COMPLETE: not read by it";
    if (dx_attrs_text(attrs, preliminary)[0] != '\0' && !says(attrs, preliminary, "FINAL"))
        return "a PRELIMINARY report: not read by it";
    if (is_no_reading(dx_attrs_text(attrs, DX_TAG(0x0040, 0xa043))))
        return "a document of CAD, dose or key objects: not read by it";
    if (says(attrs, observer, "DEV"))
        return "a report of devices alone: not read by it";
    if (!says(attrs, observer, "PSN") && !says(attrs, DX_TAG(0x0040, 0xa493), "VERIFIED"))
        return "a report that names no observer and is not VERIFIED: not read by it";
    return NULL;
}

bool rules_is_no_image(const char *sop_class)
{
    static const char *const roots[] = {"1.2.840.10008.5.1.4.1.1.88.",  /* SR, Key Objects */
                                        "1.2.840.10008.5.1.4.1.1.11."}; /* Presentation States */
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        if (strncmp(sop_class, roots[i], strlen(roots[i])) == 0)
            return true;
    return false;
}
