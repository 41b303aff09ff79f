/* rules.c: `cervigate rules test FILE.dcm`: which rule would take this object, why, and what comes
 * of it. */
#include "rules.h"
#include "command.h"
#include "dx_init.h"
#include "zygote.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
    "usage: cervigate rules test [--config FILE] [--calling TITLE] [--called TITLE] [--json]\n"
    "                            FILE.dcm\n"
    "\n"
    "Which rule would take this object, why the ones before do not, and what comes of it.\n"
    "The file does not tell who would send it: --calling is that AE title, --called the one\n"
    "that it would call (without them: none, and the node's own).\n"
    "Exit status: 0 a rule takes it; 1 none does.\n";

static const char *const output_names[] = {"SR", "SC", "GSPS", "PMAP"};
enum { OUTPUTS = sizeof output_names / sizeof *output_names, VALUE_MAX = 1200 };

static const char *action_name(enum conf_action action)
{
    return action == CONF_ANALYZE ? "analyze" : action == CONF_STORE_ONLY ? "store" : "ignore";
}

/* ---- why ---- */

static void expected(const struct conf_match *match, char *text, size_t size)
{
    if (match->values || match->pattern)
        snprintf(text, size, "%s %s", match->values ? "one of" : "the pattern",
                 match->values ? match->values : match->pattern);
    else
        snprintf(text, size, "%s%s%s%s%s", match->least ? "at least " : "",
                 match->least ? match->least : "", match->least && match->most ? " and " : "",
                 match->most ? "at most " : "", match->most ? match->most : "");
}

/* "line 12", or of another file than the first "10-pacs.xml line 12". */
static struct at {
    char text[300];
} at(const struct conf *conf, int line)
{
    struct at at;
    const char *file = conf_file_of(conf, line), *slash = strrchr(file, '/');
    bool first = line == conf_line_in_file(line);
    snprintf(at.text, sizeof at.text, "%.255s%sline %d",
             first   ? ""
             : slash ? slash + 1
                     : file,
             first ? "" : " ", conf_line_in_file(line));
    return at;
}

static void explain(const struct conf *conf, size_t i, const struct conf_match *failed,
                    const struct rules_object *object)
{
    const struct conf_rule *rule = &conf->rules[i];
    char value[VALUE_MAX], wanted[VALUE_MAX];
    if (!failed) {
        printf("%s: rule %s takes it: %s\n", at(conf, rule->line).text, rule->name,
               action_name(rule->action));
        return;
    }
    rules_value(object, failed, value, sizeof value);
    expected(failed, wanted, sizeof wanted);
    const char *quote = value[0] ? "\"" : "";
    printf("%s: rule %s does not: %s: %s is %s%s%s, expected %s\n", at(conf, rule->line).text,
           rule->name, at(conf, failed->line).text, failed->keyword, quote,
           value[0] ? value : "empty", quote, wanted);
}

static json_t *step(const struct conf *conf, size_t i, const struct conf_match *failed,
                    const struct rules_object *object)
{
    const struct conf_rule *rule = &conf->rules[i];
    char value[VALUE_MAX] = "", wanted[VALUE_MAX] = "";
    if (!failed)
        return json_pack("{s:s, s:s, s:i, s:b}", "rule", rule->name, "file",
                         conf_file_of(conf, rule->line), "line", conf_line_in_file(rule->line),
                         "takes", 1);
    rules_value(object, failed, value, sizeof value);
    expected(failed, wanted, sizeof wanted);
    json_t *found = json_string(value);
    return json_pack("{s:s, s:s, s:i, s:b, s:s, s:i, s:s, s:o, s:s}", "rule", rule->name, "file",
                     conf_file_of(conf, rule->line), "line", conf_line_in_file(rule->line), "takes",
                     0, "match_file", conf_file_of(conf, failed->line), "match_line",
                     conf_line_in_file(failed->line), "attribute", failed->keyword, "value",
                     found ? found : json_string("(not in UTF-8)"), "expected", wanted);
}

/* ---- what comes of it ---- */

static void print_consequences(const struct conf *conf, const struct conf_rule *rule,
                               const char *called)
{
    bool any = false;
    unsigned may = rules_models(conf, rule, called);
    for (size_t m = 0; m < conf->model_count; m++)
        if (may == 0 || (may & 1u << m) != 0)
            printf("model: %s%s%s\n", conf->model_name[m] ? conf->model_name[m] : "",
                   conf->model_name[m] ? ", " : "", conf->models[m]);
    for (size_t i = 0; i < conf->destination_count; i++) {
        unsigned outputs = rules_outputs(rule, &conf->destinations[i]);
        any |= outputs != 0;
        if (outputs != 0)
            printf("destination: %s:", conf->destinations[i].peer->name);
        for (unsigned o = 0; o < OUTPUTS; o++)
            if ((outputs & 1u << o) != 0)
                printf(" %s", output_names[o]);
        if (outputs != 0)
            puts("");
    }
    if (!any)
        puts("destination: none: its results stay on the node");
    any = false;
    for (size_t i = 0; i < conf->announcement_count; i++) {
        const struct conf_announcement *to = &conf->announcements[i];
        if (!rules_tell(rule, to))
            continue;
        printf("announcement: %s, by %s\n", to->name, conf_way_name(to->way));
        any = true;
    }
    if (!any && conf->announcement_count > 0)
        puts("announcement: none: nobody is told of its study");
    if (rule->body_part_by_pixels)
        puts("body part: by the pixels, where the model has a gate");
    printf("priority: %s\n", rule->never_raises ? "never: its findings raise nothing" : "raise");
}

static json_t *consequences(const struct conf *conf, const struct conf_rule *rule,
                            const char *called)
{
    json_t *models = json_array(), *destinations = json_object(), *announcements = json_array();
    unsigned may = rules_models(conf, rule, called);
    for (size_t m = 0; m < conf->model_count; m++)
        if (may == 0 || (may & 1u << m) != 0)
            json_array_append_new(models, json_string(conf->models[m]));
    for (size_t i = 0; i < conf->destination_count; i++) {
        unsigned outputs = rules_outputs(rule, &conf->destinations[i]);
        json_t *list = json_array();
        for (unsigned o = 0; o < OUTPUTS; o++)
            if ((outputs & 1u << o) != 0)
                json_array_append_new(list, json_string(output_names[o]));
        if (outputs != 0)
            json_object_set(destinations, conf->destinations[i].peer->name, list);
        json_decref(list);
    }
    for (size_t i = 0; i < conf->announcement_count; i++)
        if (rules_tell(rule, &conf->announcements[i]))
            json_array_append_new(announcements, json_string(conf->announcements[i].name));
    return json_pack("{s:o, s:o, s:o, s:s, s:s}", "models", models, "destinations", destinations,
                     "announcements", announcements, "body_part",
                     rule->body_part_by_pixels ? "pixels" : "header", "priority",
                     rule->never_raises ? "never" : "raise");
}

/* ---- the decision ---- */

static int decide(const struct command *command, const struct conf *conf, const struct rules *rules,
                  const struct rules_object *object, bool own)
{
    const struct conf_rule *taken = NULL;
    json_t *steps = json_array();
    if (own && !command->json)
        puts("a result of this product: recognised before any rule");
    for (size_t i = 0; i < conf->rule_count && !taken; i++) {
        const struct conf_match *failed;
        if (rules_hold(rules, i, object, &failed))
            taken = &conf->rules[i];
        if (command->json)
            json_array_append_new(steps, step(conf, i, failed, object));
        else
            explain(conf, i, failed, object);
    }
    bool no_image = rules_is_no_image(dx_attrs_text(object->attrs, DX_TAG(0x0008, 0x0016)));
    bool analyzes = taken && taken->action == CONF_ANALYZE && !no_image && !own;
    if (no_image && !command->json)
        puts("it is no image: never analyzed");
    int status = 0;
    if (command->json) {
        json_t *answer =
            json_pack("{s:s?, s:s, s:b, s:O}", "rule", taken ? taken->name : NULL, "action",
                      taken ? action_name(taken->action) : "ignore", "own", own, "steps", steps);
        if (analyzes)
            json_object_update_new(answer, consequences(conf, taken, object->called));
        status = command_print(answer);
    } else if (!taken) {
        puts("no rule takes it: ignored");
    } else if (analyzes) {
        print_consequences(conf, taken, object->called);
    }
    json_decref(steps);
    return status != 0 ? status : taken ? 0 : 1;
}

static int test_rules(const struct command *command, const struct conf *conf,
                      const struct dx_attrs *attrs)
{
    char error[512];
    struct rules_object object;
    struct rules *rules = rules_create(conf, error, sizeof error);
    if (!rules) {
        fprintf(stderr, "%s: %s\n", conf->path, error);
        return EX_CONFIG;
    }
    rules_object_init(&object, attrs, command->calling ? command->calling : "",
                      command->called ? command->called : conf->ae_title);
    int status = decide(command, conf, rules, &object, rules_own(attrs));
    rules_object_finish(&object);
    rules_destroy(rules);
    return status;
}

static int test_file(const struct command *command, const struct conf *conf, const char *path)
{
    struct dx_error err = {0};
    struct object_limits limits;
    struct zygote_object object;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return EX_NOINPUT;
    }
    struct zygote *zygote = dx_init(NULL, NULL, &err) == DX_OK ? zygote_start() : NULL;
    if (!zygote) {
        fprintf(stderr, "cervigate rules: %s\n", err.text[0] ? err.text : strerror(errno));
        close(fd);
        return EX_OSERR;
    }
    object_limits_of(&conf->limits, &limits);
    enum zygote_end end = zygote_open(zygote, fd, &limits, NULL, &object);
    close(fd);
    int status = EX_DATAERR;
    if (end == ZYGOTE_OK)
        status = test_rules(command, conf, object.attrs);
    else
        fprintf(stderr, "%s: %s\n", path, object.text);
    zygote_close(&object);
    zygote_stop(zygote);
    return status;
}

int admin_rules(int argc, char **argv)
{
    struct command command;
    int status = 0;
    if (!command_parse(argc, argv, usage, COMMAND_CONFIG | COMMAND_JSON | COMMAND_TITLES, &command,
                       &status))
        return status;
    if (command.count != 2 || strcmp(command.words[0], "test") != 0)
        return command_misused(usage, "test and a file are expected");
    struct conf *conf = admin_conf(command.config, &status);
    if (!conf)
        return status;
    status = test_file(&command, conf, command.words[1]);
    conf_destroy(conf);
    return status;
}
