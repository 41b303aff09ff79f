#include "support_redact.h"

#include "dx_uid.h"
#include "log_fields.h"
#include "log_messages.h"
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define LEFT_OUT    "[left out]"
#define LONG_NUMBER 6  /* digits: what may be a Patient ID or an accession number */
#define UID_LEAST   12 /* characters of digits and dots: what may be a UID */

bool redact_begin(struct redaction *redaction, const struct conf *conf)
{
    redaction->conf = conf;
    return getrandom(redaction->key, sizeof redaction->key, 0) == (ssize_t)sizeof redaction->key;
}

static bool is_listed(const char *const *list, const char *word)
{
    for (; *list != NULL; list++)
        if (strcmp(*list, word) == 0)
            return true;
    return false;
}

/* ---- lines of the log ---- */

static void put_alias(const struct redaction *redaction, const char *value, FILE *out)
{
    char digest[DX_DIGEST_MAX] = "";
    struct dx_sha256 *sha = dx_sha256_create();
    if (sha != NULL) {
        dx_sha256_add(sha, redaction->key, sizeof redaction->key);
        dx_sha256_add_text(sha, value);
        dx_sha256_take(sha, digest);
    }
    if (digest[0] != '\0')
        fprintf(out, "[uid-%.8s]", digest);
    else
        fputs(LEFT_OUT, out);
}

/* 10.1.2.3, and no UID */
static bool is_address(const char *text, size_t length)
{
    size_t dots = 0, digits = 0;
    for (size_t i = 0; i < length; i++) {
        digits = text[i] == '.' ? 0 : digits + 1;
        dots += text[i] == '.';
        if (digits > 3)
            return false;
    }
    return dots == 3 && length <= 15;
}

/* Our own words, without what looks like a UID or a long number. */
static void put_words(const char *text, FILE *out)
{
    while (*text != '\0') {
        size_t run = strspn(text, "0123456789.");
        size_t digits = strspn(text, "0123456789");
        bool is_uid = run > digits && run >= UID_LEAST && !is_address(text, run);
        if (is_uid || digits >= LONG_NUMBER)
            fputs(is_uid ? "[uid]" : "[number]", out);
        else
            fwrite(text, 1, run > 0 ? run : 1, out);
        text += run > 0 ? run : 1;
    }
}

static bool is_known_title(const struct conf *conf, const char *title)
{
    if (conf == NULL)
        return false;
    if (strcmp(title, conf->ae_title) == 0)
        return true;
    const struct conf_ae *ae = conf_find_ae(conf, title);
    if (ae != NULL && strcmp(title, ae->title) == 0)
        return true;
    for (size_t i = 0; i < conf->peer_count; i++)
        if (strcmp(title, conf->peers[i].ae_title) == 0)
            return true;
    for (size_t i = 0; i < conf->caller_count; i++)
        if (conf->callers[i].ae_title != NULL && strcmp(title, conf->callers[i].ae_title) == 0)
            return true;
    return false;
}

static bool is_number(const char *value)
{
    size_t length = strspn(value, "0123456789-");
    return length > 0 && value[length] == '\0';
}

static void put_value(const struct redaction *redaction, const struct log_message *message,
                      const struct log_field *field, FILE *out)
{
    static const char *const uids[] = {"study",  "uid",    "sop_instance", "transaction", "item",
                                       "report", "series", "note",         NULL};
    static const char *const people[] = {"who", "user", "by", "subject", NULL};
    static const char *const titles[] = {"calling", "called", NULL};
    if (is_listed(uids, field->key))
        put_alias(redaction, field->value, out);
    else if (is_listed(people, field->key))
        fputs(LEFT_OUT, out);
    else if (is_listed(titles, field->key))
        fputs(is_known_title(redaction->conf, field->value) ? field->value : LEFT_OUT, out);
    else if (!field->is_quoted && is_number(field->value))
        fputs(field->value, out);
    else if (!field->is_quoted || message->words == LOG_OURS)
        put_words(field->value, out);
    else
        fputs(LEFT_OUT, out);
}

/* Time, level, role[pid]: nothing else may stand before the id. */
static bool is_head(const char *line, size_t length)
{
    static const char allowed[] = "0123456789-:.TZabcdefghijklmnopqrstuvwxyz[] ";
    return length > 0 && length < 64 && strspn(line, allowed) >= length && line[4] == '-';
}

/* The first word that is a message id. */
static const struct log_message *find_message(const char *line, const char **at)
{
    for (const char *word = line; *word != '\0';) {
        char id[64];
        size_t length = strcspn(word, " ");
        snprintf(id, sizeof id, "%.*s", (int)(length < sizeof id ? length : 0), word);
        const struct log_message *message = log_message_of(id);
        if (message != NULL) {
            *at = word;
            return message;
        }
        word += length;
        word += strspn(word, " ");
    }
    return NULL;
}

bool redact_line(const struct redaction *redaction, const char *line, FILE *out)
{
    const char *at = NULL;
    struct log_field field;
    const struct log_message *message = find_message(line, &at);
    if (message == NULL)
        return false;
    if (is_head(line, (size_t)(at - line)))
        fwrite(line, 1, (size_t)(at - line), out);
    fputs(message->id, out);
    for (at += strlen(message->id); (at = log_field_next(at, &field)) != NULL;) {
        fprintf(out, " %s=%s", field.key, field.is_quoted ? "\"" : "");
        put_value(redaction, message, &field, out);
        if (field.is_quoted)
            fputc('"', out);
    }
    fputc('\n', out);
    return true;
}

/* ---- JSON ---- */

void redact_json(json_t *value)
{
    static const char *const may_stay[] = {
        "version", "mode",    "name",   "at",    "since",          "cause", "kind",
        "build",   "kernels", "models", "model", "oldest_pending", NULL};
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_array(value))
        json_array_foreach(value, i, member) redact_json(member);
    if (!json_is_object(value))
        return;
    json_object_foreach(value, key, member)
    {
        if (json_is_string(member) && !is_listed(may_stay, key) && json_string_length(member) > 0)
            (void)json_string_set(member, LEFT_OUT);
        redact_json(member);
    }
}

/* ---- the configuration ---- */

/* scheme://host:port, without user, path and query. */
static void put_address(const char *value, size_t length, FILE *out)
{
    const char *end = value + length;
    const char *host = memmem(value, length, "://", 3);
    host = host != NULL ? host + 3 : value;
    const char *path = host;
    while (path < end && *path != '/' && *path != '?' && *path != '#')
        path++;
    const char *user = memchr(host, '@', (size_t)(path - host));
    fwrite(value, 1, (size_t)(host - value), out);
    host = user != NULL ? user + 1 : host;
    fwrite(host, 1, (size_t)(path - host), out);
    if (path < end)
        fputs("/" LEFT_OUT, out);
}

static bool is(const char *name, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(name, word, length) == 0;
}

void redact_configuration(const char *xml, FILE *out)
{
    static const char *const naming[] = {"AccessionNumber", "StudyID", "ImageComments", NULL};
    bool names_study = false;
    while (*xml != '\0') {
        const char *open = strstr(xml, "=\"");
        const char *close = open != NULL ? strchr(open + 2, '"') : NULL;
        if (close == NULL)
            break;
        const char *name = open;
        while (name > xml && name[-1] != ' ')
            name--;
        size_t length = (size_t)(open - name), value = (size_t)(close - open - 2);
        if (is(name, length, "attribute")) {
            names_study = false;
            for (size_t i = 0; naming[i] != NULL; i++)
                names_study = names_study || is(open + 2, value, naming[i]);
        }
        bool is_rule = is(name, length, "values") || is(name, length, "pattern") ||
                       is(name, length, "least") || is(name, length, "most");
        fwrite(xml, 1, (size_t)(open + 2 - xml), out);
        if (is(name, length, "user") || (is_rule && names_study))
            fputs(LEFT_OUT, out);
        else if (is(name, length, "url") || is(name, length, "viewer"))
            put_address(open + 2, value, out);
        else
            fwrite(open + 2, 1, value, out);
        xml = close;
    }
    fputs(xml, out);
}
