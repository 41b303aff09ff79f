/* <aes>, and the rules that are for one of them. */
#include "conf_private.h"
#include <string.h>
#include <strings.h>

static void check_title(struct reading *reading, const struct conf *conf, size_t i)
{
    const char *title = conf->aes[i].title;
    int line = conf_line_at(reading, "ae", i, "aeTitle"), first = 0;

    conf_check_ae_title(reading, "ae", i, title);
    if (title[0] && strcasecmp(title, conf->ae_title) == 0)
        first = conf_line_at(reading, "node", 0, "aeTitle");
    for (size_t j = 0; j < i && first == 0 && title[0]; j++)
        if (strcasecmp(title, conf->aes[j].title) == 0)
            first = conf->aes[j].line;
    if (first != 0)
        conf_complain(
            reading, line, false,
            "<ae aeTitle=\"%s\">: the node has this AE title already (on %s; case does not "
            "count); expected another one",
            conf_show(title).text, conf_where(reading, line, first).text);
}

static void check_model(struct reading *reading, const struct conf *conf, size_t i)
{
    const struct conf_ae *ae = &conf->aes[i];
    const char *names[CONF_MAX_MODELS];
    size_t count = 0;

    for (size_t m = 0; m < conf->model_count; m++)
        if (conf->model_name[m])
            names[count++] = conf->model_name[m];
    if (ae->model && ae->model[0] && !ae->models && !conf_may_be_elsewhere(reading))
        conf_complain(reading, conf_line_at(reading, "ae", i, "model"), false,
                      "<ae model=\"%s\">: no such model%s; expected the name of a <model> of "
                      "<models>",
                      conf_show(ae->model).text, conf_hint(ae->model, names, count).text);
}

static void check_rule(struct reading *reading, const struct conf *conf, size_t i)
{
    const struct conf_rule *rule = &conf->rules[i];
    const char *names[CONF_MAX_AES + 1] = {conf->ae_title};
    bool known = rule->ae && strcmp(rule->ae, conf->ae_title) == 0;

    for (size_t j = 0; j < conf->ae_count; j++) {
        names[j + 1] = conf->aes[j].title;
        known |= rule->ae && strcmp(rule->ae, conf->aes[j].title) == 0;
    }
    if (rule->ae && rule->ae[0] && !known && !conf_may_be_elsewhere(reading))
        conf_complain(
            reading, conf_line_at(reading, "rule", i, "ae"), false,
            "<rule ae=\"%s\">: the node has no such AE title%s; expected that of <node> or "
            "of an <ae>",
            conf_show(rule->ae).text, conf_hint(rule->ae, names, conf->ae_count + 1).text);
}

/* A peer that is the node itself gets what it sent, again and again. Behind systemd's socket the
 * node has another port than <node port>, and the port alone is no proof. */
static void check_peers(struct reading *reading, const struct conf *conf)
{
    for (size_t i = 0; i < conf->peer_count; i++) {
        const struct conf_peer *peer = &conf->peers[i];
        bool titled = peer->ae_title[0] && (strcmp(peer->ae_title, conf->ae_title) == 0 ||
                                            conf_find_ae(conf, peer->ae_title));
        bool port = (peer->port == conf->port && peer->port != 0 && !conf->tls.only) ||
                    (peer->tls && conf->tls.listen && peer->port == conf->tls.port);
        bool here = port && !peer->url && conf_is_this_machine(peer->host);
        if (here || titled)
            conf_complain(reading, conf_line_at(reading, "peer", i, "aeTitle"), !(here && titled),
                          "<peer aeTitle=\"%s\">: %s", conf_show(peer->ae_title).text,
                          here && titled
                              ? "is this node itself, by title, host and port; expected another "
                                "system"
                          : here ? "has the host and port of this node itself; expected another's"
                                 : "the node itself has this AE title; expected one that nobody "
                                   "else has");
    }
}

void conf_check_aes(struct reading *reading, const struct conf *conf)
{
    for (size_t i = 0; i < conf->ae_count; i++) {
        check_title(reading, conf, i);
        check_model(reading, conf, i);
    }
    for (size_t i = 0; i < conf->rule_count; i++)
        check_rule(reading, conf, i);
    check_peers(reading, conf);
}
