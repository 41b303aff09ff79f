/* onnx_words.h: the metadata keys that export writes and import reads. */
#ifndef ONNX_WORDS_H
#define ONNX_WORDS_H

#define ONNX_KEY_MODEL      "cervigate.model"     /* name and version */
#define ONNX_KEY_DIGEST     "cervigate.digest"    /* of the model folder */
#define ONNX_KEY_CLASSES    "cervigate.classes"   /* names, by comma */
#define ONNX_KEY_NONE       "cervigate.none"      /* the class that is no finding */
#define ONNX_KEY_FIT        "cervigate.fit"       /* stretch or pad */
#define ONNX_KEY_NORMALISE  "cervigate.normalise" /* none or percentile */
#define ONNX_KEY_REGION     "cervigate.region"    /* whole or spine */
#define ONNX_KEY_DENOISE    "cervigate.denoise"   /* pixels */
#define ONNX_KEY_SCALE      "cervigate.scale"     /* input = plane * scale - mean, a channel each */
#define ONNX_KEY_MEAN       "cervigate.mean"      /* (plane is 0 to 1) */
#define ONNX_KEY_PROVENANCE "cervigate.provenance" /* synthetic or clinical */

#endif
