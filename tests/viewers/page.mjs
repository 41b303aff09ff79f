// The viewer of the tests: cornerstone as OHIF uses it, over DICOMweb of the host that serves this page. It is driven by
// drive.mjs through window.viewer; every answer is plain JSON.
import { Enums, RenderingEngine, init as initCore, metaData, utilities } from '@cornerstonejs/core';
import { init as initLoader, wadors } from '@cornerstonejs/dicom-image-loader';
import * as tools from '@cornerstonejs/tools';
import { findPolylines, graphicOf, regionsByAdapters } from './read.mjs';
import dcmjs from 'dcmjs';

const ROOT = new URL('/dicom-web', location.href).href;
const GROUP = 'pointer';
const imageIds = {}; // by SOP Instance UID; as the adapters look them up, by UID:frame
let engine, element;

const value = (dataset, tag) => dataset[tag]?.Value?.[0];
const qido = async (path) => (await fetch(`${ROOT}/${path}`, { headers: { Accept: 'application/dicom+json' } })).json();

async function start() {
  await initCore();
  await initLoader({ maxWebWorkers: 1 });
  await tools.init();
  tools.addTool(tools.PlanarFreehandROITool);
  const group = tools.ToolGroupManager.createToolGroup(GROUP);
  group.addTool(tools.PlanarFreehandROITool.toolName);
  group.setToolEnabled(tools.PlanarFreehandROITool.toolName);
  engine = new RenderingEngine('engine');
  element = document.getElementById('view');
}

// The study's series in the order in which viewers hang them: Series Number ascending.
async function open(study) {
  const found = await qido(`studies/${study}/series?includefield=00200011&includefield=0008103E`);
  const series = [];
  for (const one of found) {
    const uid = value(one, '0020000E');
    const instances = await qido(`studies/${study}/series/${uid}/metadata`);
    series.push({
      uid, number: Number(value(one, '00200011')), modality: value(one, '00080060'), description: value(one, '0008103E'),
      instances: instances.map((metadata) => register(study, uid, metadata)),
    });
  }
  return series.sort((a, b) => a.number - b.number);
}

function register(study, series, metadata) {
  const uid = value(metadata, '00080018');
  const rows = value(metadata, '00280010');
  const url = `${ROOT}/studies/${study}/series/${series}/instances/${uid}`;
  for (let frame = 1; rows && frame <= Number(value(metadata, '00280008') ?? 1); frame++) {
    const imageId = `wadors:${url}/frames/${frame}`;
    wadors.metaDataManager.add(imageId, metadata);
    imageIds[`${uid}:${frame}`] = imageId;
  }
  return { uid, url, sopClass: value(metadata, '00080016'), rows, columns: value(metadata, '00280011') };
}

const rendered = () => new Promise((done) => element.addEventListener(Enums.Events.IMAGE_RENDERED, done, { once: true }));

// The camera that puts the middle of the image on the middle of the canvas at 1:1. Cornerstone's own looks at the pixel right below
// the middle, which is half a pixel off for even sides: nearest neighbours would then be a matter of rounding.
function exactly(viewport, rows, columns) {
  const { imageData, spacing } = viewport.getImageData();
  const { focalPoint, position } = viewport.getCamera();
  const middle = imageData.indexToWorld([(columns - 1) / 2, (rows - 1) / 2, 0]);
  return {
    parallelScale: (rows * spacing[1]) / 2, focalPoint: middle,
    position: middle.map((v, i) => v + position[i] - focalPoint[i]),
  };
}

// One image pixel a canvas pixel, nothing smoothed; answers the canvas's RGBA as base64.
async function show(uid, rows, columns, frame = 1) {
  if (engine.getViewport('one')) engine.disableElement('one');
  element.style.width = `${columns}px`;
  element.style.height = `${rows}px`;
  engine.enableElement({ viewportId: 'one', type: Enums.ViewportType.STACK, element });
  tools.ToolGroupManager.getToolGroup(GROUP).addViewport('one', 'engine');
  const viewport = engine.getViewport('one');
  await viewport.setStack([imageIds[`${uid}:${frame}`]]);
  viewport.setProperties({ ...viewport.getProperties(), interpolationType: Enums.InterpolationType.NEAREST });
  viewport.setCamera(exactly(viewport, rows, columns));
  const done = rendered();
  viewport.render();
  await done;
  return pixels(viewport);
}

function pixels(viewport) {
  const canvas = viewport.getCanvas();
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let text = '';
  for (let i = 0; i < data.length; i += 32768) text += String.fromCharCode(...data.subarray(i, i + 32768));
  return { width: canvas.width, height: canvas.height, rgba: btoa(text), properties: viewport.getProperties() };
}

// An instance as dcmjs reads it, out of WADO-RS's one-part answer.
async function dataset(url) {
  const answer = await fetch(url, { headers: { Accept: 'multipart/related; type="application/dicom"' } });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const latin = new TextDecoder('latin1').decode(bytes);
  const boundary = latin.slice(0, latin.indexOf('\r\n'));
  const file = bytes.slice(latin.indexOf('\r\n\r\n') + 4, latin.lastIndexOf(`\r\n${boundary}`)).buffer;
  return dcmjs.data.DicomMetaDictionary.naturalizeDataset(dcmjs.data.DicomMessage.readFile(file).dict);
}

// A closed polyline in the image's own coordinates (the corner of the top left pixel is 0, 0), by cornerstone's freehand tool.
async function draw(uid, points, frame = 1) {
  const referencedImageId = imageIds[`${uid}:${frame}`];
  const polyline = points.map((p) => utilities.imageToWorldCoords(referencedImageId, p));
  const plane = metaData.get('imagePlaneModule', referencedImageId);
  tools.annotation.state.removeAllAnnotations();
  tools.annotation.state.addAnnotation({
    annotationUID: `region-${Date.now()}`, highlighted: false, invalidated: false, isLocked: true,
    metadata: {
      toolName: tools.PlanarFreehandROITool.toolName, referencedImageId, FrameOfReferenceUID: plane.frameOfReferenceUID,
      viewPlaneNormal: [0, 0, 1], viewUp: [0, -1, 0],
    },
    data: { contour: { polyline, closed: true }, handles: { points: [], activeHandleIndex: null, textBox: {} }, cachedStats: {}, label: '' },
  }, element);
  const done = rendered();
  engine.getViewport('one').render();
  await done;
  await new Promise((next) => setTimeout(next, 100)); // annotations are drawn in the next animation frame
  return { seen: document.querySelectorAll('#view svg path, #view svg polyline').length };
}

function clear() {
  tools.annotation.state.removeAllAnnotations();
  tools.utilities.triggerAnnotationRender(element);
}

window.viewer = {
  start, open, show, draw, clear,
  graphic: async (url) => graphicOf(await dataset(url)),
  groups: async (url) => findPolylines(await dataset(url)),
  adapted: async (url) => regionsByAdapters(await dataset(url), imageIds, metaData),
};
