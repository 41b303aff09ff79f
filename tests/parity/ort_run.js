// ONNX Runtime on CPU: node ort_run.js MODEL.onnx INPUT.f32 OUTPUT.f32 N SIDE (NODE_PATH finds onnxruntime-node).
// INPUT and OUTPUT are bare float32 numbers; prints the runtime's version.
const fs = require('fs');
const ort = require('onnxruntime-node');
(async () => {
  const [model, input, output] = process.argv.slice(2, 5);
  const [n, side] = process.argv.slice(5, 7).map(Number);
  const session = await ort.InferenceSession.create(model, {intraOpNumThreads: 2});
  const bytes = fs.readFileSync(input);
  const numbers = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const image = new ort.Tensor('float32', numbers, [n, 3, side, side]);
  const result = await session.run({[session.inputNames[0]]: image});
  const data = result[session.outputNames[0]].data;
  fs.writeFileSync(output, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  console.log(require('onnxruntime-node/package.json').version);
})().catch((error) => { console.error(String(error)); process.exit(1); });
