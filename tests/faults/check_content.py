"""I3: what the results at the PACS say - scores, finding, model, names - against what must be there. Parts of checker.py.

Scores as the report has them are held against the job store's, and a few against those that are computed anew from the bytes that were received
(`cervigate replay`); the finding against the scores and the card's operating points, read here; the model against its card and the weights on the
disk; names against the images that were sent."""
from check_base import REJECTION, REPORTS, Judge
from report import images_of, opinions, study_outcome

REPLAYED = 6  # reports that are computed anew
PRINTED = 0.5e-4 + 1e-9  # a score has four decimals in a report
NAMES = ("PatientName", "PatientBirthDate", "PatientSex", "IssuerOfPatientID", "AccessionNumber", "StudyID", "StudyDate", "ReferringPhysicianName")


class Content(Judge):
    def content_right(self):
        for line in self.e.kept:
            head, result = self.head(line["path"]), self.e.result_of.get(line["sop_instance"])
            if head is None or result is None or line["sop_class"] == REJECTION:
                continue
            self.names_right(line["sop_instance"], head)
            if line["sop_class"] in REPORTS:
                said = opinions(head)
                self.scores_right(line["sop_instance"], result, said)
                self.models_right(line["sop_instance"], said)
                self.finding_right(line["sop_instance"], study_outcome(head), said)

    # ---- names ----

    def names_right(self, uid, head):
        """The patient's, the study's and the order's words are those of an image that it names."""
        corrected = self.corrected(head)
        images = [h for h in map(self.image_sent, images_of(head) - set(self.e.result_of)) if h is not None]
        for keyword in NAMES:
            said, sent = str(head.get(keyword) or ""), {str(h.get(keyword) or "") for h in images}
            if keyword in corrected:  # what was made before the correction has what was sent
                result = self.e.result_of[uid]
                holds = self.settled and result["fate"] == "current" and result["kind"].startswith("sr")
                sent = {corrected[keyword]} | (set() if holds else sent)
            if images and said not in sent:
                self.broken("I3", f"{uid}: {keyword} is {said!r}, of what it names {' or '.join(sorted(map(repr, sent)))}")

    def corrected(self, head):
        """Words that the site has told of this patient; the ledger has that order."""
        said = [o["words"] for o in self.e.orders if o["order"] == "patient" and o["patient"] == str(head.get("PatientID", ""))]
        return said[-1] if said else {}

    def image_sent(self, sop_instance):
        """The head of an image as it lies here, whose bytes are those of the ledger (I1)."""
        rows = [r for r in self.e.rows_of[sop_instance] if not r["gone_ms"]]
        return self.head(self.e.path(rows[0]["path"])) if rows else None

    # ---- scores, finding, model ----

    def judgements_of(self, image):
        return [self.e.judgements[r["id"]] for r in self.e.rows_of[image] if r["id"] in self.e.judgements]

    def scores_right(self, uid, result, said):
        """Each model's scores of an image are one set of those that the store has of that image."""
        if result["fate"] != "current" or result["study"] in self.e.forgotten:
            return
        for image, found in said.items():
            stored = [[float(n) for n in j[name].split()] for j in self.judgements_of(image) for name in ("scores", "scores2") if j[name]]
            for opinion in found:
                if opinion.scores and not any(close(opinion.scores, s) for s in stored):
                    self.broken("I3", f"{uid}: scores {opinion.scores} of {image}, the store has {stored}")

    def models_right(self, uid, said):
        """Name, version, weights and digest are those of a card; the digest is that which the store has of the image."""
        for image, found in said.items():
            digests = {j[name] for j in self.judgements_of(image) for name in ("model_digest", "model_digest2") if j[name]}
            for opinion in (o for o in found if o.scores):
                if digests and not opinion.said("model digest") <= digests:
                    self.broken("I3", f"{uid}: model digest {sorted(opinion.said('model digest'))}, {image} was judged by {sorted(digests)}")
                if self.site is None:
                    continue
                cards = [c for c in self.site.cards if {c.name} == opinion.name and {c.version} == opinion.version]
                if not cards:
                    self.broken("I3", f"{uid}: model {sorted(opinion.name)} {sorted(opinion.version)}, the node has none of that name and version")
                elif opinion.said("weights SHA-256") != {cards[0].weights}:
                    self.broken("I3", f"{uid}: weights {sorted(opinion.said('weights SHA-256'))}, on the disk are {cards[0].weights}")

    def finding_right(self, uid, outcome, said):
        """A finding is there when all models that judged an image reach an operating point on it, and only then; slices are judged as series."""
        if self.site is None or not said or any(self.is_slice(image) for image in said):
            return
        judged = [[(o.scores, card) for o in found for card in [self.site.card(o.name)] if card and o.scores] for found in said.values()]
        finds = [[bool(card.margins(scores)) for scores, card in image] for image in judged]
        expected = any(f and all(f) for f in finds)
        near = any(abs(s - p) < PRINTED for image in judged for scores, card in image for s, p in zip(scores, card.points) if p is not None)
        if (outcome == "finding") != expected and not near:
            self.broken("I3", f"{uid}: says {outcome}, its scores {'are' if expected else 'are not'} a finding")
        if outcome == "no-finding" and any(any(f) for f in finds):
            self.broken("I3", f"{uid}: says no-finding, a model reaches an operating point")

    def is_slice(self, image):
        return any(not j["alone"] for j in self.judgements_of(image) if j["scores"] or j["scores2"])

    def replays_right(self):
        """The scores once more, from the bytes that were received: those of a few reports, as the PACS has them."""
        current = self.replayable()
        for line in current[::max(1, len(current) // REPLAYED)][:REPLAYED]:
            self.replay(line)

    def replayable(self):
        """Reports that hold, and whose images are still here."""
        return [l for l in self.e.kept if l["sop_class"] in REPORTS and self.e.result_of.get(l["sop_instance"], {}).get("fate") == "current" and
                any(self.image_sent(image) is not None for image in images_of(self.head(l["path"])))]

    def replay(self, line):
        said = opinions(self.head(line["path"]))
        answers = self.site.replay(line["sop_instance"])[1]
        self.unanswered += not answers
        for again in answers:
            self.replay_right(line["sop_instance"], again, [o.scores for o in said.get(again["sop_instance"], ())])

    def replay_right(self, uid, again, said):
        image = again["sop_instance"]
        if again["result"] in ("input-removed", "model-changed"):
            return
        self.replayed += 1
        if again["result"] != "equal":
            self.broken("I3", f"{uid}: computed anew, {image} is {again['result']}: {again['detail']}")
        elif not any(close(scores, again["now"]) for scores in said):
            self.broken("I3", f"{uid}: scores {said} of {image}; computed anew {again['now']}")
        if not any(l["sha256"] == again["input"] for l in self.e.by_uid.get(image, ())):
            self.broken("I3", f"{uid}: computed from {again['input']}, which nobody sent as {image}")


def close(printed, exact):
    return len(printed) == len(exact) and all(abs(a - b) <= PRINTED for a, b in zip(printed, exact))
