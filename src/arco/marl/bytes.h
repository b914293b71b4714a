// Little-endian numbers in blocks of bytes, as the files of agents have them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "arco/base/error.h"

namespace arco {

inline void put_number(std::vector<uint8_t>& bytes, uint64_t value, int size) {
  for (int i = 0; i < size; ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

// Checks every length against what is left before it reads or allocates; UserError naming `source` where the bytes end
// too early.
class ByteReader {
 public:
  ByteReader(std::span<const uint8_t> bytes, const std::string& source) : bytes_(bytes), source_(source) {}

  uint64_t number(int size) {
    need(static_cast<uint64_t>(size));
    uint64_t value = 0;
    for (int i = 0; i < size; ++i) value |= static_cast<uint64_t>(bytes_[position_ + i]) << (8 * i);
    position_ += size;
    return value;
  }
  std::span<const uint8_t> block(uint64_t size) {
    need(size);
    position_ += size;
    return bytes_.subspan(position_ - size, size);
  }
  // `count` items of `size` bytes must still be there.
  void need(uint64_t count, uint64_t size = 1) const {
    if (count > (bytes_.size() - position_) / size) {
      fail_user("{}: ends too early, at byte {}; expected agents' weights as ARCO saves them: save them again", source_,
                bytes_.size());
    }
  }
  bool at_end() const { return position_ == bytes_.size(); }

 private:
  std::span<const uint8_t> bytes_;
  const std::string& source_;
  size_t position_ = 0;
};

}  // namespace arco
