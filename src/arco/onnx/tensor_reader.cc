// A tensor's values stand in raw_data (little endian), in the typed field of its element type, or in an external file.
// Whatever the source, they are first brought to one form, little-endian bytes of the ONNX element type, and then
// widened to the graph's element type where that differs (float16, bfloat16, double).
#include "arco/onnx/tensor_reader.h"

#include <fmt/ranges.h>

#include <bit>
#include <charconv>
#include <cstring>
#include <fstream>

#include "arco/base/error.h"
#include "arco/onnx/model_reader.h"

namespace arco {
namespace {

using Proto = onnx::TensorProto;

// All weights of a model together; beyond it a small file could name a large external one again and again.
constexpr size_t kMaxWeightBytes = size_t{8} << 30;

static_assert(std::endian::native == std::endian::little, "raw_data is little endian");

size_t onnx_byte_size(int type) {
  switch (type) {
    case Proto::FLOAT16:
    case Proto::BFLOAT16:
      return 2;
    case Proto::DOUBLE:
      return 8;
    default:
      return byte_size(*graph_type(type));
  }
}

float half_to_float(uint16_t half) {
  const uint32_t sign = (half & 0x8000U) << 16;
  const uint32_t exponent = (half >> 10) & 0x1FU;
  const uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  const uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | (wide << 23) | (mantissa << 13));
}

template <typename T, typename Field>
void append_field(const Field& field, std::string& bytes) {
  bytes.resize(static_cast<size_t>(field.size()) * sizeof(T));
  char* out = bytes.data();
  for (const auto value : field) {
    const T narrow = static_cast<T>(value);
    std::memcpy(out, &narrow, sizeof(T));
    out += sizeof(T);
  }
}

// The typed field of the tensor's element type as bytes.
std::string typed_field_bytes(const Proto& tensor) {
  std::string bytes;
  switch (tensor.data_type()) {
    case Proto::FLOAT:
      append_field<float>(tensor.float_data(), bytes);
      break;
    case Proto::DOUBLE:
      append_field<double>(tensor.double_data(), bytes);
      break;
    case Proto::INT64:
      append_field<int64_t>(tensor.int64_data(), bytes);
      break;
    case Proto::INT32:
      append_field<int32_t>(tensor.int32_data(), bytes);
      break;
    case Proto::FLOAT16:
    case Proto::BFLOAT16:
      append_field<uint16_t>(tensor.int32_data(), bytes);
      break;
    default:
      append_field<uint8_t>(tensor.int32_data(), bytes);
      break;  // int8, uint8, bool
  }
  return bytes;
}

template <typename T>
T load(const std::string& bytes, size_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

Array to_array(int onnx_type, Shape shape, const std::string& bytes) {
  Array array(*graph_type(onnx_type), std::move(shape));
  const auto count = static_cast<size_t>(array.size());
  if (onnx_type == Proto::FLOAT16) {
    auto out = array.mutable_data<float>();
    for (size_t i = 0; i < count; ++i) out[i] = half_to_float(load<uint16_t>(bytes, i));
  } else if (onnx_type == Proto::BFLOAT16) {
    auto out = array.mutable_data<float>();
    for (size_t i = 0; i < count; ++i) {
      out[i] = std::bit_cast<float>(static_cast<uint32_t>(load<uint16_t>(bytes, i)) << 16);
    }
  } else if (onnx_type == Proto::DOUBLE) {
    auto out = array.mutable_data<float>();
    for (size_t i = 0; i < count; ++i) out[i] = static_cast<float>(load<double>(bytes, i));
  } else if (count > 0) {
    std::memcpy(array.mutable_bytes().data(), bytes.data(), bytes.size());
  }
  return array;
}

// Bytes that the dimensions ask for, or nothing if they are negative or too many.
std::optional<size_t> needed_bytes(const Proto& tensor) {
  int64_t bytes = static_cast<int64_t>(onnx_byte_size(tensor.data_type()));
  bool empty = false;
  for (const int64_t extent : tensor.dims()) {
    if (extent < 0 || (extent > 0 && __builtin_mul_overflow(bytes, extent, &bytes))) return std::nullopt;
    empty = empty || extent == 0;
  }
  if (static_cast<uint64_t>(bytes) > kMaxWeightBytes) return std::nullopt;
  return empty ? 0 : static_cast<size_t>(bytes);
}

bool parse_number(const std::string& text, uint64_t& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end;
}

// True if `file`, after following links, lies below `folder`.
bool is_inside(const std::filesystem::path& folder, const std::filesystem::path& file) {
  std::error_code error;
  const auto root = std::filesystem::weakly_canonical(folder.empty() ? "." : folder, error);
  if (error) return false;
  const auto real = std::filesystem::weakly_canonical(file, error);
  if (error) return false;
  const auto relative = real.lexically_relative(root);
  return !relative.empty() && *relative.begin() != "..";
}

}  // namespace

std::optional<DataType> graph_type(int onnx_type) {
  switch (onnx_type) {
    case Proto::FLOAT:
    case Proto::FLOAT16:
    case Proto::BFLOAT16:
    case Proto::DOUBLE:
      return DataType::kFloat32;
    case Proto::INT8:
      return DataType::kInt8;
    case Proto::UINT8:
      return DataType::kUint8;
    case Proto::INT32:
      return DataType::kInt32;
    case Proto::INT64:
      return DataType::kInt64;
    case Proto::BOOL:
      return DataType::kBool;
    default:
      return std::nullopt;
  }
}

std::string onnx_type_name(int onnx_type) {
  if (onnx::TensorProto_DataType_IsValid(onnx_type)) {
    return onnx::TensorProto_DataType_Name(static_cast<onnx::TensorProto_DataType>(onnx_type));
  }
  return fmt::format("number {}", onnx_type);
}

std::string TensorReader::read_external(const Proto& tensor, size_t expected_bytes, std::string& bytes) {
  if (folder_.empty()) return "external data needs a model read from a file";
  std::string location;
  uint64_t offset = 0;
  uint64_t length = expected_bytes;
  for (const auto& entry : tensor.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset" && !parse_number(entry.value(), offset)) return "external offset is no number";
    if (entry.key() == "length" && !parse_number(entry.value(), length)) return "external length is no number";
  }
  const std::filesystem::path relative(location);
  const std::filesystem::path path = folder_ / relative;
  const std::string shown = fmt::format("external data '{}'", printable(location));
  if (location.empty() || relative.is_absolute() || location.find('\0') != std::string::npos ||
      !is_inside(folder_, path)) {
    return shown + " must be a file inside the model's folder";
  }
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return shown + " does not exist; copy it beside the model";
  const uint64_t size = std::filesystem::file_size(path, error);
  if (error) return shown + " cannot be read";
  if (length != expected_bytes) {
    return fmt::format("{} has length {}, but the dimensions need {} bytes", shown, length, expected_bytes);
  }
  if (offset > size || length > size - offset) {
    return fmt::format("{} has {} bytes, but offset {} and length {} were given", shown, size, offset, length);
  }
  bytes.resize(length);
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(bytes.data(), static_cast<std::streamsize>(length));
  return file ? "" : shown + " cannot be read";
}

TensorReader::Result TensorReader::read(Proto& tensor) {
  const auto fail = [](std::string problem) { return Result{{}, std::move(problem)}; };
  if (!graph_type(tensor.data_type())) {
    return fail(fmt::format("element type {} is not supported; use float32", onnx_type_name(tensor.data_type())));
  }
  if (tensor.has_segment()) return fail("segmented tensors are not supported");
  const auto needed = needed_bytes(tensor);
  const Shape shape(tensor.dims().begin(), tensor.dims().end());
  if (!needed)
    return fail(fmt::format("dimensions [{}] are impossible: none may be negative, nor the whole above 8 GiB",
                            fmt::join(shape, ",")));
  if (*needed > kMaxWeightBytes - total_bytes_) return fail("all weights together are above 8 GiB");

  std::string bytes;
  if (tensor.data_location() == Proto::EXTERNAL) {
    if (auto problem = read_external(tensor, *needed, bytes); !problem.empty()) return fail(std::move(problem));
  } else if (tensor.has_raw_data()) {
    bytes = std::move(*tensor.mutable_raw_data());
    tensor.clear_raw_data();
  } else {
    bytes = typed_field_bytes(tensor);
  }
  if (bytes.size() != *needed) {
    return fail(fmt::format("dimensions [{}] need {} bytes of data, but there are {}", fmt::join(shape, ","), *needed,
                            bytes.size()));
  }
  total_bytes_ += *needed;
  return {to_array(tensor.data_type(), shape, bytes), ""};
}

}  // namespace arco
