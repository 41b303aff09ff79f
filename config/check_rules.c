/* <rules>: patterns, numbers, and the names of what rules choose. */
#include "conf_pattern.h"
#include "conf_private.h"
#include <stdio.h>
#include <string.h>

void conf_check_pattern(struct reading *reading, int line, const char *pattern)
{
    char why[200];

    if (pattern[0] == '\0' || strlen(pattern) > CONF_PATTERN_MAX)
        return;
    struct conf_pattern *compiled = conf_pattern_create(pattern, why, sizeof why);
    if (!compiled)
        conf_complain(reading, line, false, "pattern \"%s\": %s", conf_show(pattern).text, why);
    conf_pattern_destroy(compiled);
}

bool conf_is_listed(const char *list, const char *word)
{
    size_t length = strlen(word);

    while (list && *list) {
        list += strspn(list, CONF_BLANKS);
        size_t one = strcspn(list, CONF_BLANKS);
        if (one > 0 && one == length && strncmp(list, word, one) == 0)
            return true;
        list += one;
    }
    return false;
}

/* ---- matches ---- */

static void check_way(struct reading *reading, const struct conf_match *match)
{
    bool has_bound = match->least || match->most;
    int ways = !!match->values + !!match->pattern + has_bound;

    if (ways == 0)
        conf_complain(
            reading, match->line, false,
            "<match> has neither values nor pattern, least or most; expected one of them");
    else if (ways > 1)
        conf_complain(reading, match->line, false,
                      "<match> has both %s and %s; expected one of them",
                      match->values ? "values" : "pattern",
                      match->values && match->pattern ? "pattern" : "least or most");
}

static void check_bounds(struct reading *reading, const struct conf_match *match, size_t index)
{
    static const char *const names[] = {"least", "most"};
    const char *const texts[] = {match->least, match->most};
    const struct conf_bound *bound = match->bound;
    bool is_age = match->tag != 0 && match->tag == conf_keyword_tag("PatientAge");

    for (size_t i = 0; i < 2; i++)
        if (texts[i] && match->tag != 0 && !is_age && strpbrk(texts[i], "YMWD"))
            conf_complain(reading, conf_line_at(reading, "match", index, names[i]), false,
                          "<match %s=\"%s\">: expected a number; only PatientAge has a unit",
                          names[i], conf_show(texts[i]).text);
    if (match->least && match->most && bound[0].unit == bound[1].unit &&
        bound[0].number > bound[1].number)
        conf_complain(reading, conf_line_at(reading, "match", index, "least"), false,
                      "least is %s; expected at most what most says, %s",
                      conf_show(match->least).text, conf_show(match->most).text);
}

static void check_match(struct reading *reading, const struct conf_match *match, size_t index)
{
    const char *names[64];
    size_t count = conf_keyword_list(names, 64);

    if (match->keyword[0] && match->tag == 0)
        conf_complain(reading, conf_line_at(reading, "match", index, "attribute"), false,
                      "<match attribute=\"%s\">: not a keyword that rules know%s",
                      conf_show(match->keyword).text, conf_hint(match->keyword, names, count).text);
    check_way(reading, match);
    check_bounds(reading, match, index);
    if (match->values && match->values[0] && !match->values[strspn(match->values, CONF_BLANKS)])
        conf_complain(reading, conf_line_at(reading, "match", index, "values"), false,
                      "<match values> holds only blanks; expected a value");
    if (match->pattern)
        conf_check_pattern(reading, conf_line_at(reading, "match", index, "pattern"),
                           match->pattern);
}

/* ---- what a rule chooses ---- */

static void check_model(struct reading *reading, const struct conf *conf, size_t i)
{
    const struct conf_rule *rule = &conf->rules[i];
    const char *names[CONF_MAX_MODELS];
    size_t count = 0;

    for (size_t m = 0; m < conf->model_count; m++)
        if (conf->model_name[m])
            names[count++] = conf->model_name[m];
    if (rule->model && rule->model[0] && !rule->models && !conf_may_be_elsewhere(reading))
        conf_complain(reading, conf_line_at(reading, "rule", i, "model"), false,
                      "<rule model=\"%s\">: no such model%s; expected the name of a <model> of "
                      "<models>",
                      conf_show(rule->model).text, conf_hint(rule->model, names, count).text);
}

/* Each word of the list is one of the names. */
static void check_names(struct reading *reading, int line, const char *list,
                        const char *const *names, size_t count, const char *what)
{
    while (list && *(list += strspn(list, CONF_BLANKS))) {
        char name[72];
        size_t length = strcspn(list, CONF_BLANKS);
        bool found = false;
        (void)snprintf(name, sizeof name, "%.*s", (int)length, list);
        for (size_t j = 0; j < count; j++)
            found |= strcmp(names[j], name) == 0;
        if (!found && !conf_may_be_elsewhere(reading))
            conf_complain(reading, line, false, "<rule %ss>: \"%s\" is no %s%s; expected %s", what,
                          conf_show(name).text, what, conf_hint(name, names, count).text,
                          what[0] == 'd' ? "peers of <destination>s" : "names of <announcements>");
        list += length;
    }
}

static void check_receivers(struct reading *reading, const struct conf *conf, size_t i)
{
    const struct conf_rule *rule = &conf->rules[i];
    const char *destinations[CONF_MAX_PEERS], *announcements[CONF_MAX_ANNOUNCEMENTS];

    for (size_t j = 0; j < conf->destination_count; j++)
        destinations[j] = conf_read_destination_peer(conf, j);
    for (size_t j = 0; j < conf->announcement_count; j++)
        announcements[j] = conf->announcements[j].name;
    check_names(reading, conf_line_at(reading, "rule", i, "destinations"), rule->destinations,
                destinations, conf->destination_count, "destination");
    check_names(reading, conf_line_at(reading, "rule", i, "announcements"), rule->announcements,
                announcements, conf->announcement_count, "announcement");
}

/* A rule that gives nothing to anyone is one that only keeps: it says so with action="store". */
static void check_gives(struct reading *reading, const struct conf *conf, size_t i)
{
    const struct conf_rule *rule = &conf->rules[i];
    bool any = !rule->outputs && !rule->destinations;

    for (size_t j = 0; j < conf->destination_count; j++) {
        const char *name = conf_read_destination_peer(conf, j);
        any |= (!rule->destinations || conf_is_listed(rule->destinations, name)) &&
               (!rule->outputs || (rule->outputs & conf->destinations[j].outputs) != 0);
    }
    if (rule->action == CONF_ANALYZE && !any && conf->destination_count > 0)
        conf_complain(reading, rule->line, true,
                      "rule \"%s\": none of its destinations gets any of its outputs",
                      conf_show(rule->name).text);
    if (rule->action != CONF_ANALYZE &&
        (rule->model || rule->destinations || rule->announcements || rule->outputs ||
         rule->never_raises || rule->body_part_by_pixels))
        conf_complain(reading, rule->line, true,
                      "rule \"%s\" does not analyze: its model, destinations, announcements, "
                      "outputs, bodyPart and priority mean nothing",
                      conf_show(rule->name).text);
}

static void check_name(struct reading *reading, const struct conf *conf, size_t i)
{
    const struct conf_rule *rule = &conf->rules[i];

    for (size_t j = 0; j < i && rule->name[0]; j++)
        if (strcmp(rule->name, conf->rules[j].name) == 0) {
            conf_complain(
                reading, conf_line_at(reading, "rule", i, "name"), false,
                "found a second rule named \"%s\" (the first is on %s); expected "
                "another name",
                conf_show(rule->name).text,
                conf_where(reading, conf_line_at(reading, "rule", i, "name"), conf->rules[j].line)
                    .text);
            return;
        }
}

static void check_model_names(struct reading *reading, const struct conf *conf)
{
    if (conf->model_count == 2 && conf->model_name[0] && conf->model_name[1] &&
        strcmp(conf->model_name[0], conf->model_name[1]) == 0)
        conf_complain(
            reading, conf_line_at(reading, "model", 1, "name"), false,
            "<model name=\"%s\">: the first model has this name (on %s); expected "
            "another one",
            conf_show(conf->model_name[1]).text,
            conf_where(reading, conf_line_at(reading, "model", 1, "name"), conf->model_line[0])
                .text);
}

void conf_check_rules(struct reading *reading, const struct conf *conf)
{
    const struct conf_rule *last = NULL; /* takes everything that comes to it */
    bool analyzes = false;
    size_t index = 0;

    check_model_names(reading, conf);
    for (size_t i = 0; i < conf->rule_count; i++) {
        const struct conf_rule *rule = &conf->rules[i];
        check_name(reading, conf, i);
        check_model(reading, conf, i);
        check_receivers(reading, conf, i);
        check_gives(reading, conf, i);
        for (size_t j = rule->ae != NULL; j < rule->matches; j++)
            check_match(reading, &rule->match[j], index++);
        if (last)
            conf_complain(reading, rule->line, true,
                          "rule \"%s\" can never match: rule \"%s\" on %s takes everything",
                          conf_show(rule->name).text, conf_show(last->name).text,
                          conf_where(reading, rule->line, last->line).text);
        else if (rule->matches == 0)
            last = rule;
        analyzes |= rule->action == CONF_ANALYZE;
    }
    if (!analyzes && !conf_complaints_refuse(reading->complaints))
        conf_complain(reading, conf_line_at(reading, "rules", 0, ""), true,
                      "no rule says action=\"analyze\": nothing will be judged");
}
