// Element types, shapes and the dense array that holds values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace arco {

enum class DataType { kFloat32, kInt8, kUint8, kInt32, kInt64, kBool };
const char* to_string(DataType type);
size_t byte_size(DataType type);

using Shape = std::vector<int64_t>;
int64_t element_count(const Shape& shape);
std::string to_string(const Shape& shape);  // "1x3x224x224"

// Larger tensors are refused with a UserError: no network that fits an accelerator has them, and products of
// dimensions and strides stay far from overflow.
constexpr int64_t kMaxElements = int64_t{1} << 31;
// All dimensions positive and at most kMaxElements elements; never overflows.
bool is_reasonable(const Shape& shape);

// A dense row-major array. Copies share the bytes; `mutable_data` is for the one who just made it.
class Array {
 public:
  Array() = default;
  Array(DataType type, Shape shape);  // zero-filled

  template <typename T>
  static Array of(Shape shape, const std::vector<T>& values);

  DataType type() const { return type_; }
  const Shape& shape() const { return shape_; }
  int64_t size() const { return element_count(shape_); }
  // Same bytes under another shape of the same element count.
  Array reshaped(Shape shape) const;

  template <typename T>
  std::span<const T> data() const;
  template <typename T>
  std::span<T> mutable_data();
  std::span<const uint8_t> bytes() const { return {bytes_->data(), bytes_->size()}; }
  std::span<uint8_t> mutable_bytes() { return {bytes_->data(), bytes_->size()}; }

 private:
  DataType type_ = DataType::kFloat32;
  Shape shape_;
  std::shared_ptr<std::vector<uint8_t>> bytes_ = std::make_shared<std::vector<uint8_t>>();
};

// ---- details ----

template <typename T>
constexpr DataType data_type_of();
template <>
constexpr DataType data_type_of<float>() {
  return DataType::kFloat32;
}
template <>
constexpr DataType data_type_of<int8_t>() {
  return DataType::kInt8;
}
template <>
constexpr DataType data_type_of<uint8_t>() {
  return DataType::kUint8;
}
template <>
constexpr DataType data_type_of<int32_t>() {
  return DataType::kInt32;
}
template <>
constexpr DataType data_type_of<int64_t>() {
  return DataType::kInt64;
}

// Throws InternalError unless `actual` is `expected`.
void check_type(DataType actual, DataType expected);

template <typename T>
std::span<const T> Array::data() const {
  check_type(type_, data_type_of<T>());
  return {reinterpret_cast<const T*>(bytes_->data()), bytes_->size() / sizeof(T)};
}
template <typename T>
std::span<T> Array::mutable_data() {
  check_type(type_, data_type_of<T>());
  return {reinterpret_cast<T*>(bytes_->data()), bytes_->size() / sizeof(T)};
}
template <typename T>
Array Array::of(Shape shape, const std::vector<T>& values) {
  Array array(data_type_of<T>(), std::move(shape));
  auto out = array.mutable_data<T>();
  for (size_t i = 0; i < values.size() && i < out.size(); ++i) out[i] = values[i];
  return array;
}

}  // namespace arco
