// ONNX Runtime's side of scripts/bench network: node peer_onnxruntime.js MODEL.onnx NETWORK WORK THREADS BATCH
const ort = require('onnxruntime-node');
const readline = require('readline');

const [path, network, work, threads, batch] = process.argv.slice(2);
const side = network === 'alexnet' ? 227 : 224;
(async () => {
  if (work !== 'forward') process.exit(1);
  const options = {intraOpNumThreads: Number(threads), interOpNumThreads: 1, graphOptimizationLevel: 'all'};
  const session = await ort.InferenceSession.create(path, options);
  const numbers = Float32Array.from({length: batch * 3 * side * side}, (_, i) => ((i * 2654435761) % 1000) / 1000);
  const feeds = {[session.inputNames[0]]: new ort.Tensor('float32', numbers, [Number(batch), 3, side, side])};
  console.log(`ready ONNX Runtime ${require('onnxruntime-node/package.json').version}`);
  for await (const line of readline.createInterface({input: process.stdin})) {
    const times = [];
    for (let i = Number(line); i > 0; i--) {
      const start = process.hrtime.bigint();
      await session.run(feeds);
      times.push(Number(process.hrtime.bigint() - start) / 1e6);
    }
    console.log(times.join(' '));
  }
})().catch((error) => { console.error(String(error)); process.exit(1); });
