// What the npm viewers read out of our objects: dcmjs for the dataset, cornerstone's adapters for TID 1500.
import { adaptersSR } from '@cornerstonejs/adapters';
import { utilities } from '@cornerstonejs/core';

const list = (x) => (x === undefined || x === null ? [] : Array.isArray(x) ? x : [x]);
const first = (x) => list(x)[0];
const items = (item) => list(item.ContentSequence);
const code = (sequence) => {
  const c = first(sequence);
  return c && { value: c.CodeValue, scheme: c.CodingSchemeDesignator, meaning: c.CodeMeaning };
};
const named = (value) => (item) => first(item.ConceptNameCodeSequence)?.CodeValue === value;
const text = (item) => item?.TextValue ?? item?.UID ?? null;
const reference = (item) => first(item.ReferencedSOPSequence)?.ReferencedSOPInstanceUID ?? null;
const pairs = (data) => Array.from({ length: data.length / 2 }, (_, i) => [Number(data[2 * i]), Number(data[2 * i + 1])]);

// The measurement groups of a TID 1500 report: what a viewer's panel lists.
export function groupsOf(report) {
  const measurements = items(report).filter(named('126010'));
  return measurements.flatMap((m) => items(m).filter(named('125007'))).map((group) => ({
    tracking: text(items(group).find(named('112039'))),
    trackingUid: text(items(group).find(named('112040'))),
    findings: items(group).filter(named('121071')).map((i) => code(i.ConceptCodeSequence)),
    sites: items(group).filter(named('363698007')).map((i) => code(i.ConceptCodeSequence)),
    scores: items(group).filter((i) => i.ValueType === 'NUM').map((i) => ({
      name: code(i.ConceptNameCodeSequence), of: text(items(i)[0]), value: Number(first(i.MeasuredValueSequence)?.NumericValue),
    })),
    images: items(group).filter((i) => i.ValueType === 'IMAGE').map(reference),
    regions: items(group).filter((i) => i.ValueType === 'SCOORD').map((i) => ({
      name: code(i.ConceptNameCodeSequence), type: i.GraphicType, points: pairs(i.GraphicData), image: reference(items(i)[0]),
    })),
  }));
}

export function summaryOf(report) {
  return {
    template: first(report.ContentTemplateSequence)?.TemplateIdentifier, title: code(report.ConceptNameCodeSequence),
    patient: String(first(report.PatientName)?.Alphabetic ?? report.PatientName ?? ''), groups: groupsOf(report),
  };
}

export const findPolylines = (report) => groupsOf(report).flatMap((g) => g.regions);

// A presentation state's graphic: cornerstone renders none, so its points are read here and drawn with a tool.
export function graphicOf(state) {
  return list(state.GraphicAnnotationSequence).flatMap((annotation) => list(annotation.GraphicObjectSequence).map((object) => ({
    layer: annotation.GraphicLayer, type: object.GraphicType, units: object.GraphicAnnotationUnits,
    points: pairs(object.GraphicData), filled: object.GraphicFilled,
    image: reference(first(annotation.ReferencedImageSequence) ? { ReferencedSOPSequence: annotation.ReferencedImageSequence }
      : { ReferencedSOPSequence: first(first(state.ReferencedSeriesSequence)?.ReferencedImageSequence) }),
  })));
}

// The group with its regions below its first NUM, as TID 300 has them.
function belowNumber(group) {
  const isRegion = (i) => i.ValueType === 'SCOORD';
  const regions = items(group).filter(isRegion);
  const number = items(group).find((i) => i.ValueType === 'NUM');
  const rest = items(group).filter((i) => !isRegion(i) && i !== number);
  return { ...group, ContentSequence: [{ ...number, ContentSequence: regions }, ...rest] };
}

// Measurements as cornerstone's adapters take them, in image coordinates again. By themselves the adapters find a region only below
// a group's first NUM; TID 1410 has it beside the NUMs, so it is handed to them there.
export function regionsByAdapters(report, imageIds, metadata) {
  // Without measurements (a study that was not processed) the adapters fail over the container that is not there.
  if (!items(report).some(named('126010'))) return { plain: {}, plainComplaints: [], complaints: [], regions: [] };
  const reader = adaptersSR.Cornerstone3D.MeasurementReport;
  const freehand = adaptersSR.Cornerstone3D.PlanarFreehandROI;
  const beside = {
    toolType: freehand.toolType,
    getMeasurementData: (group, ...rest) => freehand.getMeasurementData(belowNumber(group), ...rest),
  };
  const complaints = [];
  const { warn, log } = console;
  console.warn = (...words) => complaints.push(words.map((w) => w?.message ?? (typeof w === 'string' ? w : '')).join(' ').trim());
  console.log = () => {};
  try {
    const plain = reader.generateToolState(report, imageIds, metadata, {});
    const plainComplaints = complaints.splice(0);
    const tool = (group) => (items(group).some((i) => i.ValueType === 'SCOORD') ? beside : undefined);
    const state = reader.generateToolState(report, imageIds, metadata, { getToolClass: tool });
    return {
      plain: Object.fromEntries(Object.entries(plain).map(([k, v]) => [k, v.length])), plainComplaints, complaints,
      regions: list(state[freehand.toolType]).map((m) => ({
        trackingUid: m.TrackingUniqueIdentifier, finding: m.finding?.CodeValue ?? null, closed: m.annotation.data.contour.closed,
        image: m.sopInstanceUid,
        points: m.annotation.data.contour.polyline.map((p) => utilities.worldToImageCoords(m.annotation.metadata.referencedImageId, p)),
      })),
    };
  } finally {
    Object.assign(console, { warn, log });
  }
}
