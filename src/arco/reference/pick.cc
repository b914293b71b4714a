// y[i0, i1, ...] = x[map0[i0], map1[i1], ...]: all dimensions but the last recursively, the last in a loop.
#include "arco/reference/pick.h"

#include <cstring>
#include <numeric>

#include "arco/base/error.h"

namespace arco::reference {
namespace {

struct Picker {
  const IndexMaps& maps;
  std::vector<size_t> strides;  // bytes
  std::span<const uint8_t> in, fill;
  uint8_t* out;
  size_t width;

  // Writes all elements below dimension `d`, whose input starts at byte `offset`, unless it is `outside`.
  void run(size_t d, size_t offset, bool outside) {
    if (d == maps.size()) {
      std::memcpy(out, outside ? fill.data() : in.data() + offset, width);
      out += width;
      return;
    }
    for (const int64_t index : maps[d]) {
      const bool is_outside = outside || index < 0;
      run(d + 1, is_outside ? 0 : offset + static_cast<size_t>(index) * strides[d], is_outside);
    }
  }
};

}  // namespace

Array pick(const Array& x, const IndexMaps& maps, std::span<const uint8_t> fill) {
  const size_t rank = x.shape().size();
  ARCO_CHECK(maps.size() == rank, "{} index maps for shape {}", maps.size(), to_string(x.shape()));
  const size_t width = byte_size(x.type());
  std::vector<size_t> strides(rank, width);
  for (size_t d = rank; d-- > 1;) strides[d - 1] = strides[d] * static_cast<size_t>(x.shape()[d]);
  Shape shape;
  for (size_t d = 0; d < rank; ++d) {
    shape.push_back(static_cast<int64_t>(maps[d].size()));
    for (const int64_t index : maps[d]) {
      ARCO_CHECK(index < x.shape()[d] && (index >= 0 || fill.size() == width), "index {} of {}", index, x.shape()[d]);
    }
  }
  Array y(x.type(), shape);
  Picker{maps, strides, x.bytes(), fill, y.mutable_bytes().data(), width}.run(0, 0, false);
  return y;
}

std::vector<int64_t> same_indices(int64_t extent) {
  std::vector<int64_t> indices(static_cast<size_t>(extent));
  std::iota(indices.begin(), indices.end(), int64_t{0});
  return indices;
}

}  // namespace arco::reference
