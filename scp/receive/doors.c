/* Who may call. Of all <caller> elements the one that comes nearest says what was wrong. */
#include "doors.h"

#include <stdio.h>
#include <string.h>

/* How far a caller got with one <caller>. */
enum step { WRONG_TITLE, WRONG_ADDRESS, NOT_TLS, WRONG_CERTIFICATE, MAY_CALL };

static enum step judge(const struct conf_caller *caller, const struct dx_peer *peer,
                       const struct dx_tls *tls)
{
    if (caller->ae_title != NULL && strcmp(caller->ae_title, peer->calling) != 0)
        return WRONG_TITLE;
    if (caller->addresses != NULL && !conf_address_is_in(peer->address, caller->addresses))
        return WRONG_ADDRESS;
    if ((caller->tls || caller->certificate != NULL) && tls == NULL)
        return NOT_TLS;
    if (caller->certificate != NULL && !dx_tls_is_named(tls, caller->certificate))
        return WRONG_CERTIFICATE;
    return MAY_CALL;
}

/* ASCII for the log's and XML's words: a peer may call itself anything. */
static void show(const char *title, char shown[DX_AE_MAX])
{
    (void)snprintf(shown, DX_AE_MAX, "%s", title);
    for (char *at = shown; *at != '\0'; at++)
        if (*at < 0x20 || *at > 0x7e || *at == '"' || *at == '<' || *at == '&')
            *at = '?';
}

static void explain(const struct conf *conf, enum step step, const struct conf_caller *nearest,
                    const struct dx_peer *peer, const struct dx_tls *tls,
                    struct doors_refusal *refusal)
{
    char title[DX_AE_MAX];
    refusal->answer = "1/1/3";
    struct conf_spot spot = conf_spot_of(conf, nearest != NULL ? nearest->line : 0);
    show(peer->calling, title);
    switch (step) {
    case WRONG_ADDRESS:
        (void)snprintf(refusal->why, sizeof refusal->why,
                       "not from this address (<caller> on %.80s)", spot.text);
        (void)snprintf(refusal->configure, sizeof refusal->configure, "add %s to addresses there",
                       peer->address);
        break;
    case NOT_TLS:
        (void)snprintf(refusal->why, sizeof refusal->why, "only over TLS (<caller> on %.80s)",
                       spot.text);
        (void)snprintf(refusal->configure, sizeof refusal->configure,
                       "let it call the TLS port, or take tls and certificate from there");
        break;
    case WRONG_CERTIFICATE:
        (void)snprintf(refusal->why, sizeof refusal->why,
                       "its certificate (%.90s) is not for %.60s (<caller> on %.60s)",
                       dx_tls_subject(tls)[0] != '\0' ? dx_tls_subject(tls) : "none",
                       nearest->certificate, spot.text);
        (void)snprintf(refusal->configure, sizeof refusal->configure,
                       "a certificate of that name, or another certificate there");
        break;
    default:
        (void)snprintf(refusal->why, sizeof refusal->why, "no <caller> has this calling AE title");
        (void)snprintf(refusal->configure, sizeof refusal->configure,
                       "add <caller aeTitle=\"%s\" addresses=\"%s\"/> to <callers>", title,
                       peer->address);
    }
}

enum dx_admission doors_admit(const struct conf *conf, const struct dx_peer *peer,
                              const struct dx_tls *tls, struct doors_refusal *refusal)
{
    enum step best = WRONG_TITLE;
    const struct conf_caller *nearest = NULL;
    const struct conf_ae *ae = conf_find_ae(conf, peer->called);
    bool ours = strcmp(peer->called, ae != NULL ? ae->title : conf->ae_title) == 0;
    if (conf->check_called_ae_title && !ours) {
        (void)snprintf(refusal->why, sizeof refusal->why,
                       "the called AE title is not ours, which is %s%s", conf->ae_title,
                       conf->ae_count > 0 ? " (and those of <aes>)" : "");
        (void)snprintf(refusal->configure, sizeof refusal->configure,
                       "the title at the caller, or <node checkCalledAeTitle=\"false\">");
        refusal->answer = "1/1/7";
        return DX_REJECT_CALLED_AE;
    }
    if (conf->caller_count == 0)
        return DX_ADMIT;
    for (size_t i = 0; i < conf->caller_count; i++) {
        enum step step = judge(&conf->callers[i], peer, tls);
        if (step == MAY_CALL)
            return DX_ADMIT;
        if (step > best) {
            best = step;
            nearest = &conf->callers[i];
        }
    }
    explain(conf, best, nearest, peer, tls, refusal);
    return DX_REJECT_CALLING_AE;
}

static const char *advice(const struct conf *conf, bool is_tls, const struct dx_error *err)
{
    if (err->status == DX_MIXUP && is_tls)
        return conf->tls.only ? "let it call with TLS (<tls only> has no plain port)"
                              : "let it call with TLS, or the plain port of <node>";
    if (err->status == DX_MIXUP)
        return conf->tls.listen ? "let it call the port of <tls>, or without TLS"
                                : "<tls listen=\"true\"> with certificate and key, or let it call "
                                  "without TLS";
    if (err->tls == DX_TLS_UNTRUSTED)
        return "add its authority's certificate, or its own, to <tls authorities>";
    if (err->tls == DX_TLS_NO_CERTIFICATE)
        return "a certificate at the caller, or <tls clientCertificate=\"optional\">";
    if (err->tls == DX_TLS_OLD)
        return "TLS 1.2 or 1.3 at the caller; older versions cannot be allowed";
    if (err->tls == DX_TLS_REFUSES_US)
        return "at the caller: trust the authority of <tls certificate>, and call by a name that "
               "it bears";
    return "at the caller: its certificate, or its TLS";
}

bool doors_explain(const struct conf *conf, bool is_tls, const struct dx_error *err,
                   struct doors_refusal *refusal)
{
    if (err->status != DX_MIXUP && err->status != DX_TLS)
        return false;
    refusal->answer = err->status == DX_MIXUP && is_tls ? "1/2/1" : "none";
    (void)snprintf(refusal->why, sizeof refusal->why, "%s", err->text);
    (void)snprintf(refusal->configure, sizeof refusal->configure, "%s", advice(conf, is_tls, err));
    return true;
}
