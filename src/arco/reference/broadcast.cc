// Shapes are aligned at their last dimension; a missing or unit dimension has stride 0. An odometer over the result's
// coordinates carries the operand's offset along.
#include "arco/reference/broadcast.h"

#include "arco/base/error.h"

namespace arco::reference {

std::vector<size_t> broadcast_indices(const Shape& operand, const Shape& result) {
  ARCO_CHECK(operand.size() <= result.size(), "{} does not broadcast to {}", to_string(operand), to_string(result));
  const size_t rank = result.size();
  const size_t missing = rank - operand.size();
  std::vector<int64_t> strides(rank, 0);
  int64_t stride = 1;
  for (size_t d = rank; d-- > missing;) {
    const int64_t extent = operand[d - missing];
    ARCO_CHECK(extent == result[d] || extent == 1, "{} does not broadcast to {}", to_string(operand),
               to_string(result));
    strides[d] = extent == 1 ? 0 : stride;
    stride *= extent;
  }
  std::vector<size_t> indices(static_cast<size_t>(element_count(result)));
  std::vector<int64_t> coordinate(rank, 0);
  int64_t offset = 0;
  for (auto& index : indices) {
    index = static_cast<size_t>(offset);
    for (size_t d = rank; d-- > 0;) {
      offset += strides[d];
      if (++coordinate[d] < result[d]) break;
      offset -= strides[d] * result[d];
      coordinate[d] = 0;
    }
  }
  return indices;
}

}  // namespace arco::reference
