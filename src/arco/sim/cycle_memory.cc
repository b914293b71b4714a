// G2 (vta-isa 4.3). Clients put requests to an arbiter (one request per cycle, fixed priority, none in a cycle that
// carries a last beat, a limited number outstanding); the memory serves them strictly in order:
//
//   sent:    |r0|r1|r2|...                       r = one burst
//   FIFO:       |<--- D --->|b0 b0 b0|b1 b1|b2   D only when the FIFO was empty
//
// Nothing is ever taken back, so a burst's end is known when its request is sent, and the simulation needs one step per
// burst, none per beat.
//
// G0, G1 (4.4). One burst at a time for the whole core, reads before writes; between its bursts a client spends some
// cycles on the next request, in which another client may take the bus.
#include "arco/sim/cycle_memory.h"

#include <bit>

#include "arco/base/error.h"

namespace arco::cycle {

BurstWalk::BurstWalk(uint64_t address, uint64_t row_bytes, uint64_t stride_bytes, uint64_t rows, int log2_element,
                     const HardwareConfig& hardware)
    : address_(address),
      row_start_(address),
      row_end_(address + row_bytes),
      row_bytes_(row_bytes),
      stride_bytes_(stride_bytes),
      rows_(rows),
      log2_bus_(std::bit_width(static_cast<unsigned>(hardware.bus_bits / 8)) - 1),
      log2_element_(log2_element),
      narrow_(log2_element > log2_bus_) {
  burst_mask_ = (static_cast<uint64_t>(hardware.max_burst_beats) << log2_bus_) - 1;
}

uint64_t dram_element_bytes(MemoryType type, const HardwareConfig& hardware) {
  switch (type) {
    case MemoryType::kUop:
      return HardwareConfig::kUopElementBytes;
    case MemoryType::kWgt:
      return hardware.wgt_element_bytes();
    case MemoryType::kInp:
      return hardware.inp_element_bytes();
    case MemoryType::kAcc:
      return hardware.acc_element_bytes();
    case MemoryType::kOut:
      return hardware.out_element_bytes();
    case MemoryType::kAcc8:
      return hardware.acc_element_bytes() / 4;
  }
  ARCO_CHECK(false, "memory type {}", static_cast<int>(type));
}

BurstWalk walk_of(const MemoryFields& memory, const HardwareConfig& hardware) {
  const int log2_element = std::bit_width(dram_element_bytes(memory.type, hardware)) - 1;
  return {uint64_t{memory.dram_base} << log2_element,
          uint64_t{memory.x_size} << log2_element,
          uint64_t{memory.x_stride} << log2_element,
          memory.y_size,
          log2_element,
          hardware};
}

namespace {

uint64_t earliest_ready(const Clients& clients) {
  uint64_t earliest = kNever;
  for (const Client& client : clients) {
    if (client.pending) earliest = std::min(earliest, client.ready);
  }
  return earliest;
}

// The only pending client, or -1: then there is nothing to arbitrate.
int lone_client(const Clients& clients) {
  int lone = -1;
  for (int i = 0; i < static_cast<int>(clients.size()); ++i) {
    if (!clients[i].pending) continue;
    if (lone >= 0) return -1;
    lone = i;
  }
  return lone;
}

int winner_at(const Clients& clients, uint64_t cycle) {
  int winner = -1;
  for (int i = 0; i < static_cast<int>(clients.size()); ++i) {
    if (!clients[i].pending || clients[i].ready > cycle) continue;
    if (winner < 0 || clients[i].priority < clients[winner].priority) winner = i;
  }
  return winner;
}

}  // namespace

// The first cycle in which a request may be sent; requests whose last beat came before it are no longer outstanding.
uint64_t ReadChannel::next_slot(uint64_t earliest) {
  uint64_t cycle = std::max(earliest, next_send_);
  for (;;) {
    while (oldest_ != newest_ && last_beats_[oldest_ % kRing] < cycle) ++oldest_;
    if (oldest_ == newest_) return cycle;
    const uint64_t last_beat = last_beats_[oldest_ % kRing];
    if (last_beat == cycle || static_cast<int>(newest_ - oldest_) >= limit_) {
      cycle = last_beat + 1;
    } else {
      return cycle;
    }
  }
}

int ReadChannel::run(Clients& clients) {
  const int lone = lone_client(clients);
  for (;;) {
    const uint64_t cycle = next_slot(lone >= 0 ? clients[lone].ready : earliest_ready(clients));
    const int chosen = lone >= 0 ? lone : winner_at(clients, cycle);
    Client& client = clients[chosen];
    const BurstWalk::Burst burst = client.walk.next();
    const uint64_t arrival = cycle + send_;
    const bool fifo_empty = !used_ || arrival > fifo_end_;
    fifo_end_ = (fifo_empty ? arrival + delay_ : fifo_end_) + burst.beats;
    used_ = true;
    last_beats_[newest_++ % kRing] = fifo_end_;
    next_send_ = cycle + 1;
    client.ready = cycle + interval_;
    client.beats += burst.beats;
    ++client.bursts;
    if (client.walk.done()) {
      client.end = fifo_end_;
      client.pending = false;
      return chosen;
    }
  }
}

int SerialBus::run(Clients& clients) {
  for (;;) {
    const uint64_t cycle = std::max(free_, earliest_ready(clients));
    const int chosen = winner_at(clients, cycle);
    Client& client = clients[chosen];
    const BurstWalk::Burst burst = client.walk.next();
    const uint64_t bubbles = client.writes ? burst.bubbles : 0;
    free_ = cycle + accept_ + burst.beats + bubbles;
    client.ready = free_ + request_ + (burst.ends_row ? client.row_gap : 0);
    client.beats += burst.beats;
    client.bubbles += bubbles;
    ++client.bursts;
    if (client.walk.done()) {
      client.end = free_;
      client.pending = false;
      return chosen;
    }
  }
}

}  // namespace arco::cycle
