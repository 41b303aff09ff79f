/* evaluate_json.c: all figures as one JSON object (docs/evaluate.md names its fields). Undefined
 * rates are null, never 0. */
#include "evaluate.h"
#include <math.h>

static void put(json_t *to, const char *key, json_t *value)
{
    json_object_set_new(to, key, value ? value : json_null());
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *whole(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *text(const char *words)
{
    json_t *value = json_string(words);
    return value ? value : json_string("(not UTF-8)");
}

static json_t *figure(const struct nn_figure *f)
{
    json_t *out = json_object();
    bool interval = f->defined && f->interval.kind > NN_INTERVAL_DEGENERATE;
    put(out, "value", f->defined ? json_real(f->value) : json_null());
    put(out, "hits", whole(f->hits));
    put(out, "of", whole(f->of));
    put(out, "low", interval ? json_real(f->interval.low) : json_null());
    put(out, "high", interval ? json_real(f->interval.high) : json_null());
    put(out, "interval", text(nn_interval_text(f->interval.kind)));
    return out;
}

static json_t *tally(const struct nn_tally *t)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "tp", (json_int_t)t->tp, "fp", (json_int_t)t->fp, "fn",
                     (json_int_t)t->fn, "tn", (json_int_t)t->tn);
}

static json_t *binary(const struct nn_binary_figures *b)
{
    json_t *out = json_object();
    put(out, "count", whole(b->count));
    put(out, "injured", whole(b->positives));
    put(out, "tally", tally(&b->tally));
    put(out, "sensitivity", figure(&b->sensitivity));
    put(out, "specificity", figure(&b->specificity));
    put(out, "accuracy", figure(&b->accuracy));
    put(out, "precision", figure(&b->precision));
    put(out, "negative_value", figure(&b->negative_value));
    put(out, "f1", figure(&b->f1));
    put(out, "auc", figure(&b->auc));
    put(out, "average_precision", figure(&b->average_precision));
    return out;
}

static json_t *model_of(const struct nn_model_info *m)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "name", m->name, "version", m->version,
                     "network", m->network, "digest", m->digest, "weights", m->weights_digest,
                     "provenance", m->provenance == NN_CLINICAL ? "clinical" : "synthetic");
}

static json_t *data_of(const struct evaluation *e)
{
    static const char *const divisions[] = {"none", "split.csv", "column part"};
    static const char *const parts[] = {"test", "validation", "all"};
    json_t *out = json_object();
    put(out, "words", text(e->set->words));
    put(out, "digest", text(e->set->digest));
    put(out, "provenance", text(e->data_kind));
    put(out, "division", text(divisions[e->parts.division]));
    put(out, "part", text(parts[e->options.part]));
    put(out, "images", whole(e->parts.tests));
    put(out, "validation_images", whole(e->parts.validations));
    put(out, "test_digest", text(e->parts.test_digest));
    put(out, "near_duplicate_pairs", whole(e->set->duplicate_pairs));
    put(out, "training_images_among_them",
        e->parts.shared_known ? whole(e->parts.training_files) : json_null());
    put(out, "training_patients_images_among_them",
        e->parts.shared_known ? whole(e->parts.training_patients) : json_null());
    return out;
}

static json_t *protocol_of(const struct evaluation *e)
{
    const struct evaluate_protocol *p = &e->protocol;
    if (!p->present)
        return json_null();
    json_t *out = json_object();
    put(out, "sha256", text(p->digest));
    put(out, "written", text(p->written));
    put(out, "openings_before_lock", whole(p->openings_before));
    put(out, "locked_before_opening", json_boolean(p->openings_before == 0));
    put(out, "measured_by_trainer", json_boolean(p->trainer_measured));
    return out;
}

static json_t *choice_of(const struct evaluation *e)
{
    json_t *out = json_object(), *points = json_object(), *methods = json_array();
    for (int c = 0; c < e->model->classes; c++)
        if (e->model->class_[c].finding)
            put(points, e->model->class_[c].name, json_real(e->choice.point[c]));
    put(out, "points", points);
    put(out, "points_from", text(e->choice.points_chosen ? "validation part" : "model"));
    put(out, "temperature", json_real(e->choice.temperature));
    put(out, "explanation", e->choice.method[0] ? text(e->choice.method) : json_null());
    for (size_t i = 0; i < e->figures.methods; i++) {
        const struct evaluate_method *m = &e->figures.method[i];
        json_array_append_new(methods, json_pack("{s:s, s:I, s:I, s:f}", "method", m->name,
                                                 "images", (json_int_t)m->images, "hits",
                                                 (json_int_t)m->hits, "energy", m->energy));
    }
    put(out, "explanation_methods_on_validation", methods);
    put(out, "level", json_real(e->choice.bootstrap.level));
    put(out, "draws", json_integer(e->choice.bootstrap.draws));
    put(out, "seed", whole(e->choice.bootstrap.seed));
    return out;
}

static json_t *hypothesis(double limit, bool met)
{
    return isfinite(limit) ? json_pack("{s:f, s:b}", "lower_limit", limit, "shown", met)
                           : json_null();
}

static json_t *primary_of(const struct evaluation *e)
{
    json_t *out = json_object();
    put(out, "endpoint", text("any injury per study"));
    put(out, "processed", binary(&e->figures.study));
    put(out, "eligible", binary(&e->figures.study_eligible));
    put(out, "sensitivity_hypothesis",
        hypothesis(e->choice.sensitivity, e->figures.sensitivity_met));
    put(out, "specificity_hypothesis",
        hypothesis(e->choice.specificity, e->figures.specificity_met));
    return out;
}

static json_t *classes_of(const struct evaluation *e)
{
    const struct nn_case_figures *f = &e->figures.cases;
    json_t *out = json_array();
    for (int c = 0; c < f->classes; c++) {
        const struct nn_class_figures *k = &f->class_[c];
        json_t *row = json_object();
        put(row, "class", text(e->model->class_[c].name));
        put(row, "tally", tally(&k->tally));
        put(row, "accuracy", figure(&k->accuracy));
        put(row, "sensitivity", figure(&k->sensitivity));
        put(row, "specificity", figure(&k->specificity));
        put(row, "precision", figure(&k->precision));
        put(row, "f1", figure(&k->f1));
        put(row, "auc", figure(&k->auc));
        put(row, "average_precision", figure(&k->average_precision));
        if (e->model->class_[c].finding) {
            put(row, "at_point", tally(&k->at_point));
            put(row, "point_sensitivity", figure(&k->point_sensitivity));
            put(row, "point_specificity", figure(&k->point_specificity));
            put(row, "point_precision", figure(&k->point_precision));
        }
        json_array_append_new(out, row);
    }
    return out;
}

static json_t *averages_of(const struct nn_case_figures *f)
{
    json_t *out = json_object(), *macro = json_object(), *micro = json_object();
    put(macro, "accuracy", figure(&f->macro.accuracy));
    put(macro, "sensitivity", figure(&f->macro.sensitivity));
    put(macro, "specificity", figure(&f->macro.specificity));
    put(macro, "precision", figure(&f->macro.precision));
    put(macro, "f1", figure(&f->macro.f1));
    put(macro, "auc", figure(&f->macro.auc));
    put(macro, "average_precision", figure(&f->macro.average_precision));
    put(micro, "accuracy", figure(&f->micro.accuracy));
    put(micro, "specificity", figure(&f->micro.specificity));
    put(out, "right", figure(&f->right));
    put(out, "macro", macro);
    put(out, "micro", micro);
    return out;
}

static json_t *confusion_of(const struct nn_case_figures *f)
{
    json_t *out = json_array();
    for (int t = 0; t < f->classes; t++) {
        json_t *row = json_array();
        for (int a = 0; a < f->classes; a++)
            json_array_append_new(row, whole(f->confusion[t * f->classes + a]));
        json_array_append_new(out, row);
    }
    return out;
}

static json_t *reliability_of(const struct nn_reliability *r)
{
    json_t *out = json_pack("{s:f, s:f, s:f}", "ece", r->ece, "worst", r->worst, "brier", r->brier);
    json_t *bins = json_array();
    for (int i = 0; i < r->bins; i++)
        json_array_append_new(
            bins, json_pack("{s:I, s:I, s:f}", "count", (json_int_t)r->bin[i].count, "events",
                            (json_int_t)r->bin[i].events, "mean", r->bin[i].mean));
    put(out, "bins", bins);
    return out;
}

static json_t *calibration_of(const struct evaluate_calibration *c)
{
    json_t *out = json_object();
    put(out, "nll_before", number(c->nll_before));
    put(out, "nll_after", number(c->nll_after));
    put(out, "brier_before", number(c->brier_before));
    put(out, "brier_after", number(c->brier_after));
    put(out, "top_before", reliability_of(&c->before));
    put(out, "top_after", reliability_of(&c->after));
    put(out, "injury_before", reliability_of(&c->injury_before));
    put(out, "injury_after", reliability_of(&c->injury_after));
    return out;
}

static json_t *everyday_of(const struct evaluation *e)
{
    json_t *out = json_array();
    for (int i = 0; i < EVALUATE_PREVALENCES; i++) {
        const struct nn_everyday *d = &e->figures.everyday[i];
        json_t *row = json_object();
        put(row, "prevalence", json_real(d->prevalence));
        put(row, "studies_a_day", json_real(d->studies_a_day));
        put(row, "positive_value", figure(&d->positive_value));
        put(row, "negative_value", figure(&d->negative_value));
        put(row, "alerts_a_day", figure(&d->alerts_a_day));
        put(row, "true_alerts_a_day", figure(&d->true_alerts_a_day));
        put(row, "missed_a_day", figure(&d->missed_a_day));
        put(row, "false_per_true", figure(&d->false_per_true));
        json_array_append_new(out, row);
    }
    return out;
}

static json_t *refused_of(const struct evaluation *e)
{
    json_t *out = json_object(), *reasons = json_array();
    for (size_t i = 0; i < e->figures.reasons; i++) {
        const struct evaluate_reason *r = &e->figures.reason[i];
        json_array_append_new(reasons,
                              json_pack("{s:s, s:I, s:I}", "reason", r->reason, "images",
                                        (json_int_t)r->images, "injured", (json_int_t)r->injured));
    }
    put(out, "images", whole(e->figures.refused));
    put(out, "studies", whole(e->figures.studies_refused));
    put(out, "reasons", reasons);
    return out;
}

static json_t *subgroups_of(const struct evaluation *e)
{
    json_t *out = json_object();
    for (int key = 0; key < EVALUATE_KEYS; key++) {
        const struct evaluate_group *g = &e->figures.group[key];
        json_t *rows = json_array();
        for (size_t i = 0; i < g->rows; i++)
            json_array_append_new(
                rows, json_pack("{s:o, s:s, s:b, s:o}", "group", text(g->row[i].key), "unit",
                                g->studies ? "study" : "image", "insufficient",
                                g->row[i].insufficient, "figures", binary(&g->row[i].figures)));
        put(out, g->name, rows);
    }
    return out;
}

static json_t *mcnemar(const struct nn_mcnemar *m)
{
    json_t *out = json_pack("{s:I, s:I, s:I, s:I, s:f, s:s}", "both_right", (json_int_t)m->both,
                            "only_model_right", (json_int_t)m->only_a, "only_other_right",
                            (json_int_t)m->only_b, "neither_right", (json_int_t)m->neither, "p",
                            m->p, "test", m->exact ? "McNemar, exact" : "McNemar, chi-square");
    put(out, "model", figure(&m->rate_a));
    put(out, "other", figure(&m->rate_b));
    put(out, "difference", figure(&m->difference));
    return out;
}

static json_t *readers_of(const struct evaluation *e)
{
    json_t *out = json_array();
    for (size_t i = 0; i < e->figures.readers; i++) {
        const struct evaluate_reader *r = &e->figures.reader[i];
        json_t *row = json_object();
        put(row, "reader", text(r->name));
        put(row, "cases", whole(r->cases));
        put(row, "unanswered_by_model", whole(r->unanswered));
        put(row, "accuracy", mcnemar(&r->comparison.accuracy));
        put(row, "sensitivity", mcnemar(&r->comparison.sensitivity));
        put(row, "specificity", mcnemar(&r->comparison.specificity));
        json_array_append_new(out, row);
    }
    return out;
}

static json_t *rival_of(const struct evaluate_rival *r)
{
    if (!r->defined)
        return json_null();
    json_t *out =
        json_pack("{s:s, s:s, s:s}", "name", r->name, "version", r->version, "digest", r->digest);
    put(out, "study_sensitivity", mcnemar(&r->study_sensitivity));
    put(out, "study_specificity", mcnemar(&r->study_specificity));
    put(out, "image_accuracy", mcnemar(&r->images.comparison.accuracy));
    if (r->delong_defined) {
        put(out, "auc_model", figure(&r->delong.auc_a));
        put(out, "auc_other", figure(&r->delong.auc_b));
        put(out, "auc_difference", figure(&r->delong.difference));
        put(out, "delong_p", r->delong.p_defined ? json_real(r->delong.p) : json_null());
    }
    if (r->pair_defined) {
        put(out, "auc_difference_by_patient", figure(&r->pair.difference));
        put(out, "bootstrap_p", r->pair.p_defined ? json_real(r->pair.p) : json_null());
    }
    return out;
}

/* [name, x, y] each; a black map has none. */
static json_t *peaks_of(const struct evaluate_explanation *x)
{
    json_t *out = json_array();
    for (size_t i = 0; i < x->explained; i++) {
        const struct evaluate_peak *peak = &x->peak[i];
        json_t *one = json_array();
        if (json_array_append_new(one, text(peak->name)) != 0 ||
            json_array_append_new(one, number(peak->at[0])) != 0 ||
            json_array_append_new(one, number(peak->at[1])) != 0 ||
            json_array_append_new(out, one) != 0)
            break;
    }
    return out;
}

static json_t *explanation_of(const struct evaluate_explanation *x)
{
    if (!x->defined)
        return json_null();
    json_t *out = json_object();
    put(out, "method", text(x->method));
    put(out, "boxed", whole(x->boxed));
    put(out, "box_over_6_percent", whole(x->too_large));
    put(out, "explained", whole(x->explained));
    put(out, "pointing_game", figure(&x->hit));
    put(out, "energy_in_box", figure(&x->energy));
    put(out, "expected_of_a_flat_map", number(x->expected));
    put(out, "spots", whole(x->spots));
    put(out, "maxima", peaks_of(x));
    put(out, "normals", whole(x->normals));
    put(out, "normals_called", whole(x->normals_called));
    put(out, "normal_spots", whole(x->normal_spots));
    return out;
}

json_t *evaluate_json(const struct evaluation *e)
{
    json_t *out = json_object(), *notes = json_array();
    put(out, "format", text("cervigate-evaluation-1"));
    put(out, "written", text(e->written));
    put(out, "build", text(e->build));
    put(out, "synthetic", json_boolean(e->synthetic));
    put(out, "model", model_of(e->model));
    put(out, "data", data_of(e));
    put(out, "protocol", protocol_of(e));
    put(out, "choice", choice_of(e));
    put(out, "primary", primary_of(e));
    put(out, "images", binary(&e->figures.image));
    put(out, "images_eligible", binary(&e->figures.image_eligible));
    put(out, "classes", classes_of(e));
    put(out, "average", averages_of(&e->figures.cases));
    put(out, "confusion", confusion_of(&e->figures.cases));
    put(out, "calibration", calibration_of(&e->figures.calibration));
    put(out, "everyday", everyday_of(e));
    put(out, "refused", refused_of(e));
    put(out, "subgroups", subgroups_of(e));
    put(out, "readers", readers_of(e));
    put(out, "against", rival_of(&e->figures.rival));
    put(out, "explanation", explanation_of(&e->figures.explanation));
    for (size_t i = 0; i < e->note_count; i++)
        json_array_append_new(notes, text(e->notes[i]));
    put(out, "notes", notes);
    return out;
}
