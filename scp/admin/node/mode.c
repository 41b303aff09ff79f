/* mode.c: `cervigate mode`: shows or changes how far the node's results go. */
#include "audit.h"
#include "command.h"
#include <stdio.h>
#include <sysexits.h>

static const char usage[] =
    "usage: cervigate mode [--config FILE] [--json] [shadow | demo | clinical]\n"
    "\n"
    "Without an argument: shows the mode in force. With one: changes it, at once and durably.\n"
    "\n"
    "  shadow    results stay on the node\n"
    "  demo      results go to the destinations marked for it\n"
    "  clinical  results go to all destinations; refused for a model of synthetic provenance or\n"
    "            without a validation\n";

/* Told before it is so: more influence than can be shown afterwards is refused, less never is. */
static int change(const struct conf *conf, const char *name)
{
    char who[64];
    enum conf_mode old = node_mode(conf);
    enum conf_mode mode;
    char error[512];
    if (!conf_mode_parse(name, &mode))
        return command_misused(usage, "the mode is shadow, demo or clinical");
    audit_caller(who, sizeof who);
    bool refused = mode == CONF_CLINICAL && !mode_allowed(conf, mode, error, sizeof error);
    if (!audit_mode(conf, who, old, mode, refused ? error : NULL) && mode != CONF_SHADOW) {
        fprintf(stderr, "cervigate mode: the audit log cannot be written; only shadow is possible "
                        "without it\n");
        return EX_IOERR;
    }
    if (!mode_set(conf, mode, error, sizeof error)) {
        if (!refused)
            (void)audit_mode(conf, who, old, mode, error);
        fprintf(stderr, "cervigate mode: %s\n", error);
        return mode == CONF_CLINICAL ? EX_CONFIG : EX_IOERR;
    }
    return 0;
}

int admin_mode(int argc, char **argv)
{
    struct command command;
    int status = 0;
    if (!command_parse(argc, argv, usage, COMMAND_CONFIG | COMMAND_JSON, &command, &status))
        return status;
    if (command.count > 1)
        return command_misused(usage, "an argument too many");
    struct conf *conf = admin_conf(command.config, &status);
    if (!conf)
        return status;

    if (command.count == 1)
        status = change(conf, command.words[0]);
    const char *name = conf_mode_name(node_mode(conf));
    if (status == 0 && command.json)
        status = command_print(json_pack("{s:s}", "mode", name));
    else if (status == 0)
        puts(name);
    conf_destroy(conf);
    return status;
}
