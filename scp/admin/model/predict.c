/* predict.c: `cervigate predict`: DICOM, PNG or JPEG files to scores, by the node's own path: DICOM
 * is parsed and decoded in an object child and passes the gate; every plane is judged alike. */
#include "predict.h"
#include "admin.h"
#include "json_time.h"
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage[] =
    "usage: cervigate predict [--model DIR] [--saliency OUT.png [--explain METHOD]] [--json] "
    "FILE...\n"
    "\n"
    "  --model DIR         the model folder (CERVIGATE_MODEL, else the model that comes with it)\n"
    "  --saliency OUT.png  the picture: image, scores, for a finding its saliency; for one FILE\n"
    "  --explain METHOD    how that overlay is made: gradient (the default, as in the node),\n"
    "                      smoothgrad, gradcam or occlusion\n"
    "  --json              one object a line\n"
    "\n"
    "Exit status: 0 all judged; 65 a file cannot be judged; 66 a file cannot be read.\n";

struct options {
    const char *model, *saliency, *explain;
    struct nn_explain how;
    bool json, help;
};

static bool parse_explain(struct options *o)
{
    if (o->explain && !o->saliency) {
        fprintf(stderr, "cervigate predict: --explain needs --saliency\n");
        return false;
    }
    if (o->explain && !nn_explain_find(o->explain, &o->how.method)) {
        fprintf(stderr,
                "cervigate predict: --explain %s: gradient, smoothgrad, gradcam or occlusion is "
                "expected\n",
                o->explain);
        return false;
    }
    return true;
}

static bool parse(int argc, char **argv, struct options *o)
{
    static const struct option options[] = {
        {"model", required_argument, NULL, 'm'},   {"saliency", required_argument, NULL, 's'},
        {"explain", required_argument, NULL, 'e'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    int option;
    *o = (struct options){.model = getenv("CERVIGATE_MODEL")};
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'm')
            o->model = optarg;
        else if (option == 's')
            o->saliency = optarg;
        else if (option == 'e')
            o->explain = optarg;
        else if (option == 'j')
            o->json = true;
        else if (option == 'h')
            o->help = true;
        else
            return false;
    }
    if (o->help)
        return true;
    if (optind == argc || (o->saliency && argc - optind != 1)) {
        fprintf(stderr, "cervigate predict: %s\n",
                optind == argc ? "a file is expected" : "--saliency is for one file");
        return false;
    }
    return parse_explain(o);
}

const char *predict_bundled_model(char path[PATH_MAX])
{
    static const char *const places[] = {"../share/cervigate/models/cervigate-phantom",
                                         "../../../models/cervigate-phantom"};
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        return places[0];
    self[length] = 0;
    char *slash = strrchr(self, '/');
    *slash = 0;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (snprintf(path, PATH_MAX, "%s/%s", self, places[i]) < PATH_MAX &&
            access(path, F_OK) == 0)
            return path;
    return places[0];
}

/* ---- what is printed ---- */

static int print_json(const struct nn_model_info *model, const char *path,
                      const struct prediction *p)
{
    json_t *scores = p->judged ? json_object() : json_null();
    for (int i = 0; p->judged && i < model->classes; i++)
        json_object_set_new(scores, model->class_[i].name, json_real((double)p->scores.score[i]));
    json_t *line = json_pack("{s:s, s:s?, s:o, s:s, s:s, s:I}", "file", path, "class",
                             p->judged ? model->class_[p->scores.top].name : NULL, "score", scores,
                             "model", model->name, "digest", model->digest, "milliseconds",
                             (json_int_t)p->milliseconds);
    if (line && !p->judged) {
        json_object_set_new(line, "reason", json_string(p->reason));
        json_object_set_new(line, "detail", json_string(p->detail));
    }
    char *text = line ? json_text(line, JSON_REAL_PRECISION(9)) : NULL;
    json_decref(line);
    if (!text) {
        fprintf(stderr, "cervigate predict: %s: not a name that JSON can hold\n", path);
        return EX_DATAERR;
    }
    puts(text);
    free(text);
    return 0;
}

static void print_text(const struct nn_model_info *model, const char *path,
                       const struct prediction *p)
{
    if (!p->judged) {
        printf("%s: not judged: %s: %s\n", path, p->reason, p->detail);
        return;
    }
    printf("%s: %s (model score", path, model->class_[p->scores.top].name);
    for (int i = 0; i < model->classes; i++)
        printf("%s %s %.4f", i ? "," : "", model->class_[i].name, (double)p->scores.score[i]);
    puts(")");
}

static int one_file(struct predictor *predictor, const struct options *o, const char *path)
{
    struct prediction p;
    char error[512];
    const struct nn_model_info *model = nn_model_info(predictor->model);
    int status = predict_file(predictor, path, &p, error, sizeof error);
    if (status != 0) {
        fprintf(stderr, "cervigate predict: %s\n", error);
        if (status == EX_NOINPUT && o->json) /* an object for each FILE, in their order */
            (void)print_json(model, path, &p);
        return status;
    }
    if (o->json)
        status = print_json(model, path, &p);
    else
        print_text(model, path, &p);
    fflush(stdout);
    if (status == 0 && !p.judged)
        status = EX_DATAERR;
    if (status == 0 && o->saliency) {
        status = predict_picture(predictor, &p, &o->how, o->saliency, error, sizeof error);
        if (status != 0)
            fprintf(stderr, "cervigate predict: %s\n", error);
    }
    nn_plane_finish(&p.plane);
    return status;
}

int admin_predict(int argc, char **argv)
{
    struct options o;
    struct predictor predictor;
    char path[PATH_MAX], error[512];
    int worst = 0;
    if (!parse(argc, argv, &o)) {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    if (o.help) {
        fputs(usage, stdout);
        return 0;
    }
    if (!o.model)
        o.model = predict_bundled_model(path);

    int status = predictor_open(&predictor, o.model, 0, error, sizeof error);
    if (status != 0)
        fprintf(stderr, "cervigate predict: %s\n", error);
    else if (predictor.model && nn_model_info(predictor.model)->provenance == NN_SYNTHETIC)
        fprintf(stderr, "%s\n", srt_research_line);
    for (int i = optind; status == 0 && i < argc; i++) {
        int answer = one_file(&predictor, &o, argv[i]);
        worst = answer != 0 && worst != EX_NOINPUT ? answer : worst;
    }
    predictor_close(&predictor);
    return status != 0 ? status : worst;
}
