/* glyphs.h: a small stroke font of our own for burned-in text; private to classifier/phantom. */
#ifndef NN_PHANTOM_GLYPHS_H
#define NN_PHANTOM_GLYPHS_H

/* Strokes of a character: points as two digits (column 0-4, row 0-8; 0 is the top of a capital, 6
 * the base line), strokes apart by a space. "" for a blank or an unknown one. */
const char *nn_phantom_glyph(char character);

#endif
