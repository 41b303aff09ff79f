/* hl7_driver: tells a receiver one piece of news by HL7 and prints what became of it and why.
 *
 *   hl7_driver KEY=VALUE ...     keys: see set(); prints "told|later|unreached|refused" and why */
#include "worklist/hl7.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct conf_announcement to = {.way = CONF_HL7,
                                      .name = "ris",
                                      .host = "127.0.0.1",
                                      .answer_seconds = 2,
                                      .results = true,
                                      .version = 1,
                                      .sending_application = "CERVIGATE",
                                      .sending_facility = "Radiology",
                                      .receiving_application = "RIS",
                                      .receiving_facility = "",
                                      .service = "CG^Second look^99CERVIGATE",
                                      .profile = CONF_HL7_PROFILE};
static struct news news = {.kind = NEWS_PRIORITY,
                           .rank = PRIORITY_HIGH,
                           .order = ORDER_ROUTINE,
                           .reason = REASON_FINDING,
                           .outcome = SRT_FINDING,
                           .workitem = "2.25.1",
                           .message = "0123456789abcdef0123456789abcdef",
                           .study = "1.2.3",
                           .accession = "A17",
                           .patient_id = "P1",
                           .issuer = "HOSP",
                           .patient_name = "Doe^Jane",
                           .placer_order = "PL1",
                           .filler_order = "FI1",
                           .created_ms = 1795784700000};

static bool is_key(const char *word, const char *key)
{
    return strncmp(word, key, strlen(key)) == 0 && word[strlen(key)] == '=';
}

static void set(const char *word)
{
    const char *value = strchr(word, '=') + 1;
    int number = (int)strtol(value, NULL, 10);
    if (is_key(word, "host"))
        to.host = value;
    else if (is_key(word, "port"))
        to.port = (uint16_t)number;
    else if (is_key(word, "seconds"))
        to.answer_seconds = number;
    else if (is_key(word, "tls"))
        to.tls = number != 0;
    else if (is_key(word, "tls_name"))
        to.tls_name = value;
    else if (is_key(word, "authorities"))
        to.authorities = value;
    else if (is_key(word, "version"))
        to.version = (unsigned)number;
    else if (is_key(word, "characters"))
        to.characters = (enum conf_hl7_characters)number;
    else if (is_key(word, "results"))
        to.results = number != 0;
    else if (is_key(word, "priority"))
        to.priority = number != 0;
    else if (is_key(word, "withdrawn"))
        news.kind = number != 0 ? NEWS_WITHDRAWN : NEWS_PRIORITY;
    else if (is_key(word, "told"))
        news.was_told = number != 0, news.told_order = ORDER_ROUTINE;
    else if (is_key(word, "name"))
        (void)snprintf(news.patient_name, sizeof news.patient_name, "%s", value);
    else
        exit(64);
}

int main(int argc, char **argv)
{
    static const char *const ends[] = {"told", "later", "unreached", "refused"};
    static const struct conf conf;
    char why[NEWS_WHY];
    (void)signal(SIGPIPE, SIG_IGN);
    for (int i = 1; i < argc; i++)
        if (strchr(argv[i], '=') != NULL)
            set(argv[i]);
    (void)printf("%s\n", ends[hl7_tell(&conf, &to, &news, why)]);
    (void)printf("%s\n", why);
    return 0;
}
