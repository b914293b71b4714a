// Reading and writing whole files, with errors that say which file and why.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace arco {

// Throws UserError naming the path when the file cannot be read.
std::vector<uint8_t> read_file(const std::filesystem::path& path);
std::string read_text_file(const std::filesystem::path& path);

// Writes to a temporary neighbour and renames it, so that a reader never sees half a file.
// Creates missing parent folders. Throws RunError.
void write_file(const std::filesystem::path& path, std::span<const uint8_t> bytes);
void write_file(const std::filesystem::path& path, const std::string& text);

}  // namespace arco
