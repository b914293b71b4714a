// The .npy format (numpy.lib.format):
//
//     "\x93NUMPY" | major | minor | header length (2 bytes in 1.0, 4 bytes since 2.0, little endian) |
//     {'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), } padded with spaces and a newline | raw elements
//
// The header is a Python dictionary; only the three keys above are allowed, in any order.
#include "arco/graph/npy.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <string_view>

#include "arco/base/error.h"
#include "arco/base/file.h"

namespace arco {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are copied as they are");

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr size_t kMaxRank = 32;

struct Header {
  std::string descr;
  bool fortran_order = false;
  Shape shape;
};

// Reads the dictionary; every problem names the file.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  Header parse() {
    Header header;
    bool has_descr = false;
    bool has_order = false;
    bool has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !has_descr) {
        header.descr = quoted();
        has_descr = true;
      } else if (key == "fortran_order" && !has_order) {
        header.fortran_order = boolean();
        has_order = true;
      } else if (key == "shape" && !has_shape) {
        header.shape = tuple();
        has_shape = true;
      } else {
        fail("unexpected or repeated key '" + key.substr(0, 40) + "'");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) fail("text after the closing brace");
    if (!has_descr || !has_order || !has_shape) fail("one of the keys descr, fortran_order, shape is missing");
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    fail_user(
        "{}: damaged .npy header: {}, expected {{'descr': ..., 'fortran_order': ..., 'shape': ...}}; save the "
        "array again with numpy.save",
        name_, what);
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(fmt::format("'{}' is missing at position {}", c, at_));
  }
  bool accept_word(std::string_view word) {
    skip_space();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  std::string quoted() {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote == '[') fail_user("{}: a structured array; expected plain numbers, save one field of it", name_);
    if (quote != '\'' && quote != '"') fail(fmt::format("no quoted string at position {}", at_));
    const size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail("a string does not end");
    std::string result(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return result;
  }
  bool boolean() {
    if (accept_word("True")) return true;
    if (!accept_word("False")) fail(fmt::format("neither True nor False at position {}", at_));
    return false;
  }
  int64_t number() {
    skip_space();
    const size_t begin = at_;
    if (at_ < text_.size() && text_[at_] == '-') fail("a dimension is negative");
    int64_t value = 0;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      if (__builtin_mul_overflow(value, int64_t{10}, &value) ||
          __builtin_add_overflow(value, int64_t{text_[at_] - '0'}, &value)) {
        fail("a dimension is too large");
      }
      ++at_;
    }
    if (at_ == begin) fail(fmt::format("no dimension at position {}", at_));
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // written by Python 2
    return value;
  }
  Shape tuple() {
    Shape shape;
    expect('(');
    while (!accept(')')) {
      shape.push_back(number());
      if (shape.size() > kMaxRank) fail(fmt::format("more than {} dimensions", kMaxRank));
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return shape;
  }

  std::string_view text_;
  const std::string& name_;
  size_t at_ = 0;
};

// How the elements of a file are read.
struct ElementType {
  std::string_view code;  // kind and width
  DataType type;
  size_t bytes_in_file;
};
constexpr ElementType kElementTypes[] = {
    {"f4", DataType::kFloat32, 4}, {"f8", DataType::kFloat32, 8}, {"i1", DataType::kInt8, 1},
    {"u1", DataType::kUint8, 1},   {"i4", DataType::kInt32, 4},   {"i8", DataType::kInt64, 8},
    {"b1", DataType::kBool, 1},
};

const ElementType& element_type(const std::string& descr, const std::string& name) {
  const char order = descr.empty() ? '\0' : descr[0];
  const std::string_view code = std::string_view(descr).substr(descr.empty() ? 0 : 1);
  for (const ElementType& type : kElementTypes) {
    if (code != type.code) continue;
    if (order == '<' || order == '|' || order == '=') return type;
    if (order == '>' && type.bytes_in_file > 1) {
      fail_user("{}: elements are big endian ('{}'), expected little endian; convert with array.astype('<{}')", name,
                descr, code);
    }
    if (order == '>') return type;
  }
  if (code.starts_with('O')) {
    fail_user("{}: holds pickled Python objects, which are never loaded; expected plain numbers", name);
  }
  fail_user(
      "{}: element type '{}' is not supported, expected float32, float64, int8, uint8, int32, int64 or bool; "
      "convert with array.astype('float32')",
      name, descr.substr(0, 40));
}

// The element count, or nothing when it or its bytes do not fit in 63 bits.
std::optional<size_t> byte_count(const Shape& shape, size_t element_bytes) {
  int64_t count = static_cast<int64_t>(element_bytes);
  for (const int64_t extent : shape) {
    if (__builtin_mul_overflow(count, extent, &count)) return std::nullopt;
  }
  return static_cast<size_t>(count);
}

template <typename T>
T load(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

// The elements in file order, converted to the array's type.
Array read_elements(const ElementType& type, Shape shape, std::span<const uint8_t> raw) {
  Array array(type.type, std::move(shape));
  const auto out = array.mutable_bytes();
  if (type.code == "f8") {
    const auto values = array.mutable_data<float>();
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(load<double>(raw.data() + i * 8));
  } else if (type.type == DataType::kBool) {
    for (size_t i = 0; i < out.size(); ++i) out[i] = raw[i] != 0 ? 1 : 0;
  } else if (!raw.empty()) {
    std::memcpy(out.data(), raw.data(), raw.size());
  }
  return array;
}

// `columns` was read with its dimensions in memory order, the fastest last: the reverse of `shape`.
Array from_fortran_order(const Array& columns, const Shape& shape) {
  Array array(columns.type(), shape);
  const size_t width = byte_size(columns.type());
  const size_t rank = shape.size();
  std::vector<size_t> strides(rank, 1);  // of the source, in elements
  for (size_t d = 1; d < rank; ++d) strides[d] = strides[d - 1] * static_cast<size_t>(shape[d - 1]);
  std::vector<int64_t> coordinate(rank, 0);
  size_t offset = 0;
  const auto in = columns.bytes();
  const auto out = array.mutable_bytes();
  for (size_t i = 0; i < out.size(); i += width) {
    std::memcpy(out.data() + i, in.data() + offset * width, width);
    for (size_t d = rank; d-- > 0;) {
      offset += strides[d];
      if (++coordinate[d] < shape[d]) break;
      offset -= strides[d] * static_cast<size_t>(shape[d]);
      coordinate[d] = 0;
    }
  }
  return array;
}

// The header of a file, and where its elements begin.
std::string_view header_text(std::span<const uint8_t> bytes, const std::string& name, size_t& data_offset) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kMagic)) fail_user("{}: not a .npy file (it does not begin with \\x93NUMPY)", name);
  if (bytes.size() < 10) fail_user("{}: .npy file is cut off inside its header", name);
  const int major = bytes[6];
  const int minor = bytes[7];
  if (major < 1 || major > 3 || minor != 0) {
    fail_user("{}: .npy format version {}.{}, expected 1.0, 2.0 or 3.0", name, major, minor);
  }
  const size_t length_bytes = major == 1 ? 2 : 4;
  size_t length = 0;
  for (size_t i = 0; i < length_bytes && 8 + i < bytes.size(); ++i) length |= size_t{bytes[8 + i]} << (8 * i);
  data_offset = 8 + length_bytes + length;
  if (data_offset > kMaxNpyHeaderBytes) {
    fail_user("{}: the .npy header claims {} bytes, expected at most {}; save the array again with numpy.save", name,
              length, kMaxNpyHeaderBytes);
  }
  if (data_offset > bytes.size()) {
    fail_user("{}: .npy file is cut off inside its header: {} bytes, expected at least {}", name, bytes.size(),
              data_offset);
  }
  return text.substr(8 + length_bytes, length);
}

struct Layout {
  Header header;
  const ElementType* type = nullptr;
  size_t data_offset = 0;
};

// `beginning` holds at least the header of the file.
Layout read_layout(std::span<const uint8_t> beginning, uint64_t file_bytes, const std::string& name) {
  Layout layout;
  layout.header = HeaderParser(header_text(beginning, name, layout.data_offset), name).parse();
  layout.type = &element_type(layout.header.descr, name);
  // An archive may state any size for the file.
  const uint64_t raw_bytes = file_bytes - std::min<uint64_t>(file_bytes, layout.data_offset);
  const auto expected = byte_count(layout.header.shape, layout.type->bytes_in_file);
  if (!expected || *expected != raw_bytes) {
    fail_user("{}: {} bytes of elements, expected {} for shape {} of '{}'; the file is {}", name, raw_bytes,
              expected ? std::to_string(*expected) : "more than memory can hold", to_string(layout.header.shape),
              layout.header.descr, expected && *expected < raw_bytes ? "longer than one array" : "cut off");
  }
  return layout;
}

}  // namespace

ArrayInfo npy_info(std::span<const uint8_t> beginning, uint64_t file_bytes, const std::string& name) {
  Layout layout = read_layout(beginning, file_bytes, name);
  return {name, layout.type->type, std::move(layout.header.shape)};
}

Array parse_npy(std::span<const uint8_t> bytes, const std::string& name) {
  const auto [header, type, data_offset] = read_layout(bytes, bytes.size(), name);
  const auto raw = bytes.subspan(data_offset);
  if (!header.fortran_order || header.shape.size() < 2) return read_elements(*type, header.shape, raw);
  const Shape reversed(header.shape.rbegin(), header.shape.rend());
  return from_fortran_order(read_elements(*type, reversed, raw), header.shape);
}

std::optional<Array> read_npy(const std::filesystem::path& path, const ArrayFilter& filter) {
  const auto unwanted = [&](std::span<const uint8_t> bytes, uint64_t file_bytes) {
    ArrayInfo info = npy_info(bytes, file_bytes, path.string());
    info.name = path.stem().string();
    return !filter(info);
  };
  std::error_code code;
  if (std::filesystem::is_regular_file(path, code)) {
    const std::vector<uint8_t> beginning = read_beginning(path, kMaxNpyHeaderBytes);
    if (unwanted(beginning, std::filesystem::file_size(path))) return std::nullopt;
    return parse_npy(read_file(path), path.string());
  }
  const std::vector<uint8_t> bytes = read_file(path);
  if (unwanted(bytes, bytes.size())) return std::nullopt;
  return parse_npy(bytes, path.string());
}

Array read_npy(const std::filesystem::path& path) {
  return *read_npy(path, [](const ArrayInfo& /*info*/) { return true; });
}

std::vector<uint8_t> format_npy(const Array& array) {
  const char* descr = nullptr;
  switch (array.type()) {
    case DataType::kFloat32:
      descr = "<f4";
      break;
    case DataType::kInt8:
      descr = "|i1";
      break;
    case DataType::kUint8:
      descr = "|u1";
      break;
    case DataType::kInt32:
      descr = "<i4";
      break;
    case DataType::kInt64:
      descr = "<i8";
      break;
    case DataType::kBool:
      descr = "|b1";
      break;
  }
  std::string shape;
  for (const int64_t extent : array.shape()) shape += fmt::format("{}, ", extent);
  if (array.shape().size() > 1) shape.resize(shape.size() - 2);
  if (array.shape().size() == 1) shape.resize(shape.size() - 1);  // (3,)
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, shape);
  // The elements start at a multiple of 64 bytes.
  header.append(63 - (kMagic.size() + 4 + header.size()) % 64, ' ');
  header += '\n';
  ARCO_CHECK(header.size() < 65536, "header of {} bytes", header.size());

  std::string prefix(kMagic);
  prefix += {'\x01', '\x00', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  prefix += header;
  std::vector<uint8_t> bytes(prefix.size() + array.bytes().size());
  std::copy(prefix.begin(), prefix.end(), bytes.begin());
  std::copy(array.bytes().begin(), array.bytes().end(), bytes.begin() + static_cast<std::ptrdiff_t>(prefix.size()));
  return bytes;
}

void write_npy(const std::filesystem::path& path, const Array& array) {
  write_file(path, format_npy(array));
}

}  // namespace arco
