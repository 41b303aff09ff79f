/* cards.h: what the folders of the models in use say of them, read while they can still be opened.
 */
#ifndef CARDS_H
#define CARDS_H

#include "nn_model.h"

#define CARD_TEXT_MOST 262144u

struct card {
    char *text, *history, *first_history; /* card.md, history.csv, history.first.csv; NULL: none */
    char *gate_text, *gate_history;       /* the same of the gate's folder */
    /* <validation>'s attributes; "" none */
    char site[256], person[256], date[64], data[512], measures[512];
};
/* What cannot be read, or is longer than CARD_TEXT_MOST, is NULL. model_xml: its bytes. */
void card_read(const char *folder, const char *model_xml, size_t size, struct card *card);
void card_finish(struct card *card);

#endif
