"""A scripted Modality Worklist SCP (PS3.4 annex K) in plain bytes.

`items`: its worklist, one Dataset each (`item`). `knows`: keywords of the keys that it matches; of others it answers with all that it has, as a
peer may. `how`: ok, fail (A700), refused (0122), cancelled (FE00 behind the first match), many (its items over and over, 900 answers; a C-CANCEL is
not heard), endless, abort, silence, slow (an answer a second), garbage, nested, truncated, bare (a match without identifier), foreign (an answer to another
message), half (a match, then an abort). behave("refuse" | "close" | "no-context" | "silence"): at the association, as pacs.py. `asked`: the queries.
`takes`: whether it takes the SOP class."""
import socket
import struct
import time

import pydicom

import archive
from archive import decode, encode, pacs, short

MWL = "1.2.840.10008.5.1.4.31"
ALL = 2 ** 32 - 1
BROKEN = {"garbage": b"\xff" * 200, "truncated": struct.pack("<HHI", 0x10, 0x20, 9000) + b"x",
          "nested": struct.pack("<HHIHHI", 0x40, 0x100, ALL, 0xfffe, 0xe000, ALL) * 10000}


def item(accession="", patient="", study="", priority="", placer="", filler="", procedure="Cervical spine", issuer="", steps=1, **more):
    """Matches of one requested procedure: one a scheduled step."""
    for n in range(steps):
        d = pydicom.Dataset()
        d.AccessionNumber, d.PatientName, d.PatientID, d.StudyInstanceUID = accession, "Doe^Jane", patient, study
        if issuer:
            d.IssuerOfPatientID = issuer
        d.RequestedProcedureDescription, d.RequestedProcedureID, d.RequestedProcedurePriority = procedure, "RP" + filler, priority
        d.PlacerOrderNumberImagingServiceRequest, d.FillerOrderNumberImagingServiceRequest = placer, filler
        step = pydicom.Dataset()
        step.Modality, step.ScheduledStationAETitle, step.ScheduledProcedureStepStartDate = "DX", "ROOM1", "20261127"
        step.ScheduledProcedureStepStartTime, step.ScheduledProcedureStepDescription, step.ScheduledProcedureStepID = "120000", procedure, f"SPS{n}"
        d.ScheduledProcedureStepSequence = [step]
        for keyword, value in more.items():
            setattr(d, keyword, value)
        yield d


class Association(archive.Association):
    def classes(self):
        return {pacs.VERIFICATION, *((MWL,) if self.pacs.takes else ())}

    def misbehave(self, how, context, request):
        """False: the association shall end; None: it does not."""
        if how in ("fail", "refused"):
            self.find_answer(context, request, 0xa700 if how == "fail" else 0x0122)
            return True
        if how == "abort":
            self.socket.sendall(pacs.ABORT)
            return False
        if how == "silence":
            self.wait_for_end()
            return False
        if how in BROKEN:
            self.find_answer(context, request, 0xff00, BROKEN[how])
            self.wait_for_end()
            return False
        if how == "bare":
            self.find_answer(context, request, 0xff00)
            self.wait_for_end()
            return False
        if how == "foreign":
            self.find_answer(context, {**request, 0x110: short(999)}, 0)
            return True
        return None

    def answer_find(self, context, request, dataset):
        query, how = decode(dataset), self.pacs.how
        self.pacs.asked.append(query)
        ends = self.misbehave(how, context, request)
        if ends is not None:
            return ends
        matches = list(self.pacs.matches(query))
        if how == "endless":
            while True:
                self.find_answer(context, request, 0xff00, encode(matches[0] if matches else query))
        for match in matches * (900 // max(len(matches), 1) if how == "many" else 1):
            if how == "slow":
                time.sleep(1)
            self.find_answer(context, request, 0xff00, encode(match))
            if how == "half":
                self.socket.sendall(pacs.ABORT)
                return False
            if how == "cancelled":
                break
        self.find_answer(context, request, 0xfe00 if how == "cancelled" else 0)
        return True


class OrderScp(archive.Archive):
    association = Association

    def __init__(self, folder, port=0, ae="RIS", knows=("PatientID", "AccessionNumber", "StudyInstanceUID")):
        self.items, self.knows, self.how, self.asked, self.takes = [], knows, "ok", [], True
        super().__init__(folder, port, ae)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts: the port is another's next
        super().close()

    def matches(self, query):
        for one in self.items:
            if all(query.get(k, "") in ("", one.get(k, "")) for k in self.knows):
                match = pydicom.Dataset()
                match.update({e.tag: one[e.tag] for e in query if e.tag in one})
                if "SpecificCharacterSet" in one:
                    match.SpecificCharacterSet = one.SpecificCharacterSet
                yield match

    def count(self, accession):
        return sum(q.get("AccessionNumber") == accession for q in self.asked)
