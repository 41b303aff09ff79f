/* support.c: `cervigate support`: a bundle for whoever helps, free of patient data: what is in it
 * is chosen (support_redact.h), nothing is copied as it is. */
#include "archive.h"
#include "build_id.h"
#include "clock.h"
#include "command.h"
#include "health_json.h"
#include "json_time.h"
#include "log_recent.h"
#include "support_parts.h"
#include "support_redact.h"
#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
    "usage: cervigate support [FILE] [--log FILE] [--config FILE] [--json]\n"
    "\n"
    "Writes a bundle (tar in gzip) for whoever helps: versions and libraries, the machine, the\n"
    "effective configuration, the node's state and figures, its disk, and the last lines of its\n"
    "log. It holds no patient's data, no UID, nobody's name and no secret: what names a patient,\n"
    "a study or a person is left out, or replaced by a name that means nothing outside of the\n"
    "bundle. FILE must not be there; without it, cervigate-support-TIME.tar.gz is made here.\n"
    "\n"
    "  --log FILE     a file with the log's lines, too (standard error of the node, or\n"
    "                 journalctl -u cervigate > FILE)\n"
    "  --json         the file's name as a JSON object\n"
    "  --config FILE  the configuration (CERVIGATE_CONFIG, /etc/cervigate/cervigate.xml); when it\n"
    "                 does not load, the bundle holds what can be told without it\n"
    "\n"
    "Exit status: 0 done; 64 usage; 66 the log cannot be read; 70 out of memory; 73 FILE cannot\n"
    "be written.\n";

static const char readme[] =
    "A bundle of `cervigate support`. Nothing in it names a patient, a study or a person.\n\n"
    "versions.txt       program, build, libraries that are loaded\n"
    "machine.txt        processor, memory, kernel, distribution\n"
    "configuration.xml  what is in force; [left out]: users, what follows a host in an address,\n"
    "                   and what rules compare with accession numbers and the like\n"
    "status.json        as `cervigate status --json`: health, self-test, jobs, deliveries\n"
    "spool.txt          free space; files and bytes of each folder\n"
    "log.txt            the last lines of the node's log (docs/messages.md); [uid-...] is one UID\n"
    "log-file.txt       of --log, likewise\n";

struct bundle {
    struct archive *archive;
    struct redaction redaction;
    FILE *out; /* the member that is being written */
    size_t passed_over;
    int status, error; /* the exit status when it fails; errno of the log */
};

/* Writes a member by `print`; false: b->status says why. */
static bool add(struct bundle *b, const char *name, bool (*print)(struct bundle *, void *),
                void *context)
{
    char path[101], *text = NULL;
    size_t size = 0;
    b->status = EX_SOFTWARE;
    b->out = open_memstream(&text, &size);
    if (b->out == NULL)
        return false;
    bool good = print(b, context);
    good = fclose(b->out) == 0 && good;
    if (good) {
        b->status = EX_CANTCREAT;
        snprintf(path, sizeof path, "cervigate-support/%s", name);
        good = archive_add_text(b->archive, path, text) == ARCHIVE_OK;
    }
    free(text);
    return good;
}

static bool print_readme(struct bundle *b, void *context)
{
    (void)context;
    return fputs(readme, b->out) >= 0;
}

static bool print_versions(struct bundle *b, void *context)
{
    (void)context;
    support_versions(b->out);
    return true;
}

static bool print_machine(struct bundle *b, void *context)
{
    (void)context;
    support_machine(b->out);
    return true;
}

static bool print_spool(struct bundle *b, void *conf)
{
    support_spool(conf, b->out);
    return true;
}

static bool print_configuration(struct bundle *b, void *conf)
{
    char *text = NULL;
    size_t size = 0;
    if (conf == NULL)
        return fputs("<!-- it does not load: cervigate check -->\n", b->out) >= 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return false;
    conf_print(conf, out);
    bool good = fclose(out) == 0;
    if (good)
        redact_configuration(text, b->out);
    free(text);
    return good;
}

static bool print_status(struct bundle *b, void *conf)
{
    json_t *status = support_status(conf);
    if (status == NULL)
        return false;
    redact_json(status);
    char *text = json_text(status, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    json_decref(status);
    if (text == NULL)
        return false;
    fprintf(b->out, "%s\n", text);
    free(text);
    return true;
}

static void take_line(void *context, const char *line)
{
    struct bundle *b = context;
    if (!redact_line(&b->redaction, line, b->out))
        b->passed_over++;
}

static bool print_recent(struct bundle *b, void *conf)
{
    b->passed_over = 0;
    if (!log_recent_read(conf, take_line, b))
        fputs("there is none: the node never ran here, or runs as another user\n", b->out);
    return true;
}

static bool print_file(struct bundle *b, void *file)
{
    char *line = NULL;
    size_t room = 0;
    b->passed_over = 0;
    while (getline(&line, &room, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        take_line(b, line);
    }
    b->error = errno;
    free(line);
    fprintf(b->out, "%zu lines that are no messages of the node were left out\n", b->passed_over);
    if (feof((FILE *)file))
        return true;
    if (ferror((FILE *)file))
        b->status = EX_NOINPUT;
    return false;
}

static bool add_all(struct bundle *b, struct conf *conf, FILE *log)
{
    return add(b, "README.txt", print_readme, NULL) &&
           add(b, "versions.txt", print_versions, NULL) &&
           add(b, "machine.txt", print_machine, NULL) &&
           add(b, "configuration.xml", print_configuration, conf) &&
           (conf == NULL ||
            (add(b, "status.json", print_status, conf) && add(b, "spool.txt", print_spool, conf) &&
             add(b, "log.txt", print_recent, conf))) &&
           (log == NULL || add(b, "log-file.txt", print_file, log)) &&
           archive_finish(b->archive) == ARCHIVE_OK;
}

static void tell_failure(const struct bundle *b, const char *path, const char *log)
{
    if (b->status == EX_NOINPUT)
        fprintf(stderr, "cervigate support: %s: %s\n", log, strerror(b->error));
    else if (b->status == EX_CANTCREAT)
        fprintf(stderr, "cervigate support: %s: %s\n", path, archive_error(b->archive));
    else
        fputs("cervigate support: out of memory\n", stderr);
}

static int make(const char *path, struct conf *conf, FILE *log, const char *log_path)
{
    struct bundle b = {0};
    if (!redact_begin(&b.redaction, conf)) {
        fprintf(stderr, "cervigate support: no random numbers: %s\n", strerror(errno));
        return EX_OSERR;
    }
    b.archive = archive_create(path);
    if (b.archive == NULL) {
        fprintf(stderr, "cervigate support: %s: %s\n", path, strerror(errno));
        return EX_CANTCREAT;
    }
    bool good = add_all(&b, conf, log);
    if (!good) {
        tell_failure(&b, path, log_path);
        (void)unlink(path);
    }
    archive_close(b.archive);
    return good ? 0 : b.status;
}

static int tell(const struct command *command, const char *path)
{
    if (command->json)
        return command_print(json_pack("{s:s}", "file", path));
    puts(path);
    fputs("It holds no patient data; look at it before you send it.\n", stderr);
    return 0;
}

int admin_support(int argc, char **argv)
{
    struct command command;
    char path[4096], when[25];
    int status = 0, ignored = 0;
    if (!command_parse(argc, argv, usage, COMMAND_CONFIG | COMMAND_JSON | COMMAND_LOG, &command,
                       &status))
        return status;
    if (command.count > 1)
        return command_misused(usage, "one FILE at most");
    FILE *log = command.log != NULL ? fopen(command.log, "re") : NULL;
    if (command.log != NULL && log == NULL) {
        fprintf(stderr, "cervigate support: %s: %s\n", command.log, strerror(errno));
        return EX_NOINPUT;
    }
    clock_iso(clock_utc_ms(), when);
    for (char *c = when; *c != '\0'; c++)
        if (*c == ':')
            *c = '-';
    snprintf(path, sizeof path, "cervigate-support-%.19sZ.tar.gz", when);
    if (command.count == 1)
        snprintf(path, sizeof path, "%s", command.words[0]);
    struct conf *conf = admin_conf(command.config, &ignored);
    status = make(path, conf, log, command.log);
    if (log != NULL)
        fclose(log);
    conf_destroy(conf);
    return status != 0 ? status : tell(&command, path);
}
