// Dense layers as three small matrix products, each in register tiles of 6 samples (or inputs) x 2 vectors of outputs:
//
//        outputs ->                         The tile's 12 accumulators stay in registers while the inner loop runs over
//      +----+----+----                      the inputs: 2 loads of weights, 6 broadcasts of inputs, 12 multiply-adds.
//  s 0 | v0 | v1 |  next panel              Weights are first copied into panels of 2 vectors, zero-padded, so that
//  a 1 | v0 | v1 |                          every load is contiguous and no tail needs its own code.
//  m . |    |    |
//  p 5 | v0 | v1 |                          Vectors have at most 8 lanes on every processor, so that sums are taken in
//      +----+----+----                      the same order with AVX2 and with AVX-512.
//
// The register tiling is that of Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008).
#include "arco/marl/kernels.h"

#include <algorithm>

// Arrays of vectors need vectors of a size known to the compiler.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "arco/marl/kernels.cc"
// clang-format off
#include "hwy/foreach_target.h"
#include "hwy/aligned_allocator.h"
#include "hwy/highway.h"
#include "hwy/contrib/math/math-inl.h"
// clang-format on

#ifndef ARCO_MARL_KERNELS_SCRATCH
#define ARCO_MARL_KERNELS_SCRATCH
namespace arco {
namespace {

// An aligned buffer that lives as long as its thread and only grows.
struct Scratch {
  hwy::AlignedFreeUniquePtr<float[]> data;
  size_t size = 0;

  float* at_least(size_t count) {
    if (count > size) {
      data = hwy::AllocateAligned<float>(count);
      size = count;
    }
    return data.get();
  }
};

Scratch& panel_scratch() {
  thread_local Scratch scratch;
  return scratch;
}

constexpr size_t kTileRows = 6;
constexpr size_t kSampleBlock = 24;    // samples that stay in the first-level cache while all panels pass
constexpr size_t kGradientChunk = 96;  // samples whose gradients are packed at a time

}  // namespace
}  // namespace arco
#endif

HWY_BEFORE_NAMESPACE();
namespace arco {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::CappedTag<float, 8>;
using Vector = hn::Vec<Tag>;

HWY_INLINE size_t PanelWidth() {
  return 2 * hn::Lanes(Tag());
}

// Panels [panel][inner][width] of the matrix whose element (row, inner) is source[row * row_stride + inner *
// inner_stride].
void Pack(const float* source, size_t rows, size_t inner, size_t row_stride, size_t inner_stride, float* panels) {
  const size_t width = PanelWidth();
  for (size_t first = 0; first < rows; first += width) {
    const size_t used = std::min(width, rows - first);
    for (size_t k = 0; k < inner; ++k, panels += width) {
      const float* line = source + first * row_stride + k * inner_stride;
      if (row_stride == 1 && used == width) {
        std::copy(line, line + 2 * hn::Lanes(Tag()), panels);
        continue;
      }
      for (size_t r = 0; r < used; ++r) panels[r] = line[r * row_stride];
      std::fill(panels + used, panels + width, 0.0f);
    }
  }
}

HWY_INLINE void StoreTile(Vector low, Vector high, size_t used, bool add, float* to) {
  const Tag tag;
  const size_t lanes = hn::Lanes(tag);
  if (used == 2 * lanes) {
    if (add) {
      low = hn::Add(low, hn::LoadU(tag, to));
      high = hn::Add(high, hn::LoadU(tag, to + lanes));
    }
    hn::StoreU(low, tag, to);
    hn::StoreU(high, tag, to + lanes);
    return;
  }
  HWY_ALIGN float values[16];
  hn::Store(low, tag, values);
  hn::Store(high, tag, values + lanes);
  for (size_t i = 0; i < used; ++i) to[i] = add ? to[i] + values[i] : values[i];
}

// kRows x panel: sum over `inner` of broadcast(x_r[k]) * panel[k]. One of the two strides of x is 1: with kInnerIsUnit
// row r starts at x + r * stride; else step k does. Constant strides keep the addresses out of the inner loop,
// and unrolling every loop over the rows lets the accumulators live in registers.
template <size_t kRows, bool kInnerIsUnit>
HWY_INLINE void Tile(const float* HWY_RESTRICT panel, size_t inner, const float* HWY_RESTRICT x, size_t stride,
                     const float* bias, size_t used, bool add, float* y, size_t y_stride) {
  const Tag tag;
  const size_t lanes = hn::Lanes(tag);
  Vector low[kRows], high[kRows];
  const float* row[kRows];
#pragma GCC unroll 6
  for (size_t r = 0; r < kRows; ++r) {
    low[r] = bias ? hn::Load(tag, bias) : hn::Zero(tag);
    high[r] = bias ? hn::Load(tag, bias + lanes) : hn::Zero(tag);
    row[r] = x + r * (kInnerIsUnit ? stride : 1);
  }
  for (size_t k = 0; k < inner; ++k) {
    const Vector a = hn::Load(tag, panel + 2 * lanes * k);
    const Vector b = hn::Load(tag, panel + 2 * lanes * k + lanes);
#pragma GCC unroll 6
    for (size_t r = 0; r < kRows; ++r) {
      const Vector value = hn::Set(tag, kInnerIsUnit ? row[r][k] : x[k * stride + r]);
      low[r] = hn::MulAdd(value, a, low[r]);
      high[r] = hn::MulAdd(value, b, high[r]);
    }
  }
#pragma GCC unroll 6
  for (size_t r = 0; r < kRows; ++r) StoreTile(low[r], high[r], used, add, y + r * y_stride);
}

template <bool kInnerIsUnit>
HWY_INLINE void TileOf(size_t rows, const float* panel, size_t inner, const float* x, size_t stride, const float* bias,
                       size_t used, bool add, float* y, size_t y_stride) {
  switch (rows) {
    case 1:
      return Tile<1, kInnerIsUnit>(panel, inner, x, stride, bias, used, add, y, y_stride);
    case 2:
      return Tile<2, kInnerIsUnit>(panel, inner, x, stride, bias, used, add, y, y_stride);
    case 3:
      return Tile<3, kInnerIsUnit>(panel, inner, x, stride, bias, used, add, y, y_stride);
    case 4:
      return Tile<4, kInnerIsUnit>(panel, inner, x, stride, bias, used, add, y, y_stride);
    case 5:
      return Tile<5, kInnerIsUnit>(panel, inner, x, stride, bias, used, add, y, y_stride);
    default:
      return Tile<6, kInnerIsUnit>(panel, inner, x, stride, bias, used, add, y, y_stride);
  }
}

// y [rows x samples] = panels applied to x [inner x samples]; `bias` is padded to whole panels, or null.
void MultiplyPanels(const float* panels, const float* bias, size_t rows, size_t inner, const float* x, size_t samples,
                    float* y) {
  const size_t width = PanelWidth();
  for (size_t block = 0; block < samples; block += kSampleBlock) {
    const size_t block_end = std::min(samples, block + kSampleBlock);
    for (size_t first = 0; first < rows; first += width) {
      const size_t used = std::min(width, rows - first);
      for (size_t s = block; s < block_end; s += kTileRows) {
        TileOf<true>(std::min(kTileRows, block_end - s), panels + first * inner, inner, x + s * inner, inner,
                     bias ? bias + first : nullptr, used, false, y + s * rows + first, rows);
      }
    }
  }
}

// sums [used] += the rows of panel [count][width].
HWY_INLINE void AddRows(const float* panel, size_t count, size_t used, float* sums) {
  const Tag tag;
  const size_t lanes = hn::Lanes(tag);
  Vector low = hn::Zero(tag), high = hn::Zero(tag);
  for (size_t s = 0; s < count; ++s, panel += 2 * lanes) {
    low = hn::Add(low, hn::Load(tag, panel));
    high = hn::Add(high, hn::Load(tag, panel + lanes));
  }
  StoreTile(low, high, used, true, sums);
}

size_t Padded(size_t rows) {
  return (rows + PanelWidth() - 1) / PanelWidth() * PanelWidth();
}

void Forward(const float* weights, const float* bias, size_t outputs, size_t inputs, const float* x, size_t samples,
             bool with_tanh, float* y) {
  const size_t padded = Padded(outputs);
  float* panels = panel_scratch().at_least(padded * (inputs + 1));
  float* padded_bias = panels + padded * inputs;
  Pack(weights, outputs, inputs, 1, outputs, panels);
  std::fill(padded_bias, padded_bias + padded, 0.0f);
  if (bias) std::copy(bias, bias + outputs, padded_bias);
  MultiplyPanels(panels, padded_bias, outputs, inputs, x, samples, y);
  if (!with_tanh) return;
  const Tag tag;
  const size_t lanes = hn::Lanes(tag), count = outputs * samples;
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(hn::Tanh(tag, hn::LoadU(tag, y + i)), tag, y + i);
  if (i == count) return;
  HWY_ALIGN float rest[8] = {};
  std::copy(y + i, y + count, rest);
  hn::Store(hn::Tanh(tag, hn::Load(tag, rest)), tag, rest);
  std::copy(rest, rest + (count - i), y + i);
}

void BackwardInput(const float* weights, size_t outputs, size_t inputs, const float* dy, size_t samples, float* dx) {
  float* panels = panel_scratch().at_least(Padded(inputs) * outputs);
  Pack(weights, inputs, outputs, outputs, 1, panels);
  MultiplyPanels(panels, nullptr, inputs, outputs, dy, samples, dx);
}

void BackwardWeights(size_t outputs, size_t inputs, const float* x, const float* dy, size_t samples, float* dweights,
                     float* dbias) {
  const size_t width = PanelWidth();
  float* panels = panel_scratch().at_least(Padded(outputs) * kGradientChunk);
  for (size_t chunk = 0; chunk < samples; chunk += kGradientChunk) {
    const size_t count = std::min(kGradientChunk, samples - chunk);
    Pack(dy + chunk * outputs, outputs, count, 1, outputs, panels);
    for (size_t first = 0; first < outputs; first += width) {
      const size_t used = std::min(width, outputs - first);
      const float* panel = panels + first * count;
      for (size_t i = 0; i < inputs; i += kTileRows) {
        TileOf<false>(std::min(kTileRows, inputs - i), panel, count, x + chunk * inputs + i, inputs, nullptr, used,
                      true, dweights + i * outputs + first, outputs);
      }
      AddRows(panel, count, used, dbias + first);
    }
  }
}

void TanhBackward(const float* y, size_t count, float* dy) {
  for (size_t i = 0; i < count; ++i) dy[i] *= 1.0f - y[i] * y[i];
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace arco
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace arco {
namespace {
HWY_EXPORT(Forward);
HWY_EXPORT(BackwardInput);
HWY_EXPORT(BackwardWeights);
HWY_EXPORT(TanhBackward);
}  // namespace

void dense_forward(const float* weights, const float* bias, size_t outputs, size_t inputs, const float* x,
                   size_t samples, bool with_tanh, float* y) {
  HWY_DYNAMIC_DISPATCH(Forward)(weights, bias, outputs, inputs, x, samples, with_tanh, y);
}

void dense_backward_input(const float* weights, size_t outputs, size_t inputs, const float* dy, size_t samples,
                          float* dx) {
  HWY_DYNAMIC_DISPATCH(BackwardInput)(weights, outputs, inputs, dy, samples, dx);
}

void dense_backward_weights(size_t outputs, size_t inputs, const float* x, const float* dy, size_t samples,
                            float* dweights, float* dbias) {
  HWY_DYNAMIC_DISPATCH(BackwardWeights)(outputs, inputs, x, dy, samples, dweights, dbias);
}

void tanh_backward(const float* y, size_t count, float* dy) {
  HWY_DYNAMIC_DISPATCH(TanhBackward)(y, count, dy);
}

}  // namespace arco
#endif
