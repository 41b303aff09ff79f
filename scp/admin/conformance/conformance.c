/* conformance.c: `cervigate conformance`: the DICOM conformance statement of this build and
 * configuration. conformance.md holds the words; {{part}} stands for a part of conformance.h,
 * {{element@attribute}} for a setting's value. */
#include "conformance.h"
#include "command.h"
#include "dx_init.h"
#include "dx_services.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

extern const char conformance_text[];

static const char usage[] =
    "usage: cervigate conformance [--config FILE] [--json]\n"
    "\n"
    "The DICOM conformance statement (PS3.2) of this build and configuration, as Markdown. What "
    "it\n"
    "lists is printed from the tables by which the node negotiates and checks what it makes.\n"
    "\n"
    "  --json         the SOP classes and transfer syntaxes alone, as one JSON object\n"
    "  --config FILE  the configuration (CERVIGATE_CONFIG, /etc/cervigate/cervigate.xml)\n"
    "\n"
    "Exit status: 0 done; 64 usage; 78 bad configuration.\n";

/* Of a heading, as GitHub makes it. */
static void put_anchor(const char *heading, size_t length, FILE *out)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)heading[i];
        if (isalnum(c) || c == '-' || c == ' ')
            fputc(c == ' ' ? '-' : tolower(c), out);
    }
}

/* The table of contents: each heading below the title, with a link. */
static void put_contents(const struct statement *s, FILE *out)
{
    (void)s;
    for (const char *line = conformance_text; *line != '\0';) {
        size_t depth = strspn(line, "#"), length = strcspn(line, "\n");
        if (depth >= 2) {
            const char *heading = line + depth + 1;
            int width = (int)(length - depth - 1);
            fprintf(out, "%*s- [%.*s](#", (int)(2 * (depth - 2)), "", width, heading);
            put_anchor(heading, (size_t)width, out);
            fputs(")\n", out);
        }
        line += length + (line[length] != '\0');
    }
}

static const struct {
    const char *name;
    conformance_part *print;
} parts[] = {
    {"contents", put_contents},
    {"content", conformance_content},
    {"overview", conformance_overview},
    {"storage classes", conformance_storage_classes},
    {"transfer syntaxes", conformance_syntaxes},
    {"services", conformance_services},
    {"proposals", conformance_proposals},
    {"store statuses", conformance_store_statuses},
    {"step statuses", conformance_step_statuses},
    {"read attributes", conformance_read_attributes},
    {"verdicts", conformance_verdicts},
    {"keys of orders", conformance_keys_of_orders},
    {"keys of steps", conformance_keys_of_steps},
    {"local titles", conformance_aes},
    {"policies", conformance_policies},
    {"tls", conformance_tls},
    {"audit", conformance_audit},
    {"callers", conformance_callers},
    {"peers", conformance_peers},
    {"destinations", conformance_destinations},
    {"announcements", conformance_announcements},
    {"results", conformance_results},
    {"attributes", conformance_attributes},
    {"codes", conformance_codes},
    {"rows", conformance_rows},
};

/* Of the build. */
static const char *fact(const char *name)
{
    return strcmp(name, "version") == 0                  ? CERVIGATE_VERSION
           : strcmp(name, "library") == 0                ? dx_library_version()
           : strcmp(name, "implementation uid") == 0     ? dx_implementation_uid()
           : strcmp(name, "implementation version") == 0 ? dx_implementation_version()
                                                         : NULL;
}

/* A part ends its last line itself. */
static bool put_part(const struct statement *s, const char *name, FILE *out)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(parts[i].name, name) == 0) {
            parts[i].print(s, out);
            return true;
        }
    return false;
}

static bool put_value(const struct statement *s, char *name, FILE *out)
{
    char value[256];
    if (fact(name) != NULL)
        return fputs(fact(name), out) >= 0;
    char *at = strchr(name, '@');
    if (at == NULL)
        return false;
    *at = '\0';
    if (!conf_value(s->conf, name, at + 1, value, sizeof value))
        return false;
    return fputs(value, out) >= 0;
}

static int put_text(const struct statement *s, FILE *out)
{
    const char *rest = conformance_text;
    for (;;) {
        char name[64];
        const char *open = strstr(rest, "{{");
        const char *close = open != NULL ? strstr(open, "}}") : NULL;
        if (close == NULL)
            break;
        fwrite(rest, 1, (size_t)(open - rest), out);
        snprintf(name, sizeof name, "%.*s", (int)(close - open - 2), open + 2);
        rest = close + 2;
        if (put_part(s, name, out))
            rest += *rest == '\n';
        else if (!put_value(s, name, out)) {
            fprintf(stderr, "cervigate conformance: conformance.md: no part \"%s\"\n", name);
            return EX_SOFTWARE;
        }
    }
    fputs(rest, out);
    return 0;
}

int admin_conformance(int argc, char **argv)
{
    struct command command;
    struct srt_error err = {0};
    struct srt_template *template_ = NULL;
    int status = 0;
    if (!command_parse(argc, argv, usage, COMMAND_CONFIG | COMMAND_JSON, &command, &status))
        return status;
    if (command.count > 0)
        return command_misused(usage, "no argument is known here");
    struct conf *conf = admin_conf(command.config, &status);
    if (conf == NULL)
        return status;
    if (srt_template_open(conf->templates, conf->language, &template_, &err) != SRT_OK) {
        fprintf(stderr, "cervigate conformance: %s\n", err.text);
        conf_destroy(conf);
        return EX_CONFIG;
    }
    const struct statement statement = {.conf = conf, .template_ = template_};
    status =
        command.json ? command_print(conformance_json(&statement)) : put_text(&statement, stdout);
    srt_template_close(template_);
    conf_destroy(conf);
    return status;
}
