/* data_list.h: between data.c and the files that fill a set: data_folder.c, data_csv.c,
 * data_dicom.c. */
#ifndef ADMIN_DATA_LIST_H
#define ADMIN_DATA_LIST_H

#include "data.h"

#define DATA_CLASS_NAME 64

struct data_list {
    struct data_set *set;
    const char *data; /* what --data said */
    size_t room;
    char (*class_)[DATA_CLASS_NAME]; /* of every item */
};

/* Copies everything; strings of item may be NULL for "". class_ loses "c-spine_". */
NN_MUST_USE enum nn_status data_list_add(struct data_list *list, const struct data_item *item,
                                         const char *class_, struct nn_error *err);
NN_MUST_USE enum nn_status data_list_folder(struct data_list *list, struct nn_error *err);
NN_MUST_USE enum nn_status data_list_csv(struct data_list *list, struct nn_error *err);

/* "FILE.csv:LINE: " of an item of a CSV, "" of one in a folder. */
struct data_where {
    char text[160];
};
struct data_where data_where(const char *data, const struct data_item *item);

struct data_reader; /* an image_reader that threads share */
/* Looks at every file's first bytes; opens those that may be DICOM, takes what they tell, refuses
 * what is no image. *reader stays NULL when there is no DICOM. */
NN_MUST_USE enum nn_status data_look(struct data_set *set, const char *data, struct nn_error *err);
NN_MUST_USE enum nn_status data_reader_read(struct data_reader *reader, const char *path,
                                            struct nn_plane *plane, struct nn_error *err);
void data_reader_close(struct data_reader *reader); /* NULL is allowed */

#endif
