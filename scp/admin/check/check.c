/* check.c: `cervigate check`: what cervigated would refuse to start with, told before. */
#include "audit_link.h"
#include "check_host.h"
#include "check_model.h"
#include "clock.h"
#include "command.h"
#include "confine.h"
#include "connection.h"
#include "console/accounts.h"
#include "console/tls.h"
#include "keys_shown.h"
#include "picture.h"
#include "secret_file.h"
#include "start.h"
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
    "usage: cervigate check [--config FILE] [--print-effective]\n"
    "       cervigate check --model DIR\n"
    "\n"
    "Validates configuration, models, mode, report template, directories, font, certificates and\n"
    "keys; every error with file and line; and tells what each model is meant for. As root it\n"
    "looks at files and folders as the spool's owner, as whom the node runs.\n"
    "\n"
    "  --config FILE      the configuration (CERVIGATE_CONFIG, /etc/cervigate/cervigate.xml)\n"
    "  --print-effective  prints the configuration with all defaults as XML\n"
    "  --model DIR        instead: what the model in DIR is, its digest, the modes it is good for, "
    "and\n"
    "                     the <validation> that would bind it (docs/train-your-own.md)\n";

/* About something that the element in `line` names; 0: not about the configuration's words. */
static int complain(const struct conf *conf, int line, const char *text)
{
    fprintf(stderr, "%s:%d: %s\n", conf_file_of(conf, line), conf_line_in_file(line), text);
    return 1;
}

/* The spool, or the nearest folder above it where it would be created, can be written. */
static int check_spool(const struct conf *conf)
{
    char path[4096], text[4400];
    snprintf(path, sizeof path, "%s", conf->spool);
    while (access(path, F_OK) != 0 && errno == ENOENT) {
        char *slash = strrchr(path, '/');
        if (!slash || slash == path)
            break;
        *slash = 0;
    }
    struct stat what;
    if (stat(path, &what) == 0 && !S_ISDIR(what.st_mode))
        errno = ENOTDIR;
    else if (access(path, W_OK | X_OK) == 0)
        return 0;
    snprintf(text, sizeof text, "<node spool=\"%s\">: %s: %s; expected a folder to write in",
             conf->spool, path, strerror(errno));
    return complain(conf, conf_attribute_line(conf, "node", "spool"), text);
}

static int check_font(const struct conf *conf)
{
    char text[512];
    struct picture_face *face = NULL;
    enum picture_status status = picture_face_open(NULL, &face);
    picture_face_close(face);
    if (status == PICTURE_OK)
        return 0;
    snprintf(text, sizeof text, "font %s: %s (Debian package fonts-dejavu-core)",
             picture_font_path(), picture_status_text(status));
    return complain(conf, 0, text);
}

static int check_template(const struct conf *conf, struct srt_template **template_)
{
    char text[512];
    struct srt_error err = {0};
    if (srt_template_open(conf->templates, conf->language, template_, &err) == SRT_OK)
        return 0;
    snprintf(text, sizeof text, "report template (language %s): %s", conf->language, err.text);
    return complain(conf, conf->report_line, text);
}

/* One line about a model that opens; of one that does not, mode_model_allowed tells. */
static void show_model(const struct conf *conf, size_t index, bool print, char digest[65])
{
    struct nn_model *model = NULL;
    struct nn_error err = {0};
    digest[0] = 0;
    if (nn_model_open(conf->models[index], &model, &err) != NN_OK)
        return;
    const struct nn_model_info *info = nn_model_info(model);
    memcpy(digest, info->digest, sizeof info->digest);
    if (print) {
        printf("%s:%d: model %s %s: %s, %s; meant for ",
               conf_file_of(conf, conf->model_line[index]),
               conf_line_in_file(conf->model_line[index]), info->name, info->version,
               info->provenance == NN_CLINICAL ? "clinical" : "synthetic",
               info->validated ? "validated" : "not validated");
        check_print_scope(info);
    }
    nn_model_close(model);
}

/* Every model, whatever is wrong with the one before. Two of the same are two opinions of one mind:
 * told, but a site may try out with them. */
static int check_models(const struct conf *conf, const struct srt_template *template_, bool print)
{
    char error[512] = "", digest[CONF_MAX_MODELS][65];
    int errors = 0;
    for (size_t i = 0; i < conf->model_count; i++) {
        show_model(conf, i, print, digest[i]);
        if (!mode_model_allowed(conf, i, node_mode(conf), template_, error, sizeof error))
            errors += complain(conf, conf->model_line[i], error);
    }
    if (conf->model_count > 1 && digest[0][0] && strcmp(digest[0], digest[1]) == 0)
        (void)complain(conf, conf->model_line[1],
                       "warning: this is the first model once more, which will always agree");
    return errors;
}

/* What ends soon is no error, but a reason to look at it now. of: "tls certificate". */
static void note_term(const struct conf *conf, int line, const char *of,
                      const struct dx_tls_term *term)
{
    int64_t day_ms = 24 * 3600 * INT64_C(1000), left = term->end_ms - clock_utc_ms();
    char at[25], text[384];
    if (term->end_ms == 0 || left > conf->health.certificate_days * day_ms)
        return;
    clock_iso(term->end_ms, at);
    snprintf(text, sizeof text, "warning: <%s>: %.150s %s %s", of, term->subject,
             left > 0 ? "ends" : "ended", at);
    (void)complain(conf, line, text);
}

static void note_terms(const struct conf *conf, const struct dx_tls_facts *facts,
                       const struct keys_wrong wrong[DX_TLS_FILES])
{
    for (int i = 0; i < DX_TLS_FILES; i++) {
        const char *name = keys_attribute((enum dx_tls_file)i);
        char of[32];
        if (i == DX_TLS_REVOKED || wrong[i].text[0])
            continue;
        snprintf(of, sizeof of, "tls %s", name);
        note_term(conf, conf_attribute_line(conf, "tls", name), of, &facts->term[i]);
    }
}

/* Whether they can be used is told of each element by itself. */
static void note_shown(const struct conf *conf)
{
    struct keys_shown list[KEYS_SHOWN_MOST];
    size_t count = keys_shown_list(conf, list);
    for (size_t i = 0; i < count; i++) {
        struct dx_tls_facts facts;
        struct keys_wrong wrong[DX_TLS_FILES];
        char of[32];
        const struct conf alone = keys_shown_alone(conf, &list[i]);
        if (keys_find_wrong(&alone, clock_utc_ms(), &facts, wrong) > 0)
            continue;
        snprintf(of, sizeof of, "%.*s certificate", (int)strcspn(list[i].by, " "), list[i].by);
        note_term(conf, list[i].line, of, &facts.term[DX_TLS_CERTIFICATE]);
    }
}

static int check_keys(const struct conf *conf)
{
    struct dx_tls_facts facts;
    struct keys_wrong wrong[DX_TLS_FILES];
    int errors = 0;
    (void)keys_find_wrong(conf, clock_utc_ms(), &facts, wrong);
    for (int i = 0; i < DX_TLS_FILES; i++)
        if (wrong[i].text[0])
            errors +=
                complain(conf, conf_attribute_line(conf, "tls", wrong[i].attribute), wrong[i].text);
    note_terms(conf, &facts, wrong);
    note_shown(conf);
    return errors;
}

/* One that has ended is the browser's to tell. */
static int check_console_tls(const struct conf *conf)
{
    struct keys_wrong wrong[DX_TLS_FILES];
    int errors = 0;
    if (!conf->console || console_tls_find_wrong(conf, wrong) == 0)
        return 0;
    for (int i = 0; i < DX_TLS_FILES; i++)
        if (wrong[i].text[0] && wrong[i].kind == KEYS_BAD)
            errors += complain(conf, conf_attribute_line(conf, "console", wrong[i].attribute),
                               wrong[i].text);
    return errors;
}

/* Who may log in to the console. */
static int check_accounts(const struct conf *conf)
{
    char why[ACCOUNT_WHY] = "", text[ACCOUNT_WHY + 32];
    struct account *accounts = NULL;
    size_t count = 0;
    int line = conf_attribute_line(conf, "console", "accounts");
    if (!conf->web.accounts)
        return 0;
    bool good = accounts_read(conf->web.accounts, &accounts, &count, why);
    free(accounts);
    snprintf(text, sizeof text, "<console accounts>: %s", why);
    if (!good)
        return complain(conf, line, text);
    if (count == 0)
        (void)complain(conf, line,
                       "note: nobody may log in to the console yet: cervigate user add");
    return 0;
}

/* Passwords and tokens of archives with DICOMweb. */
static int check_secrets(const struct conf *conf)
{
    char secret[SECRET_MAX], why[256], text[512];
    int errors = 0;
    for (size_t i = 0; i < conf->peer_count; i++) {
        const struct conf_peer *peer = &conf->peers[i];
        const char *path = peer->token ? peer->token : peer->password;
        if (!path || path[0] != '/' || secret_read(path, secret, why))
            continue; /* a relative one was told already, without its words */
        snprintf(text, sizeof text, "<peer %s>: %s", peer->token ? "tokenFile" : "passwordFile",
                 why);
        errors += complain(conf, peer->line, text);
    }
    explicit_bzero(secret, sizeof secret);
    return errors;
}

static int check_announcement_files(const struct conf *conf, const struct conf_announcement *to)
{
    static const char *const names[CONNECTION_FILES] = {"authorities", "certificate", "key"};
    const struct connection_peer peer = {.tls = true,
                                         .authorities = to->authorities,
                                         .certificate = to->certificate,
                                         .key = to->key};
    char why[CONNECTION_FILES][CONNECTION_WHY], text[CONNECTION_WHY + 32];
    int errors = 0;
    connection_judge(&peer, why);
    for (size_t i = 0; i < CONNECTION_FILES; i++) {
        if (!why[i][0])
            continue;
        snprintf(text, sizeof text, "<%s %s>: %.255s", conf_way_name(to->way), names[i], why[i]);
        errors += complain(conf, to->line, text);
    }
    return errors;
}

/* A secret under the conditions of a password; files that libcurl and OpenSSL can use. */
static int check_announcement(const struct conf *conf, const struct conf_announcement *to)
{
    char secret[SECRET_MAX], why[256], text[512];
    bool is_tls = to->way == CONF_WEBHOOK ? strncmp(to->url, "https:", 6) == 0 : to->tls;
    int errors = 0;
    if (to->secret && to->secret[0] == '/' && !secret_read(to->secret, secret, why)) {
        snprintf(text, sizeof text, "<%s secret>: %s", conf_way_name(to->way), why);
        errors += complain(conf, to->line, text);
    }
    explicit_bzero(secret, sizeof secret);
    if (is_tls && (to->authorities || to->certificate))
        errors += check_announcement_files(conf, to);
    return errors;
}

static int check_announcements(const struct conf *conf)
{
    int errors = 0;
    for (size_t i = 0; i < conf->announcement_count; i++) {
        const struct conf_announcement *to = &conf->announcements[i];
        errors += check_announcement(conf, to);
        if (to->way == CONF_WEBHOOK && !to->secret)
            fprintf(stderr,
                    "%s:%d: warning: <webhook name=\"%s\">: without secret who gets this cannot "
                    "tell that it is the node's\n",
                    conf_file_of(conf, to->line), conf_line_in_file(to->line), to->name);
    }
    return errors;
}

/* What the audit role needs of files. */
static int check_audit(const struct conf *conf)
{
    static const char *const names[CONNECTION_FILES] = {"ca", "certificate", "key"};
    char why[CONNECTION_FILES][CONNECTION_WHY], text[CONNECTION_WHY + 32];
    int errors = 0;
    if (!conf->audit.host)
        return 0;
    audit_link_judge(conf, why);
    for (size_t i = 0; i < CONNECTION_FILES; i++) {
        if (!why[i][0])
            continue;
        snprintf(text, sizeof text, "<audit %s>: %.255s", names[i], why[i]);
        errors += complain(conf, conf_attribute_line(conf, "audit", names[i]), text);
    }
    return errors;
}

/* What `cervigate mode` set outlives the file's word: who edits that must hear it. */
static void note_mode(const struct conf *conf)
{
    const char *in_force = conf_mode_name(node_mode(conf));
    if (node_mode(conf) != conf->mode)
        fprintf(stderr,
                "%s:%d: note: <node mode=\"%s\">: `cervigate mode` has set %s, which is in force\n",
                conf_file_of(conf, conf->node_line), conf_line_in_file(conf->node_line),
                conf_mode_name(conf->mode), in_force);
}

/* What its words cannot tell, whatever is wrong with some of them. */
static int check_world(const struct conf *conf, bool print)
{
    struct srt_template *template_ = NULL;
    int errors = 0;
    if (conf->spool[0] == '/') {
        note_mode(conf);
        errors += check_spool(conf);
        errors += check_ports(conf);
        errors += check_clock(conf);
    }
    errors += check_audit(conf);
    errors += check_font(conf);
    errors += check_keys(conf);
    errors += check_secrets(conf);
    errors += check_accounts(conf);
    errors += check_console_tls(conf);
    errors += check_announcements(conf);
    errors += check_template(conf, &template_);
    if (conf->model[0] == '/')
        errors += check_models(conf, template_, print);
    srt_template_close(template_);
    return errors;
}

/* As root: what the node's user may read and write is judged as that user, the spool's owner.
 * Seccomp forbids to become somebody else; so this comes first. */
static bool become_user(const struct conf *conf, char name[48])
{
    struct stat spool;
    const struct passwd *user;
    name[0] = '\0';
    if (geteuid() != 0 || stat(conf->spool, &spool) != 0 || spool.st_uid == 0 ||
        (user = getpwuid(spool.st_uid)) == NULL)
        return true;
    snprintf(name, 48, "%.40s", user->pw_name);
    if (initgroups(user->pw_name, user->pw_gid) == 0 &&
        setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == 0 &&
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == 0)
        return true;
    fprintf(stderr, "cervigate check: cannot become %s, whose the spool is: %s\n", name,
            strerror(errno));
    return false;
}

/* All complaints are told; what is wrong in words leaves the rest to be looked at, with *status. */
static struct conf *load(const char *path, int *status)
{
    struct conf *conf = NULL;
    struct conf_complaints complaints;
    path = admin_conf_path(path);
    *status = start_tell(path, conf_load_partly(path, &conf, &complaints), &complaints, stderr);
    conf_complaints_finish(&complaints);
    return conf;
}

int admin_check(int argc, char **argv)
{
    struct command command;
    char user[48];
    int status = 0, errors;
    if (!command_parse(argc, argv, usage, COMMAND_CONFIG | COMMAND_PRINT_EFFECTIVE | COMMAND_MODEL,
                       &command, &status))
        return status;
    if (command.count > 0)
        return command_misused(usage, "an argument too many");
    if (command.model && (command.config || command.print_effective))
        return command_misused(usage, "--model is asked alone");
    if (command.model)
        return confine(CONFINE_ADMIN_PEER, NULL, NULL) ? check_model(command.model) : EX_OSERR;
    struct conf *conf = load(command.config, &status);
    if (!conf)
        return status;
    if (!become_user(conf, user) || !confine(CONFINE_ADMIN_PEER, NULL, NULL)) {
        conf_destroy(conf);
        return EX_OSERR;
    }

    bool whole = status == 0;
    errors = check_world(conf, !command.print_effective && whole);
    if (errors > 0 && user[0])
        fprintf(stderr, "%s: note: files and folders were judged as %s, whose the spool is\n",
                conf->path, user);
    if (command.print_effective && whole)
        conf_print(conf, stdout);
    else if (errors == 0 && whole)
        printf("%s: ok (mode %s)\n", conf->path, conf_mode_name(node_mode(conf)));
    conf_destroy(conf);
    return errors == 0 ? status : EX_CONFIG;
}
