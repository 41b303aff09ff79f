/* One file that somebody tries:
 *
 *   empty? neither DICOM, PNG nor JPEG? ----> said at once, by its first bytes
 *   PNG, JPEG --> a child decodes it ---+
 *   DICOM ------> a child parses it     |
 *                 header's gate         |
 *                 the child decodes it -+--> shows something? --> pixels' gate, judge, explain,
 *                                                                 draw [examine_judge.c] */
#include "clock.h"
#include "examine_exam.h"
#include "log.h"
#include "rules.h"
#include "trial.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREAMBLE 128

enum kind { KIND_DICOM, KIND_PICTURE, KIND_ZIP, KIND_OTHER };

static bool begins(const uint8_t *head, size_t size, const char *with, size_t count)
{
    return size >= count && memcmp(head, with, count) == 0;
}

/* By its first bytes. DICOM without a preamble begins with a group 0002 or 0008. */
static enum kind kind_of(int fd)
{
    uint8_t head[PREAMBLE + 4] = {0};
    ssize_t got = pread(fd, head, sizeof head, 0);
    size_t size = got > 0 ? (size_t)got : 0;
    if (begins(head, size, "\x89PNG", 4) || begins(head, size, "\xff\xd8\xff", 3))
        return KIND_PICTURE;
    if (size == sizeof head && memcmp(head + PREAMBLE, "DICM", 4) == 0)
        return KIND_DICOM;
    if (begins(head, size, "PK\x03\x04", 4) || begins(head, size, "PK\x05\x06", 4) ||
        begins(head, size, "\x1f\x8b", 2))
        return KIND_ZIP;
    if (size >= 8 && head[1] == 0 && (head[0] == 2 || head[0] == 8) && head[3] == 0)
        return KIND_DICOM;
    return KIND_OTHER;
}

static void say(struct trial_answer *answer, enum trial_end end, const char *words)
{
    answer->end = end;
    (void)snprintf(answer->words, sizeof answer->words, "%.*s", (int)sizeof answer->words - 1,
                   words);
}

/* An answer of the child that is not the good one; its words name no file. */
static void say_refused(struct trial_answer *answer, enum zygote_end end,
                        const struct zygote_object *object)
{
    if (end == ZYGOTE_BROKEN) {
        say(answer, TRIAL_TROUBLE, "the node has no process for this now");
        log_event(LOG_AT_ERROR, "trial-broken", "error=%s", log_quote(object->text));
        return;
    }
    enum trial_end told = TRIAL_DAMAGED;
    if (end == ZYGOTE_REFUSED)
        told = object->refusal == DX_LIMIT         ? TRIAL_TOO_LARGE
               : object->refusal == DX_NO_PIXELS   ? TRIAL_NO_PIXELS
               : object->refusal == DX_UNSUPPORTED ? TRIAL_UNSUPPORTED
               : object->refusal == DX_NO_MEMORY   ? TRIAL_TOO_LARGE
                                                   : TRIAL_DAMAGED;
    say(answer, told, object->text);
}

static bool is_unselected(struct exam *e, struct trial_answer *answer)
{
    enum srt_reason reason = exam_pass_gate(e);
    if (reason == SRT_REASON_NONE)
        return false;
    answer->reason = reason;
    say(answer, TRIAL_NOT_PROCESSED, e->judgement->detail);
    return true;
}

/* False: the answer is there. */
static bool decode_object(struct exam *e, int fd, struct trial_answer *answer)
{
    struct zygote_object *object = &e->object;
    enum zygote_end end = zygote_open(e->by->zygote, fd, &e->by->limits, e->by->pool, object);
    e->attrs = object->attrs;
    object->attrs = NULL;
    if (end != ZYGOTE_OK) {
        say_refused(answer, end, object);
        return false;
    }
    if (rules_is_no_image(object->scan.sop_class) || !object->scan.has_pixel_data) {
        say(answer, TRIAL_NO_PIXELS, "it is a DICOM file without an image");
        return false;
    }
    if (is_unselected(e, answer))
        return false;
    end = zygote_decode(object, 0, &e->grey);
    if (end != ZYGOTE_OK)
        say_refused(answer, end, object);
    return end == ZYGOTE_OK;
}

static bool decode_picture(struct exam *e, int fd, struct trial_answer *answer)
{
    struct object_limits limits = e->by->limits;
    limits.picture = true;
    e->attrs = dx_attrs_create();
    enum zygote_end end = zygote_picture(e->by->zygote, fd, &limits, &e->object, &e->grey);
    if (end == ZYGOTE_OK && !e->attrs)
        say(answer, TRIAL_TROUBLE, "the node is out of memory");
    else if (end != ZYGOTE_OK)
        say_refused(answer, end, &e->object);
    return end == ZYGOTE_OK && e->attrs;
}

static void tell_shown(const struct exam *e, const struct exam_shown *shown,
                       struct trial_answer *answer, uint8_t **picture)
{
    struct nn_error err;
    size_t bytes = 0;
    answer->end = TRIAL_JUDGED;
    answer->outcome = e->judgement->outcome;
    answer->model = (uint32_t)shown->model;
    answer->class_ = (uint32_t)shown->class_;
    memcpy(answer->opinion, e->judgement->opinion, sizeof answer->opinion);
    (void)snprintf(answer->sentence, sizeof answer->sentence, "%s", shown->sentence);
    if (nn_image_encode(NN_IMAGE_PNG, shown->picture.rgb, (int)shown->picture.rows,
                        (int)shown->picture.cols, 3, picture, &bytes, &err) == NN_OK)
        answer->picture_bytes = bytes;
    else
        say(answer, TRIAL_TROUBLE, err.text);
}

static void judge(struct exam *e, struct trial_answer *answer, uint8_t **picture)
{
    struct exam_shown shown;
    answer->rows = e->grey.rows;
    answer->cols = e->grey.cols;
    if (!exam_take_in(e)) {
        say(answer, TRIAL_TROUBLE, "the node is out of memory");
        return;
    }
    if (!exam_shows_something(e)) {
        answer->reason = SRT_NO_CONTENT;
        say(answer, TRIAL_NOT_PROCESSED, e->judgement->detail);
        return;
    }
    enum examine_end end = exam_show(e, TRIAL_WARNING, TRIAL_WATERMARK, &shown);
    if (end != EXAMINE_DONE) {
        say(answer, TRIAL_TROUBLE, e->judgement->detail);
    } else if (e->judgement->state != INSTANCE_JUDGED) {
        answer->reason = e->judgement->reason;
        say(answer, TRIAL_NOT_PROCESSED, e->judgement->detail);
    } else {
        tell_shown(e, &shown, answer, picture);
    }
    picture_finish(&shown.picture);
}

static bool decode(struct exam *e, int fd, struct trial_answer *answer)
{
    struct stat about;
    if (fstat(fd, &about) != 0 || about.st_size == 0) {
        say(answer, TRIAL_EMPTY, "the file is empty");
        return false;
    }
    enum kind kind = kind_of(fd);
    answer->dicom = kind == KIND_DICOM;
    if (kind == KIND_DICOM)
        return decode_object(e, fd, answer);
    if (kind == KIND_PICTURE)
        return decode_picture(e, fd, answer);
    say(answer, TRIAL_FOREIGN,
        kind == KIND_ZIP ? "it is an archive: unpack it, and try one image of it"
                         : "it is neither DICOM nor PNG nor JPEG");
    return false;
}

void trial_judge(struct examiner *examiner, int fd, struct trial_answer *answer, uint8_t **picture)
{
    static const struct conf_rule any = {.name = "tried"};
    static const struct instance unnamed = {.state = INSTANCE_RECEIVED};
    struct examination out = {.judgement = {.outcome = SRT_NOT_PROCESSED}};
    struct exam e = {
        .by = examiner, .instance = &unnamed, .out = &out, .judgement = &out.judgement};
    int64_t begin = clock_monotonic_ms();
    e.rule = &any;
    e.object.socket = e.object.child = -1;
    *picture = NULL;
    bool decoded = decode(&e, fd, answer);
    answer->decode_ms = clock_monotonic_ms() - begin;
    if (decoded)
        judge(&e, answer, picture);
    answer->judge_ms = out.judge_ms;
    zygote_close(&e.object);
    zygote_rest(examiner->zygote);
    dx_attrs_destroy(e.attrs);
    dx_grey_finish(&e.grey);
    free(e.plane);
}
