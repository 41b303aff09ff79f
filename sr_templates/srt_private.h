/* srt_private.h: shared by sr_templates/'s own files.
 *
 * A template is a tree of shapes and a list of phrases in one language. Filling walks the shapes
 * with a scope (the result, and inside a repetition one image, model and class of it) and makes
 * a tree of struct dx_sr_item. */
#ifndef SRT_PRIVATE_H
#define SRT_PRIVATE_H

#include "srt.h"

#define SRT_MAX_TEMPLATE (1u << 20) /* bytes of a file */
#define SRT_MAX_TEXT     4096       /* bytes of a filled text, with its terminator */
#define SRT_MAX_REGION   4096       /* points of a region */
#define SRT_MAX_SLICES   8192
#define SRT_MAX_DEPTH    3 /* phrases within values within phrases */

enum srt_each {
    SRT_ONCE,
    SRT_EACH_IMAGE, /* and each slice of a series */
    SRT_EACH_JUDGED,
    SRT_EACH_UNJUDGED,
    SRT_EACH_OPINION, /* every judged image, once for each model that judged it */
    SRT_EACH_MODEL,
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
    /* NULL: absent. say: a phrase's id, in place of value. */
    const char *row, *name, *value, *say, *unit, *template_id, *when;
    int line;
    struct srt_shape *child, *next;
};

struct srt_named_code {
    const char *id;
    struct dx_code code;
    int line;
};
struct srt_phrase {
    const char *id, *text;
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
    const char *version, *language;
    struct srt_scheme scheme;
    struct srt_named_code *codes;
    size_t code_count;
    struct srt_phrase *phrases;
    size_t phrase_count;
    struct srt_shape *root;
};

/* A file's bytes, and how errors call it. */
struct srt_source {
    const char *file, *text;
    size_t size;
};
/* template.c: reads both files' texts; the caller closes the template. */
enum srt_status srt_template_parse(const struct srt_source *shape, const struct srt_source *words,
                                   const char *language, struct srt_template **template_,
                                   struct srt_error *err);
const struct dx_code *srt_find_code(const struct srt_template *template_, const char *id);

/* Reading one file: status stays at the first error. */
struct srt_reading {
    struct srt_template *template_;
    const char *file;
    struct srt_error *err;
    enum srt_status status;
};
/* "FILE line N: ..." */
void srt_reading_fail(struct srt_reading *reading, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* phrases.c: the phrases of one language; all that this code and the shapes name must be there. */
void srt_read_phrases(struct srt_reading *reading, const struct srt_source *words,
                      const char *language);
/* Every {x} in the text must be a value that there is. */
void srt_check_text(struct srt_reading *reading, int line, const char *text);
/* As a template says them. */
enum { SRT_TYPES = DX_SR_SCOORD + 1, SRT_RELATIONS = DX_SR_SELECTED_FROM + 1 };
extern const char *const srt_type_names[SRT_TYPES];
extern const char *const srt_relation_names[SRT_RELATIONS];
/* row_check.c: the shapes against the Standard's rows. */
void srt_check_rows(struct srt_reading *reading, const struct srt_shape *root);

struct srt_tree {
    struct srt_block *arena;
    struct dx_sr_item *root;
};

/* What placeholders are about: image and class are NULL outside their repetitions. */
struct srt_scope {
    const struct srt_template *template_;
    const struct srt_result *result;
    const struct srt_image *image;
    const struct dx_reference *slice; /* of a series; NULL: the image's own reference */
    size_t image_number;              /* from 1 */
    size_t model;                     /* index */
    bool has_model;
    const struct srt_class *class_;
    size_t class_number; /* from 1 */
    int depth;
};

/* values.c */
bool srt_is_value(const char *name, size_t length);
/* The text of {name}; "" when it is not there. */
void srt_value(const struct srt_scope *scope, const char *name, size_t length, char *text,
               size_t size);
/* Puts values in place of {x}; as it stands, srt_clean comes after. */
void srt_expand(const struct srt_scope *scope, const char *pattern, char *text, size_t size);
/* A phrase, expanded; "" when there is none. */
void srt_say(const struct srt_scope *scope, const char *id, char *text, size_t size);
/* words.c */
void srt_append(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Values of several words, not yet cleaned: the study's sentence; its findings; those in dispute;
 * the reason of its unjudged images; what each model says of the image; what the scope's does. */
void srt_put_sentence(const struct srt_scope *scope, char *text, size_t size);
void srt_put_findings(const struct srt_scope *scope, char *text, size_t size);
void srt_put_disputed(const struct srt_scope *scope, char *text, size_t size);
void srt_put_shared_reason(const struct srt_scope *scope, char *text, size_t size);
void srt_put_opinions(const struct srt_scope *scope, char *text, size_t size);
void srt_put_model_findings(const struct srt_scope *scope, char *text, size_t size);
/* The words of "PREFIX.NAME", or the name itself. */
const char *srt_words_of(const struct srt_template *template_, const char *prefix,
                         const char *name);

/* utf8.c: makes a text printable, in place: what is no UTF-8, controls and marks that turn the
 * reading direction become '?'; ascii: letters with marks become plain ones, the rest '?'. */
void srt_clean(char *text, bool ascii, const char *language);
/* Copies as many whole characters as fit. */
void srt_copy(char *text, size_t size, const char *from);

/* findings.c */
/* At or above the operating point. */
bool srt_is_finding(const struct srt_class *class_);
/* A finding of the report: every model that judged the image has it, or, where they share none, a
 * finding of its own. */
bool srt_is_named(const struct srt_image *image, const struct srt_class *class_);
/* A finding of one model, but not of the other. */
bool srt_is_disputed(const struct srt_image *image, const struct srt_class *class_);
bool srt_has_dispute(const struct srt_image *image);
/* The named finding with the model's highest score; NULL when there is none. */
const struct srt_class *srt_first_finding(const struct srt_image *image, size_t model);
bool srt_is_judged(const struct srt_image *image);
size_t srt_count_judged(const struct srt_result *result);
/* Whether a judged image shows C7-T1. */
bool srt_is_covered(const struct srt_result *result);

/* result.c: whether the result is whole and agrees with itself. */
enum srt_status srt_check_result(const struct srt_result *result, struct srt_error *err);

/* reasons.c: the nearest code value in CID 6135 (DCM). */
const char *srt_reason_nearest(enum srt_reason reason);

enum srt_status srt_fail(struct srt_error *err, enum srt_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

extern const char srt_cspine_text[], srt_schema_text[], srt_words_text[], srt_words_schema_text[];
extern const unsigned srt_cspine_text_size, srt_schema_text_size, srt_words_text_size,
    srt_words_schema_text_size;

#endif
