/* What is known of a study, as JSON. */
#include "study.h"

#include "gate.h"
#include "json_time.h"
#include "store_outcome.h"
#include "worklist/list.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RESULTS_MOST 200
#define HISTORY_MOST 500
#define TEXT_MOST    32768 /* srt_text makes no more */

#define TAG_PATIENT_NAME DX_TAG(0x0010, 0x0010)
#define TAG_PATIENT_ID   DX_TAG(0x0010, 0x0020)
#define TAG_BIRTH_DATE   DX_TAG(0x0010, 0x0030)
#define TAG_SEX          DX_TAG(0x0010, 0x0040)
#define TAG_AGE          DX_TAG(0x0010, 0x1010)
#define TAG_ACCESSION    DX_TAG(0x0008, 0x0050)
#define TAG_MODALITY     DX_TAG(0x0008, 0x0060)
#define TAG_DESCRIPTION  DX_TAG(0x0008, 0x1030)
#define TAG_STATION      DX_TAG(0x0008, 0x1010)
#define TAG_NUMBER       DX_TAG(0x0020, 0x0013)

/* What is no UTF-8 has no words here. */
static json_t *text_of(const char *text)
{
    json_t *json = json_string(text);
    return json != NULL ? json : json_string("");
}

static json_t *classes_json(const struct nn_model_info *info, const struct opinion *opinion)
{
    json_t *classes = json_array();
    for (int c = 0; c < opinion->classes && c < info->classes; c++) {
        const struct nn_class *class_ = &info->class_[c];
        (void)json_array_append_new(
            classes, json_pack("{s:s, s:f, s:o}", "name", class_->name, "score", opinion->score[c],
                               "operatingPoint",
                               class_->finding ? json_real(class_->operating_point) : json_null()));
    }
    return classes;
}

/* Scores of models that are not configured any more have no names. */
json_t *opinions_json(const struct console *console, const struct opinion opinions[SRT_MAX_MODELS])
{
    json_t *models = json_array();
    for (size_t m = 0; m < console->model_count; m++) {
        const struct nn_model_info *info = &console->model[m];
        const struct opinion *opinion = &opinions[m];
        if (opinion->classes > 0 && strcmp(opinion->model_digest, info->digest) == 0)
            (void)json_array_append_new(models, json_pack("{s:s, s:s, s:o}", "name", info->name,
                                                          "version", info->version, "classes",
                                                          classes_json(info, opinion)));
    }
    return models;
}

/* Instance Number; 0: none. */
static int number_of(const struct seen_image *image)
{
    long number = strtol(seen_text(image, TAG_NUMBER), NULL, 10);
    return number > 0 && number < INT_MAX ? (int)number : 0;
}

static json_t *image_json(struct console *console, const struct seen_image *image)
{
    struct seen_picture picture;
    const struct judgement *j = &image->judgement;
    json_t *shown = json_null();
    if (seen_picture(console, image, &picture)) {
        shown = json_pack("{s:i, s:i}", "rows", picture.halves.rows, "columns",
                          picture.halves.cols * (seen_has_map(image) ? 2 : 1));
        (void)close(picture.fd);
    }
    bool judged = image->instance.state == INSTANCE_JUDGED;
    return json_pack("{s:I, s:s, s:s, s:i, s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "id",
                     (json_int_t)image->instance.id, "sop", image->instance.sop_instance, "series",
                     image->instance.series, "number", number_of(image), "modality",
                     text_of(seen_text(image, TAG_MODALITY)), "view",
                     image->header != NULL ? gate_view(image->header) : "", "state",
                     instance_state_name(image->instance.state), "outcome",
                     judged ? srt_outcome_name(j->outcome) : srt_outcome_name(SRT_NOT_PROCESSED),
                     "reason", judged ? json_string("") : json_string(srt_reason_words(j->reason)),
                     "detail", text_of(j->detail), "picture", shown, "models",
                     opinions_json(console, j->opinion));
}

static json_t *patient_json(const struct seen_image *image)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "name",
                     text_of(seen_text(image, TAG_PATIENT_NAME)), "id",
                     text_of(seen_text(image, TAG_PATIENT_ID)), "birthDate",
                     text_of(seen_text(image, TAG_BIRTH_DATE)), "sex",
                     text_of(seen_text(image, TAG_SEX)), "age", text_of(seen_text(image, TAG_AGE)));
}

static json_t *sendings_json(const struct store_sending *list, size_t count, int64_t result)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        if (list[i].result == result)
            (void)json_array_append_new(
                array,
                json_pack("{s:o, s:s, s:i, s:o, s:o}", "destination", text_of(list[i].destination),
                          "state", list[i].state, "attempts", list[i].attempts, "done",
                          json_time(list[i].done_ms), "error", text_of(list[i].error)));
    return array;
}

/* The lines of the text beside the report; [] when it is not here any more. */
static json_t *words_of(const struct conf *conf, const char *uid)
{
    char path[PATH_MAX], *line = NULL, *text = malloc(TEXT_MOST);
    json_t *lines = json_array();
    node_path(conf, path, sizeof path, "results/%s.txt", uid);
    FILE *file = text != NULL ? fopen(path, "re") : NULL;
    if (file != NULL) {
        text[fread(text, 1, TEXT_MOST - 1, file)] = '\0';
        (void)fclose(file);
        for (char *rest = text; (line = strsep(&rest, "\n")) != NULL;)
            if (rest != NULL || line[0] != '\0')
                (void)json_array_append_new(lines, text_of(line));
    }
    free(text);
    return lines;
}

static void add_results(struct console *console, const char *uid, json_t *study, bool *there)
{
    size_t count = 0, sent = 0;
    struct result *results = calloc(RESULTS_MOST, sizeof *results);
    struct store_sending *sendings = calloc(HISTORY_MOST, sizeof *sendings);
    json_t *list = json_array(), *report = NULL;
    if (results == NULL || sendings == NULL ||
        store_study_results(console->store, uid, results, RESULTS_MOST, &count) != STORE_OK ||
        store_study_sendings(console->store, uid, sendings, HISTORY_MOST, &sent) != STORE_OK)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct result *r = &results[i];
        *there = true;
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "uid", r->uid, "kind",
                            result_kind_name(r->kind), "fate", result_state_name(r->state),
                            "outcome", srt_outcome_name(r->outcome), "why", text_of(r->why), "made",
                            json_time(r->created_ms), "deliveries",
                            sendings_json(sendings, sent, r->id)));
        if (report == NULL && r->kind == RESULT_SR && r->state == RESULT_CURRENT)
            report = words_of(console->node->conf, r->uid);
    }
    (void)json_object_set_new(study, "results", list);
    (void)json_object_set_new(study, "report", report != NULL ? report : json_array());
    free(results);
    free(sendings);
}

static void add_history(struct console *console, const char *uid, json_t *study, bool *there)
{
    static const char *const names[] = {
        [HAPPENED_RECEIVED] = "received", [HAPPENED_ANALYSED] = "analysed",
        [HAPPENED_COMPLETE] = "complete", [HAPPENED_REPORTED] = "reported",
        [HAPPENED_SENT] = "sent",         [HAPPENED_COMMITTED] = "committed",
        [HAPPENED_NOTIFIED] = "notified", [HAPPENED_READ] = "read"};
    size_t count = 0;
    json_t *list = json_array();
    struct store_history *history = calloc(HISTORY_MOST, sizeof *history);
    if (history != NULL &&
        store_study_history(console->store, uid, history, HISTORY_MOST, &count) != STORE_OK)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        *there = true;
        (void)json_array_append_new(
            list, json_pack("{s:o, s:s, s:o}", "at", json_time(history[i].at_ms), "what",
                            names[history[i].what], "with", text_of(history[i].with)));
    }
    free(history);
    (void)json_object_set_new(study, "timeline", list);
}

static void add_images(struct console *console, const char *uid, json_t *study)
{
    int64_t *ids = NULL;
    size_t count = 0;
    json_t *images = json_array();
    if (store_study_instances(console->store, uid, &ids, &count) != STORE_OK)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        struct seen_image image;
        if (seen_open(console, ids[i], &image)) {
            (void)json_array_append_new(images, image_json(console, &image));
            if (i + 1 == count) { /* the latest header is the study's */
                (void)json_object_set_new(study, "patient", patient_json(&image));
                (void)json_object_set_new(study, "accession",
                                          text_of(seen_text(&image, TAG_ACCESSION)));
                (void)json_object_set_new(study, "description",
                                          text_of(seen_text(&image, TAG_DESCRIPTION)));
                (void)json_object_set_new(study, "station",
                                          text_of(seen_text(&image, TAG_STATION)));
            }
        }
        seen_close(&image);
    }
    free(ids);
    (void)json_object_set_new(study, "images", images);
}

/* The site's address of a study in its viewer, with the UID in it. */
static json_t *viewer_of(const struct conf *conf, const char *uid)
{
    char address[512];
    const char *pattern = conf->web.viewer,
               *at = pattern != NULL ? strstr(pattern, "{study}") : NULL;
    if (at == NULL)
        return json_null();
    (void)snprintf(address, sizeof address, "%.*s%s%s", (int)(at - pattern), pattern, uid,
                   at + strlen("{study}"));
    return json_string(address);
}

/* What a reader said of the answer, and whether that is still the answer. */
static json_t *verdict_json(struct console *console, const char *uid, enum srt_outcome outcome)
{
    static const char prefix[] = "console:";
    struct store_verdict v;
    if (store_verdict(console->store, uid, &v) != STORE_OK)
        return json_null();
    bool named = strncmp(v.who, prefix, sizeof prefix - 1) == 0;
    return json_pack("{s:b, s:s, s:o, s:s, s:b}", "agrees", v.agrees, "who",
                     named ? v.who + sizeof prefix - 1 : v.who, "at", json_time(v.said_ms),
                     "outcome", srt_outcome_name(v.outcome), "current", v.outcome == outcome);
}

/* While no image has been looked at: what the receiver saw. */
static void add_seen(const struct store_entry *entry, json_t *study)
{
    (void)json_object_set_new(study, "patient",
                              json_pack("{s:s, s:o, s:s, s:s, s:s}", "name", "", "id",
                                        text_of(entry->patient_id), "birthDate", "", "sex",
                                        entry->sex, "age", entry->age));
    (void)json_object_set_new(study, "accession", text_of(entry->accession));
}

json_t *study_json(struct console *console, const char *uid, bool *there)
{
    const struct conf *conf = console->node->conf;
    struct store_entry entry;
    enum conf_mode mode = node_mode(conf);
    json_t *study = json_pack("{s:s, s:s, s:b, s:o}", "study", uid, "mode", conf_mode_name(mode),
                              "research", mode != CONF_CLINICAL, "viewer", viewer_of(conf, uid));
    enum store_status placed = store_place_entry(console->store, uid, &entry);
    *there = placed == STORE_OK;
    json_t *place = placed == STORE_OK ? worklist_entry(&entry, 0) : json_null();
    if (placed == STORE_OK)
        (void)json_object_set_new(place, "read", json_time(entry.read_ms));
    (void)json_object_set_new(study, "place", place);
    (void)json_object_set_new(
        study, "verdict",
        verdict_json(console, uid, placed == STORE_OK ? entry.outcome : SRT_NOT_PROCESSED));
    if (placed == STORE_OK && !entry.answered)
        add_seen(&entry, study);
    add_images(console, uid, study);
    add_results(console, uid, study, there);
    add_history(console, uid, study, there);
    return study;
}
