/* words.h: texts of peers: whole words in them, and what can be shown (private to dicom/). */
#ifndef DX_WORDS_H
#define DX_WORDS_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Case is set aside for the letters of ASCII and Latin-1; a blank of the word stands for any run of
 * blanks and ends of lines. Text that is no UTF-8 is compared as bytes. */
bool dx_holds_word(const char *text, const char *word);

/* AE titles and UIDs are ASCII (PS3.5 6.2). What a peer sends in their place is stored, logged and
 * shown as JSON: every byte that is none of ASCII's letters and signs becomes a question mark. */
void dx_make_printable(char *text);

#ifdef __cplusplus
}
#endif
#endif
