#include "arco/runtime/run.h"

#include <map>
#include <set>

#include "arco/base/error.h"
#include "arco/base/parallel.h"
#include "arco/plan/packing.h"
#include "arco/reference/interpreter.h"
#include "arco/sim/functional.h"

namespace arco {

std::string Mismatch::to_string() const {
  return layer.empty() ? fmt::format("output '{}' at {}", tensor, difference.to_string())
                       : fmt::format("layer {}: tensor '{}' at {}", layer, tensor, difference.to_string());
}

uint64_t RunResult::total_cycles() const {
  uint64_t total = 0;
  for (const LayerRun& layer : layers) total += layer.cycles.cycles;
  return total;
}

namespace {

class Runner {
 public:
  Runner(const Executable& executable, const RunOptions& options)
      : e_(executable), options_(options), dram_(initial_dram(executable)) {}

  RunResult run(const std::vector<Array>& inputs) {
    check_inputs(inputs);
    for (size_t i = 0; i < inputs.size(); ++i) values_[e_.graph.inputs[i]] = inputs[i];
    if (options_.verify || options_.verify_outputs) {
      expected_outputs_ = run_reference(e_.graph, inputs, [&](TensorId id, const Array& value) {
        if (options_.verify) expected_[id] = value;
      });
    }
    for (const CompiledStep& step : e_.steps) {
      if (const auto* compiled = std::get_if<CompiledLayer>(&step)) {
        run_layer(*compiled);
      } else {
        run_host(std::get<HostStep>(step));
      }
      if (!result_.mismatches.empty()) return std::move(result_);
    }
    for (const TensorId output : e_.graph.outputs) result_.outputs.push_back(value(output));
    if (options_.verify_outputs) verify_outputs();
    return std::move(result_);
  }

 private:
  void check_inputs(const std::vector<Array>& inputs) const {
    ErrorList errors("inputs");
    if (inputs.size() != e_.graph.inputs.size()) {
      errors.add("{} arrays given, the network has {} inputs", inputs.size(), e_.graph.inputs.size());
    }
    for (size_t i = 0; i < std::min(inputs.size(), e_.graph.inputs.size()); ++i) {
      const Tensor& expected = e_.graph.tensor(e_.graph.inputs[i]);
      if (inputs[i].type() != expected.type || inputs[i].shape() != expected.shape) {
        errors.add("input {}: {} {} given, expected {} {}", expected.name, to_string(inputs[i].type()),
                   to_string(inputs[i].shape()), to_string(expected.type), to_string(expected.shape));
      }
    }
    errors.throw_if_any();
  }

  std::span<uint8_t> bytes_of(const DeviceBuffer& buffer) {
    return std::span(dram_).subspan(buffer.address, buffer.bytes);
  }

  // A tensor's value for the host: computed here, constant, or unpacked from the buffer that the accelerator wrote.
  const Array& value(TensorId id) {
    const auto known = values_.find(id);
    if (known != values_.end()) return known->second;
    if (e_.graph.tensor(id).constant) return *e_.graph.tensor(id).constant;
    for (size_t i = 0; i < e_.buffers.size(); ++i) {
      const DeviceBuffer& buffer = e_.buffers[i];
      if (buffer.tensor != id || buffer.host_packs) continue;
      fill(static_cast<int>(i));
      return values_[id] = unpack_activation(bytes_of(buffer), e_.graph.tensor(id).shape, buffer.layout);
    }
    throw InternalError("no value for tensor " + e_.graph.tensor(id).name);
  }

  // What the host writes into a buffer or its parts is filled in where somebody first reads it: before the buffer's
  // life its bytes may belong to another.
  void fill(int index) {
    if (index < 0) return;
    const DeviceBuffer& buffer = e_.buffers[static_cast<size_t>(index)];
    if (buffer.host_packs && packed_.insert(index).second) {
      pack_activation(value(buffer.tensor), buffer.layout, bytes_of(buffer));
    }
    for (size_t part = static_cast<size_t>(index) + 1; part < e_.buffers.size(); ++part) {
      if (e_.buffers[part].whole == index) fill(static_cast<int>(part));
    }
  }

  void run_layer(const CompiledLayer& compiled) {
    fill(compiled.input_buffer);
    fill(compiled.residual_buffer);
    if (options_.observe) options_.observe(compiled, dram_, true);
    const Segment* code = compiled.program.find(SegmentKind::kInstruction);
    run_functional(e_.hardware, dram_, code->address, code->bytes / 16);
    if (options_.observe) options_.observe(compiled, dram_, false);
    LayerRun layer{compiled.layer.name, compiled.layer.workload, compiled.schedule, {}, false};
    if (options_.cycles) layer.cycles = simulate_cycles(e_.hardware, compiled.program.instructions, options_.timing);
    const TensorId output = compiled.layer.output;
    const DeviceBuffer& buffer = e_.buffers[static_cast<size_t>(compiled.output_buffer)];
    if (options_.verify) {
      const Array actual = unpack_activation(bytes_of(buffer), e_.graph.tensor(output).shape, buffer.layout);
      if (auto difference = first_difference(expected_.at(output), actual)) {
        result_.mismatches.push_back({compiled.layer.name, e_.graph.tensor(output).name, *difference});
      } else {
        layer.verified = true;
      }
    }
    result_.layers.push_back(std::move(layer));
  }

  void verify_outputs() {
    for (size_t i = 0; i < result_.outputs.size(); ++i) {
      if (auto difference = first_difference(expected_outputs_[i], result_.outputs[i])) {
        result_.mismatches.push_back({"", e_.graph.tensor(e_.graph.outputs[i]).name, *difference});
      }
    }
  }

  void run_host(const HostStep& step) {
    const Node& node = e_.graph.nodes[static_cast<size_t>(step.node)];
    std::vector<Array> inputs;
    for (const TensorId id : node.inputs) inputs.push_back(id == kNoTensor ? Array() : value(id));
    std::vector<Array> outputs;
    try {
      outputs = run_reference_node(e_.graph, node, inputs);
    } catch (const UserError& error) {
      fail_user("node '{}' ({}): {}", node.name, op_name(node.op), error.what());
    }
    for (size_t i = 0; i < outputs.size(); ++i) values_[node.outputs[i]] = outputs[i];
  }

  const Executable& e_;
  const RunOptions& options_;
  std::vector<uint8_t> dram_;
  std::map<TensorId, Array> values_;
  std::map<TensorId, Array> expected_;
  std::vector<Array> expected_outputs_;
  std::set<int> packed_;  // host-filled buffers that are filled
  RunResult result_;
};

}  // namespace

RunResult run(const Executable& executable, const std::vector<Array>& inputs, const RunOptions& options) {
  return Runner(executable, options).run(inputs);
}

std::vector<LayerRun> layer_cycles(const Executable& executable, const TimingModel& timing, int jobs) {
  std::vector<const CompiledLayer*> layers;
  for (const CompiledStep& step : executable.steps) {
    if (const auto* compiled = std::get_if<CompiledLayer>(&step)) layers.push_back(compiled);
  }
  std::vector<LayerRun> runs(layers.size());
  parallel_for(layers.size(), jobs, [&](size_t i) {
    runs[i] = {layers[i]->layer.name, layers[i]->layer.workload, layers[i]->schedule,
               simulate_cycles(executable.hardware, layers[i]->program.instructions, timing), false};
  });
  return runs;
}

}  // namespace arco
