/* news_header.h: what an image's header says of a study's patient and order. */
#ifndef NEWS_HEADER_H
#define NEWS_HEADER_H

#include "news.h"
#include <stddef.h>

/* bytes: dx_attrs_pack, or NULL: nothing is known. An accession number that news has already, the
 * order's, stays where the header has none. Where its characters are unknown, what is ASCII
 * of it is kept as it is. */
void news_take_header(struct news *news, const uint8_t *bytes, size_t count);

/* Fills `identity`, and counts `item` up where it is another than told_identity: no item of a
 * workflow manager can be given another patient or order (PS3.4 table CC.2.5-3). What is said for
 * the first time makes none, nor what is said no more but of an order, which is cancelled then; nor
 * do a name's letter case and empty ends. What takes something back is of whom it was told. */
void news_identify(struct news *news);

#endif
