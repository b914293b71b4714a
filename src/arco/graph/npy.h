// Arrays in NumPy's files: .npy (one array) and .npz (a zip archive of them).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "arco/graph/graph.h"

namespace arco {

// What the header of an array says, known before its elements take any memory.
struct ArrayInfo {
  std::string name;  // the file's, without ".npy"
  DataType type;     // of the array as it is read
  Shape shape;
};
// Asked before elements are read: false leaves them unread. It may note why, to tell all problems together.
using ArrayFilter = std::function<bool(const ArrayInfo& info)>;

// Reads format versions 1.0 to 3.0 in either byte order of dimensions (Fortran order is converted to C order).
// Element types: float32, int8, uint8, int32, int64, bool; float64 is converted to float32. Everything else, and every
// damaged file, is a UserError that names the file and what was expected.
Array read_npy(const std::filesystem::path& path);
// The same, or nothing when the filter leaves the elements unread.
std::optional<Array> read_npy(const std::filesystem::path& path, const ArrayFilter& filter);
// The same for a file that is already in memory; `name` is how errors call it.
Array parse_npy(std::span<const uint8_t> bytes, const std::string& name);

// Writes format version 1.0, C order, little endian. Throws RunError.
void write_npy(const std::filesystem::path& path, const Array& array);
std::vector<uint8_t> format_npy(const Array& array);

struct NamedArray {
  std::string name;  // without ".npy"
  Array array;
};

// Reads the arrays of an archive in its order, all of them or those that the filter takes. Entries may be
// stored or deflated; checksums are verified. Archives beyond 4 GiB (zip64), encrypted ones, entries that are no .npy
// files and small archives that claim to hold gigabytes are UserErrors.
std::vector<NamedArray> read_npz(const std::filesystem::path& path, const ArrayFilter& filter = {});
std::vector<NamedArray> parse_npz(std::span<const uint8_t> bytes, const std::string& name,
                                  const ArrayFilter& filter = {});

// For a reader of archives: what the beginning of a .npy file of `file_bytes` says. A file that is shorter or longer
// than its shape is a UserError.
constexpr size_t kMaxNpyHeaderBytes = 64 << 10;
ArrayInfo npy_info(std::span<const uint8_t> beginning, uint64_t file_bytes, const std::string& name);

}  // namespace arco
