#include "arco/plan/packing.h"

#include <cstring>

#include "arco/base/error.h"
#include "arco/plan/network_plan.h"

namespace arco {

namespace {

// Calls visit(row-major offset, packed offset) for every scalar, in row-major order.
template <typename Visit>
void for_each_scalar(const std::array<int64_t, 4>& dims, const ActivationLayout& layout, const Visit& visit) {
  const auto [n, c, h, w] = dims;
  const int64_t plane = h * w;
  const int64_t pixel = layout.block * layout.batch;
  const int64_t groups = ceil_div(c, layout.block);
  for (int64_t in = 0; in < n; ++in) {
    for (int64_t ic = 0; ic < c; ++ic) {
      const int64_t in_block = ic % layout.block;
      const int64_t offset = ((in / layout.batch) * groups + ic / layout.block) * plane * pixel +
                             (in_block / layout.element) * layout.batch * layout.element +
                             (in % layout.batch) * layout.element + in_block % layout.element;
      const int64_t row_major = (in * c + ic) * plane;
      for (int64_t p = 0; p < plane; ++p) visit(row_major + p, offset + p * pixel);
    }
  }
}

}  // namespace

void pack_activation(const Array& tensor, const ActivationLayout& layout, std::span<uint8_t> bytes) {
  const auto dims = as_image(tensor.shape());
  ARCO_CHECK(static_cast<int64_t>(bytes.size()) == layout.bytes(dims[0], dims[1], dims[2], dims[3]), "{} bytes",
             bytes.size());
  std::memset(bytes.data(), 0, bytes.size());
  const auto values = tensor.data<int8_t>();
  for_each_scalar(dims, layout, [&](int64_t from, int64_t to) {
    bytes[static_cast<size_t>(to)] = static_cast<uint8_t>(values[static_cast<size_t>(from)]);
  });
}

Array unpack_activation(std::span<const uint8_t> bytes, const Shape& shape, const ActivationLayout& layout) {
  const auto dims = as_image(shape);
  ARCO_CHECK(static_cast<int64_t>(bytes.size()) == layout.bytes(dims[0], dims[1], dims[2], dims[3]), "{} bytes",
             bytes.size());
  Array tensor(DataType::kInt8, shape);
  const auto values = tensor.mutable_data<int8_t>();
  for_each_scalar(dims, layout, [&](int64_t to, int64_t from) {
    values[static_cast<size_t>(to)] = static_cast<int8_t>(bytes[static_cast<size_t>(from)]);
  });
  return tensor;
}

std::vector<uint8_t> pack_weights(const Array& weights, const Workload& w, const HardwareConfig& hw) {
  const Extents extents = extents_of(w, hw);
  const Bundles bundles = bundles_of(w, hw);
  const ActivationLayout in = input_layout(w, hw);
  const int64_t ratio = in.block / in.element;
  const int64_t kernel = w.kh * w.kw;
  const int64_t bi = hw.block_in();
  const int64_t bo = hw.block_out();
  const int64_t group_ci = w.ci / w.groups;
  const int64_t group_co = w.co / w.groups;
  const auto values = weights.data<int8_t>();
  ARCO_CHECK(weights.size() == w.co * group_ci * w.plane * kernel, "weights {}", to_string(weights.shape()));
  std::vector<uint8_t> bytes(static_cast<size_t>(extents.co * extents.ci * kernel * bo * bi), 0);
  for (int64_t co = 0; co < w.co; ++co) {
    // Input channels count from the first one of the bundle.
    const int64_t bundle_start = bundles.count > 1 ? co / bo / bundles.co * bundles.ci * bi : 0;
    const int64_t first = co / group_co * group_ci - bundle_start;
    for (int64_t i = 0; i < group_ci; ++i) {
      const int64_t ci = first + i;
      for (int64_t pixel = 0; pixel < w.plane; ++pixel) {
        // A block's place in DRAM is ((channel group) * plane + pixel) * ratio + part of the pixel.
        const int64_t block = (ci / in.block * w.plane + pixel) * ratio + ci % in.block / bi;
        const int64_t from = ((co * group_ci + i) * w.plane + pixel) * kernel;
        const int64_t to = ((co / bo) * extents.ci + block) * kernel * bo * bi + co % bo * bi + ci % bi;
        for (int64_t k = 0; k < kernel; ++k) {
          bytes[static_cast<size_t>(to + k * bo * bi)] = static_cast<uint8_t>(values[static_cast<size_t>(from + k)]);
        }
      }
    }
  }
  return bytes;
}

namespace {
// Accumulator elements as little-endian int32.
std::vector<uint8_t> to_bytes(const std::vector<int32_t>& values) {
  std::vector<uint8_t> bytes(values.size() * sizeof(int32_t));
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}
}  // namespace

std::vector<uint8_t> pack_bias(const std::vector<std::vector<int32_t>>& rows, const HardwareConfig& hw) {
  const size_t batch = static_cast<size_t>(hw.batch());
  const size_t bo = static_cast<size_t>(hw.block_out());
  const size_t whole = static_cast<size_t>(output_layout(hw).block);
  const size_t channels = rows.at(0).size();
  const size_t blocks = (channels + whole - 1) / whole * whole / bo;
  std::vector<int32_t> entries(blocks * rows.size() * batch * bo, 0);
  for (size_t row = 0; row < rows.size(); ++row) {
    for (size_t co = 0; co < channels; ++co) {
      const size_t element = co / bo * rows.size() + row;
      for (size_t b = 0; b < batch; ++b) entries[(element * batch + b) * bo + co % bo] = rows[row][co];
    }
  }
  return to_bytes(entries);
}

std::vector<uint8_t> pack_constant(int32_t value, const HardwareConfig& hw) {
  return to_bytes(std::vector<int32_t>(static_cast<size_t>(hw.batch() * hw.block_out()), value));
}

}  // namespace arco
