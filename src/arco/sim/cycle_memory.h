// The memory interface of the cycle simulator: how a LOAD, STORE or fetch becomes bursts, and who gets the bus when.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "arco/hardware/hardware_config.h"
#include "arco/isa/instruction.h"
#include "arco/sim/cycle.h"

namespace arco::cycle {

constexpr uint64_t kNever = UINT64_MAX;

// Cuts a 2-D transfer into bursts: a burst ends at the end of its row and at every multiple of `burst_bytes`.
class BurstWalk {
 public:
  BurstWalk() = default;
  // Rows of `row_bytes` > 0 starting at address, address + stride, ... Elements are powers of two of bytes.
  BurstWalk(uint64_t address, uint64_t row_bytes, uint64_t stride_bytes, uint64_t rows, int log2_element,
            const HardwareConfig& hardware);

  struct Burst {
    uint64_t beats;
    uint64_t bubbles;  // elements' ends inside the burst, when elements are wider than the bus
    bool ends_row;
  };
  // Call only while !done().
  Burst next() {
    const uint64_t end = std::min(row_end_, (address_ | burst_mask_) + 1);
    Burst burst;
    burst.beats = ((end - 1) >> log2_bus_) - (address_ >> log2_bus_) + 1;
    burst.bubbles = narrow_ ? ((end - 1) >> log2_element_) - (address_ >> log2_element_) : 0;
    burst.ends_row = end == row_end_;
    address_ = end;
    if (burst.ends_row && --rows_ > 0) {
      row_start_ += stride_bytes_;
      address_ = row_start_;
      row_end_ = row_start_ + row_bytes_;
    }
    return burst;
  }
  bool done() const { return rows_ == 0; }
  bool narrow() const { return narrow_; }  // elements wider than the bus

 private:
  uint64_t address_ = 0, row_start_ = 0, row_end_ = 0;
  uint64_t row_bytes_ = 0, stride_bytes_ = 0, rows_ = 0;
  uint64_t burst_mask_ = 0;
  int log2_bus_ = 3, log2_element_ = 0;
  bool narrow_ = false;
};

// The bursts of a LOAD or STORE with x_size > 0 and y_size > 0.
BurstWalk walk_of(const MemoryFields& memory, const HardwareConfig& hardware);
// Bytes in DRAM of one element.
uint64_t dram_element_bytes(MemoryType type, const HardwareConfig& hardware);

// Fixed priority: the lowest number wins (4.3); writes come last (4.4).
enum Priority : int { kFetchFirst = 0, kUopSecond = 1, kInpThird = 2, kWgtFourth = 3, kAccFifth = 4, kWriteLast = 5 };

// One agent (fetch or a module) with a transfer in progress.
struct Client {
  bool pending = false;
  int priority = kFetchFirst;
  BurstWalk walk;
  uint64_t ready = 0;    // earliest cycle of its next request
  uint64_t row_gap = 0;  // G0/G1: cycles of padding between rows
  bool writes = false;
  // Results.
  uint64_t beats = 0;
  uint64_t bubbles = 0;
  uint64_t bursts = 0;
  uint64_t end = 0;  // memory has moved the last beat
};
enum Agent : int { kLoadAgent = 0, kComputeAgent = 1, kStoreAgent = 2, kFetchAgent = 3 };
using Clients = std::array<Client, 4>;

// The read channel of G2: requests of all clients enter one FIFO that moves one beat per cycle.
class ReadChannel {
 public:
  explicit ReadChannel(const TimingModel& timing)
      : delay_(timing.memory_delay),
        send_(timing.request_send),
        interval_(timing.request_interval),
        limit_(std::clamp(timing.outstanding_reads, 1, kRing)) {}

  // Serves requests in order of time until one client has all of its data; returns that client. At least one client
  // must be pending.
  int run(Clients& clients);

 private:
  static constexpr int kRing = 64;  // a power of two
  uint64_t next_slot(uint64_t earliest);

  uint64_t delay_, send_, interval_;
  int limit_;
  uint64_t next_send_ = 0;  // one request per cycle
  uint64_t fifo_end_ = 0;   // the FIFO has moved all beats
  bool used_ = false;
  std::array<uint64_t, kRing> last_beats_{};  // cycles of the outstanding requests' last beats, ascending
  uint64_t oldest_ = 0, newest_ = 0;
};

// The bus of G0 and G1: one burst at a time, reading or writing.
class SerialBus {
 public:
  explicit SerialBus(const TimingModel& timing) : request_(timing.serial_request), accept_(timing.serial_accept) {}
  int run(Clients& clients);

 private:
  uint64_t request_, accept_;
  uint64_t free_ = 0;
};

}  // namespace arco::cycle
