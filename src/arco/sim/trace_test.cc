#include "arco/sim/trace.h"

#include <gtest/gtest.h>

#include <algorithm>
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

// What the viewers demand of each phase of event, and that every arrow starts and ends inside of a slice of its track.
TEST(Trace, KeepsTheTraceEventFormat) {
  const auto stream = convolution_stream(4);
  std::vector<TraceEvent> events;
  simulate_cycles(HardwareConfig{}, stream, {}, &events);
  const auto trace = nlohmann::json::parse(trace_json(stream, events, "t"));
  EXPECT_EQ(trace.at("displayTimeUnit"), "ms");
  std::map<uint64_t, std::vector<std::pair<uint64_t, uint64_t>>> slices;  // by track
  for (const auto& event : trace.at("traceEvents")) {
    if (event.at("ph") == "X") {
      const uint64_t start = event.at("ts");
      slices[event.at("tid")].emplace_back(start, start + event.at("dur").get<uint64_t>());
    }
  }
  const auto inside = [&](const nlohmann::json& event) {
    const uint64_t at = event.at("ts");
    const auto& track = slices[event.at("tid")];
    return std::any_of(track.begin(), track.end(), [&](const auto& s) { return s.first <= at && at < s.second; });
  };
  std::map<uint64_t, nlohmann::json> open;  // arrows that have started
  for (const auto& event : trace.at("traceEvents")) {
    const std::string phase = event.at("ph");
    EXPECT_TRUE(event.at("name").is_string());
    EXPECT_TRUE(event.at("pid").is_number_unsigned());
    if (phase == "M") {
      EXPECT_TRUE(event.at("name") == "process_name" || event.at("name") == "thread_name");
      EXPECT_TRUE(event.at("args").at("name").is_string());
      continue;
    }
    EXPECT_TRUE(event.at("ts").is_number_unsigned());
    if (phase == "X") {
      EXPECT_LT(event.at("tid").get<uint64_t>(), 3u);
      EXPECT_GT(event.at("dur").get<uint64_t>(), 0u);
    } else if (phase == "C") {
      EXPECT_TRUE(event.at("args").at("value").is_number_integer());
    } else if (phase == "s") {
      EXPECT_TRUE(inside(event)) << event;
      EXPECT_TRUE(open.emplace(event.at("id"), event).second) << event;
    } else {
      ASSERT_EQ(phase, "f");
      EXPECT_EQ(event.at("bp"), "e");  // binds to the slice around it, not to the next one
      EXPECT_TRUE(inside(event)) << event;
      const auto start = open.find(event.at("id"));
      ASSERT_NE(start, open.end()) << event;
      EXPECT_EQ(start->second.at("cat"), event.at("cat"));
      EXPECT_EQ(start->second.at("name"), event.at("name"));
      open.erase(start);
    }
  }
  EXPECT_TRUE(open.empty());
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
