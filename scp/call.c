#include "call.h"

#include "keys.h"
#include <stdio.h>
#include <string.h>

void call_params(const struct conf *conf, const struct conf_peer *peer,
                 struct dx_scu_params *params)
{
    dx_scu_params_default(params);
    (void)snprintf(params->calling, sizeof params->calling, "%s", conf->ae_title);
    (void)snprintf(params->called, sizeof params->called, "%s", peer->ae_title);
    params->host = peer->host;
    params->port = peer->port;
}

static enum dx_status open_tls(const struct conf *conf, const struct conf_peer *peer,
                               struct dx_tls **tls, struct dx_error *err)
{
    struct keys_wrong wrong;
    struct dx_tls_params params = {.newest = conf->tls.newest,
                                   .name = peer->tls_name != NULL ? peer->tls_name : peer->host};
    if (!keys_open(conf, &params.files, &wrong))
        return dx_fail(err, DX_TLS, "%s: %.180s", peer->name, wrong.text);
    enum dx_status status = dx_tls_open(&params, tls, err);
    keys_close(&params.files);
    if (status == DX_OK)
        return status;
    char text[sizeof err->text];
    (void)snprintf(text, sizeof text, "%s", err->text);
    return dx_fail(err, status, "%s: our files of <tls>: %.180s", peer->name, text);
}

/* What to change; the sentence has who and why already. */
static void advise(const struct conf_peer *peer, struct dx_error *err)
{
    const char *advice = NULL;
    size_t used = strlen(err->text);
    if (err->status == DX_MIXUP)
        advice = peer->tls ? "set tls=\"false\" or its TLS port at <peer>"
                           : "set tls=\"true\" or its plain port at <peer>";
    else if (err->status == DX_ABORTED && !peer->tls) /* many say nothing to what is no TLS */
        advice = "if it wants TLS there, set tls=\"true\" at <peer>";
    else if (err->status == DX_TLS && err->tls == DX_TLS_UNTRUSTED)
        advice = "add its authority to <tls authorities>";
    else if (err->status == DX_TLS && err->tls == DX_TLS_WRONG_NAME)
        advice = "set tlsName at <peer>";
    if (advice != NULL && used < sizeof err->text)
        (void)snprintf(err->text + used, sizeof err->text - used, "; %s", advice);
}

enum dx_status call_open(const struct conf *conf, const struct conf_peer *peer,
                         const struct dx_scu_params *params, const struct dx_scu_context *contexts,
                         size_t count, struct dx_scu **scu, struct dx_error *err)
{
    struct dx_scu_params own = *params;
    enum dx_status status = peer->tls ? open_tls(conf, peer, &own.tls, err) : DX_OK;
    *scu = NULL;
    if (status != DX_OK)
        return status;
    status = dx_scu_open(&own, contexts, count, scu, err);
    if (status != DX_OK)
        advise(peer, err);
    return status;
}
