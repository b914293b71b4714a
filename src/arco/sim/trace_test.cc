#include "arco/sim/trace.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "arco/sim/cycle_streams.h"

namespace arco::cycle {
namespace {

TEST(Trace, SlicesFlowsAndCounters) {
  const auto stream = convolution_stream(4);
  std::vector<TraceEvent> events;
  const CycleReport report = simulate_cycles(HardwareConfig{}, stream, {}, &events);
  const auto trace = nlohmann::json::parse(trace_json(stream, events, "a \"title\"\xff"));

  std::map<std::string, int> phases;
  std::map<int, std::pair<int64_t, int64_t>> flows;
  std::map<std::string, int64_t> last_level;
  size_t pushes = 0;
  for (const auto& event : trace.at("traceEvents")) {
    const std::string phase = event.at("ph");
    ++phases[phase];
    if (phase == "X") {
      EXPECT_LE(event.at("ts").get<uint64_t>() + event.at("dur").get<uint64_t>(), report.cycles);
    }
    if (phase == "s") flows[event.at("id")].first = event.at("ts");
    if (phase == "f") flows[event.at("id")].second = event.at("ts");
    if (phase == "C") {
      EXPECT_GE(event.at("args").at("value").get<int64_t>(), 0);
      last_level[event.at("name")] = event.at("args").at("value");
    }
  }
  for (const auto& instruction : stream) pushes += instruction.tokens.push_prev + instruction.tokens.push_next;
  EXPECT_EQ(phases["M"], 4);
  EXPECT_EQ(phases["X"], static_cast<int>(stream.size()));
  EXPECT_EQ(phases["s"], static_cast<int>(pushes));  // the stream is balanced: every token is popped
  EXPECT_EQ(phases["f"], static_cast<int>(pushes));
  for (const auto& [id, ends] : flows) EXPECT_LT(ends.first, ends.second);
  EXPECT_EQ(last_level.at("tokens load to compute"), 0);
  EXPECT_GT(last_level.at("INP entries in use"), 0);
}

TEST(Trace, BufferIsFreeFromTheTokenOn) {
  // Two loads into the same place; the second one waits for the GEMM that uses the first.
  const std::vector<Instruction> stream{with(load(MemoryType::kInp, 10), false, false, false, true),
                                        with(gemm(500), true, false, true, false),
                                        with(load(MemoryType::kInp, 30), false, true, false, true),
                                        with(compute_no_op(), true, false, false, false), finish()};
  std::vector<TraceEvent> events;
  simulate_cycles(HardwareConfig{}, stream, {}, &events);
  const auto trace = nlohmann::json::parse(trace_json(stream, events, "t"));
  std::vector<std::pair<uint64_t, int64_t>> levels;
  for (const auto& event : trace.at("traceEvents")) {
    if (event.at("name") == "INP entries in use") levels.emplace_back(event.at("ts"), event.at("args").at("value"));
  }
  const std::vector<std::pair<uint64_t, int64_t>> expected{{events[0].start, 10}, {events[2].start, 30}};
  EXPECT_EQ(levels, expected);  // free and taken again in the same cycle
  EXPECT_EQ(events[2].start, events[1].end);
}

}  // namespace
}  // namespace arco::cycle
