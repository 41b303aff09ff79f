/* admin.h: the subcommands of `cervigate`: one file each, one entry each.
 *
 * argv[0] is the subcommand's name. Each returns an exit status of sysexits.h, or 0, or 1 when the
 * work is done and the answer is no. */
#ifndef ADMIN_H
#define ADMIN_H

#include "conf.h"

int admin_check(int argc, char **argv);
int admin_echo(int argc, char **argv);
int admin_mode(int argc, char **argv);
int admin_predict(int argc, char **argv);
int admin_phantom(int argc, char **argv);
int admin_train(int argc, char **argv);
int admin_import(int argc, char **argv);
int admin_export(int argc, char **argv);
int admin_evaluate(int argc, char **argv);
int admin_status(int argc, char **argv);
int admin_user(int argc, char **argv);
int admin_worklist(int argc, char **argv);
int admin_selftest(int argc, char **argv);
int admin_replay(int argc, char **argv);
int admin_jobs(int argc, char **argv);
int admin_results(int argc, char **argv);
int admin_rules(int argc, char **argv);
int admin_audit(int argc, char **argv);
int admin_forget(int argc, char **argv);
int admin_bench(int argc, char **argv);
int admin_retention(int argc, char **argv);
int admin_backup(int argc, char **argv);
int admin_restore(int argc, char **argv);
int admin_store(int argc, char **argv);
int admin_conformance(int argc, char **argv);
int admin_support(int argc, char **argv);
int admin_simulate(int argc, char **argv);

/* Loads the configuration or says why not on standard error; NULL then, with the exit status in
 * *status. path NULL: CERVIGATE_CONFIG or /etc/cervigate/cervigate.xml, as admin_conf_path says. */
struct conf *admin_conf(const char *path, int *status);
const char *admin_conf_path(const char *path);

#endif
