// Arrays in NumPy's files: .npy (one array) and .npz (a zip archive of them).
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "arco/graph/graph.h"

namespace arco {

// Reads format versions 1.0 to 3.0 in either byte order of dimensions (Fortran order is converted to C order).
// Element types: float32, int8, uint8, int32, int64, bool; float64 is converted to float32. Everything else, and every
// damaged file, is a UserError that names the file and what was expected.
Array read_npy(const std::filesystem::path& path);
// The same for a file that is already in memory; `name` is how errors call it.
Array parse_npy(std::span<const uint8_t> bytes, const std::string& name);

// Writes format version 1.0, C order, little endian. Throws RunError.
void write_npy(const std::filesystem::path& path, const Array& array);
std::vector<uint8_t> format_npy(const Array& array);

struct NamedArray {
  std::string name;  // without ".npy"
  Array array;
};

// Reads the arrays of an archive in its order. Entries may be stored or deflated; checksums are verified. Archives
// beyond 4 GiB (zip64), encrypted ones and entries that are no .npy files are UserErrors.
std::vector<NamedArray> read_npz(const std::filesystem::path& path);
std::vector<NamedArray> parse_npz(std::span<const uint8_t> bytes, const std::string& name);

}  // namespace arco
