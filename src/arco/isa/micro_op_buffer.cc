// LOAD UOP copies rows of the program's micro-op table, the image of its kUop segment, like any LOAD (vta-isa 3.2).
#include "arco/isa/micro_op_buffer.h"

#include <algorithm>

namespace arco {

MicroOpBuffer::MicroOpBuffer(const Program& program)
    : program_(program),
      words_(static_cast<size_t>(program.hardware.uop_depth())),
      loaded_(static_cast<size_t>(program.hardware.uop_depth())) {}

void MicroOpBuffer::load(const MemoryFields& memory) {
  const Segment* segment = program_.find(SegmentKind::kUop);
  const uint64_t columns = uint64_t{memory.x_pad_0} + memory.x_size + memory.x_pad_1;
  const uint64_t rows = uint64_t{memory.y_pad_0} + memory.y_size + memory.y_pad_1;
  const uint64_t room = words_.size() > memory.sram_base ? words_.size() - memory.sram_base : 0;
  const uint64_t table_begin = segment == nullptr ? 0 : segment->address / HardwareConfig::kUopElementBytes;
  ++version_;
  if (columns == 0) return;
  const uint64_t count = std::min(columns * rows, room);
  for (uint64_t entry = 0; entry < count; ++entry) {
    const uint64_t row = entry / columns, column = entry % columns;
    const bool inside = row >= memory.y_pad_0 && row < uint64_t{memory.y_pad_0} + memory.y_size &&
                        column >= memory.x_pad_0 && column < uint64_t{memory.x_pad_0} + memory.x_size;
    const uint64_t sram = memory.sram_base + entry;
    if (!inside) {
      words_[sram] = 0;
      loaded_[sram] = true;
      continue;
    }
    const uint64_t element = memory.dram_base + (row - memory.y_pad_0) * memory.x_stride + (column - memory.x_pad_0);
    loaded_[sram] = segment != nullptr && element >= table_begin && element - table_begin < program_.micro_ops.size();
    if (loaded_[sram]) words_[sram] = program_.micro_ops[element - table_begin];
  }
}

}  // namespace arco
