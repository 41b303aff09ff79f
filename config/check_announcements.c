/* <announcements>: what a schema cannot know. */
#include "conf_private.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The place among the elements of its kind. */
static size_t index_of(const struct conf *conf, size_t i)
{
    size_t index = 0;

    for (size_t j = 0; j < i; j++)
        index += conf->announcements[j].way == conf->announcements[i].way;
    return index;
}

static int line_at(struct reading *reading, const struct conf *conf, size_t i,
                   const char *attribute)
{
    return conf_line_at(reading, conf_way_name(conf->announcements[i].way), index_of(conf, i),
                        attribute);
}

static void check_name(struct reading *reading, const struct conf *conf, size_t i)
{
    const struct conf_announcement *announcement = &conf->announcements[i];

    for (size_t j = 0; announcement->name && j < i; j++)
        if (conf->announcements[j].name &&
            strcmp(conf->announcements[j].name, announcement->name) == 0) {
            conf_complain(
                reading, line_at(reading, conf, i, "name"), false,
                "found a second announcement named \"%s\" (the first is on %s); "
                "expected another name",
                conf_show(announcement->name).text,
                conf_where(reading, line_at(reading, conf, i, "name"), conf->announcements[j].line)
                    .text);
            return;
        }
}

static void check_peer(struct reading *reading, const struct conf *conf, size_t i)
{
    const char *name = conf_read_announcement_peer(conf, i), *names[CONF_MAX_PEERS];

    for (size_t j = 0; j < conf->peer_count; j++)
        names[j] = conf->peers[j].name;
    if (name[0] && !conf->announcements[i].peer && !conf_may_be_elsewhere(reading))
        conf_complain(reading, line_at(reading, conf, i, "peer"), false,
                      "<ups peer=\"%s\">: no such peer%s; expected the name of a <peer>",
                      conf_show(name).text, conf_hint(name, names, conf->peer_count).text);
}

/* Of an address with "http://": whether its host is this machine. */
static bool is_here(const char *url)
{
    const char *host = url + strlen("http://");
    bool is_bracketed = host[0] == '[';
    size_t length = strcspn(host, is_bracketed ? "]" : ":/");
    char name[256];

    host += is_bracketed;
    length -= is_bracketed;
    if (length >= sizeof name || (is_bracketed && host[length] != ']'))
        return false;
    (void)snprintf(name, sizeof name, "%.*s", (int)length, host);
    return conf_is_this_machine(name) &&
           (!is_bracketed || host[length + 1] == '\0' || strchr(":/", host[length + 1]));
}

/* Whether this word of a name says that the value is a secret. */
static bool is_secret_word(const char *word, size_t length)
{
    static const char *const words[] = {
        "accesskey", "accesstoken", "apikey", "auth",       "authkey",     "authorization",
        "authtoken", "bearer",      "code",   "credential", "credentials", "hmac",
        "jwt",       "key",         "pass",   "passphrase", "passwd",      "password",
        "pwd",       "secret",      "sig",    "signature",  "token"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (length == strlen(words[i]) && strncasecmp(word, words[i], length) == 0)
            return true;
    return false;
}

/* Of a name as client_secret, X-Amz-Signature or accessToken: a word ends before a mark, or before
 * a capital behind a small letter. */
static bool has_secret_word(const char *name, size_t length)
{
    for (size_t begin = 0, end; begin < length; begin = end) {
        for (end = begin + 1; end < length && isalnum((unsigned char)name[end]); end++)
            if (islower((unsigned char)name[end - 1]) && isupper((unsigned char)name[end]))
                break;
        if (!isalnum((unsigned char)name[begin]))
            begin++;
        if (is_secret_word(name + begin, end - begin))
            return true;
    }
    return false;
}

/* A parameter of the address by whose name it is a secret: its length, or 0. */
static size_t secret_parameter(const char *url, const char **found)
{
    for (const char *at = strpbrk(url, "?"); at != NULL; at = strpbrk(at, "&;")) {
        size_t length = strcspn(++at, "=&;#");
        if (has_secret_word(at, length)) {
            *found = at;
            return length;
        }
    }
    return 0;
}

static void check_url(struct reading *reading, const struct conf *conf, size_t i)
{
    const char *url = conf->announcements[i].url;
    const char *host = url ? strstr(url, "://") : NULL;

    const char *parameter;
    size_t length;

    if (!host)
        return;
    length = secret_parameter(host, &parameter);
    if (length > 0)
        conf_complain(reading, line_at(reading, conf, i, "url"), true,
                      "<webhook url>: \"%.*s\" looks like a secret, and stands where everybody who "
                      "may read this file and its changes in the log sees it; expected "
                      "secret=\"FILE\", with which each call is signed",
                      (int)(length < 40 ? length : 40), parameter);
    if (memchr(host + 3, '@', strcspn(host + 3, "/?#")))
        conf_complain(reading, line_at(reading, conf, i, "url"), false,
                      "<webhook url>: found a user's name or a password in it, which would be in "
                      "logs; expected an address without");
    else if (strncmp(url, "http://", 7) == 0 && !is_here(url))
        conf_complain(
            reading, line_at(reading, conf, i, "url"), false,
            "<webhook url>: it would go over the network in the clear; expected https://, "
            "or a host on this machine");
}

static bool is_code(const char *text)
{
    size_t components = 1;

    for (const char *at = text; *at; at++) {
        components += *at == '^';
        if (strchr("|&~\\\r\n", *at))
            return false;
    }
    return components == 3 && text[0] != '^';
}

/* The line of an attribute of the <profile> of an <hl7>; of the element without. */
static int profile_line(struct reading *reading, const struct conf *conf, size_t i,
                        const char *attribute)
{
    const xmlNode *node = conf_find(reading, "hl7", index_of(conf, i));
    const xmlNode *profile = node ? xmlFirstElementChild((xmlNode *)node) : NULL;

    return profile ? conf_line_of_attribute(profile, attribute) : conf->announcements[i].line;
}

static void check_code(struct reading *reading, const struct conf *conf, size_t i,
                       const char *attribute, const char *code)
{
    if (code[0] && !is_code(code))
        conf_complain(reading, profile_line(reading, conf, i, attribute), false,
                      "<profile %s=\"%s\">: expected code^text^coding system, without | & ~ \\",
                      attribute, conf_show(code).text);
}

/* STAT is a physician's word. */
static bool is_stat(const char *code)
{
    return code[0] == 'S' && (code[1] == '^' || strncmp(code + 1, "TAT", 3) == 0);
}

static void check_profile(struct reading *reading, const struct conf *conf, size_t i)
{
    const struct conf_announcement *to = &conf->announcements[i];
    const struct conf_hl7_profile *p = &to->profile;
    const char *const codes[][2] = {{"raised", p->raised},       {"routine", p->routine},
                                    {"outcome", p->outcome},     {"reason", p->reason},
                                    {"rank", p->rank},           {"study", p->study},
                                    {"report", p->report},       {"model", p->model},
                                    {"accession", p->accession}, {"research", p->research}};

    for (size_t j = 0; j < sizeof codes / sizeof *codes; j++)
        check_code(reading, conf, i, codes[j][0], codes[j][1]);
    if (is_stat(p->raised))
        conf_complain(reading, profile_line(reading, conf, i, "raised"), false,
                      "<profile raised=\"%s\">: whom a physician calls STAT comes first; expected "
                      "a priority below, as A^ASAP^HL70485",
                      conf_show(p->raised).text);
    if (to->version == 0 && p->priority_in == CONF_HL7_TQ1_9)
        conf_complain(reading, profile_line(reading, conf, i, "priorityIn"), false,
                      "<profile priorityIn=\"TQ1-9\">: messages of version 2.3.1 have no TQ1; "
                      "expected ORC-7, OBR-27, OBR-5 or version");
}

static void check_service(struct reading *reading, const struct conf *conf, size_t i)
{
    const char *service = conf->announcements[i].service;

    if (service && !is_code(service))
        conf_complain(reading, line_at(reading, conf, i, "service"), false,
                      "<hl7 service=\"%s\">: expected code^text^coding system, without | & ~ \\",
                      conf_show(service).text);
}

static void check_certificate(struct reading *reading, const struct conf_announcement *hl7,
                              size_t index)
{
    const char *attribute = hl7->key ? "key" : "certificate";

    conf_check_path(reading, "hl7", index, "certificate", hl7->certificate);
    conf_check_path(reading, "hl7", index, "key", hl7->key);
    if (!hl7->certificate != !hl7->key)
        conf_complain(reading, conf_line_at(reading, "hl7", index, attribute), false,
                      "<hl7> has %s; expected both or neither",
                      hl7->key ? "a key without a certificate" : "a certificate without its key");
    else if (hl7->certificate && !hl7->tls)
        conf_complain(reading, conf_line_at(reading, "hl7", index, attribute), false,
                      "<hl7 certificate> is shown over TLS only; expected tls=\"true\", too");
}

void conf_check_announcements(struct reading *reading, const struct conf *conf)
{
    for (size_t i = 0; i < conf->announcement_count; i++) {
        const struct conf_announcement *announcement = &conf->announcements[i];
        const char *element = conf_way_name(announcement->way);
        size_t index = index_of(conf, i);
        check_name(reading, conf, i);
        if (announcement->way == CONF_UPS)
            check_peer(reading, conf, i);
        if (announcement->way == CONF_WEBHOOK)
            check_url(reading, conf, i);
        if (announcement->way == CONF_HL7) {
            check_service(reading, conf, i);
            check_profile(reading, conf, i);
            if (!announcement->results && !announcement->priority)
                conf_complain(reading, announcement->line, true,
                              "<hl7> has neither results nor priority: nothing is sent");
        }
        if (announcement->way == CONF_HL7)
            check_certificate(reading, announcement, index);
        conf_check_path(reading, element, index, "secret", announcement->secret);
        conf_check_path(reading, element, index, "authorities", announcement->authorities);
        if (announcement->retry_first_seconds > announcement->retry_most_seconds)
            conf_complain(reading, line_at(reading, conf, i, "retryFirst"), false,
                          "retryFirst is %d seconds; expected at most retryMost, %d seconds",
                          announcement->retry_first_seconds, announcement->retry_most_seconds);
    }
}
