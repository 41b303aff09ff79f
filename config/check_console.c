/* What a schema cannot know of the console: who would read a password, or believe a stranger. */
#include "conf_private.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static void complain(struct reading *reading, const char *attribute, const char *sentence)
{
    conf_complain(reading, conf_line_at(reading, "console", 0, attribute), false,
                  "<console %s>: %s", attribute, sentence);
}

static void check_files(struct reading *reading, const struct conf_web *web)
{
    conf_check_path(reading, "console", 0, "accounts", web->accounts);
    conf_check_path(reading, "console", 0, "certificate", web->certificate);
    conf_check_path(reading, "console", 0, "key", web->key);
    if (web->certificate && !web->key)
        complain(reading, "certificate", "there is no key; expected both or neither");
    if (web->key && !web->certificate)
        complain(reading, "key", "there is no certificate; expected both or neither");
}

static void check_clear(struct reading *reading, const struct conf *conf)
{
    const struct conf_web *web = &conf->web;
    if (web->certificate || conf_is_this_machine(conf->console_address))
        return;
    if (web->accounts)
        conf_complain(reading, conf_line_at(reading, "console", 0, "accounts"), false,
                      "<console accounts=\"%s\">: passwords would go over the network in the "
                      "clear; expected certificate and key, or address=\"127.0.0.1\" and a proxy "
                      "with TLS before it",
                      conf_show(web->accounts).text);
    if (web->user_header)
        complain(reading, "userHeader",
                 "who is named, and his session, would go over the network in the clear; expected "
                 "certificate and key, or address=\"127.0.0.1\" and the proxy on this machine");
}

static void check_proxies(struct reading *reading, const char *proxies)
{
    char word[64], sentence[160];
    unsigned char number[sizeof(struct in6_addr)];
    while (proxies && *proxies) {
        size_t length = strcspn(proxies, " ");
        snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : 0), proxies);
        if (inet_pton(AF_INET, word, number) != 1 && inet_pton(AF_INET6, word, number) != 1) {
            snprintf(sentence, sizeof sentence,
                     "\"%s\" is no address; expected numeric ones, as 10.1.2.3", word);
            complain(reading, "proxies", sentence);
        }
        proxies += length + strspn(proxies + length, " ");
    }
}

void conf_check_console(struct reading *reading, const struct conf *conf)
{
    const struct conf_web *web = &conf->web;
    check_files(reading, web);
    check_clear(reading, conf);
    check_proxies(reading, web->proxies);
    if (web->user_header && !web->proxies)
        complain(reading, "userHeader",
                 "everybody could name himself; expected proxies, too: the addresses of those that "
                 "are believed");
    if (web->user_header && !web->roles_header && !web->accounts)
        complain(reading, "userHeader",
                 "nothing tells what a user may; expected rolesHeader, or accounts with the same "
                 "names");
    if (web->roles_header && !web->user_header)
        complain(reading, "rolesHeader", "nobody is named; expected userHeader, too");
}
