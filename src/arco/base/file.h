// Reading and writing whole files, with errors that say which file and why.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

namespace arco {

// Throws UserError naming the path when the file cannot be read, or has more than 8 GiB (256 MiB of text).
std::vector<uint8_t> read_file(const std::filesystem::path& path);
std::string read_text_file(const std::filesystem::path& path);
// The first bytes of a regular file, to see what it is before the whole takes its memory; nothing of a pipe or device,
// from which they would be gone.
std::vector<uint8_t> read_beginning(const std::filesystem::path& path, size_t most_bytes);

// Writes to a temporary neighbour and renames it, so that a reader never sees half a file; devices and pipes are
// written in place, a symbolic link keeps standing. Creates missing parent folders. Throws RunError, UserError for no
// name.
void write_file(const std::filesystem::path& path, std::span<const uint8_t> bytes);
void write_file(const std::filesystem::path& path, const std::string& text);
// For what need not be in memory at once: `write` returns false when it failed.
void write_file(const std::filesystem::path& path, const std::function<bool(std::ostream&)>& write);

}  // namespace arco
