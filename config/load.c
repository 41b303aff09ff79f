/* A configuration goes through steps, each of which adds its complaints and lets the next one look
 * at what is left: each file parse -> weed; then merge -> validate -> read -> check. */
#include "conf_private.h"
#include <errno.h>
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

#define MOST_TEXTS (CONF_MAX_FILES + 1)

/* One file on its own. False: there is nothing of it to go on with. */
static bool read_alone(struct reading *reading, const xmlDoc *schema)
{
    reading->earlier = reading->complaints->count;
    conf_parse_text(reading);
    if (reading->doc)
        conf_place_elements(reading);
    return reading->doc && !reading->no_memory && conf_weed(reading, schema);
}

/* A file of the folder of which nothing is there to go on with. */
static void note_unread(struct reading *first, const struct reading *reading)
{
    const struct conf_complaints *told = reading->complaints;
    bool has_line = reading->text && reading->earlier < told->count;

    if (first->unread == 0)
        first->unread = has_line ? told->list[reading->earlier].line
                                 : (int)((unsigned)reading->file << CONF_LINE_BITS);
}

static struct conf *read_merged(struct reading *readings, size_t count, xmlDoc *schema,
                                const char *path)
{
    struct reading *first = &readings[0];
    bool good = true;
    struct conf *conf;

    for (size_t i = 0; i < count; i++) {
        bool alone = readings[i].text && read_alone(&readings[i], schema);
        first->no_memory |= readings[i].no_memory;
        good &= alone || i > 0;
        if (alone && i > 0 && good)
            conf_merge(first, &readings[i]);
        if (!alone && i > 0)
            note_unread(first, &readings[i]);
    }
    if (!good || first->no_memory)
        return NULL;
    conf_validate(first, schema);
    conf = conf_read_conf(first, path);
    if (conf)
        conf_check_conf(first, conf);
    if (first->is_missed)
        conf_complain(first, first->unread, true,
                      "other files use names or lack settings that this file may define: they are "
                      "looked at when it can be read");
    return conf;
}

/* From a line within all files to a file and its line. */
static void resolve(struct conf_complaints *complaints)
{
    conf_complaints_sort(complaints);
    for (size_t i = 0; i < complaints->count; i++) {
        struct conf_complaint *complaint = &complaints->list[i];
        complaint->file = complaints->files[complaint->line >> CONF_LINE_BITS];
        complaint->line = conf_line_in_file(complaint->line);
    }
}

/* complaints->files is filled; a text other than the first may be NULL, which was told; *conf may
 * be there whatever the status is. */
static enum conf_status load(const struct conf_text *texts, size_t count, struct conf_room *room,
                             struct conf **conf, struct conf_complaints *complaints)
{
    struct reading readings[MOST_TEXTS] = {{0}};
    xmlDoc *schema = conf_schema_open();
    enum conf_status status = CONF_BAD;

    for (size_t i = 0; i < count; i++)
        readings[i] = (struct reading){
            .text = texts[i].text, .size = texts[i].size, .file = (int)i, .complaints = complaints};
    readings[0].no_memory = !schema;
    readings[0].room = room;
    *conf = schema ? read_merged(readings, count, schema, texts[0].path) : NULL;
    resolve(complaints);
    if (readings[0].no_memory)
        status = CONF_NO_MEMORY;
    else if (*conf && !conf_complaints_refuse(complaints))
        status = CONF_OK;
    for (size_t i = 0; i < count; i++) {
        xmlFreeDoc(readings[i].doc);
        free(readings[i].places);
    }
    xmlFreeDoc(schema);
    return status;
}

static enum conf_status only_whole(enum conf_status status, struct conf **conf)
{
    if (status != CONF_OK) {
        conf_destroy(*conf);
        *conf = NULL;
    }
    return status;
}

enum conf_status conf_load_texts(const struct conf_text *texts, size_t count, struct conf **conf,
                                 struct conf_complaints *complaints)
{
    bool good = count > 0 && count <= MOST_TEXTS;

    *conf = NULL;
    *complaints = (struct conf_complaints){0};
    for (size_t i = 0; i < count && good; i++)
        good = (complaints->files[i] = strdup(texts[i].path)) != NULL;
    return good ? only_whole(load(texts, count, NULL, conf, complaints), conf) : CONF_NO_MEMORY;
}

enum conf_status conf_load_text(const char *text, size_t size, const char *path, struct conf **conf,
                                struct conf_complaints *complaints)
{
    return conf_load_texts(&(struct conf_text){path, text, size}, 1, conf, complaints);
}

/* Says why a file cannot be read. */
static enum conf_status tell_unreadable(struct conf_complaints *complaints, int file)
{
    struct reading reading = {.complaints = complaints, .file = file};

    if (errno == ENOMEM)
        return CONF_NO_MEMORY;
    if (errno == EFBIG) {
        conf_complain(&reading, 0, false, "found more than %u bytes; expected at most that",
                      CONF_MAX_BYTES);
        return CONF_BAD;
    }
    conf_complain(&reading, 0, false, "cannot be read: %s; expected a readable file",
                  strerror(errno));
    return file == 0 ? CONF_MISSING : CONF_BAD;
}

/* The paths of all files into complaints->files; how many. 0: it was told why not. */
static size_t name_files(const char *path, struct conf_complaints *complaints,
                         enum conf_status *status)
{
    struct reading reading = {.complaints = complaints};
    char folder[4096];
    int count;

    complaints->files[0] = strdup(path);
    conf_folder_of(path, folder, sizeof folder);
    count = conf_list_files(folder, complaints->files + 1, CONF_MAX_FILES);
    *status = !complaints->files[0] || (count < 0 && errno == ENOMEM) ? CONF_NO_MEMORY : CONF_OK;
    if (*status == CONF_OK && count < 0)
        conf_complain(&reading, 0, false, "the folder %s cannot be read: %s",
                      conf_show(folder).text, strerror(errno));
    if (*status == CONF_OK && count > CONF_MAX_FILES)
        conf_complain(&reading, 0, false, "found %d files in %s; expected at most %d", count,
                      conf_show(folder).text, CONF_MAX_FILES);
    if (*status == CONF_OK && (count < 0 || count > CONF_MAX_FILES))
        *status = CONF_BAD;
    return *status == CONF_OK ? (size_t)count + 1 : 0;
}

static enum conf_status load_partly(const char *path, struct conf_room *room, struct conf **conf,
                                    struct conf_complaints *complaints)
{
    struct conf_text texts[MOST_TEXTS] = {{0}};
    enum conf_status status;
    size_t count;

    *conf = NULL;
    *complaints = (struct conf_complaints){0};
    count = name_files(path, complaints, &status);
    for (size_t i = 0; i < count; i++) {
        texts[i].path = complaints->files[i];
        texts[i].text = conf_read_file(texts[i].path, &texts[i].size);
        if (texts[i].text)
            continue;
        enum conf_status told = tell_unreadable(complaints, (int)i);
        if (i == 0 || told == CONF_NO_MEMORY)
            status = status == CONF_OK ? told : status;
    }
    if (status == CONF_OK)
        status = load(texts, count, room, conf, complaints);
    else
        resolve(complaints);
    for (size_t i = 0; i < count; i++)
        free((char *)texts[i].text);
    return status;
}

enum conf_status conf_load_partly(const char *path, struct conf **conf,
                                  struct conf_complaints *complaints)
{
    return load_partly(path, NULL, conf, complaints);
}

enum conf_status conf_load_in(const char *path, struct conf_room *room, struct conf **conf,
                              struct conf_complaints *complaints)
{
    enum conf_status status = load_partly(path, room, conf, complaints);

    if (!room)
        return only_whole(status, conf);
    if (status != CONF_OK)
        *conf = NULL; /* the room is the caller's */
    return status;
}

enum conf_status conf_load(const char *path, struct conf **conf, struct conf_complaints *complaints)
{
    return conf_load_in(path, NULL, conf, complaints);
}
