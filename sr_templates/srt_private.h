/* srt_private.h: shared by sr_templates/'s own files.
 *
 * A template is a tree of shapes. Filling walks it with a scope (the result, and inside a
 * repetition one image and one class of it) and makes dx_sr_items. */
#ifndef SRT_PRIVATE_H
#define SRT_PRIVATE_H

#include "srt.h"

#define SRT_MAX_TEMPLATE (1u << 20) /* bytes of the file */
#define SRT_MAX_TEXT     4096       /* bytes of a filled text, with its terminator */

enum srt_each {
    SRT_ONCE,
    SRT_EACH_IMAGE,
    SRT_EACH_JUDGED,
    SRT_EACH_UNJUDGED,
    SRT_EACH_CLASS,
    SRT_EACH_OPERATING_POINT,
    SRT_EACH_FIRST_FINDING,
    SRT_EACH_FURTHER_FINDING
};

/* A row of the template, or a <repeat> (is_repeat) around rows. */
struct srt_shape {
    bool is_repeat, optional;
    enum dx_sr_value type;
    enum dx_sr_relation relation;
    enum srt_each each;
    const char *name, *value, *unit, *template_id, *when; /* NULL: absent */
    int line;
    struct srt_shape *child, *next;
};

struct srt_named_code {
    const char *id;
    struct dx_code code;
};

/* arena.c: small allocations freed all together. */
struct srt_block {
    struct srt_block *next;
    _Alignas(max_align_t) unsigned char bytes[];
};
void *srt_arena_zero(struct srt_block **arena, size_t size); /* zeroed; NULL: out of memory */
const char *srt_arena_text(struct srt_block **arena, const char *text);
void srt_arena_finish(struct srt_block **arena);

struct srt_template {
    struct srt_block *arena;
    const char *version;
    struct srt_named_code *codes;
    size_t code_count;
    struct srt_shape *root;
};
/* template.c: reads a template's text; the caller closes it. */
enum srt_status srt_template_parse(const char *text, size_t size, struct srt_template **template_,
                                   struct srt_error *err);
const struct dx_code *srt_find_code(const struct srt_template *template_, const char *id);

struct srt_tree {
    struct srt_block *arena;
    struct dx_sr_item *root;
};

/* What placeholders are about: image and class are NULL outside their repetitions. */
struct srt_scope {
    const struct srt_template *template_;
    const struct srt_result *result;
    const struct srt_image *image;
    size_t image_number; /* from 1 */
    const struct srt_class *class_;
    size_t class_number; /* from 1 */
};

/* values.c */
bool srt_is_value(const char *name, size_t length);
/* The text of {name}; "" when it is not there. */
void srt_value(const struct srt_scope *scope, const char *name, size_t length, char *text,
               size_t size);
/* At or above the operating point. */
bool srt_is_finding(const struct srt_class *class_);
/* The finding with the highest score; NULL when there is none. */
const struct srt_class *srt_first_finding(const struct srt_image *image);
bool srt_is_judged(const struct srt_image *image);
size_t srt_count_judged(const struct srt_result *result);

/* result.c: whether the result is whole and agrees with itself. */
enum srt_status srt_check_result(const struct srt_result *result, struct srt_error *err);

/* reasons.c: the nearest code value in CID 6135 (DCM). */
const char *srt_reason_nearest(enum srt_reason reason);

enum srt_status srt_fail(struct srt_error *err, enum srt_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

extern const char srt_cspine_text[], srt_schema_text[];
extern const unsigned srt_cspine_text_size, srt_schema_text_size;

#endif
