// What the micro-op buffer holds while a program runs. Only the compute module, which works in program order, reads
// and writes it, so its contents at an instruction follow from the instructions before it.
#pragma once

#include <cstdint>
#include <vector>

#include "arco/isa/program.h"

namespace arco {

class MicroOpBuffer {
 public:
  explicit MicroOpBuffer(const Program& program);

  // Applies a LOAD UOP. Entries outside the buffer or from outside the program's micro-op table are not loaded.
  // Padding loads zeros.
  void load(const MemoryFields& memory);
  bool is_loaded(uint32_t index) const { return index < loaded_.size() && loaded_[index]; }
  uint32_t word(uint32_t index) const { return words_[index]; }
  // Changes with every load.
  uint64_t version() const { return version_; }

 private:
  const Program& program_;
  std::vector<uint32_t> words_;
  std::vector<bool> loaded_;
  uint64_t version_ = 0;
};

}  // namespace arco
