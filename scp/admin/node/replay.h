/* replay.h: between replay.c (the command) and replay_image.c (one image, one model). */
#ifndef REPLAY_H
#define REPLAY_H

#include "command.h"
#include "image_file.h"
#include "nn_model.h"
#include "report.h"

#define REPLAY_TOLERANCE 1e-4

/* What came of one image and model. */
enum replay_end {
    REPLAY_EQUAL,
    REPLAY_DIFFERENT,
    REPLAY_INPUT_CHANGED, /* the stored file, or what it decodes to, is another */
    REPLAY_INPUT_REMOVED,
    REPLAY_MODEL_CHANGED, /* the configuration has no model of that digest */
    REPLAY_FAILED         /* no memory, no process: no answer */
};

struct replay_image {
    struct instance instance;
    struct judgement judgement;
    uint8_t *bytes;
    struct dx_attrs *attrs;
    char kernels[96]; /* that judged it; "" not recorded */
};

/* A process's: models and kernel set. */
struct replayer {
    const struct conf *conf;
    struct image_reader reader;
    struct nn_pool *pool;
    struct nn_model *model[SRT_MAX_MODELS];
    struct nn_judge *judge[SRT_MAX_MODELS];
    int models;
    char wanted[96]; /* kernel set to force */
    bool forced;     /* it is the one that runs */
};
/* Forces the kernel set, for the whole process: to be called before any network. 0, or an exit
 * status, told. Close it whatever it returns. */
int replayer_open(struct replayer *replayer, const struct conf *conf, const char *kernels);
void replayer_close(struct replayer *replayer);

struct replay {
    enum replay_end end;
    int model; /* number m of the image's opinions */
    struct report_recalled was;
    char detail[320];
    int classes;
    double stored[SRT_MAX_CLASSES], now[SRT_MAX_CLASSES];
};
const char *replay_end_name(enum replay_end end);
void replay_image(struct replayer *replayer, const struct replay_image *image, int model,
                  struct replay *replay);

#endif
