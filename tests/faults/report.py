"""What a report says, read from its content tree (PS3.16 TID 1500)."""
import collections

MEASUREMENT_GROUP, STUDY_OUTCOME = "125007", "study-outcome"
NAME, VERSION, PARAMETERS = "111001", "111003", "111002"  # of an algorithm


def images_of(head):
    """SOP Instance UIDs of all that a result names as its source."""
    named = {str(s.ReferencedSOPInstanceUID) for s in head.get("SourceImageSequence", [])}
    for name in ("CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence"):
        for study in head.get(name, []):
            for series in study.ReferencedSeriesSequence:
                named |= {str(s.ReferencedSOPInstanceUID) for s in series.ReferencedSOPSequence}
    for series in head.get("ReferencedSeriesSequence", []):
        for sequence in ("ReferencedImageSequence", "ReferencedInstanceSequence"):
            named |= {str(s.ReferencedSOPInstanceUID) for s in series.get(sequence, [])}
    return named


def items(item):
    for child in item.get("ContentSequence", []):
        yield child
        yield from items(child)


def concept(item):
    names = item.get("ConceptNameCodeSequence", [])
    return names[0].CodeValue if names else ""


def study_outcome(head):
    found = [i.ConceptCodeSequence[0].CodeValue for i in items(head) if i.get("ValueType") == "CODE" and concept(i) == STUDY_OUTCOME]
    return found[0] if len(found) == 1 else None


def scored(head):
    """SOP Instance UIDs of the images that a report has a number for."""
    found = set()
    for group in items(head):
        if group.get("ValueType") != "CONTAINER" or concept(group) != MEASUREMENT_GROUP:
            continue
        inner = list(items(group))
        if any(i.get("ValueType") == "NUM" for i in inner):
            found |= {str(s.ReferencedSOPInstanceUID) for i in inner if i.get("ValueType") == "IMAGE" for s in i.ReferencedSOPSequence}
    return found


def opinions(head):
    """{SOP Instance UID: [Opinion]}: what each model says of each image."""
    found = collections.defaultdict(list)
    for group in items(head):
        if group.get("ValueType") != "CONTAINER" or concept(group) != MEASUREMENT_GROUP:
            continue
        inner = list(items(group))
        opinion = Opinion(inner)
        for image in {str(s.ReferencedSOPInstanceUID) for i in inner if i.get("ValueType") == "IMAGE" for s in i.ReferencedSOPSequence}:
            found[image].append(opinion)
    return found


class Opinion:
    """One model's scores of one image, in the model's order, and what the report says of that model."""

    def __init__(self, inner):
        numbers = [i for i in inner if i.get("ValueType") == "NUM"]
        texts = [(concept(i), str(i.TextValue)) for i in inner if i.get("ValueType") == "TEXT"]
        self.scores = [float(n.MeasuredValueSequence[0].NumericValue) for n in numbers]
        self.name = {text for code, text in texts if code == NAME}
        self.version = {text for code, text in texts if code == VERSION}
        self.parameters = {text for code, text in texts if code == PARAMETERS}

    def said(self, before):
        """What stands behind these words in a parameter, up to a semicolon."""
        return {part.strip()[len(before):].strip() for text in self.parameters for part in text.split(";") if part.strip().startswith(before)}
