/* conf_private.h: shared by config/'s own files (and its tests and fuzz target).
 *
 * A load is one struct reading: the text, its document, and the complaints found so far; each step
 * (parse, weed, merge, validate, read, check) adds to it and goes on, so that all errors come out
 * at once. Each file has a reading of its own until they are merged into the first one's.
 *
 * A line is a number within its file, and above CONF_LINE_BITS the file's. */
#ifndef CONF_PRIVATE_H
#define CONF_PRIVATE_H

#include "conf.h"
#include "conf_room.h"
#include <libxml/tree.h>

#define CONF_NAMESPACE       "urn:cervigate:config:1"
#define CONF_BLANKS          " \t\r\n"
#define CONF_MOST_COMPLAINTS 1000u /* then one more says that there are more */
#define CONF_LINE_BITS       23    /* CONF_MAX_BYTES are fewer lines */
_Static_assert(CONF_MAX_BYTES < 1u << CONF_LINE_BITS, "lines of a file");
_Static_assert(CONF_MAX_FILES < 1u << (31 - CONF_LINE_BITS), "files");

/* Where an element's start tag stands. */
struct place {
    const char *tag; /* at its '<' */
    int line;
};

struct reading {
    const char *text; /* the file, terminated */
    size_t size;
    int file;             /* 0: the first */
    xmlDoc *doc;          /* elements' _private points into places; of attributes that were merged:
                             to the place of their element */
    struct place *places; /* one an element, in document order */
    struct conf_complaints *complaints;
    size_t earlier; /* complaints, about other files */
    bool no_memory;
    int unread; /* of the first: where it was told why a file of the folder cannot be read; 0: all
                   can; what it may define is not missed (conf_may_be_elsewhere) */
    bool is_missed;
    struct conf_room *room; /* what is read goes there; NULL: each piece by itself */
};

/* room.c: zeros, of the room or (NULL) the heap; NULL: there is no more. */
void *conf_room_take(struct conf_room *room, size_t bytes);

/* complain.c */
void conf_complain(struct reading *reading, int line, bool warning, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* True: what is missing may stand in a file that cannot be read; that is told once, not this. */
bool conf_may_be_elsewhere(struct reading *reading);
void conf_complaints_sort(struct conf_complaints *complaints);
/* "line 12", or where it is of another file than the line `from`: "line 12 of 10-pacs.xml". */
struct where {
    char text[96];
};
struct where conf_where(const struct reading *reading, int from, int line);
bool conf_complaints_refuse(const struct conf_complaints *complaints); /* any that is no warning */
/* A value as a complaint shows it: at most 60 bytes, control characters replaced. */
struct shown {
    char text[72];
};
struct shown conf_show(const char *value);
/* Whether the attribute names a file that holds a secret. */
bool conf_is_secret_file(const char *attribute);
/* The same of an attribute's value; "..." where a secret may stand in it instead of a file's path,
 * or in an address: complaints go to terminals and logs. */
struct shown conf_show_value(const char *attribute, const char *value);

/* suggest.c: " (did you mean \"X\"?)" or "". */
struct hint {
    char text[96];
};
struct hint conf_hint(const char *wrong, const char *const *names, size_t count);

/* parse.c: text -> reading->doc, or complaints. */
void conf_parse_text(struct reading *reading);

/* place.c: where elements and attributes stand in the text. */
void conf_place_elements(struct reading *reading);
int conf_line_of(const xmlNode *element);
int conf_line_of_attribute(const xmlNode *element, const char *name);
/* The next element in document order; NULL after the last. */
xmlNode *conf_next_element(const xmlNode *node);

/* schema.c: the embedded schema; NULL: out of memory. Takes elements out of reading->doc that it
 * does not know; false: that cannot be read as a configuration at all. Checks what is left. */
xmlDoc *conf_schema_open(void);
bool conf_weed(struct reading *reading, const xmlDoc *schema);
void conf_validate(struct reading *reading, xmlDoc *schema);
extern const char conf_schema_text[];
extern const unsigned conf_schema_text_size;

/* options.c: every setting that is one attribute, of an element that occurs once or of a
 * <destination>. */
enum option_type {
    OPTION_TEXT,
    OPTION_NULLABLE, /* text, or NULL when not given */
    OPTION_INT,
    OPTION_U16,
    OPTION_U32,
    OPTION_U64,
    OPTION_BOOL,
    OPTION_MODE,
    OPTION_LEVEL,
    OPTION_CHOICE, /* an enumeration of the names, in their order */
    OPTION_OUTPUTS /* a set of the names: name i is bit i */
};
struct option {
    const char *element, *attribute;
    enum option_type type;
    size_t offset;            /* in struct conf, or struct conf_destination */
    const char *fallback;     /* NULL: required, or nullable */
    const char *const *names; /* of CHOICE and OUTPUTS, ended by NULL; of BOOL: false, true; of
                                 TEXT: the only ones, or NULL */
};
extern const struct option conf_options[];
extern const size_t conf_option_count;
/* Of <ups>, <hl7> and <webhook>; in struct conf_announcement. */
extern const struct option conf_announcement_options[];
extern const size_t conf_announcement_option_count;
extern const struct option conf_destination_options[];
extern const size_t conf_destination_option_count;
extern const char *const conf_output_names[]; /* in the order of enum conf_output's bits; NULL */
const char *conf_level_name(int level);

/* read.c: document -> struct conf; what the schema refused keeps its default. */
struct conf *conf_read_conf(struct reading *reading, const char *path);
/* Unlike conf_load this may leave peers unresolved (destination.peer NULL: check.c tells). */
void conf_check_conf(struct reading *reading, const struct conf *conf);
/* Of a <ups>, likewise. */
const char *conf_read_announcement_peer(const struct conf *conf, size_t announcement);
/* The destination's peer attribute as written, in conf->destinations' order. */
const char *conf_read_destination_peer(const struct conf *conf, size_t destination);

/* check.c, shared with the other checks: the element called `name` that stands on this place in its
 * list; the line of its attribute. */
const xmlNode *conf_find(const struct reading *reading, const char *name, size_t index);
int conf_line_at(const struct reading *reading, const char *element, size_t index,
                 const char *attribute);
void conf_check_ae_title(struct reading *reading, const char *element, size_t index,
                         const char *title);
void conf_check_path(struct reading *reading, const char *element, size_t index,
                     const char *attribute, const char *path);
void conf_check_pattern(struct reading *reading, int line, const char *pattern);

/* check_rules.c: <rules>. */
void conf_check_rules(struct reading *reading, const struct conf *conf);

/* check_aes.c: <aes>, and who names one of them. */
void conf_check_aes(struct reading *reading, const struct conf *conf);

/* check_doors.c: <tls>, <callers>, the peers' TLS, <orders>, <orderQuery>. */
void conf_check_doors(struct reading *reading, const struct conf *conf);

/* check_announcements.c: <announcements>. */
void conf_check_announcements(struct reading *reading, const struct conf *conf);

/* check_web.c: peers with DICOMweb, and what is asked of them as destinations. */
void conf_check_web(struct reading *reading, const struct conf *conf);
/* check_console.c */
void conf_check_console(struct reading *reading, const struct conf *conf);

/* web.c: "https://pacs.example.org/dicom-web": http or https, a host, perhaps port and path. */
#define CONF_URL_MAX 501
bool conf_is_url(const char *text);
/* A host, without brackets, that no network is needed to reach: localhost, ::1, 127.0.0.0/8. */
bool conf_is_this_machine(const char *host);

/* value.c: values of attributes. False: the text is none, and nothing is changed. */
bool conf_value_number(const char *text, uint64_t most, uint64_t *number);
double conf_value_decimal(const char *text, const char **end);
bool conf_value_outputs(const char *const *names, const char *text, unsigned *outputs);
/* Sets an option's field in its struct. */
bool conf_value_set(void *of, const struct option *option, const char *text);

/* callers.c: "10.0.0.1", "10.0.0.0/8"; false: none. */
bool conf_is_network(const char *text, size_t length);

/* keywords.c */
size_t conf_keyword_list(const char **names, size_t most);

/* merge.c: what the document of another file says, over that of the first; see there. Both have
 * been weeded. */
void conf_merge(struct reading *into, const struct reading *other);

/* files.c: the folder beside a configuration: "cervigate.d" of "cervigate.xml". */
void conf_folder_of(const char *path, char *folder, size_t size);
/* A file's bytes (terminated, malloc); NULL with errno, EFBIG: it is over the ceiling. */
char *conf_read_file(const char *path, size_t *size);
/* The paths of the folder's files *.xml in the order of their names, each to be freed; how many
 * there are, perhaps more than `most`. -1 with errno: it cannot be read; 0, too, where there is
 * none. */
int conf_list_files(const char *folder, char **paths, int most);

/* load.c: a configuration that is in memory: the first file's text, and those of the folder. */
struct conf_text {
    const char *path, *text;
    size_t size;
};
CONF_MUST_USE enum conf_status conf_load_texts(const struct conf_text *texts, size_t count,
                                               struct conf **conf,
                                               struct conf_complaints *complaints);
CONF_MUST_USE enum conf_status conf_load_text(const char *text, size_t size, const char *path,
                                              struct conf **conf,
                                              struct conf_complaints *complaints);

#endif
