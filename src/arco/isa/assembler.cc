// disassemble() prints a mnemonic, the tokens and then each field behind its name; assemble() walks the same order with
// a scanner that knows its column. The instruction's opcode, memory type, ALU operation and reset bit form the
// mnemonic.
#include "arco/isa/assembler.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <iterator>
#include <string_view>
#include <utility>

#include "arco/base/error.h"
#include "arco/isa/micro_op_buffer.h"

namespace arco {
namespace {

constexpr std::pair<const char*, bool Tokens::*> kTokenNames[] = {{"pop_prev", &Tokens::pop_prev},
                                                                  {"pop_next", &Tokens::pop_next},
                                                                  {"push_prev", &Tokens::push_prev},
                                                                  {"push_next", &Tokens::push_next}};

std::string mnemonic(const Instruction& instruction) {
  const std::string opcode = to_string(instruction.opcode);
  switch (instruction.opcode) {
    case Opcode::kLoad:
    case Opcode::kStore:
      return opcode + "." + to_string(instruction.memory.type);
    case Opcode::kGemm:
      return instruction.loop.reset ? opcode + ".reset" : opcode;
    case Opcode::kAlu:
      return opcode + "." + to_string(instruction.loop.alu_op);
    case Opcode::kFinish:
      break;
  }
  return opcode;
}

// Every mnemonic with the instruction it stands for.
std::vector<std::pair<std::string, Instruction>> all_mnemonics() {
  std::vector<std::pair<std::string, Instruction>> result;
  const auto add = [&](const Instruction& instruction) { result.emplace_back(mnemonic(instruction), instruction); };
  Instruction instruction;
  for (const Opcode opcode : {Opcode::kLoad, Opcode::kStore}) {
    instruction.opcode = opcode;
    for (int type = 0; type <= static_cast<int>(MemoryType::kAcc8); ++type) {
      instruction.memory.type = static_cast<MemoryType>(type);
      add(instruction);
    }
  }
  instruction = {};
  instruction.opcode = Opcode::kGemm;
  add(instruction);
  instruction.loop.reset = true;
  add(instruction);
  instruction = {};
  instruction.opcode = Opcode::kAlu;
  for (int op = 0; op <= static_cast<int>(AluOp::kMov); ++op) {
    instruction.loop.alu_op = static_cast<AluOp>(op);
    add(instruction);
  }
  add(Instruction{});
  return result;
}

class Scanner {
 public:
  explicit Scanner(const std::string& line) : line_(line) {}

  // The next word, without taking it: letters, digits, '_' and '.', or a single other character; "" at the end.
  std::string_view peek() {
    while (position_ < line_.size() && std::isspace(static_cast<unsigned char>(line_[position_]))) ++position_;
    size_t end = position_;
    while (end < line_.size() && is_word(line_[end])) ++end;
    if (end == position_ && end < line_.size()) ++end;
    return std::string_view(line_).substr(position_, end - position_);
  }
  void skip(std::string_view word) { position_ += word.size(); }
  bool accept(std::string_view word) {
    if (peek() != word) return false;
    skip(word);
    return true;
  }
  void expect(std::string_view word) {
    if (!accept(word)) fail(fmt::format("'{}'", word));
  }
  uint32_t number() { return static_cast<uint32_t>(integer(0, UINT32_MAX)); }
  int64_t integer(int64_t low, int64_t high) {
    peek();
    const char* end = line_.data() + line_.size();
    const char* at = line_.data() + position_;
    const bool negative = at < end && *at == '-';
    if (negative) ++at;
    const bool hexadecimal = end - at > 2 && at[0] == '0' && at[1] == 'x';
    if (hexadecimal) at += 2;
    uint64_t value = 0;
    const auto result = std::from_chars(at, end, value, hexadecimal ? 16 : 10);
    const bool huge = value > uint64_t{1} << 62;
    const int64_t number = huge ? INT64_MAX : (negative ? -static_cast<int64_t>(value) : static_cast<int64_t>(value));
    if (result.ec != std::errc() || huge || number < low || number > high) {
      fail(fmt::format("a number from {} to {}", low, high));
    }
    position_ = static_cast<size_t>(result.ptr - line_.data());
    return number;
  }
  [[noreturn]] void fail(const std::string& expected) {
    const std::string_view found = peek();
    fail_user("column {}: expected {}, found {}", position_ + 1, expected,
              found.empty() ? "the end of the line" : fmt::format("'{}'", found));
  }

 private:
  static bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.'; }

  const std::string& line_;
  size_t position_ = 0;
};

Instruction parse_mnemonic(Scanner& scanner) {
  static const auto kMnemonics = all_mnemonics();
  const std::string word(scanner.peek());
  for (const auto& [name, instruction] : kMnemonics) {
    if (name != word) continue;
    scanner.skip(word);
    return instruction;
  }
  std::vector<std::string> names;
  for (const auto& [name, instruction] : kMnemonics) names.push_back(name);
  const std::string nearest = nearest_word(word, names);
  scanner.fail(nearest.empty() ? "an instruction such as 'load.inp', 'gemm', 'alu.add', 'store.out' or 'finish'"
                               : fmt::format("an instruction (is '{}' meant?)", nearest));
}

Tokens parse_tokens(Scanner& scanner) {
  Tokens tokens;
  if (!scanner.accept("[")) return tokens;
  while (!scanner.accept("]")) {
    const auto found = std::find_if(std::begin(kTokenNames), std::end(kTokenNames),
                                    [&](const auto& entry) { return scanner.accept(entry.first); });
    if (found == std::end(kTokenNames)) scanner.fail("pop_prev, pop_next, push_prev, push_next or ']'");
    tokens.*found->second = true;
  }
  return tokens;
}

void parse_memory(Scanner& scanner, MemoryFields& memory) {
  scanner.expect("sram");
  memory.sram_base = scanner.number();
  scanner.expect("dram");
  memory.dram_base = scanner.number();
  scanner.expect("y");
  memory.y_size = scanner.number();
  scanner.expect("x");
  memory.x_size = scanner.number();
  scanner.expect("stride");
  memory.x_stride = scanner.number();
  if (scanner.accept("pad")) {
    memory.y_pad_0 = scanner.number();
    for (uint32_t* pad : {&memory.y_pad_1, &memory.x_pad_0, &memory.x_pad_1}) {
      scanner.expect(",");
      *pad = scanner.number();
    }
  }
  memory.pad_is_min = scanner.accept("pad_min");
}

void parse_factors(Scanner& scanner, const char* name, uint32_t& out, uint32_t& in) {
  scanner.expect(name);
  out = scanner.number();
  scanner.expect(",");
  in = scanner.number();
}

void parse_loop(Scanner& scanner, LoopFields& loop, bool gemm) {
  scanner.expect("uop");
  loop.uop_begin = scanner.number();
  const std::string_view rest = scanner.peek();
  if (rest.substr(0, 2) != "..") scanner.fail("'..'");
  scanner.skip("..");
  loop.uop_end = scanner.number();
  scanner.expect("out");
  loop.iter_out = scanner.number();
  scanner.expect("in");
  loop.iter_in = scanner.number();
  parse_factors(scanner, "dst", loop.dst_out, loop.dst_in);
  parse_factors(scanner, "src", loop.src_out, loop.src_in);
  if (gemm) {
    parse_factors(scanner, "wgt", loop.wgt_out, loop.wgt_in);
  } else if (scanner.accept("imm")) {
    loop.use_imm = true;
    loop.imm = static_cast<int32_t>(scanner.integer(INT16_MIN, INT16_MAX));
  }
}

std::string memory_text(const MemoryFields& memory) {
  std::string text = fmt::format(" sram {} dram {:#x} y {} x {} stride {}", memory.sram_base, memory.dram_base,
                                 memory.y_size, memory.x_size, memory.x_stride);
  if ((memory.y_pad_0 | memory.y_pad_1 | memory.x_pad_0 | memory.x_pad_1) != 0) {
    text += fmt::format(" pad {},{},{},{}", memory.y_pad_0, memory.y_pad_1, memory.x_pad_0, memory.x_pad_1);
  }
  if (memory.pad_is_min) text += " pad_min";
  return text;
}

std::string loop_text(const LoopFields& loop, bool gemm) {
  std::string text = fmt::format(" uop {}..{} out {} in {} dst {},{} src {},{}", loop.uop_begin, loop.uop_end,
                                 loop.iter_out, loop.iter_in, loop.dst_out, loop.dst_in, loop.src_out, loop.src_in);
  if (gemm) text += fmt::format(" wgt {},{}", loop.wgt_out, loop.wgt_in);
  if (!gemm && loop.use_imm) text += fmt::format(" imm {}", loop.imm);
  return text;
}

std::string micro_op_text(const Instruction& instruction, const MicroOpBuffer& buffer, const IsaLayout& layout) {
  const LoopFields& loop = instruction.loop;
  const bool gemm = instruction.opcode == Opcode::kGemm;
  std::string text;
  for (uint64_t u = loop.uop_begin; u < loop.uop_end; ++u) {
    const auto index = static_cast<uint32_t>(u);
    if (!buffer.is_loaded(index)) {
      return text + fmt::format("          uop {}: not loaded\n", index);
    }
    const uint32_t word = buffer.word(index);
    const MicroOp uop = gemm ? decode_gemm_uop(word, layout) : decode_alu_uop(word, layout);
    text += fmt::format("          uop {}: {:08x}  dst {} src {}", index, word, uop.dst, uop.src);
    text += gemm ? fmt::format(" wgt {}\n", uop.wgt) : "\n";
  }
  return text;
}

}  // namespace

std::string disassemble(const Instruction& instruction) {
  std::string text = fmt::format("{:<10}", mnemonic(instruction));
  std::string tokens;
  for (const auto& [name, member] : kTokenNames) {
    if (instruction.tokens.*member) tokens += fmt::format("{}{}", tokens.empty() ? "" : " ", name);
  }
  if (!tokens.empty()) text += " [" + tokens + "]";
  if (instruction.opcode == Opcode::kLoad || instruction.opcode == Opcode::kStore) {
    text += memory_text(instruction.memory);
  } else if (instruction.opcode != Opcode::kFinish) {
    text += loop_text(instruction.loop, instruction.opcode == Opcode::kGemm);
  }
  while (text.back() == ' ') text.pop_back();
  return text;
}

Instruction assemble(const std::string& line) {
  Scanner scanner(line);
  Instruction instruction = parse_mnemonic(scanner);
  instruction.tokens = parse_tokens(scanner);
  if (instruction.opcode == Opcode::kLoad || instruction.opcode == Opcode::kStore) {
    parse_memory(scanner, instruction.memory);
  } else if (instruction.opcode != Opcode::kFinish) {
    parse_loop(scanner, instruction.loop, instruction.opcode == Opcode::kGemm);
  }
  if (!scanner.peek().empty()) scanner.fail("the end of the line");
  return instruction;
}

std::string disassemble(const Program& program) {
  const IsaLayout layout(program.hardware);
  MicroOpBuffer buffer(program);
  std::string text = fmt::format("; {} on {}, {} instructions, {} micro-ops\n", program.name,
                                 program.hardware.to_string(), program.instructions.size(), program.micro_ops.size());
  for (const Segment& segment : program.segments) {
    text += fmt::format("; {:<11} {:#010x} {:>10} bytes  {}\n", to_string(segment.kind), segment.address, segment.bytes,
                        segment.name);
  }
  // The micro-ops of a range are written once until a LOAD UOP changes the buffer.
  std::array<uint64_t, 4> last{};
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    const Instruction& instruction = program.instructions[i];
    const InstructionWord word = encode(instruction, layout);
    text += fmt::format("{:>7}  {:016x} {:016x}  {}\n", i, word[0], word[1], disassemble(instruction));
    if (instruction.opcode == Opcode::kLoad && instruction.memory.type == MemoryType::kUop && !instruction.is_no_op()) {
      buffer.load(instruction.memory);
    }
    if (instruction.opcode != Opcode::kGemm && instruction.opcode != Opcode::kAlu) continue;
    const std::array<uint64_t, 4> range{buffer.version() + 1, instruction.loop.uop_begin, instruction.loop.uop_end,
                                        static_cast<uint64_t>(instruction.opcode)};
    if (range != last) text += micro_op_text(instruction, buffer, layout);
    last = range;
  }
  return text;
}

}  // namespace arco
