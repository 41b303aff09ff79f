/* GET /api/v1/node/models: the models in use as their folders describe them: facts, figures, who
 * validated them, and the texts of the cards and of the training's history. */
#include "console.h"

#include <math.h>

static json_t *text_or_null(const char *text)
{
    json_t *string = text != NULL ? json_string(text) : NULL; /* NULL, too: no UTF-8 */
    return string != NULL ? string : json_null();
}

static json_t *classes_of(const struct nn_model_info *info)
{
    json_t *list = json_array();
    for (int c = 0; c < info->classes; c++) {
        const struct nn_class *one = &info->class_[c];
        json_t *point = one->finding ? json_real(one->operating_point) : json_null();
        (void)json_array_append_new(list, json_pack("{s:s, s:b, s:o}", "name", one->name, "finding",
                                                    one->finding, "operating_point", point));
    }
    return list;
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *measures_of(const struct nn_model_info *info)
{
    const struct nn_measures *m = &info->measures;
    if (!info->measured)
        return json_null();
    json_t *confusion = json_array(), *findings = json_array();
    for (int truth = 0; truth < info->classes; truth++) {
        json_t *row = json_array();
        for (int answer = 0; answer < info->classes; answer++)
            (void)json_array_append_new(row,
                                        json_integer(m->confusion[truth * info->classes + answer]));
        (void)json_array_append_new(confusion, row);
        if (!info->class_[truth].finding)
            continue;
        (void)json_array_append_new(
            findings,
            json_pack("{s:s, s:f, s:o, s:o, s:o}", "name", info->class_[truth].name,
                      "operating_point", info->class_[truth].operating_point, "sensitivity",
                      number(m->finding[truth].sensitivity), "specificity",
                      number(m->finding[truth].specificity), "auc", number(m->finding[truth].auc)));
    }
    return json_pack("{s:s, s:o, s:o}", "data", m->data, "confusion", confusion, "findings",
                     findings);
}

static json_t *validation_of(const struct nn_model_info *info, const struct card *card)
{
    if (!info->validated)
        return json_null();
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "site", card->site, "person", card->person,
                     "date", card->date, "data", card->data, "measures", card->measures);
}

static json_t *gate_of(const struct nn_model_info *info, const struct card *card)
{
    if (info->gate_digest[0] == '\0')
        return json_null();
    return json_pack("{s:s, s:s, s:f, s:o, s:o}", "digest", info->gate_digest, "accepts",
                     info->gate_accept, "least", info->gate_least, "card",
                     text_or_null(card->gate_text), "history", text_or_null(card->gate_history));
}

static json_t *model_of(const struct nn_model_info *info, const struct card *card)
{
    bool synthetic = info->provenance == NN_SYNTHETIC;
    json_t *model = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:i, s:f, s:s}", "name",
        info->name, "version", info->version, "network", info->network, "digest", info->digest,
        "weights", info->weights_digest, "synthetic", synthetic, "provenance",
        info->provenance_text, "intended_use", info->intended_use, "modalities", info->modalities,
        "body_parts", info->body_parts, "views", info->views, "minimum_age", info->minimum_age,
        "temperature", info->temperature, "split", info->split);
    /* Of what a site has measured the validation tells. */
    (void)json_object_set_new(
        model, "sensitivity_in_injured",
        json_string(!synthetic && info->validated ? "see the validation" : "NOT MEASURED (n = 0)"));
    (void)json_object_set_new(model, "classes", classes_of(info));
    (void)json_object_set_new(model, "measures", measures_of(info));
    (void)json_object_set_new(model, "validation", validation_of(info, card));
    (void)json_object_set_new(model, "gate", gate_of(info, card));
    (void)json_object_set_new(model, "card", text_or_null(card->text));
    (void)json_object_set_new(model, "history", text_or_null(card->history));
    (void)json_object_set_new(model, "first_history", text_or_null(card->first_history));
    return model;
}

enum MHD_Result models_page(struct console *console, struct visit *visit, struct session *session,
                            const char *tail)
{
    json_t *list = json_array();
    (void)session;
    (void)tail;
    for (size_t i = 0; i < console->model_count; i++)
        (void)json_array_append_new(list, model_of(&console->model[i], &console->card[i]));
    return http_json(&visit->request, MHD_HTTP_OK, json_pack("{s:o}", "models", list));
}
