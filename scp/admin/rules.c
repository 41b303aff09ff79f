/* rules.c: `cervigate rules test FILE.dcm`: which rule would take this object, and why. */
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

static const char usage[] = "usage: cervigate rules test [--config FILE] [--json] FILE.dcm\n"
                            "\n"
                            "Which rule would take this object, and why the ones before do not.\n"
                            "Exit status: 0 a rule takes it; 1 none does.\n";

static const char *action_name(enum conf_action action)
{
    return action == CONF_ANALYZE ? "analyze" : action == CONF_STORE_ONLY ? "store" : "ignore";
}

static void explain(const struct conf *conf, size_t i, const struct conf_match *failed,
                    const struct dx_attrs *attrs)
{
    const struct conf_rule *rule = &conf->rules[i];
    if (!failed) {
        printf("line %d: rule %s takes it: %s\n", rule->line, rule->name,
               action_name(rule->action));
        return;
    }
    const char *found = dx_attrs_text(attrs, failed->tag);
    printf("line %d: rule %s does not: line %d: %s is %s%s%s, expected %s %s\n", rule->line,
           rule->name, failed->line, failed->keyword, found[0] ? "\"" : "",
           found[0] ? found : "empty", found[0] ? "\"" : "",
           failed->values ? "one of" : "the pattern",
           failed->values ? failed->values : failed->pattern);
}

static int test_rules(const struct command *command, const struct conf *conf,
                      const struct dx_attrs *attrs)
{
    char error[256];
    const struct conf_rule *taken = NULL;
    struct rules *rules = rules_create(conf, error, sizeof error);
    if (!rules) {
        fprintf(stderr, "%s: %s\n", conf->path, error);
        return EX_CONFIG;
    }
    if (rules_own(conf, attrs) && !command->json)
        puts("a result of this product: recognised before any rule");
    for (size_t i = 0; i < conf->rule_count && !taken; i++) {
        const struct conf_match *failed;
        if (rules_hold(rules, i, attrs, &failed))
            taken = &conf->rules[i];
        if (!command->json)
            explain(conf, i, failed, attrs);
    }
    int status = 0;
    if (command->json)
        status = command_print(json_pack("{s:s?, s:s, s:b}", "rule", taken ? taken->name : NULL,
                                         "action", taken ? action_name(taken->action) : "ignore",
                                         "own", rules_own(conf, attrs)));
    else if (!taken)
        puts("no rule takes it: ignored");
    rules_destroy(rules);
    return status != 0 ? status : taken ? 0 : 1;
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
    enum zygote_end end = zygote_open(zygote, fd, &limits, &object);
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
    if (!command_parse(argc, argv, usage, COMMAND_CONFIG | COMMAND_JSON, &command, &status))
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
