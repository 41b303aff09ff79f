/* words.h: whole words in UTF-8 text, letter case aside (private to dicom/). */
#ifndef DX_WORDS_H
#define DX_WORDS_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Case is set aside for the letters of ASCII and Latin-1; a blank of the word stands for any run of
 * blanks and ends of lines. Text that is no UTF-8 is compared as bytes. */
bool dx_holds_word(const char *text, const char *word);

#ifdef __cplusplus
}
#endif
#endif
