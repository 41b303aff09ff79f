/* news_header.h: what an image's header says of a study's patient and order. */
#ifndef NEWS_HEADER_H
#define NEWS_HEADER_H

#include "news.h"
#include <stddef.h>

/* bytes: dx_attrs_pack, or NULL: nothing is known. An accession number that news has already, the
 * order's, stays where the header has none. Where its characters are unknown, what is ASCII
 * of it is kept as it is. */
void news_take_header(struct news *news, const uint8_t *bytes, size_t count);

#endif
