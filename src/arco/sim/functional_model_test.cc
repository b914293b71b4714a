// The model keeps every scratchpad as int32 in the order of vta-isa 3.1 and walks every loop as written there.
#include "arco/sim/functional_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "arco/isa/assembler.h"
#include "arco/isa/encoding.h"
#include "arco/isa/program.h"

namespace arco {
namespace {

int32_t wrapped(int64_t value) {
  return static_cast<int32_t>(static_cast<uint64_t>(value));
}

class Model {
 public:
  Model(const HardwareConfig& hardware, std::vector<uint8_t>& dram)
      : hw_(hardware),
        layout_(hardware),
        dram_(dram),
        inp_(hardware.inp_depth() * hardware.inp_element_bytes()),
        wgt_(hardware.wgt_depth() * hardware.wgt_element_bytes()),
        acc_(hardware.acc_depth() * hardware.out_element_bytes()),
        uop_(hardware.uop_depth()) {}

  void execute(const Instruction& instruction) {
    if (instruction.opcode == Opcode::kLoad) load(instruction.memory);
    if (instruction.opcode == Opcode::kStore) store(instruction.memory);
    if (instruction.opcode == Opcode::kGemm || instruction.opcode == Opcode::kAlu) steps(instruction);
  }

 private:
  void load(const MemoryFields& m) {
    if (m.x_size == 0) return;
    const uint32_t columns = m.x_pad_0 + m.x_size + m.x_pad_1, rows = m.y_pad_0 + m.y_size + m.y_pad_1;
    for (uint32_t r = 0; r < rows; ++r) {
      for (uint32_t c = 0; c < columns; ++c) {
        const bool inside = r >= m.y_pad_0 && r < m.y_pad_0 + m.y_size && c >= m.x_pad_0 && c < m.x_pad_0 + m.x_size;
        const uint64_t element = uint64_t{m.dram_base} + uint64_t{r - m.y_pad_0} * m.x_stride + (c - m.x_pad_0);
        load_element(m, m.sram_base + r * columns + c, inside, element);
      }
    }
  }

  void load_element(const MemoryFields& m, uint32_t entry, bool inside, uint64_t element) {
    std::vector<int32_t>& pad = m.type == MemoryType::kUop   ? uop_
                                : m.type == MemoryType::kInp ? inp_
                                : m.type == MemoryType::kWgt ? wgt_
                                                             : acc_;
    const bool wide = m.type == MemoryType::kAcc || m.type == MemoryType::kUop;
    const int64_t values = static_cast<int64_t>(pad.size()) / (m.type == MemoryType::kUop   ? hw_.uop_depth()
                                                               : m.type == MemoryType::kInp ? hw_.inp_depth()
                                                               : m.type == MemoryType::kWgt ? hw_.wgt_depth()
                                                                                            : hw_.acc_depth());
    for (int64_t v = 0; v < values; ++v) {
      int32_t value = m.pad_is_min ? (wide ? INT32_MIN : -128) : 0;
      const uint64_t at = (element * values + v) * (wide ? 4 : 1);
      if (inside && wide) std::memcpy(&value, &dram_.at(at), 4);
      if (inside && !wide) value = static_cast<int8_t>(dram_.at(at));
      pad.at(entry * values + v) = value;
    }
  }

  void store(const MemoryFields& m) {
    const uint64_t values = hw_.out_element_bytes();
    for (uint64_t r = 0; r < m.y_size; ++r) {
      for (uint64_t c = 0; c < m.x_size; ++c) {
        for (uint64_t v = 0; v < values; ++v) {
          const int32_t value = acc_.at((m.sram_base + r * m.x_size + c) * values + v);
          dram_.at((m.dram_base + r * m.x_stride + c) * values + v) = static_cast<uint8_t>(value & 0xff);
        }
      }
    }
  }

  void steps(const Instruction& instruction) {
    const LoopFields& l = instruction.loop;
    for (uint32_t o = 0; o < l.iter_out; ++o) {
      for (uint32_t i = 0; i < l.iter_in; ++i) {
        for (uint32_t u = l.uop_begin; u < l.uop_end; ++u) {
          const bool is_gemm = instruction.opcode == Opcode::kGemm;
          const auto word = static_cast<uint32_t>(uop_.at(u));
          MicroOp uop = is_gemm ? decode_gemm_uop(word, layout_) : decode_alu_uop(word, layout_);
          uop.dst += o * l.dst_out + i * l.dst_in;
          uop.src += o * l.src_out + i * l.src_in;
          uop.wgt += o * l.wgt_out + i * l.wgt_in;
          is_gemm ? gemm(uop, l.reset) : alu(uop, l);
        }
      }
    }
  }

  void gemm(const MicroOp& uop, bool reset) {
    const uint64_t batch = hw_.batch(), block_in = hw_.block_in(), block_out = hw_.block_out();
    for (uint64_t b = 0; b < batch; ++b) {
      for (uint64_t c = 0; c < block_out; ++c) {
        int64_t sum = reset ? 0 : acc_.at((uop.dst * batch + b) * block_out + c);
        for (uint64_t k = 0; k < block_in && !reset; ++k) {
          sum += inp_.at((uop.src * batch + b) * block_in + k) * wgt_.at((uop.wgt * block_out + c) * block_in + k);
        }
        acc_.at((uop.dst * batch + b) * block_out + c) = wrapped(sum);
      }
    }
  }

  void alu(const MicroOp& uop, const LoopFields& l) {
    const uint64_t values = hw_.out_element_bytes();
    for (uint64_t v = 0; v < values; ++v) {
      const bool first_is_dst = !l.use_imm || hw_.variant == IsaVariant::kUp;
      const int64_t x = acc_.at((first_is_dst ? uop.dst : uop.src) * values + v);
      const int64_t y = l.use_imm ? l.imm : acc_.at(uop.src * values + v);
      acc_.at(uop.dst * values + v) = result(l.alu_op, x, y);
    }
  }

  static int32_t result(AluOp op, int64_t x, int64_t y) {
    switch (op) {
      case AluOp::kMin:
        return wrapped(x < y ? x : y);
      case AluOp::kMax:
        return wrapped(x > y ? x : y);
      case AluOp::kAdd:
        return wrapped(x + y);
      case AluOp::kShr:
        for (int64_t n = 0; n < std::min<int64_t>(y, 40); ++n) x = (x - (x & 1)) / 2;
        for (int64_t n = 0; n < std::min<int64_t>(-y, 40); ++n) x = wrapped(2 * x);
        return wrapped(x);
      case AluOp::kMul:
        return wrapped(x * y);
      case AluOp::kClp:
        return std::max(wrapped(std::min(x, y)), wrapped(-y));
      case AluOp::kMov:
        break;
    }
    return wrapped(y);
  }

  HardwareConfig hw_;
  IsaLayout layout_;
  std::vector<uint8_t>& dram_;
  std::vector<int32_t> inp_, wgt_, acc_, uop_;
};

constexpr uint64_t kDramBytes = 1 << 19;
constexpr uint64_t kUopAddress = 4096;
constexpr uint64_t kCodeAddress = 8192;
constexpr uint64_t kOutputAddress = 16384;

class Generator {
 public:
  Generator(const HardwareConfig& hardware, Random& random) : hw_(hardware), layout_(hardware), random_(random) {}

  RandomProgram run() {
    uops_.push_back(0);
    load_buffers();
    for (int k = 0; k < 6; ++k) compute();
    store_everything();
    instructions_[loads_uops_].memory.x_size = static_cast<uint32_t>(uops_.size());
    RandomProgram result;
    result.dram.resize(kDramBytes);
    for (size_t i = 0; i < kDramBytes; i += 8) {
      const uint64_t word = random_.next();
      std::memcpy(&result.dram[i], &word, 8);
    }
    std::memcpy(&result.dram[kUopAddress], uops_.data(), uops_.size() * 4);
    result.instruction_address = kCodeAddress;
    result.instructions = instructions_;
    Program program;
    program.hardware = hw_;
    program.instructions = instructions_;
    const auto code = instruction_bytes(program);
    std::copy(code.begin(), code.end(), result.dram.begin() + kCodeAddress);
    return result;
  }

 private:
  uint32_t below(int64_t bound) { return static_cast<uint32_t>(random_.below(static_cast<uint64_t>(bound))); }

  void load_buffers() {
    for (int k = 0; k < 3; ++k) {
      instructions_.push_back(random_load(MemoryType::kInp, hw_.inp_depth()));
      instructions_.push_back(random_load(MemoryType::kWgt, hw_.wgt_depth()));
    }
    instructions_.back().tokens.push_next = true;
    loads_uops_ = instructions_.size();
    instructions_.push_back(assemble("load.uop [pop_prev] sram 0 dram 0x400 y 1 x 1 stride 1"));
    Instruction all = assemble("load.acc sram 0 dram 0x0 y 1 x 1 stride 1");
    all.memory.x_size = static_cast<uint32_t>(hw_.acc_depth());
    instructions_.push_back(all);
    for (int k = 0; k < 2; ++k) {
      const bool narrow = below(2) == 0;
      instructions_.push_back(random_load(narrow ? MemoryType::kAcc8 : MemoryType::kAcc, hw_.acc_depth()));
    }
  }

  Instruction random_load(MemoryType type, int64_t depth) {
    Instruction result;
    result.opcode = Opcode::kLoad;
    MemoryFields& m = result.memory;
    m.type = type;
    m.y_size = 1 + below(3);
    m.x_size = 1 + below(depth);
    for (uint32_t* pad : {&m.y_pad_0, &m.y_pad_1, &m.x_pad_0, &m.x_pad_1}) *pad = below(3);
    m.pad_is_min = hw_.variant == IsaVariant::kVtaPlus && type != MemoryType::kWgt && below(2) == 0;
    const auto entries = [&] { return (m.y_pad_0 + m.y_size + m.y_pad_1) * (m.x_pad_0 + m.x_size + m.x_pad_1); };
    if (entries() > depth) m.y_pad_0 = m.y_pad_1 = m.x_pad_0 = m.x_pad_1 = 0;
    while (entries() > depth) m.y_size > 1 ? --m.y_size : --m.x_size;
    m.sram_base = below(depth - entries() + 1);
    m.x_stride = below(2 * m.x_size);
    const int64_t elements = static_cast<int64_t>(kDramBytes) / dram_element_bytes(hw_, type);
    m.dram_base = below(elements - (m.y_size - 1) * m.x_stride - m.x_size + 1);
    return result;
  }

  // Factors and a bound for the micro-op field such that every index stays below the depth.
  uint32_t random_factors(const LoopFields& l, int64_t depth, uint32_t& out, uint32_t& in) {
    const auto reach = [&] { return (l.iter_out - 1) * out + (l.iter_in - 1) * in; };
    do {
      out = below(3) == 0 ? 0 : below(12);
      in = below(3) == 0 ? 0 : below(3);
    } while (reach() >= depth || out >= depth || in >= depth);
    return static_cast<uint32_t>(depth) - reach();
  }

  void compute() {
    Instruction result;
    result.opcode = below(2) == 0 ? Opcode::kGemm : Opcode::kAlu;
    const bool gemm = result.opcode == Opcode::kGemm;
    LoopFields& l = result.loop;
    l.iter_out = 1 + below(below(2) == 0 ? 3 : 11);
    l.iter_in = 1 + below(below(2) == 0 ? 3 : 9);
    const uint32_t dst = random_factors(l, hw_.acc_depth(), l.dst_out, l.dst_in);
    const uint32_t src = random_factors(l, gemm ? hw_.inp_depth() : hw_.acc_depth(), l.src_out, l.src_in);
    const uint32_t wgt = random_factors(l, hw_.wgt_depth(), l.wgt_out, l.wgt_in);
    l.uop_begin = static_cast<uint32_t>(uops_.size());
    for (uint32_t count = 1 + below(3); count > 0; --count) {
      const MicroOp uop{below(dst), below(src), gemm ? below(wgt) : 0};
      uops_.push_back(gemm ? encode_gemm_uop(uop, layout_) : encode_alu_uop(uop, layout_));
    }
    l.uop_end = static_cast<uint32_t>(uops_.size());
    if (gemm) {
      l.reset = below(5) == 0;
    } else {
      l.wgt_out = l.wgt_in = 0;
      l.alu_op = static_cast<AluOp>(below(static_cast<int>(last_alu_op(hw_.variant)) + 1));
      l.use_imm = below(2) == 0;
      const bool small = below(2) == 0;
      if (l.use_imm) l.imm = static_cast<int32_t>(small ? random_.between(-40, 40) : random_.between(-32768, 32767));
    }
    // In-place runs, the common case of an ALU instruction.
    if (!gemm && below(3) == 0) {
      l.src_out = l.dst_out;
      l.dst_in = l.src_in = below(2) == 0 ? 1 : l.dst_in;
      l.iter_out = 1;
      l.iter_in = 1 + below(hw_.acc_depth());
      l.uop_begin = 0;
      l.uop_end = 1;
      if (uint64_t{l.iter_in - 1} * l.dst_in >= static_cast<uint64_t>(hw_.acc_depth())) l.iter_in = 1;
    }
    instructions_.push_back(result);
  }

  void store_everything() {
    const auto depth = static_cast<uint32_t>(hw_.acc_depth());
    for (uint32_t byte = 0; byte < 4; ++byte) {
      Instruction shift = assemble("alu.shr [push_next] uop 0..1 out 1 in 1 dst 0,1 src 0,1 imm 0");
      shift.loop.iter_in = depth;
      shift.loop.imm = byte == 0 ? 0 : 8;
      shift.tokens.pop_next = byte != 0;
      instructions_.push_back(shift);
      Instruction store = assemble("store.out [pop_prev push_prev] sram 0 dram 0 y 1 x 1 stride 1");
      store.memory.x_size = depth;
      store.memory.dram_base = static_cast<uint32_t>(kOutputAddress / hw_.out_element_bytes() + byte * depth);
      instructions_.push_back(store);
    }
    instructions_.push_back(assemble("load.uop [pop_next] sram 0 dram 0 y 0 x 0 stride 0"));
    instructions_.push_back(Instruction{});
  }

  HardwareConfig hw_;
  IsaLayout layout_;
  Random& random_;
  std::vector<uint32_t> uops_;
  std::vector<Instruction> instructions_;
  size_t loads_uops_ = 0;
};

TEST(Model, OneStepByHand) {
  HardwareConfig hardware;
  std::vector<uint8_t> dram(1 << 16);
  for (int k = 0; k < 16; ++k) {
    dram[0x1000 + k] = static_cast<uint8_t>(k - 8);                           // inputs -8 .. 7
    for (int c = 0; c < 16; ++c) dram[0x2000 + 16 * c + k] = k == c ? 3 : 0;  // weights: 3 times the identity
  }
  run_model(
      hardware,
      {assemble("load.inp sram 0 dram 0x100 y 1 x 1 stride 1"), assemble("load.wgt sram 0 dram 0x20 y 1 x 1 stride 1"),
       assemble("gemm uop 0..1 out 1 in 1 dst 0,0 src 0,0 wgt 0,0"),
       assemble("store.out sram 0 dram 0x300 y 1 x 1 stride 1")},
      dram);
  for (int c = 0; c < 16; ++c) EXPECT_EQ(static_cast<int8_t>(dram[0x3000 + c]), 3 * (c - 8));
}

}  // namespace

void run_model(const HardwareConfig& hardware, const std::vector<Instruction>& instructions,
               std::vector<uint8_t>& dram) {
  Model model(hardware, dram);
  for (const Instruction& instruction : instructions) model.execute(instruction);
}

HardwareConfig random_hardware(Random& random) {
  for (;;) {
    HardwareConfig hw;
    const auto between = [&](int low, int high) { return static_cast<int>(random.between(low, high)); };
    hw.variant = between(0, 1) == 0 ? IsaVariant::kUp : IsaVariant::kVtaPlus;
    hw.log2_batch = between(0, 2);
    hw.log2_block_in = between(1, 6);
    hw.log2_block_out = hw.variant == IsaVariant::kUp ? hw.log2_block_in : between(0, 6);
    hw.log2_uop_buffer = 2 + between(5, 7);
    hw.log2_inp_buffer = between(2, 6) + hw.log2_batch + hw.log2_block_in;
    hw.log2_wgt_buffer = between(0, 4) + hw.log2_block_in + hw.log2_block_out;
    hw.log2_acc_buffer = between(4, 6) + hw.log2_batch + hw.log2_block_out + 2;
    if (hw.violations().empty()) return hw;
  }
}

RandomProgram random_program(const HardwareConfig& hardware, Random& random) {
  return Generator(hardware, random).run();
}

bool too_long(const RandomProgram& program, const HardwareConfig& hardware) {
  const IsaLayout layout(hardware);
  uint64_t steps = 0;
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    InstructionWord word;
    std::memcpy(word.data(), &program.dram[program.instruction_address + i * kInstructionBytes], kInstructionBytes);
    const Decoded decoded = decode(word, layout);
    const bool loops = decoded.instruction.opcode == Opcode::kGemm || decoded.instruction.opcode == Opcode::kAlu;
    if (decoded.error.empty() && loops) steps += decoded.instruction.loop.steps();
  }
  return steps * static_cast<uint64_t>(hardware.macs_per_step()) > 10'000'000;
}

}  // namespace arco
