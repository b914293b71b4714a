// Tokens carry no data and queues are first in, first out: the k-th push into a queue belongs to its k-th pop, both
// counted in program order of their module, which is the order in which the module executes.
//
// A range of INP or WGT is free again when compute gives the token that the overwriting LOAD (or an earlier one)
// popped:
//
//   load     | LOAD a |        | pop, LOAD a again
//   compute       | GEMM a, push |
//   in use   <---------------->   <------
#include "arco/sim/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "arco/base/error.h"
#include "arco/sim/cycle_tokens.h"

namespace arco {
namespace {

using cycle::kNeighbours;
using cycle::QueueId;

constexpr std::array<const char*, 3> kModules{"load", "compute", "store"};
constexpr std::array<const char*, 4> kQueues{"load to compute", "compute to load", "compute to store",
                                             "store to compute"};
constexpr std::array<const char*, 6> kMemories{"UOP", "WGT", "INP", "ACC", "OUT", "ACC8"};

struct Endpoint {
  int module;
  uint64_t cycle;
};
struct Change {
  uint64_t cycle;
  int64_t amount;
};

class TraceWriter {
 public:
  TraceWriter(std::span<const Instruction> instructions, std::span<const TraceEvent> events)
      : instructions_(instructions), events_(events), out_(std::back_inserter(text_)) {}

  std::string write(const std::string& title) {
    text_ = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n";
    fmt::format_to(out_, R"({{"ph":"M","pid":1,"name":"process_name","args":{{"name":{}}}}})",
                   nlohmann::json(title).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
    for (size_t module = 0; module < kModules.size(); ++module) {
      fmt::format_to(out_, R"(,
{{"ph":"M","pid":1,"tid":{},"name":"thread_name","args":{{"name":"{}"}}}})",
                     module, kModules[module]);
    }
    for (const TraceEvent& event : events_) slice(event);
    tokens();
    for (const MemoryType type : {MemoryType::kInp, MemoryType::kWgt}) buffer_use(type);
    text_ += "\n]}\n";
    return std::move(text_);
  }

 private:
  const Instruction& instruction(const TraceEvent& event) const {
    ARCO_CHECK(event.instruction < instructions_.size(), "trace of instruction {}", event.instruction);
    return instructions_[event.instruction];
  }

  static std::string name(const Instruction& instruction) {
    const bool moves = instruction.opcode == Opcode::kLoad || instruction.opcode == Opcode::kStore;
    if (moves && instruction.memory.x_size == 0) return "no-op";
    const char* memory = kMemories[static_cast<size_t>(instruction.memory.type)];
    switch (instruction.opcode) {
      case Opcode::kLoad:
        return fmt::format("LOAD {}", memory);
      case Opcode::kStore:
        return "STORE";
      case Opcode::kGemm:
        return instruction.loop.reset ? "GEMM reset" : "GEMM";
      case Opcode::kAlu:
        return instruction.loop.use_imm ? "ALU immediate" : "ALU";
      case Opcode::kFinish:
        return "FINISH";
    }
    return "?";
  }

  void slice(const TraceEvent& event) {
    const Instruction& what = instruction(event);
    fmt::format_to(out_, R"(,
{{"ph":"X","pid":1,"tid":{},"ts":{},"dur":{},"name":"{}","args":{{"instruction":{})",
                   static_cast<int>(event.module), event.start, event.end - event.start, name(what), event.instruction);
    if (what.opcode == Opcode::kGemm || what.opcode == Opcode::kAlu) {
      fmt::format_to(out_, R"(,"steps":{})", what.loop.steps());
    } else if (what.opcode != Opcode::kFinish) {
      fmt::format_to(out_, R"(,"rows":{},"columns":{},"sram":{},"dram":{})", what.memory.y_size, what.memory.x_size,
                     what.memory.sram_base, what.memory.dram_base);
    }
    text_ += "}}";
  }

  void tokens() {
    std::array<std::vector<Endpoint>, 4> pushes, pops;
    for (const TraceEvent& event : events_) {
      const Tokens& tokens = instruction(event).tokens;
      const int module = static_cast<int>(event.module);
      const auto& side = kNeighbours[module];
      if (tokens.pop_prev) pops[side.pop_prev].push_back({module, event.start});
      if (tokens.pop_next) pops[side.pop_next].push_back({module, event.start});
      if (tokens.push_prev) pushes[side.push_prev].push_back({module, event.end});
      if (tokens.push_next) pushes[side.push_next].push_back({module, event.end});
    }
    uint64_t id = 0;
    for (size_t queue = 0; queue < kQueues.size(); ++queue) {
      std::vector<Change> changes;
      for (const Endpoint& push : pushes[queue]) changes.push_back({push.cycle, 1});
      for (const Endpoint& pop : pops[queue]) changes.push_back({pop.cycle, -1});
      counter(fmt::format("tokens {}", kQueues[queue]), std::move(changes));
      for (size_t k = 0; k < std::min(pushes[queue].size(), pops[queue].size()); ++k) {
        flow('s', ++id, queue, pushes[queue][k]);
        flow('f', id, queue, pops[queue][k]);
      }
    }
    granted_ = std::move(pushes[cycle::kComputeToLoad]);
  }

  // A flow's start binds to the slice that contains its time, so it lies just before the end of the pushing one.
  void flow(char phase, uint64_t id, size_t queue, const Endpoint& at) {
    fmt::format_to(out_, R"(,
{{"ph":"{}","bp":"e","pid":1,"tid":{},"ts":{},"id":{},"cat":"token","name":"{}"}})",
                   phase, at.module, phase == 's' && at.cycle > 0 ? at.cycle - 1 : at.cycle, id, kQueues[queue]);
  }

  void counter(const std::string& counter_name, std::vector<Change> changes) {
    std::sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) { return a.cycle < b.cycle; });
    int64_t level = 0;
    for (size_t i = 0; i < changes.size(); ++i) {
      level += changes[i].amount;
      if (i + 1 < changes.size() && changes[i + 1].cycle == changes[i].cycle) continue;
      fmt::format_to(out_, R"(,
{{"ph":"C","pid":1,"ts":{},"name":"{}","args":{{"value":{}}}}})",
                     changes[i].cycle, counter_name, level);
    }
  }

  void buffer_use(MemoryType type) {
    struct Range {
      uint64_t begin, end, written;
    };
    std::vector<Range> live;
    std::vector<Change> changes;
    uint64_t granted = 0;  // when the last token popped by the load module was pushed
    size_t popped = 0;
    for (const TraceEvent& event : events_) {
      if (event.module != Module::kLoad) continue;
      const Instruction& what = instruction(event);
      if (what.tokens.pop_next && popped < granted_.size()) granted = granted_[popped++].cycle;
      const MemoryFields& memory = what.memory;
      if (memory.type != type || memory.x_size == 0) continue;
      const uint64_t rows = uint64_t{memory.y_pad_0} + memory.y_size + memory.y_pad_1;
      const uint64_t columns = uint64_t{memory.x_pad_0} + memory.x_size + memory.x_pad_1;
      const Range range{memory.sram_base, memory.sram_base + rows * columns, event.end};
      std::erase_if(live, [&](const Range& old) {
        if (old.end <= range.begin || range.end <= old.begin) return false;
        changes.push_back({std::max(granted, old.written), -static_cast<int64_t>(old.end - old.begin)});
        return true;
      });
      live.push_back(range);
      changes.push_back({event.start, static_cast<int64_t>(range.end - range.begin)});
    }
    counter(fmt::format("{} entries in use", kMemories[static_cast<size_t>(type)]), std::move(changes));
  }

  std::span<const Instruction> instructions_;
  std::span<const TraceEvent> events_;
  std::string text_;
  std::back_insert_iterator<std::string> out_;
  std::vector<Endpoint> granted_;  // pushes from compute to load
};

}  // namespace

std::string trace_json(std::span<const Instruction> instructions, std::span<const TraceEvent> events,
                       const std::string& title) {
  return TraceWriter(instructions, events).write(title);
}

}  // namespace arco
