/* ups_drive PORT: reads "name=value" lines (what is not given is as in `defaults`), tells the
 * workflow manager there, and prints how that ended and why. */
#include "conf.h"
#include "dx_init.h"
#include "worklist/ups.h"
#include "worklist/ups_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const ends[] = {"told", "later", "unreached", "refused"};

struct field {
    const char *name;
    char *to;
    size_t size;
};

static bool take_text(struct news *news, const char *name, const char *value)
{
#define FIELD(member)                                                                              \
    {                                                                                              \
#member, news->member, sizeof news->member                                                 \
    }
    const struct field fields[] = {
        FIELD(workitem),      FIELD(study),        FIELD(report),
        FIELD(report_series), FIELD(accession),    FIELD(issuer_of_accession),
        FIELD(patient_id),    FIELD(issuer),       FIELD(patient_name),
        FIELD(birth_date),    FIELD(sex),          FIELD(study_description),
        FIELD(procedure_id),  FIELD(placer_order), FIELD(filler_order),
        FIELD(model)};
#undef FIELD
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(name, fields[i].name) == 0) {
            (void)snprintf(fields[i].to, fields[i].size, "%s", value);
            return true;
        }
    return false;
}

static enum priority_rank rank_of(const char *word)
{
    return strcmp(word, "HIGH") == 0  ? PRIORITY_HIGH
           : strcmp(word, "LOW") == 0 ? PRIORITY_LOW
                                      : PRIORITY_MEDIUM;
}

static enum priority_reason reason_of(const char *code)
{
    for (int reason = 0; reason <= REASON_READ; reason++)
        if (strcmp(priority_reason_code((enum priority_reason)reason), code) == 0)
            return (enum priority_reason)reason;
    (void)fprintf(stderr, "no such reason: %s\n", code);
    exit(2);
}

/* "ID^ISSUER^UNIVERSAL ID", blank-separated. */
static void take_aliases(struct news *news, const char *value)
{
    for (; *value != '\0' && news->aliases < SITE_IDS_MOST; value += strspn(value, " ")) {
        struct site_id *alias = &news->alias[news->aliases++];
        (void)sscanf(value, "%64[^^]^%64[^^]^%64[^ ]", alias->id, alias->issuer, alias->universal);
        value += strcspn(value, " ");
    }
}

static char the_user[64];

/* For as long as one news. */
static const char *keep(int which, const char *value)
{
    static char kept[5][256];
    (void)snprintf(kept[which], sizeof kept[which], "%s", value);
    return kept[which];
}

static void take(struct news *news, struct ups_manner *manner, const char *name, const char *value)
{
    if (strcmp(name, "kind") == 0)
        news->kind = strcmp(value, "withdrawn") == 0 ? NEWS_WITHDRAWN : NEWS_PRIORITY;
    else if (strcmp(name, "rank") == 0)
        news->rank = rank_of(value);
    else if (strcmp(name, "told") == 0) {
        news->told = rank_of(value);
        news->was_told = true;
    } else if (strcmp(name, "order") == 0)
        news->order = priority_order_parse(value);
    else if (strcmp(name, "reason") == 0)
        news->reason = reason_of(value);
    else if (strcmp(name, "item") == 0)
        news->item = atoi(value);
    else if (strcmp(name, "aliases") == 0)
        take_aliases(news, value);
    else if (strcmp(name, "research") == 0)
        news->research = true;
    else if (strcmp(name, "is_report") == 0)
        news->is_report = true;
    else if (strcmp(name, "own_item") == 0)
        manner->own_item = true;
    else if (strcmp(name, "codes") == 0)
        manner->codes = keep(4, value);
    else if (strcmp(name, "worklist_label") == 0)
        manner->worklist_label = keep(0, value);
    else if (strcmp(name, "retrieve_ae") == 0)
        manner->retrieve_ae = keep(1, value);
    else if (strcmp(name, "report_class") == 0)
        manner->report_class = keep(2, value);
    else if (!take_text(news, name, value)) {
        (void)fprintf(stderr, "no such field: %s\n", name);
        exit(2);
    }
}

/* Of this machine: "http://127.0.0.1:PORT/...". */
static void take_url(struct conf_peer *peer, const char *url)
{
    peer->url = keep(3, url);
    peer->port = (uint16_t)strtoul(strrchr(url, ':') + 1, NULL, 10);
}

/* "user:password", the latter in a file of its own. */
static void take_password(struct conf_peer *peer, const char *value)
{
    static char path[32];
    (void)snprintf(path, sizeof path, "/tmp/ups-drive-XXXXXX");
    int fd = mkstemp(path);
    size_t user = strcspn(value, ":");
    if (fd < 0 || dprintf(fd, "%s\n", value + user + 1) < 0)
        exit(2);
    (void)close(fd);
    (void)snprintf(the_user, sizeof the_user, "%.*s", (int)user, value);
    peer->user = the_user;
    peer->password = path;
}

/* false: no more. */
static bool tell_one(const struct conf *conf)
{
    static const char *const defaults[][2] = {
        {"workitem", "2.25.4242"}, {"study", "2.25.1"},          {"accession", "A1"},
        {"patient_id", "P1"},      {"patient_name", "Doe^Jane"}, {"model", "phantom 0.2.0"},
        {"rank", "HIGH"},          {"reason", "finding"},
    };
    struct conf_peer peer = {.name = "ris", .ae_title = "RIS", .host = "127.0.0.1"};
    struct ups_manner manner = {.answer_seconds = 1, .codes = "110005^DCM"};
    struct news news = {.revision = 1, .created_ms = INT64_C(1795784400000)};
    char line[8192], why[NEWS_WHY] = "";
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        take(&news, &manner, defaults[i][0], defaults[i][1]);
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *value = strchr(line, '=');
        if (value == NULL) {
            enum news_end end = ups_tell(conf, &peer, &manner, &news, why);
            (void)printf("%s\n%s\n", ends[end], why);
            (void)fflush(stdout);
            if (peer.password != NULL)
                (void)unlink(peer.password);
            return true;
        }
        *value++ = '\0';
        if (strcmp(line, "port") == 0)
            peer.port = (uint16_t)strtoul(value, NULL, 10);
        else if (strcmp(line, "url") == 0)
            take_url(&peer, value);
        else if (strcmp(line, "password") == 0)
            take_password(&peer, value);
        else
            take(&news, &manner, line, value);
    }
    return false;
}

int main(void)
{
    const struct conf conf = {.ae_title = "CERVIGATE"};
    struct dx_error err = {.status = DX_OK};
    if (dx_init(NULL, NULL, &err) != DX_OK)
        return 2;
    while (tell_one(&conf))
        continue;
    return 0;
}
