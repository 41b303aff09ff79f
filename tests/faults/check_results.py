"""I3, I4: what the results at the PACS name, and that each is there once. Parts of checker.py."""
import collections

from check_base import REJECTION, REPORTS, Judge
from evidence import Unreadable, file_digests
from report import images_of, scored, study_outcome


class Results(Judge):
    def sent_arrived(self):
        contents = {}
        for line in self.e.arrivals:
            uid, what = line["sop_instance"], (line["syntax"], line["sha256"])
            if contents.setdefault(uid, what) != what and contents[uid][0] == line["syntax"]:
                self.broken("I4", f"{uid}: the PACS got it twice with different bytes")
            if uid not in self.e.result_of:
                self.broken("I4", f"{uid}: the PACS got it, the node knows no such result")
        for line in self.e.kept:
            found = file_digests(line["path"])
            if found is None or found[0] != line["sha256"]:
                raise Unreadable(f"{line['path']}: not the bytes that the PACS logged")
        taken = {line["sop_instance"] for line in self.e.taken if line["status"][:2] in ("00", "b0") or line["status"] == "0111" and line["sop_instance"] in self.e.kept_uids}
        for delivery in self.e.deliveries:
            result = self.e.result.get(delivery["result"])
            if delivery["state"] == "sent" and result and result["uid"] not in taken:
                self.broken("I4", f"{result['uid']}: delivery {delivery['id']} is \"sent\", the PACS did not take it")

    def results_kept(self):
        arrived = {line["sop_instance"]: line for line in self.e.arrivals}
        for result in self.e.results:
            if result["gone_ms"]:
                continue
            found = file_digests(self.e.path(result["path"]))
            if found is None and self.e.is_gone("result", result):
                continue
            if found is None:
                self.broken("I1", f"{result['uid']}: {result['path']} is not there, and its row knows of no removal")
            elif found[1] != result["digest"]:
                self.broken("I4", f"{result['uid']}: {result['path']} is not the file that was entered")
            elif result["uid"] in arrived and arrived[result["uid"]]["sha256"] != found[0] and \
                    self.syntax(result) == arrived[result["uid"]]["syntax"]:
                self.broken("I4", f"{result['uid']}: the PACS got other bytes than lie in {result['path']}")

    def syntax(self, result):
        head = self.head(self.e.path(result["path"]))
        return head.file_meta.TransferSyntaxUID if head is not None else ""

    def one_report(self):
        current = collections.Counter((r["study"], r["patient"]) for r in self.e.results if r["kind"] == "sr" and r["fate"] == "current")
        for (study, _), count in current.items():
            if count > 1:
                self.broken("I4", f"{study}: {count} current reports in the store")
        amended, reports = set(), collections.defaultdict(set)
        for line in self.e.kept:
            head = self.head(line["path"])
            if head is None or line["sop_class"] not in REPORTS:
                continue
            reports[str(head.StudyInstanceUID), str(head.PatientID)].add(line["sop_instance"])
            for study in head.get("PredecessorDocumentsSequence", []):
                amended |= {str(s.ReferencedSOPInstanceUID) for g in study.ReferencedSeriesSequence for s in g.ReferencedSOPSequence}
        for (study, patient), uids in reports.items():
            valid = [u for u in uids - amended if self.e.result_of.get(u, {}).get("fate") != "retracted"]
            if len(valid) > 1:
                self.broken("I4", f"{study}: the PACS has {len(valid)} reports of patient {patient}, none amends the other")

    def one_picture(self):
        """One picture of an image at the PACS, but for those that were retracted or came with an earlier report."""
        pictures = collections.defaultdict(set)
        for line in self.e.kept:
            head = self.head(line["path"])
            if head is None or line["sop_class"] in REPORTS or line["sop_class"] == REJECTION:
                continue
            if self.e.result_of.get(line["sop_instance"], {}).get("fate") != "current":
                continue
            sources = [str(s.ReferencedSOPInstanceUID) for s in head.get("SourceImageSequence", [])]
            if len(sources) == 1:
                pictures[line["sop_class"], sources[0], str(head.StudyInstanceUID)].add(line["sop_instance"])
        for (_, source, _), uids in pictures.items():
            if len(uids) > 1:
                self.broken("I4", f"{source}: the PACS has {len(uids)} current pictures of it")

    def notes_arrived(self):
        """What the node took back, and the PACS has, a note at the PACS names; but of a patient who was forgotten nothing more is told."""
        noted = set()
        for line in self.e.kept:
            head = self.head(line["path"]) if line["sop_class"] == REJECTION else None
            noted |= images_of(head) if head is not None else set()
        for uid in {line["sop_instance"] for line in self.e.kept} - noted:
            result = self.e.result_of.get(uid, {})
            if result.get("fate") == "retracted" and result["study"] not in self.e.forgotten:
                self.broken("I4", f"{uid}: taken back, and no note at the PACS names it")

    def results_right(self):
        covered = collections.defaultdict(set)
        for row in self.e.covers:
            covered[row["result"]].add(row["instance"])
        done = set()
        for line in self.e.kept:
            if line["sha256"] in done:
                continue
            done.add(line["sha256"])
            head = self.head(line["path"])
            if head is None:
                self.broken("I3", f"{line['sop_instance']}: what the PACS got cannot be read")
                continue
            result = self.e.result_of.get(line["sop_instance"])
            if str(head.get("SOPInstanceUID", "")) != line["sop_instance"]:
                self.broken("I3", f"{line['sop_instance']}: its dataset says {head.get('SOPInstanceUID', 'nothing')}")
            if result and result["study"] != str(head.get("StudyInstanceUID", "")):
                self.broken("I3", f"{line['sop_instance']}: sent under study {head.get('StudyInstanceUID', 'none')}, entered under {result['study']}")
            if line["sop_class"] == REJECTION:
                continue
            self.sources_right(line["sop_instance"], head)
            if line["sop_class"] in REPORTS:
                self.report_right(line["sop_instance"], head, result, covered)

    def sources_right(self, uid, head):
        """Each image that a result names was sent to the node, with this patient and in this study."""
        named = images_of(head) - set(self.e.result_of)
        if not named:
            self.broken("I3", f"{uid}: names no image")
        for image in named:
            lines = self.e.by_uid.get(image)
            if not lines:
                self.broken("I3", f"{uid}: names {image}, which nobody sent")
            elif not any(line["patient"] == str(head.get("PatientID", "")) and line["study"] == str(head.get("StudyInstanceUID", ""))
                         for line in lines):
                self.broken("I3", f"{uid}: patient {head.get('PatientID', '')} and study {head.get('StudyInstanceUID', '')} are not those "
                                  f"of the image {image} that it names")

    def report_right(self, uid, head, result, covered):
        outcome = study_outcome(head)
        if outcome is None:
            self.broken("I3", f"{uid}: a report without one outcome")
        if not result:
            return
        rows = [self.e.instance[i] for i in covered[result["report"]] if i in self.e.instance]
        if self.live and any(row["state"] == "received" for row in rows):
            return  # it is judged again
        current = result["fate"] == "current"
        judged = {row["sop_instance"] for row in rows if row["state"] == "judged"}
        unjudged = {row["sop_instance"] for row in rows if row["state"] == "not-processed"} - judged
        named = images_of(head) - set(self.e.result_of)
        known = {row["sop_instance"] for row in rows}
        if current and named != known:
            self.broken("I3", f"{uid}: names {sorted(named - known)} that it does not cover, covers {sorted(known - named)} unnamed")
        for image in scored(head) & unjudged if current else ():
            self.broken("I3", f"{uid}: a score for {image}, which was not processed")
        if current and outcome in ("finding", "no-finding", "incomplete") and not judged:
            self.broken("I3", f"{uid}: says {outcome}, and nothing was processed")
        if current and outcome in ("no-finding", "incomplete") and any(r["reason"] == "conflict" for r in rows):
            self.broken("I3", f"{uid}: says {outcome} of a conflict")
