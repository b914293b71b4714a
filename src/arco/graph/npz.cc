// An .npz file is a zip archive (PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12, 4.3.16) of .npy files:
//
//     | local header + data | ... | central directory: one record an entry | end record |
//
// The end record, found from the back, points to the central directory; its records hold sizes, checksum and the place
// of the local header, whose own name and extra lengths say where the data begin. Sizes of local headers are ignored:
// numpy leaves them unset.
#include <zlib.h>

#include <algorithm>
#include <string_view>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/graph/npy.h"

namespace arco {
namespace {

constexpr size_t kEndBytes = 22;
constexpr size_t kCentralBytes = 46;
constexpr size_t kLocalBytes = 30;
constexpr uint64_t kMaxTotalBytes = uint64_t{4} << 30;
// Deflate reaches 1032:1, on zeros only. A small archive that unpacks to gigabytes holds no inputs of a network.
constexpr uint64_t kMaxRatio = 256;
constexpr uint64_t kAlwaysAllowedBytes = uint64_t{64} << 20;

struct Entry {
  std::string name;
  int flags = 0;
  int method = 0;
  uint32_t checksum = 0;
  uint32_t compressed = 0;
  uint32_t size = 0;
  uint32_t local_offset = 0;
};

std::string array_name(const Entry& entry) {
  return entry.name.substr(0, entry.name.size() - std::string_view(".npy").size());
}

// Little-endian reads that never leave the file.
class Archive {
 public:
  Archive(std::span<const uint8_t> bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  [[noreturn]] void fail(const std::string& what) const {
    fail_user("{}: {}; save the arrays again with numpy.savez", name_, what);
  }
  std::span<const uint8_t> slice(uint64_t offset, uint64_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) fail("damaged .npz archive: it is cut off");
    return bytes_.subspan(offset, size);
  }
  uint32_t number(uint64_t offset, size_t width) const {
    const auto field = slice(offset, width);
    uint32_t value = 0;
    for (size_t i = 0; i < width; ++i) value |= uint32_t{field[i]} << (8 * i);
    return value;
  }
  std::string text(uint64_t offset, uint64_t size) const {
    const auto field = slice(offset, size);
    return {field.begin(), field.end()};
  }
  size_t size() const { return bytes_.size(); }

 private:
  std::span<const uint8_t> bytes_;
  const std::string& name_;
};

// Offset of the end record: the last place with its signature whose comment reaches exactly to the end of the file.
uint64_t find_end(const Archive& archive) {
  if (archive.size() >= kEndBytes) {
    const uint64_t last = archive.size() - kEndBytes;
    for (uint64_t back = 0; back <= std::min<uint64_t>(last, 65535); ++back) {
      const uint64_t at = last - back;
      if (archive.number(at, 4) == 0x06054b50 && archive.number(at + 20, 2) == back) return at;
    }
  }
  archive.fail("not an .npz archive (no zip directory found)");
}

std::vector<Entry> read_directory(const Archive& archive) {
  const uint64_t end = find_end(archive);
  const uint32_t count = archive.number(end + 10, 2);
  uint64_t at = archive.number(end + 16, 4);
  std::vector<Entry> entries;
  for (uint32_t i = 0; i < count; ++i) {
    if (archive.number(at, 4) != 0x02014b50) archive.fail("damaged .npz archive: entry without a directory record");
    Entry entry;
    entry.flags = static_cast<int>(archive.number(at + 8, 2));
    entry.method = static_cast<int>(archive.number(at + 10, 2));
    entry.checksum = archive.number(at + 16, 4);
    entry.compressed = archive.number(at + 20, 4);
    entry.size = archive.number(at + 24, 4);
    entry.local_offset = archive.number(at + 42, 4);
    const uint32_t name_bytes = archive.number(at + 28, 2);
    entry.name = archive.text(at + kCentralBytes, name_bytes);
    if (entry.compressed == 0xffffffff || entry.size == 0xffffffff || entry.local_offset == 0xffffffff) {
      archive.fail("'" + entry.name + "' needs zip64 (beyond 4 GiB), which is not supported; split the archive");
    }
    at += kCentralBytes + name_bytes + archive.number(at + 30, 2) + archive.number(at + 32, 2);
    entries.push_back(std::move(entry));
  }
  return entries;
}

// Inflates a raw deflate stream up to one byte beyond `most_bytes`, in pieces, so that memory follows what the stream
// really holds.
std::vector<uint8_t> inflate_beginning(std::span<const uint8_t> packed, size_t most_bytes) {
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw RunError("zlib cannot be started: not enough memory");
  stream.next_in = const_cast<Bytef*>(packed.data());  // zlib's interface predates const
  stream.avail_in = static_cast<uInt>(packed.size());
  std::vector<uint8_t> out;
  int status = Z_OK;
  constexpr size_t kChunk = 1 << 20;
  while (status == Z_OK && out.size() <= most_bytes) {
    const size_t old = out.size();
    const size_t room = std::min<size_t>(kChunk, most_bytes - old + 1);
    out.resize(old + room);
    stream.next_out = out.data() + old;
    stream.avail_out = static_cast<uInt>(room);
    status = inflate(&stream, Z_NO_FLUSH);
    out.resize(old + room - stream.avail_out);
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END && out.size() <= most_bytes) out.clear();
  return out;
}

std::span<const uint8_t> packed_bytes(const Archive& archive, const Entry& entry) {
  if (archive.number(entry.local_offset, 4) != 0x04034b50) {
    archive.fail("damaged .npz archive: '" + entry.name + "' has no local header");
  }
  const uint64_t data = uint64_t{entry.local_offset} + kLocalBytes +
                        archive.number(entry.local_offset + uint64_t{26}, 2) +
                        archive.number(entry.local_offset + uint64_t{28}, 2);
  return archive.slice(data, entry.compressed);
}

// Nothing where the filter leaves the elements unread.
std::optional<Array> read_entry(const Archive& archive, const Entry& entry, const std::string& name,
                                const ArrayFilter& filter) {
  const std::span<const uint8_t> packed = packed_bytes(archive, entry);
  const std::string label = name + ":" + entry.name;
  const bool deflated = entry.method == 8;
  std::vector<uint8_t> unpacked;
  if (filter) {
    if (deflated) unpacked = inflate_beginning(packed, std::min<size_t>(kMaxNpyHeaderBytes, entry.size));
    ArrayInfo info = npy_info(deflated ? unpacked : packed, entry.size, label);
    info.name = array_name(entry);
    if (!filter(info)) return std::nullopt;
  }
  if (deflated) unpacked = inflate_beginning(packed, entry.size);
  const std::span<const uint8_t> bytes = deflated ? unpacked : packed;
  if (bytes.size() != entry.size) {
    archive.fail("damaged .npz archive: '" + entry.name + "' does not have its stated size");
  }
  if (crc32_z(0, bytes.data(), bytes.size()) != entry.checksum) {
    archive.fail("damaged .npz archive: wrong checksum of '" + entry.name + "'");
  }
  return parse_npy(bytes, label);
}

void check_entries(const std::vector<Entry>& entries, uint64_t archive_bytes, const std::string& name) {
  ErrorList errors(name);
  uint64_t total = 0;
  for (const Entry& entry : entries) {
    total += entry.size;
    if ((entry.flags & 1) != 0) errors.add("'{}' is encrypted; save the arrays without a password", entry.name);
    if (!entry.name.ends_with(".npy")) errors.add("'{}' is not a .npy file; expected only arrays", entry.name);
    if (entry.method != 0 && entry.method != 8) {
      errors.add("'{}' is packed by zip method {}, expected 0 (stored) or 8 (deflate); use numpy.savez", entry.name,
                 entry.method);
    }
  }
  const uint64_t believed = std::min(kMaxTotalBytes, std::max(kAlwaysAllowedBytes, kMaxRatio * archive_bytes));
  if (total > kMaxTotalBytes) {
    errors.add("{} bytes of arrays, expected at most 4 GiB; split the archive", total);
  } else if (total > believed) {
    errors.add(
        "claims to hold {} bytes of arrays, expected at most the {} that an archive of {} bytes can; save them again "
        "with numpy.savez, which does not compress",
        total, believed, archive_bytes);
  }
  errors.throw_if_any();
}

}  // namespace

std::vector<NamedArray> parse_npz(std::span<const uint8_t> bytes, const std::string& name, const ArrayFilter& filter) {
  const Archive archive(bytes, name);
  const std::vector<Entry> entries = read_directory(archive);
  check_entries(entries, bytes.size(), name);
  std::vector<NamedArray> arrays;
  for (const Entry& entry : entries) {
    auto array = read_entry(archive, entry, name, filter);
    if (array) arrays.push_back({array_name(entry), *std::move(array)});
  }
  return arrays;
}

std::vector<NamedArray> read_npz(const std::filesystem::path& path, const ArrayFilter& filter) {
  return parse_npz(read_file(path), path.string(), filter);
}

}  // namespace arco
