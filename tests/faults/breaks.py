"""Deliberate breaks of our own guards, one at a time, in a copy of the tree: a quick test must catch each.

scripts/faults breaks [--list] [--only NAME...] [--from N] [--folder DIR] [--done FILE]

  --list    names them, and says whether each still fits the source and, where there is a build, names a test; exit 1 when one does not
  --folder  the copy and its build stay there (default: a new folder below /tmp, removed at the end)
  --done    keeps what came of each break, a line each; the ones caught there are not tried again: a run of hours may be broken off,
            or shared by several

A break is a piece of source that occurs exactly once, what takes its place, and the test (of ctest) that must fail then. Without a
break it must pass, which is looked at once a run. One that runs into its time-out has caught nothing; one beside which this machine stood still
(whoever measures stops all others) is run again. Exit 0: all were caught."""
import argparse
import contextlib
import filecmp
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("CERVIGATE_BUILD", os.path.join(SOURCE, "build/release"))  # whose tests --list looks for
# (name, file, what is there, what takes its place, the test)
BREAKS = [
    ("purge takes the data unasked", "debian/cervigate.postrm", "[ -f \"$switch\" ] && [ \"$(cat \"$switch\")\" = \"$data\" ]", "[ -d \"$data\" ]", "debian_package"),
    ("an upgrade restarts the socket", "debian/rules", "dh_installsystemd --no-stop-on-upgrade cervigate.service", "dh_installsystemd cervigate.service",
     "debian_package"),
    ("quarantine has no limit", "scp/spool.c", "use->objects >= conf->limits.quarantine_objects", "use->objects == UINT64_MAX", "scp_spool"),
    ("quarantine has no limit in bytes", "scp/spool.c", "use->bytes + more > conf->limits.quarantine_bytes", "use->bytes + more == UINT64_MAX", "scp_spool"),
    ("an object's digest is not checked", "scp/spool.c", "strspn(digest, \"0123456789abcdef\") != 64 || digest[64] != '\\0'",
     "digest[0] == '\\0'", "scp_spool"),
    ("space is not looked at before quarantine", "scp/spool.c", "spool_free_bytes(conf) / 2 < conf->limits.spool_reserve_bytes", "false",
     "scp_spool"),
    ("a dead process's files stay", "scp/spool.c", "(!all && spool_has_owner(entry->d_name))", "(!all && spool_has_owner(entry->d_name) && all)", "scp_spool"),
    ("root follows a link in the spool", "scp/spool.c", "flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC", "flags | O_CREAT | O_CLOEXEC", "scp_spool"),
    ("the sweep takes what is being written", "scp/spool_sweep.c", "return !spool_has_owner(dot + 1);", "return true;", "scp_spool"),
    ("what may have come needs no note", "scp/store/store_withdraw.c", "(state='sent' OR offered=2)", "state='sent'", "scp_store_withdraw"),
    ("a picture on its way stays beside the new one", "scp/store/store_reconcile.c", " instance=? AND instance<>0 AND fate='current' AND ",
     " instance=? AND instance<0 AND fate='current' AND ", "scp_store_reconcile"),
    ("a series has a second picture", "scp/report/report_frames.c", "    if (made)\n        return true;\n", "    (void)made;\n", "e2e_patients"),
    ("what was taken back comes under the same UID", "scp/store/store_reconcile.c", "UPDATE instance SET revision=revision+1 WHERE id=?\"",
     "UPDATE instance SET revision=revision+0 WHERE id=?\"", "scp_store_reconcile"),
    ("a report names another image", "scp/report/report.c", "\"%s\",\n             instance->sop_instance);", "\"%s\",\n             instance->series);", "e2e_flow"),
    ("a rejection note names another result", "scp/report/report_reject.c", "memcpy(to->sop_instance, n->list[i].uid,",
     "memcpy(to->sop_instance, n->list[0].uid,", "scp_report"),
    ("a dataset is stored under another UID", "dicom/dcmtk/store.cc", "if (strcmp(scan->sop_instance, request->sop_instance) != 0) {", "if (false) {", "test_wire"),
    ("a duplicate is a second row", "scp/store/store_instance.c", "if (status == STORE_OK && strcmp(known.digest, instance->digest) == 0) {",
     "if (false) {", "scp_store"),
    ("a reload cuts off who is being received", "scp/supervisor.c", "(void)kill(old, SIGUSR1);", "(void)kill(old, SIGTERM);", "faults_reloads"),
    ("a rule is for every AE title", "config/read.c", "    rule->matches = 1;\n", "    rule->matches = 0;\n", "test_files"),
    ("a later file does not stand above", "config/merge.c", "            put_attributes(&merging, there, one);", "            continue;", "test_files"),
    ("wrong words hide a missing model", "scp/admin/check/check.c", "    errors = check_world(conf, !command.print_effective && whole);",
     "    errors = whole ? check_world(conf, !command.print_effective) : 1;", "config_check"),
    ("a port that another has is not looked at", "scp/admin/check/check_host.c", "    if (wrong == 0 || activated ||", "    if (wrong >= 0 || activated ||", "config_check"),
    ("a port below 1024 that another has is taken for free", "scp/admin/check/check_host.c", "    if (uid >= 0 && !may_be_systemd) {", "    if (uid < -1 && !may_be_systemd) {",
     "config_check"),
    ("what an unread file may define is missed elsewhere", "config/complain.c", "    return reading->unread != 0;", "    return false;", "test_config"),
    ("a rival is not marked", "scp/store/store_instance.c", "instance->rival = status == STORE_OK;", "instance->rival = false;", "scp_store"),
    ("a transaction that was taken back goes on", "scp/store/store_sqlite.c", "if (!store->begun || sqlite3_get_autocommit(store->db) == 0)",
     "if (!store->begun || store->begun)", "scp_store_faults"),
    ("a text is empty without memory", "scp/store/store_sqlite.c", "sqlite3_column_blob(statement, column);\n    int count",
     "(const char *)sqlite3_column_text(statement, column);\n    int count", "scp_store_faults"),
    ("duplicates are not counted", "scp/store/store_instance.c", "status = store_count(store, \"duplicates\");", "status = STORE_OK;", "scp_store"),
    ("an association never ends", "scp/store/store_instance.c", "\"DELETE FROM open_association WHERE association=?\"",
     "\"DELETE FROM open_association WHERE association=? AND 0\"", "scp_store"),
    ("no association of an earlier life ends", "scp/receive/committer_earlier.c", "status = store_association_end_others(store, own, count);", "status = STORE_OK;",
     "scp_committer"),
    ("a committer ends its own associations", "scp/store/store_instance.c", "\"DELETE FROM open_association WHERE\" OF_OTHERS",
     "\"DELETE FROM open_association\"", "scp_store"),
    ("an object without its file is believed", "scp/receive/committer.c",
     "return instance->gone_ms != 0 || access(path, F_OK) == 0 ? STORE_OK : STORE_BROKEN;", "(void)path; return STORE_OK;", "scp_committer"),
    ("a damaged object that comes again stays", "scp/receive/committer_again.c", "return stored == SOUND;",
     "return stored == SOUND;\n    if (stored == DAMAGED)\n        return true;", "scp_receive"),
    ("a mend's bytes are believed", "scp/receive/committer_again.c", "bool good = look(from, instance->digest, &fd) == SOUND;",
     "bool good = look(from, instance->digest, &fd) != UNREADABLE;", "scp_committer"),
    ("what an association says is not cut to size", "scp/receive/committer.c", "in->sop_class[sizeof in->sop_class - 1] = '\\0';", ";", "scp_committer"),
    ("a failed commit is answered as done", "scp/receive/committer.c", "line->answer.status = status;", "(void)status;\n    line->answer.status = STORE_OK;",
     "scp_committer"),
    ("A700 is a refusal for good", "scp/deliver/sender_verdict.c", "(status & 0xff00) == 0xa700 || status == PROCESSING_FAILURE", "status == PROCESSING_FAILURE",
     "scp_sender"),
    ("A900 is a success", "scp/deliver/sender_verdict.c", "if (status == 0x0000 || (status & 0xf000) == 0xb000)",
     "if (status == 0x0000 || (status & 0xf000) == 0xb000 || status == 0xa900)", "scp_sender"),
    ("a warning is a refusal", "scp/deliver/sender_verdict.c", "status == 0x0000 || (status & 0xf000) == 0xb000", "status == 0x0000", "scp_sender"),
    ("a duplicate at the PACS is a refusal", "scp/deliver/sender_verdict.c", "if (status == DUPLICATE_INSTANCE)", "if (status == 1)", "scp_sender"),
    ("an unreadable mode is the configuration's", "scp/mode.c", "if (!conf_mode_parse(text, mode))\n        *mode = CONF_SHADOW;",
     "if (!conf_mode_parse(text, mode))\n        *mode = conf->mode;", "scp_mode"),
    ("a mode that cannot be opened is shadow", "scp/mode.c", "if (errno != ENOENT)\n            return false;",
     "if (errno != ENOENT)\n            return true;", "scp_mode"),
    ("clinical is always allowed", "scp/mode.c", "if (mode == CONF_CLINICAL && !mode_allowed(conf, mode, error, error_size))",
     "if (false)", "scp_mode"),
    ("a conflict is another encoding", "scp/analyze/examine_identity.c", "if (pixels[0] && judgement->pixel_digest[0] && strcmp(pixels, judgement->pixel_digest) != 0) {",
     "if (false) {", "scp_identity"),
    ("one that was not decoded hides a conflict", "scp/analyze/examine_identity.c", "status = find_pixels(store, instance, pixels);",
     "status = find_pixels(store, instance, pixels);\n    memcpy(pixels, earlier.pixel_digest, sizeof pixels);", "scp_identity"),
    ("a correction is the same image", "scp/analyze/examine_identity.c",
     "strcmp(earlier.patient_digest, judgement->patient_digest) != 0", "false", "scp_identity"),
    ("another study is the same image", "scp/analyze/examine_identity.c", "bool moved = strcmp(last.study, instance->study) != 0;",
     "bool moved = false;", "scp_identity"),
    ("a newer store is opened", "scp/store/store_schema.c", "if (*version > LATEST) {", "if (false) {", "scp_store_schema"),
    ("another program's store is migrated", "scp/store/store_schema.c", "if (*version < 0 || (*version > 0 && application != APPLICATION_ID)) {", "if (false) {",
     "scp_store"),
    ("a store's version is not written", "scp/store/store_schema.c", "\"PRAGMA user_version=%d;PRAGMA application_id=%d\", LATEST,",
     "\"PRAGMA user_version=%d;PRAGMA application_id=%d\", 0,", "scp_store_schema"),
    ("nothing nests too deep", "dicom/scan_dataset.c", "if (walk->nesting > walk->limits->nesting || walk->nesting > MAX_NESTING)",
     "if (walk->nesting > MAX_NESTING * 1000)", "test_prescan"),
    ("room is looked at only before an object", "dicom/dcmtk/store.cc",
     "handler->has_room != nullptr && !handler->has_room(handler->context)", "handler == nullptr", "scp_receive"),
    ("a full disk takes nothing out", "scp/analyze/retention.c", "return free_bytes < wanted ? wanted - free_bytes : 0;",
     "return free_bytes < wanted && free_bytes == 1;", "scp_retention"),
    ("an audit record does not say what was sent was made of", "scp/audit/audit_traffic.c", "        audit_made_add(x->made, store, result);", "        (void)store;",
     "scp_audit_events"),
    ("what expires is not audited", "scp/analyze/retention.c", "audit_retention(conf, \"parked\", count, text);", "(void)conf;", "scp_retention"),
    ("what was discarded is judged again", "scp/store/store_order.c", "return object_give_up(store, id, instance.path, (int64_t)instance.bytes, now_ms);",
     "(void)now_ms;\n    return STORE_OK;", "scp_store_order"),
    ("an object is discarded before its report", "scp/store/store_order.c", ": instance.reported == 0 && instance.withdrawn[0] == '\\0'", ": false",
     "scp_store_order"),
    ("analyze answers echoes", "scp/store/store_request.c", "WHERE answer='' AND kind<>'echo' AND id>?", "WHERE answer='' AND id>?", "scp_store_order"),
    ("the console may name any peer", "scp/analyze/asks.c", "return echo_desk_knows(conf, ask->subject);", "return conf != NULL;", "scp_store_order"),
    ("the console may name any file", "scp/analyze/asks.c", "return is_job(ask->subject, \"q\");", "return true;", "scp_store_order"),
    ("nothing is rationed", "scp/console/ration.c", "if (over > 0)", "if (over > 1000000)", "scp_console"),
    ("what waits for its answer is an item", "scp/store/store_reading.c", "read_ms=0 AND waits=0 AND", "read_ms=0 AND", "scp_store_waiting"),
    ("what waits for its answer is asked about", "scp/store/store_inquiry.c", "read_ms=0 AND waits=0 AND", "read_ms=0 AND", "scp_store_waiting"),
    ("an item stays while all waits again", "scp/store/store_reading.c", "\"waits<>0 OR study.read<>0)\"", "\"study.read<>0)\"", "scp_store_waiting"),
    ("a result's bytes are not counted", "scp/store/store_result.c", "status = kept_add(store, \"result-bytes\", (int64_t)r->bytes);", "status = STORE_OK;",
     "scp_store_keep"),
    ("an object's bytes are not counted", "scp/store/store_instance.c",
     "return status == STORE_OK ? kept_add(store, \"object-bytes\", (int64_t)in->bytes) : status;", "return status;", "scp_store_keep"),
    ("retention takes what waits for delivery", "scp/store/store_retention.c",
     "if (sqlite3_column_int(row, 4) != 0 || sqlite3_column_int64(row, 5) >= step->before_ms)",
     "if (sqlite3_column_int64(row, 5) >= step->before_ms)", "scp_store_keep"),
    ("a file that a row wants is removed", "scp/store/store_retention.c", "int code = wanted ? 0 : remover(context, path);",
     "int code = remover(context, path);", "scp_store_keep"),
    ("the sweep removes what a row wants", "scp/store/store_retention.c", "if (status == STORE_OK && !wanted)\n        *removed",
     "if (status == STORE_OK)\n        *removed", "scp_store_keep"),
    ("a parked result is sent", "scp/store/store_result.c", "r->state == RESULT_PARKED ? DELIVERY_PARKED", "(int)r->state == -1 ? DELIVERY_PARKED",
     "scp_store_withdraw"),
    ("an object is not synced", "scp/spool.c", "if (fsync(fd) != 0)\n", "if (fd < 0 && fsync(fd) != 0)\n", "faults_disk"),
    ("an object's name is not synced", "scp/spool.c", "int failed = fsync(fd) != 0 ? -errno : 0;", "int failed = 0;", "faults_disk"),
    ("a result is not synced", "scp/report/report_file.c", "looked.digest[0] && fsync(fd) != 0", "looked.digest[0] && fd < 0", "faults_disk"),
    ("a row is not synced", "scp/store/store_sqlite.c", "\"PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON;\"",
     "\"PRAGMA synchronous=OFF;PRAGMA foreign_keys=ON;\"", "scp_store_sync"),
    ("an answer after a time-out is believed", "scp/receive/committer.c", "(void)shutdown(fd, SHUT_RDWR);", ";", "scp_committer"),
    ("a filter that was written in part is believed", "scp/confine_calls.c", "bool same = good && once.len == again.len &&\n                memcmp(once.filter, again.filter, once.len * sizeof *once.filter) == 0;",
     "bool same = good;", "scp_confine_memory"),
    ("two nodes on one spool", "scp/spool.c", "flock(fd, LOCK_EX | LOCK_NB) == 0)", "true)", "scp_supervisor"),
    ("a stored file is not compared with its row", "scp/analyze/examine.c",
     "if (!e->object.scanned || strcmp(scan->digest, e->instance->digest) == 0)", "if (true)", "scp_analyze"),
    ("objects hold up everything else", "scp/analyze/analyze.c", "now >= a->pause_ms && now < end;", "now >= a->pause_ms && now < end + 3600000;", "scp_analyze"),
    ("a peer's process holds the others' connections", "scp/receive/receive.c", "for (size_t i = 0; i < r->guests; i++)\n        close_fd(r->guest[i].fd);",
     "for (size_t i = r->guests; i < r->guests; i++)\n        close_fd(r->guest[i].fd);", "scp_receive"),
    ("the object child is not confined", "scp/analyze/object.c", "if (!object_confine(limits))", "if (false && !object_confine(limits))", "scp_object"),
    ("a miss counts as right", "scp/console/tally.c", "*(right ? &tally->tn : &tally->fn) += 1;", "tally->tn++;", "scp_tally"),
    ("an incomplete answer cannot miss", "scp/console/tally.c", "answer == SRT_NO_FINDING || answer == SRT_INCOMPLETE", "answer == SRT_NO_FINDING",
     "scp_tally"),
    ("a report that says neither counts as no injury", "scp/console/tally.c", "o->conclusion == SITE_INJURY || o->conclusion == SITE_NO_INJURY",
     "o->conclusion != SITE_UNCONCLUDED", "scp_tally"),
    ("another issuer's report is of our study", "scp/store/store_outcome.c", "(o.issuer='' OR NOT", "(1 OR NOT", "scp_store_site"),
    ("descriptors that nobody asked for stay open", "scp/pass.c", "            (void)close(came[i]);", "            (void)came[i];", "scp_tally"),
    ("a record that was cut is believed", "scp/pass.c", "!(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))", "true", "scp_tally"),
    ("who listens waits for the keys' judge", "scp/keys.c", "poll(&told, 1, wait ? (int)left : 0) != 0", "poll(&told, 1, wait ? (int)left : (int)left) != 0",
     "scp_keys"),
    ("a certificate's end is seen of <tls> alone", "scp/keys_shown.c", "if (to->way == CONF_HL7 && to->tls)", "if (to->way == CONF_HL7 && !to->tls)", "scp_doors_keys"),
    ("a conflict is no alarm", "scp/store/store_health.c", "AND reason='conflict' GROUP BY", "AND reason='none' GROUP BY", "scp_store_order"),
    ("who hears HL7 is not confined", "scp/worklist/orders.c", "if (!confine(CONFINE_HEARER, NULL, NULL))", "if (false && !confine(CONFINE_HEARER, NULL, NULL))",
     "e2e_lifecycle"),
    ("a reaped judge is killed", "scp/keys_kept.c", "kept->judge.pid = 0;", "kept->judge.pid = pid;", "scp_keys"),
    ("the self-check believes one look", "dicom/dcmtk/check.cc", "return status == DX_OK || status == DX_NO_MEMORY ? status : dx_guard(err, check);",
     "return status;", "test_memory"),
    ("no memory is a malformed object", "dicom/dcmtk/shim.hh", "condition == EC_MemoryExhausted ? DX_NO_MEMORY : status", "status", "test_memory"),
    ("what was put off goes in any order", "scp/store/store_delivery.c", "\" AND (next_ms=0 OR looked_ms<>0", "\" AND (1 OR looked_ms<>0", "scp_deliver_choose"),
    ("what follows does not wait for what was not taken", "scp/deliver/deliver_head.c", "return !head->passing;", "return false;", "scp_deliver_head"),
    ("one object holds up all others for ever", "scp/deliver/deliver_head.c", "head->times >= HEAD_TRIES", "head->times > 1000000", "scp_deliver_head"),
    ("what others passed keeps its place", "scp/deliver/deliver_head.c", "head->delivery == job->id && head->passed", "head->delivery == job->id && false",
     "scp_deliver_head"),
    ("a destination's rate is not kept", "scp/deliver/deliver.c", "rate_take(&lane->bucket, lane->to->rate, batch->count);",
     "rate_take(&lane->bucket, lane->to->rate, 0);", "scp_deliver"),
    ("a picture does not follow its report", "scp/deliver/deliver_choose.c", "next->follows = number_before(job, batch->count, list[i].result.study);",
     "next->follows = number_before(job, 0, list[i].result.study);", "scp_deliver_choose"),
    ("an end whose commit failed is believed", "scp/receive/committer.c", "c->earlier.cleared = cleared;", "(void)cleared;", "scp_committer"),
    ("what a dead committer did not tell stays untold", "scp/receive/committer.c", "earlier_tell(&c->earlier, c->traffic);", ";", "scp_committer"),
    ("a service is served in the other role", "dicom/dcmtk/negotiate.cc", "if (role == (service.as_scu ? ASC_SC_ROLE_SCU : ASC_SC_ROLE_SCP))", "if (false && role == 0)",
     "e2e_conformance"),
    ("a syntax without a dataset is stored", "dicom/dcmtk/services.cc", "!has_prefix(transfer_syntax, \"1.2.840.10008.1.2.7.\")", "true", "e2e_conformance"),
    ("a class that is proposed is in no list", "scp/proposed.c", "{DX_UPS_PULL, IMPLICIT}", "{DX_UPS_PUSH, IMPLICIT}", "e2e_conformance"),
    ("complaints have no rate", "scp/log.c", "return count <= rate;", "return true;", "scp_log"),
    ("a trace is of all areas", "scp/log.c", "(traced & 1u << area) == 0", "(traced | 0u * area) == 0", "scp_log"),
    ("a peer's words go into the bundle", "scp/admin/support/support_redact.c", "!field->is_quoted || message->words == LOG_OURS", "message != NULL", "e2e_logs"),
    ("a UID goes into the bundle", "scp/admin/support/support_redact.c", "run > digits && run >= UID_LEAST", "run > digits && run >= 100", "e2e_logs"),
    ("a user goes into the bundle", "scp/admin/support/support_redact.c", "if (is(name, length, \"user\") || (is_rule && names_study))", "if (is_rule && names_study)", "e2e_logs"),
    ("a message is on no page", "scp/log_messages.c", "{\"spool-full\", LOG_RECEIVE, LOG_OURS},", "", "scp_messages"),
    ("a help that was not written is a success", "scp/admin/main.c", "return flushed(\"--help\", 0);", "return 0;", "docs_manual"),
    ("bench leaves its file", "scp/admin/model/bench.c", "(void)unlinkat(folder, kept, 0);", "(void)kept;", "scp_admin"),
    ("options are missing in the man pages", "docs/man/page.awk", "print \".TP\\n\" typed(at ? substr(line, 1, at - 1) : line)", "print \".TP\\nx\"", "docs_manual"),
    ("statuses are missing in the man pages", "docs/man/page.awk", "print \".TP\\n.B \" (part + 0)", "print \".TP\\nx\"", "docs_manual"),
    ("completion knows three options", "scp/admin/completion.bash", "| sort -u; }", "| sort -u | head -n 3; }", "docs_manual"),
    ("completion looks at another configuration", "scp/admin/completion.bash", "[ -z \"$2\" ] || config=(--config \"$2\")", "config=(--config /dev/null)", "docs_manual"),
    ("one way of news waits for the others", "scp/worklist/announce.c", "    expire(a, lane);\n    if (announce_allowed", "    for (size_t i = 0; i < a->lanes; i++)\n        if (a->lane[i].busy)\n            return;\n    expire(a, lane);\n    if (announce_allowed", "e2e_peers_down"),
    ("who was passed is passed for ever", "scp/worklist/priority.c", "bool spared = place->passed_ms > 0 &&", "bool spared = false && place->passed_ms > 0 &&", "scp_priority_room"),
    ("a child's memory is not told", "scp/analyze/zygote.c", "object->peak_kib = ended.peak_kib;", "object->peak_kib = 0;", "scp_object"),
    ("one peer takes every place", "scp/receive/receive.c", "from_peer(r, address) >= (size_t)limits->associations_per_peer", "false", "faults_held"),
    ("what was refused has a name that is not synced", "scp/spool.c", "crash_point(\"quarantine-renamed\");\n    return spool_sync_directory_of(to);",
     "crash_point(\"quarantine-renamed\");\n    return 0;", "faults_disk"),
    ("what was written again keeps its first digest", "scp/report/report_file.c", "    int at = 0;\n    while (at < SEEN && strcmp(seen", "    int at = SEEN;\n    while (at < SEEN && strcmp(seen", "scp_report"),
    ("a study's name is shown as it came", "dicom/dcmtk/store.cc", "    dx_make_printable(scan->study);\n", "", "e2e_hostile"),
    ("a caller's name is shown as it came", "dicom/dcmtk/scp.cc", "    dx_make_printable(to);\n", "", "e2e_hostile"),
    ("a raise is as strong as half of it", "scp/store/store_place.c", "(int64_t)p->raised, p->strength, priority_reason_code(p->reason),",
     "(int64_t)p->raised, p->strength / 2, priority_reason_code(p->reason),", "faults_site_kill"),
    ("who was passed is not counted", "scp/store/store_place.c", "    if (!c->known.read)\n        return STORE_OK;\n", "    if (c->known.read)\n        return STORE_OK;\n", "scp_store_lists"),
    ("a peer's text commands the terminal", "scp/printable.c", "number >= 0x20 && (number < 0x7f || number > 0x9f)", "number > 0", "scp_printable"),
    ("an object of no class is stored", "dicom/dcmtk/store.cc", "if (!dx_uid_is_valid(scan->sop_class)) {", "if (false) {", "e2e_hostile"),
]


def run(*command, cwd, seconds=1800):
    environment = {"CERVIGATE_SLOW": PATIENCE, **os.environ, "CCACHE_BASEDIR": os.path.dirname(cwd), "CCACHE_NOHASHDIR": "1", "CMAKE_C_COMPILER_LAUNCHER": "ccache",
                   "CMAKE_CXX_COMPILER_LAUNCHER": "ccache"}
    if not shutil.which("ccache"):
        environment.pop("CMAKE_C_COMPILER_LAUNCHER")
        environment.pop("CMAKE_CXX_COMPILER_LAUNCHER")
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, errors="replace", timeout=seconds)


def read(folder, file):
    with open(os.path.join(folder, file), encoding="utf-8") as f:
        return f.read()


def write(folder, file, text):
    with open(os.path.join(folder, file), "w", encoding="utf-8") as f:
        f.write(text)


def misfits():
    """Breaks whose piece of source is not there exactly once."""
    return [b[0] for b in BREAKS if read(SOURCE, b[1]).count(b[2]) != 1]


def copy_tree(folder):
    """The tracked files as they are now; what was copied before and is not tracked any more goes: the build takes what lies there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=SOURCE, capture_output=True, check=True).stdout.decode()
    names = listed.rstrip("\0").split("\0")
    for name in set(kept_lines(os.path.join(folder, "copied"))) - set(names):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, name))
    write(folder, "copied", "\n".join(names))
    for name in names:
        target = os.path.join(folder, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        source = os.path.join(SOURCE, name)
        if os.path.isfile(source) and not (os.path.isfile(target) and filecmp.cmp(source, target, shallow=False)):
            shutil.copy(source, target)  # of now: what was built from a broken one is older


CAUGHT = "caught by "
TEST_SECONDS = 1500
PATIENCE = "4"  # CERVIGATE_SLOW of the tests, unless it is set: how many times as long they wait
STILL, AGAIN = 5, 6  # seconds without a turn, and how often a test is run again that had such
DAEMON = ("cervigated", "cervigate", "make_model", "manual", "manual_page", "card")  # what tests that run the daemon take of the product


def programs(build_folder):
    """Each test by its name with its own program, None for a script's."""
    listed = run("ctest", "--test-dir", build_folder, "--show-only=json-v1", cwd=SOURCE)
    out = {}
    for test in json.loads(listed.stdout)["tests"]:
        command = test.get("command", [""])[0]
        out[test["name"]] = os.path.basename(command) if os.path.dirname(command).endswith("/bin") and "/usr/" not in command else None
    return out


def strangers(build_folder):
    """Breaks that name a test which is none."""
    known = programs(build_folder)
    return [b[0] for b in BREAKS if b[4] not in known]


def build(folder, targets=("all",)):
    """None, or what the build said."""
    done = run("nice", "cmake", "--build", "--preset", "release", "-j2", "--target", *sorted(targets), cwd=folder)
    return None if done.returncode == 0 else (done.stdout + done.stderr)[-2000:]


class StillWatch(threading.Thread):
    """The longest time within a `with` in which this process had no turn."""

    def __init__(self):
        super().__init__(daemon=True)
        self.longest, self.done = 0, threading.Event()

    def run(self):
        last = time.monotonic()
        while not self.done.wait(0.5):
            now = time.monotonic()
            self.longest, last = max(self.longest, now - last), now

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()


def failures(folder, test):
    """None when the test passes, or the parts of it that failed, as far as it names them; else what ctest says (Timeout, SegFault ...)."""
    be_patient(os.path.join(folder, "build/release"))
    for _ in range(AGAIN):
        with StillWatch() as watch:
            done = run("ctest", "--test-dir", "build/release", "-R", f"^{test}$", "--no-tests=error", "--output-on-failure", cwd=folder)
        if done.returncode == 0 or watch.longest < STILL:
            break
    if done.returncode == 0:
        return None
    said = done.stdout + done.stderr
    parts = sorted(set(re.findall(r"^\[  FAILED  \] (\w+)$", said, re.M) + re.findall(r"^(?:FAIL|ERROR): (\w+)", said, re.M)))
    return parts or re.findall(r"\*\*\*(\w+.*?)  ", said)


def be_patient(build_folder):
    """A test that is ended on a busy machine has caught nothing."""
    for path in glob.glob(os.path.join(build_folder, "**/CTestTestfile.cmake"), recursive=True):
        text = read(build_folder, path)
        write(build_folder, path, re.sub(r' TIMEOUT "\d+"', f' TIMEOUT "{TEST_SECONDS}"', text))


def trouble_without(folder, test, program):
    """None when the test passes as it should, else what is wrong."""
    trouble = build(folder, [program] if program else DAEMON)
    if trouble:
        return trouble[-300:]
    failed = failures(folder, test)
    return None if failed is None else " ".join(failed)


def try_one(folder, one, program):
    """How it went: caught by what, NOT CAUGHT, NO END or DOES NOT BUILD (which catch nothing)."""
    _, file, old, new, test = one
    clean = read(folder, file)
    write(folder, file, clean.replace(old, new))
    try:
        trouble = build(folder, [program] if program else DAEMON)
        if trouble:
            return "DOES NOT BUILD: " + trouble[-300:]
        failed = failures(folder, test)
        if failed is None:
            return "NOT CAUGHT"
        if failed == ["Timeout"]:
            return "NO END"
        return CAUGHT + " ".join(failed)
    finally:
        write(folder, file, clean)


def kept_lines(path):
    if not path or not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as f:
        return f.read().splitlines()


def main():
    parser = argparse.ArgumentParser(description="breaks our own guards, one at a time")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--only", nargs="+", metavar="NAME")
    parser.add_argument("--from", type=int, default=1, dest="first", metavar="N")
    parser.add_argument("--folder")
    parser.add_argument("--done")
    wanted = parser.parse_args()
    bad = misfits()
    unknown = strangers(BUILD) if wanted.list and os.path.isdir(BUILD) else []
    if wanted.list or bad:
        for n, one in enumerate(BREAKS, 1):
            print(f"{n:2} {one[4]:18} {one[0]}{' DOES NOT FIT THE SOURCE' if one[0] in bad else ''}"
                  f"{' DOES NOT NAME A TEST' if one[0] in unknown else ''}")
        return 1 if bad or unknown else 0
    chosen = [one for one in BREAKS[wanted.first - 1:] if not wanted.only or one[0] in wanted.only]
    folder = os.path.abspath(wanted.folder or tempfile.mkdtemp(prefix="cervigate-breaks-"))
    caught, begin, wrong = 0, time.monotonic(), {}  # wrong: of each test that was looked at without a break
    try:
        copy_tree(folder)
        built = os.path.join(folder, "build/release/built")  # what has changed since is built for each test
        if not os.path.exists(built):
            run("cmake", "--preset", "release", cwd=folder)
            trouble = build(folder)
            if trouble:
                raise SystemExit("without a break: " + trouble)
            write(folder, built, "")
        program = programs(os.path.join(folder, "build/release"))  # ctest tells of those alone that are built
        for one in sorted(chosen, key=lambda b: (program[b[4]] is None, b[4])):  # scripts take minutes
            test = one[4]
            line = next((l for l in kept_lines(wanted.done) if l.endswith(f": {one[0]} ({test})") and l.startswith(CAUGHT)), None)
            if line is None:
                if test not in wrong:
                    wrong[test] = trouble_without(folder, test, program[test])
                said = f"FAILS WITHOUT THE BREAK, TOO: {wrong[test]}" if wrong[test] else try_one(folder, one, program[test])
                line = f"{said}: {one[0]} ({test})".replace("\n", " ")
                print(line, flush=True)
                if wanted.done:
                    with open(wanted.done, "a", encoding="utf-8") as f:
                        f.write(line + "\n")
            caught += line.startswith(CAUGHT)
    finally:
        if not wanted.folder:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{caught} of {len(chosen)} caught, {time.monotonic() - begin:.0f} s")
    return 0 if caught == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
