#include "arco/base/file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "arco/base/error.h"

namespace arco {

namespace fs = std::filesystem;

namespace {

// Nothing that ARCO reads is larger; a device that never ends would fill the memory otherwise.
constexpr uint64_t kMaxFileBytes = uint64_t{8} << 30;
constexpr uint64_t kMaxTextBytes = uint64_t{256} << 20;

std::ifstream open_to_read(const fs::path& path) {
  std::error_code code;
  if (!fs::exists(path, code)) fail_user("{}: no such file", path.string());
  if (fs::is_directory(path, code)) fail_user("{}: is a folder, expected a file", path.string());
  std::ifstream in(path, std::ios::binary);
  if (!in) fail_user("{}: cannot be opened: {}", path.string(), std::strerror(errno));
  return in;
}

template <typename Container>
Container read_whole(const fs::path& path, uint64_t max_bytes) {
  const auto too_long = [&] {
    fail_user("{}: has more than the {} MiB that such a file may have", path.string(), max_bytes >> 20);
  };
  std::ifstream in = open_to_read(path);
  Container content;
  constexpr std::streamsize kChunk = 1 << 20;
  std::error_code code;
  if (fs::is_regular_file(path, code)) {
    const uint64_t bytes = fs::file_size(path, code);
    if (!code && bytes > max_bytes) too_long();
    if (!code) content.reserve(bytes + kChunk);
  }
  while (in) {
    const size_t old = content.size();
    content.resize(old + kChunk);
    in.read(reinterpret_cast<char*>(content.data()) + old, kChunk);
    content.resize(old + static_cast<size_t>(in.gcount()));
    if (content.size() > max_bytes) too_long();
  }
  if (in.bad()) fail_user("{}: cannot be read: {}", path.string(), std::strerror(errno));
  return content;
}

}  // namespace

std::vector<uint8_t> read_file(const fs::path& path) {
  return read_whole<std::vector<uint8_t>>(path, kMaxFileBytes);
}

std::string read_text_file(const fs::path& path) {
  return read_whole<std::string>(path, kMaxTextBytes);
}

std::vector<uint8_t> read_beginning(const fs::path& path, size_t most_bytes) {
  std::error_code code;
  if (fs::exists(path, code) && !fs::is_regular_file(path, code) && !fs::is_directory(path, code)) return {};
  std::ifstream in = open_to_read(path);
  std::vector<uint8_t> bytes(most_bytes);
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(most_bytes));
  bytes.resize(static_cast<size_t>(in.gcount()));
  return bytes;
}

void write_file(const fs::path& path, const std::function<bool(std::ostream&)>& write) {
  if (path.empty()) fail_user("the name of the file to write is empty");
  std::error_code code;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), code);
  const fs::path target = fs::is_symlink(path, code) ? fs::weakly_canonical(path, code) : path;
  const fs::file_status status = fs::status(target, code);
  const bool in_place = fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
  const fs::path temporary = in_place ? target : fs::path(target.string() + fmt::format(".{}.partial", getpid()));
  const auto fail = [&](const std::string& why) {
    if (!in_place) fs::remove(temporary, code);
    throw RunError(fmt::format("{}: cannot be written: {}", path.string(), why));
  };
  {
    errno = 0;
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    const bool written = out && write(out);
    out.close();
    if (!written || !out) fail(errno == 0 ? "the data cannot be stored" : std::strerror(errno));
  }
  if (in_place) return;
  fs::rename(temporary, target, code);
  if (code) fail(code.message());
}

void write_file(const fs::path& path, std::span<const uint8_t> bytes) {
  write_file(path, [&](std::ostream& out) {
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return !out.fail();
  });
}

void write_file(const fs::path& path, const std::string& text) {
  write_file(path, std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

}  // namespace arco
