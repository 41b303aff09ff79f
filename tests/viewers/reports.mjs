// node reports.cjs FILE...: each report as dcmjs reads it and as cornerstone's adapters take it, one line of JSON a file. The adapters
// ask for an image's geometry: here a pixel is a millimetre, as for an image without any.
import { metaData } from '@cornerstonejs/core';
import dcmjs from 'dcmjs';
import { readFileSync } from 'node:fs';
import { groupsOf, regionsByAdapters, summaryOf } from './read.mjs';

const plane = {
  rows: 1, columns: 1, rowCosines: [1, 0, 0], columnCosines: [0, 1, 0], imageOrientationPatient: [1, 0, 0, 0, 1, 0],
  imagePositionPatient: [0, 0, 0], rowPixelSpacing: 1, columnPixelSpacing: 1, frameOfReferenceUID: '1.2.3',
};
metaData.addProvider((type) => (type === 'imagePlaneModule' ? plane : undefined));

for (const path of process.argv.slice(2)) {
  const bytes = readFileSync(path);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const report = dcmjs.data.DicomMetaDictionary.naturalizeDataset(dcmjs.data.DicomMessage.readFile(file).dict);
  const images = Object.fromEntries(groupsOf(report).flatMap((g) => g.regions).map((r) => [`${r.image}:1`, `image:${r.image}`]));
  console.log(JSON.stringify({ path, ...summaryOf(report), adapted: regionsByAdapters(report, images, metaData) }));
}
