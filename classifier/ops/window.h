/* window.h: where a sliding window meets the input. */
#ifndef NN_WINDOW_H
#define NN_WINDOW_H

/* Along one axis, for offset k inside the kernel: outputs lo..hi-1 have their input cell
 * i * stride - pad + k inside 0..size-1. lo <= hi, both at most `outputs`. */
static inline void nn_window_inside(int k, int stride, int pad, int size, int outputs, int *lo,
                                    int *hi)
{
    int first = pad - k, last = size - 1 + pad - k;
    *lo = first <= 0 ? 0 : (first + stride - 1) / stride;
    *hi = last < 0 ? 0 : last / stride + 1;
    *lo = *lo < outputs ? *lo : outputs;
    *hi = *hi < outputs ? *hi : outputs;
    *hi = *hi > *lo ? *hi : *lo;
}

#endif
