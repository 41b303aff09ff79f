/* What the configuration says: policies, peers, security. */
#include "conformance.h"
#include "dx_tls.h"
#include <inttypes.h>

/* A setting and what it means in a row of the statement. */
struct setting {
    const char *element, *attribute, *unit, *what;
};

static void put_settings(const struct conf *conf, const struct setting *list, size_t count,
                         FILE *out)
{
    char value[256];
    fputs("| setting | value | what |\n|---|---|---|\n", out);
    for (size_t i = 0; i < count; i++)
        if (conf_value(conf, list[i].element, list[i].attribute, value, sizeof value))
            fprintf(out, "| `%s %s` | %s%s | %s |\n", list[i].element, list[i].attribute, value,
                    list[i].unit, list[i].what);
}

void conformance_policies(const struct statement *s, FILE *out)
{
    static const struct setting list[] = {
        {"node", "aeTitle", "", "Application Entity title: called and calling"},
        {"node", "port", "", "TCP port, where the node listens itself; as a service 104: 8.3"},
        {"node", "checkCalledAeTitle", "", "whether another called AE title is rejected"},
        {"limits", "associations", "", "open at a time; more are rejected (transient)"},
        {"limits", "associationsPerPeer", "", "of one address"},
        {"receive", "maximumPdu", " bytes", "largest PDU that is taken, and proposed"},
        {"receive", "acseTimeout", " s", "to negotiate"},
        {"receive", "dimseTimeout", " s", "an open association may be silent"},
        {"receive", "pduTimeout", " s", "for the rest of a PDU"},
        {"receive", "associationTime", " s", "an association may last"},
        {"receive", "datasetTime", " s", "one object may take"},
        {"receive", "minimumRate", " bytes/s", "slower peers are cut off (A-ABORT)"},
        {"limits", "commandBytes", " bytes", "of a command set"},
        {"limits", "datasetBytes", " bytes", "of an object"},
        {"limits", "nesting", "", "of sequences"},
    };
    put_settings(s->conf, list, sizeof list / sizeof *list, out);
}

void conformance_tls(const struct statement *s, FILE *out)
{
    static const struct setting list[] = {
        {"tls", "listen", "", "whether there is a port for TLS"},
        {"tls", "port", "", "that port, where there is one"},
        {"tls", "only", "", "whether there is no plain port"},
        {"tls", "clientCertificate", "", "of who calls"},
        {"tls", "leastVersion", "", "least version of TLS"},
    };
    put_settings(s->conf, list, sizeof list / sizeof *list, out);
    fprintf(out,
            "\nOffered and taken, as OpenSSL names it:\n\n| | |\n|---|---|\n| TLS 1.2 | `%s` |\n"
            "| TLS 1.3 | `%s` |\n| groups | `%s` |\n",
            dx_tls_offer.suites_12, dx_tls_offer.suites_13, dx_tls_offer.groups);
}

void conformance_audit(const struct statement *s, FILE *out)
{
    static const struct setting list[] = {
        {"audit", "transport", "", "of the audit trail, where there is a collector"},
        {"audit", "port", "", "of that collector"},
    };
    put_settings(s->conf, list, sizeof list / sizeof *list, out);
}

void conformance_aes(const struct statement *s, FILE *out)
{
    if (s->conf->ae_count == 0) {
        fputs("The node has this one title.\n", out);
        return;
    }
    fputs("Further titles under which it is called, each with the same services:\n\n"
          "| title | judged by |\n|---|---|\n",
          out);
    for (size_t i = 0; i < s->conf->ae_count; i++)
        fprintf(out, "| %s | %s |\n", s->conf->aes[i].title,
                s->conf->aes[i].model ? s->conf->aes[i].model : "every model that is meant for it");
}

void conformance_callers(const struct statement *s, FILE *out)
{
    if (s->conf->caller_count == 0)
        fputs("In this configuration everybody who reaches the port may call.\n", out);
    else
        fprintf(out,
                "In this configuration %zu `<caller>`s may call; everybody else is rejected "
                "(permanent, calling AE title not recognized).\n",
                s->conf->caller_count);
}

void conformance_peers(const struct statement *s, FILE *out)
{
    if (s->conf->peer_count == 0) {
        fputs("None is configured.\n", out);
        return;
    }
    fputs("| name | AE title | port | by |\n|---|---|---|---|\n", out);
    for (size_t i = 0; i < s->conf->peer_count; i++) {
        const struct conf_peer *peer = &s->conf->peers[i];
        fprintf(out, "| %s | %s | %u | %s%s |\n", peer->name, peer->ae_title, (unsigned)peer->port,
                peer->url ? "DICOMweb" : "DICOM", peer->tls ? " over TLS" : "");
    }
}

void conformance_destinations(const struct statement *s, FILE *out)
{
    static const char *const outputs[] = {"SR", "SC", "GSPS", "PMAP"};
    if (s->conf->destination_count == 0) {
        fputs("None is configured: results stay on the node.\n", out);
        return;
    }
    fputs("| peer | gets | commitment |\n|---|---|---|\n", out);
    for (size_t i = 0; i < s->conf->destination_count; i++) {
        const struct conf_destination *to = &s->conf->destinations[i];
        fprintf(out, "| %s |", to->peer->name);
        for (unsigned o = 0; o < sizeof outputs / sizeof *outputs; o++)
            if (to->outputs & 1u << o)
                fprintf(out, " %s", outputs[o]);
        fprintf(out, " | %s |\n", to->commitment ? "yes" : "no");
    }
}

void conformance_announcements(const struct statement *s, FILE *out)
{
    if (s->conf->announcement_count == 0) {
        fputs("None is configured: nobody is told.\n", out);
        return;
    }
    fputs("| name | by |\n|---|---|\n", out);
    for (size_t i = 0; i < s->conf->announcement_count; i++)
        fprintf(out, "| %s | %s |\n", s->conf->announcements[i].name,
                conf_way_name(s->conf->announcements[i].way));
}
