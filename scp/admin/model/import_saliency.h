/* import_saliency.h: `cervigate import saliency-scale`, from import.c. */
#ifndef IMPORT_SALIENCY_H
#define IMPORT_SALIENCY_H

/* argv[0] is "saliency-scale". An exit status. */
int import_saliency(int argc, char **argv);

#endif
