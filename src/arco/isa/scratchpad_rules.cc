// Instructions are visited in an order that respects tokens. Each touches whole sets of entries (index_set.h), and for
// each entry the last writing and the last reading instruction are kept by their place in their module's queue. An
// access is ordered after an earlier one when the instruction's clock (token_order.h) covers that place:
//
//   scratchpad   written by   read by another module
//   INP, WGT     load         compute
//   ACC = OUT    compute      store
//
// Modules work in order, so the last access covers all before it. Of two unordered accesses whichever is visited later
// finds the other, so every race is seen.
#include "arco/isa/scratchpad_rules.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "arco/isa/index_set.h"
#include "arco/isa/instruction_rules.h"
#include "arco/isa/micro_op_buffer.h"

namespace arco {
namespace {

constexpr size_t kMaxUopRanges = 64;  // kept decoded at a time

struct Scratchpad {
  Scratchpad(const char* pad_name, Module writing, Module reading, int64_t entries)
      : name(pad_name),
        writer(writing),
        reader(reading),
        depth(entries),
        written(entries),
        computed(entries),
        write_place(static_cast<size_t>(entries)),
        read_place(static_cast<size_t>(entries)) {}
  const char* name;
  Module writer;
  Module reader;
  int64_t depth;
  IndexSet written;
  IndexSet computed;                  // ACC: by ALU or non-reset GEMM since the last LOAD or reset
  std::vector<uint32_t> write_place;  // 1 + place in the writer's queue; 0: never
  std::vector<uint32_t> read_place;   // the same for the reader
};

// The micro-ops of an instruction and the entries they name before any factor is added.
struct UopRange {
  bool loaded = false;
  uint32_t missing = 0;  // the first that is not
  std::vector<MicroOp> uops;
  std::array<uint32_t, 3> most{};  // dst, src, wgt
};

class ScratchpadChecker {
 public:
  ScratchpadChecker(const Program& program, const IsaLayout& layout, const TokenOrder& tokens, CheckReport& report)
      : program_(program),
        layout_(layout),
        tokens_(tokens),
        report_(report),
        uop_buffer_(program),
        inp_("inp", Module::kLoad, Module::kCompute, program.hardware.inp_depth()),
        wgt_("wgt", Module::kLoad, Module::kCompute, program.hardware.wgt_depth()),
        acc_("acc", Module::kCompute, Module::kStore, program.hardware.acc_depth()) {}

  void visit(uint32_t index) {
    index_ = index;
    const Instruction& instruction = program_.instructions[index];
    switch (instruction.opcode) {
      case Opcode::kLoad:
        if (!instruction.is_no_op()) load(instruction);
        break;
      case Opcode::kStore:
        if (!instruction.is_no_op()) store(instruction);
        break;
      case Opcode::kGemm:
        gemm(instruction.loop);
        break;
      case Opcode::kAlu:
        alu(instruction.loop);
        break;
      case Opcode::kFinish:
        finish();
        break;
    }
  }

 private:
  void load(const Instruction& instruction) {
    const MemoryFields& memory = instruction.memory;
    if (memory.type == MemoryType::kUop) {
      uop_buffer_.load(memory);
      uop_ranges_.clear();
      return;
    }
    Scratchpad& pad = memory.type == MemoryType::kInp ? inp_ : memory.type == MemoryType::kWgt ? wgt_ : acc_;
    IndexSet entries(pad.depth);
    entries.insert_range(memory.sram_base, memory.sram_base + scratchpad_entries(instruction));
    write(pad, entries, false);
  }

  void store(const Instruction& instruction) {
    IndexSet entries(acc_.depth);
    const uint32_t base = instruction.memory.sram_base;
    entries.insert_range(base, base + scratchpad_entries(instruction));
    if (const int64_t entry = entries.first_missing_in(acc_.computed); entry >= 0) {
      report_.add(index_, "store-not-computed",
                  "entry {} has not been written by an ALU or non-reset GEMM since its last LOAD or reset", entry);
    }
    read(acc_, entries);
  }

  void gemm(const LoopFields& loop) {
    const UopRange& range = uops(loop, true);
    if (!range.loaded) return;
    IndexSet dst, src, wgt;
    if (!touched("dst", acc_, range, 0, loop, loop.dst_out, loop.dst_in, dst)) return;
    if (!loop.reset) {
      const bool src_fine = touched("src", inp_, range, 1, loop, loop.src_out, loop.src_in, src);
      const bool wgt_fine = touched("wgt", wgt_, range, 2, loop, loop.wgt_out, loop.wgt_in, wgt);
      if (!src_fine || !wgt_fine) return;
      read(inp_, src);
      read(wgt_, wgt);
      need_written(acc_, dst);
    }
    write(acc_, dst, !loop.reset);
  }

  void alu(const LoopFields& loop) {
    const UopRange& range = uops(loop, false);
    if (!range.loaded) return;
    IndexSet dst, src;
    const bool dst_fine = touched("dst", acc_, range, 0, loop, loop.dst_out, loop.dst_in, dst);
    const bool src_fine = touched("src", acc_, range, 1, loop, loop.src_out, loop.src_in, src);
    if (!dst_fine || !src_fine) return;
    check_alu_steps(loop, range.uops, index_, report_);
    const bool mov = loop.alu_op == AluOp::kMov;
    if (!(mov && loop.use_imm)) need_written(acc_, src);
    if (!mov && !loop.use_imm) need_written(acc_, dst);
    write(acc_, dst, true);
  }

  void finish() {
    for (const Module module : {Module::kLoad, Module::kStore}) {
      const size_t m = static_cast<size_t>(module);
      const uint32_t done = tokens_.clocks[index_][m];
      if (done < tokens_.queues[m].size()) {
        report_.add(index_, "finish-order", "{} instruction {} may still run when FINISH does; no token orders them",
                    to_string(module), tokens_.queues[m][done]);
      }
    }
  }

  const UopRange& uops(const LoopFields& loop, bool gemm) {
    if (uop_ranges_.size() >= kMaxUopRanges) uop_ranges_.clear();
    const auto [found, is_new] = uop_ranges_.try_emplace({loop.uop_begin, loop.uop_end, gemm});
    UopRange& range = found->second;
    if (is_new) fill(range, loop, gemm);
    if (!range.loaded) {
      report_.add(index_, "uop-not-loaded", "micro-op {} is used, but no LOAD UOP has written it", range.missing);
    }
    return range;
  }

  void fill(UopRange& range, const LoopFields& loop, bool gemm) const {
    range.uops.reserve(loop.uop_end - loop.uop_begin);
    for (uint32_t u = loop.uop_begin; u < loop.uop_end; ++u) {
      range.missing = u;
      if (!uop_buffer_.is_loaded(u)) return;
      const uint32_t word = uop_buffer_.word(u);
      const MicroOp uop = gemm ? decode_gemm_uop(word, layout_) : decode_alu_uop(word, layout_);
      range.uops.push_back(uop);
      range.most = {std::max(range.most[0], uop.dst), std::max(range.most[1], uop.src),
                    std::max(range.most[2], uop.wgt)};
    }
    range.loaded = true;
  }

  // All entries an instruction touches in one role. False: some lie outside.
  bool touched(const char* role, const Scratchpad& pad, const UopRange& range, size_t field, const LoopFields& loop,
               uint64_t factor_out, uint64_t factor_in, IndexSet& result) {
    const uint64_t most = range.most[field] + (loop.iter_out - 1) * factor_out + (loop.iter_in - 1) * factor_in;
    if (most >= static_cast<uint64_t>(pad.depth)) {
      report_.add(index_, "index-bounds", "{} reaches {} entry {} of {}", role, pad.name, most, pad.depth);
      return false;
    }
    result = IndexSet(pad.depth);
    for (const MicroOp& uop : range.uops) result.insert(field == 0 ? uop.dst : field == 1 ? uop.src : uop.wgt);
    result.repeat(loop.iter_in, factor_in);
    result.repeat(loop.iter_out, factor_out);
    return true;
  }

  void need_written(const Scratchpad& pad, const IndexSet& entries) {
    if (const int64_t entry = entries.first_missing_in(pad.written); entry >= 0) {
      report_.add(index_, "read-before-write", "{} entry {} is read, but nothing has written it", pad.name, entry);
    }
  }

  // By the scratchpad's reading module.
  void read(Scratchpad& pad, const IndexSet& entries) {
    need_written(pad, entries);
    race(pad, entries, pad.write_place, pad.writer, "write");
    mark(pad.read_place, entries, pad.reader);
  }

  void write(Scratchpad& pad, const IndexSet& entries, bool computed) {
    race(pad, entries, pad.read_place, pad.reader, "read");
    mark(pad.write_place, entries, pad.writer);
    pad.written.add(entries);
    if (computed) {
      pad.computed.add(entries);
    } else {
      pad.computed.remove(entries);
    }
  }

  void mark(std::vector<uint32_t>& places, const IndexSet& entries, Module module) const {
    const uint32_t place = tokens_.clocks[index_][static_cast<size_t>(module)] + 1;
    entries.for_each([&](size_t entry) { places[entry] = place; });
  }

  void race(const Scratchpad& pad, const IndexSet& entries, const std::vector<uint32_t>& places, Module other,
            const char* verb) {
    const uint32_t covered = tokens_.clocks[index_][static_cast<size_t>(other)];
    uint32_t latest = covered;
    size_t where = 0;
    entries.for_each([&](size_t entry) {
      if (places[entry] <= latest) return;
      latest = places[entry];
      where = entry;
    });
    if (latest == covered) return;
    report_.add(index_, "data-race",
                "{} entry {} is touched while {} instruction {} may still {} it; no token orders them", pad.name, where,
                to_string(other), tokens_.queues[static_cast<size_t>(other)][latest - 1], verb);
  }

  const Program& program_;
  const IsaLayout& layout_;
  const TokenOrder& tokens_;
  CheckReport& report_;
  MicroOpBuffer uop_buffer_;
  std::map<std::tuple<uint32_t, uint32_t, bool>, UopRange> uop_ranges_;  // of the buffer's present contents
  Scratchpad inp_;
  Scratchpad wgt_;
  Scratchpad acc_;
  uint32_t index_ = 0;
};

}  // namespace

void check_scratchpads(const Program& program, const IsaLayout& layout, const TokenOrder& tokens,
                       const std::vector<bool>& usable, CheckReport& report) {
  ScratchpadChecker checker(program, layout, tokens, report);
  for (const uint32_t index : tokens.order) {
    if (usable[index]) checker.visit(index);
  }
}

}  // namespace arco
