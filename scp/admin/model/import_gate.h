/* import_gate.h: `cervigate import gate`, from import.c. */
#ifndef IMPORT_GATE_H
#define IMPORT_GATE_H

/* argv[0] is "gate". An exit status. */
int import_gate(int argc, char **argv);

#endif
