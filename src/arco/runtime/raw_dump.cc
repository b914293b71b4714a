// A layer's segments move to a compact map of their own, from the second page on:
//
//   0        4096
//   | unused | input | residual | weight | bias | output | uop | instruction |    each on whole pages
//
// The image "after" equals "before" but for the output, which comes from the reference interpreter. Channels that only
// pad their block hold the requantised zero there, because their weights, biases and inputs are zero.
#include "arco/runtime/raw_dump.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>

#include "arco/base/error.h"
#include "arco/base/file.h"
#include "arco/isa/encoding.h"
#include "arco/lower/lower.h"
#include "arco/plan/packing.h"
#include "arco/reference/interpreter.h"
#include "arco/runtime/layer_json.h"
#include "arco/sim/functional.h"

namespace arco {

using Json = nlohmann::json;

namespace {

using Image = std::vector<uint8_t>;

Program compact(const Program& program) {
  std::vector<uint64_t> addresses;
  uint64_t next = kPageBytes;
  for (const Segment& segment : program.segments) {
    addresses.push_back(next);
    next += (segment.bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  }
  return relocate(program, addresses);
}

std::span<uint8_t> bytes_of(Image& image, const Segment& segment) {
  return std::span(image).subspan(segment.address, segment.bytes);
}

Shape whole_batches(Shape shape, int64_t batch) {
  shape[0] = ceil_div(shape[0], batch) * batch;
  return shape;
}

class LayerImages {
 public:
  LayerImages(const Executable& executable, const CompiledLayer& compiled, const std::map<TensorId, Array>& values)
      : e_(executable), compiled_(compiled), values_(values), program_(compact(compiled.program)) {
    const Segment& last = program_.segments.back();
    before_.resize((last.address + last.bytes + kPageBytes - 1) / kPageBytes * kPageBytes, 0);
    for (const Segment& segment : program_.segments) fill(segment);
    after_ = before_;
    const Segment& output = *program_.find(SegmentKind::kOutput);
    expect_output(bytes_of(after_, output));
  }

  const Program& program() const { return program_; }
  const Image& before() const { return before_; }
  const Image& after() const { return after_; }
  const DeviceBuffer& buffer(int index) const { return e_.buffers[static_cast<size_t>(index)]; }

  // Runs the image on the functional simulator; throws RunError at the first byte that is not as expected.
  void check() const {
    Image dram = before_;
    const Segment& code = *program_.find(SegmentKind::kInstruction);
    run_functional(e_.hardware, dram, code.address, program_.instructions.size());
    const auto wrong = std::mismatch(dram.begin(), dram.end(), after_.begin());
    if (wrong.first == dram.end()) return;
    throw RunError(fmt::format("layer {}: the simulator left {:#04x} at address {:#x}, the reference expects {:#04x}",
                               compiled_.layer.name, *wrong.first, wrong.first - dram.begin(), *wrong.second));
  }

 private:
  void fill(const Segment& segment) {
    const auto bytes = bytes_of(before_, segment);
    const auto copy = [&](std::span<const uint8_t> source) {
      ARCO_CHECK(source.size() == bytes.size(), "{} has {} bytes, not {}", segment.name, source.size(), bytes.size());
      std::copy(source.begin(), source.end(), bytes.begin());
    };
    switch (segment.kind) {
      case SegmentKind::kInput:
        return pack(compiled_.layer.input, compiled_.input_buffer, bytes);
      case SegmentKind::kResidual:
        return pack(compiled_.layer.residual, compiled_.residual_buffer, bytes);
      case SegmentKind::kWeight:
      case SegmentKind::kBias:
        return copy(constant_bytes(e_, compiled_, segment.kind));
      case SegmentKind::kInstruction:
        return copy(instruction_bytes(program_));
      case SegmentKind::kUop:
        return copy({reinterpret_cast<const uint8_t*>(program_.micro_ops.data()), program_.micro_ops.size() * 4});
      case SegmentKind::kOutput:
        return;
    }
  }

  void pack(TensorId tensor, int index, std::span<uint8_t> bytes) const {
    pack_activation(values_.at(tensor), buffer(index).layout, bytes);
  }

  // Channels that pad the last block are computed like the others.
  void expect_output(std::span<uint8_t> bytes) const {
    const ActivationLayout& layout = buffer(compiled_.output_buffer).layout;
    const Array value = output_with_whole_batches(layout.batch);
    Shape shape = value.shape();
    shape[1] = ceil_div(shape[1], layout.block) * layout.block;
    const size_t image = value.size() / static_cast<size_t>(shape[0]);
    const Array padding = answer_to_zeros();
    Array whole(DataType::kInt8, shape);
    const auto from = value.bytes();
    const auto to = whole.mutable_bytes();
    const size_t whole_image = to.size() / static_cast<size_t>(shape[0]);
    for (size_t i = 0; i < to.size(); ++i) {
      const size_t at = i % whole_image;
      to[i] = at < image ? from[i / whole_image * image + at] : padding.bytes()[at % padding.size()];
    }
    pack_activation(whole, layout, bytes);
  }

  // What comes out, for one channel [1, 1, h, w], where a layer sees zeros only, weights and bias included. Averages
  // see their padding too.
  Array answer_to_zeros() const {
    const AcceleratorLayer& layer = compiled_.layer;
    const Workload& w = layer.workload;
    const Requantize& numbers = layer.numbers;
    Array answer(DataType::kInt8, {1, 1, w.oh, w.ow});
    if (w.kind == WorkloadKind::kAveragePool) {
      Graph graph = e_.graph;
      const Node& node = graph.nodes[static_cast<size_t>(layer.node)];
      graph.tensor(node.outputs[0]).shape = answer.shape();
      return run_reference_node(graph, node, {Array(DataType::kInt8, {1, 1, w.h, w.w})}).front();
    }
    const int32_t offset = w.kind == WorkloadKind::kAdd ? numbers.zeros.offset + rounding_of(numbers.shift) : 0;
    int32_t zero = std::clamp(numbers.shift > 0 ? offset >> numbers.shift : 0, numbers.low, numbers.high);
    const Requantize& stage = layer.stage_numbers;
    if (w.pools_averages()) {
      const int64_t sum = zero * w.pool->kh * w.pool->kw;
      zero = requantized(sum * stage.multiplier + rounding_of(stage.shift), stage);
    }
    if (w.add) zero = requantized(sum_with_zero(zero, stage), stage);
    const auto bytes = answer.mutable_bytes();
    std::fill(bytes.begin(), bytes.end(), static_cast<uint8_t>(zero));
    return answer;
  }

  static int32_t requantized(int64_t rounded, const Requantize& numbers) {
    const int64_t shifted = numbers.shift < 0 ? rounded << -numbers.shift : rounded >> numbers.shift;
    return static_cast<int32_t>(std::clamp<int64_t>(shifted, numbers.low, numbers.high));
  }
  // What an addition stage requantises where the other operand is zero.
  static int64_t sum_with_zero(int64_t value, const Requantize& numbers) {
    const auto& scales = numbers.add_scales;
    const int64_t sum = scales ? value * scales->multipliers[0] >> scales->shift : value << numbers.add_shifts[0];
    return numbers.shift > 0 ? sum + numbers.zeros.offset + rounding_of(numbers.shift) : sum;
  }

  // The reference's output. Where images pad the last batch, they are the layer's answer to images of zeros.
  Array output_with_whole_batches(int64_t batch) const {
    const Array& output = values_.at(compiled_.layer.output);
    if (output.shape()[0] % batch == 0) return output;
    Graph graph = e_.graph;
    const Node& node = graph.nodes[static_cast<size_t>(compiled_.layer.node)];
    Shape& shape = graph.tensor(node.outputs[0]).shape;
    shape = whole_batches(shape, batch);
    const AcceleratorLayer& layer = compiled_.layer;
    const Array first = with_whole_batches(values_.at(layer.input), batch);
    const Array second = layer.residual == kNoTensor ? Array() : with_whole_batches(values_.at(layer.residual), batch);
    std::vector<Array> inputs(node.inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      const bool is_constant = node.inputs[i] == kNoTensor || graph.tensor(node.inputs[i]).constant;
      if (!is_constant) inputs[i] = i == 0 ? first : second;
    }
    const Array result = run_reference_node(graph, node, inputs).front();
    if (layer.stage_node < 0) return result;
    const Node& stage = graph.nodes[static_cast<size_t>(layer.stage_node)];
    graph.tensor(stage.outputs[0]).shape = whole_batches(output.shape(), batch);
    std::vector<Array> operands;
    for (const TensorId id : stage.inputs) operands.push_back(id == node.outputs[0] ? result : second);
    return run_reference_node(graph, stage, operands).front();
  }

  static Array with_whole_batches(const Array& value, int64_t batch) {
    Array whole(value.type(), whole_batches(value.shape(), batch));
    std::copy(value.bytes().begin(), value.bytes().end(), whole.mutable_bytes().begin());
    return whole;
  }

  const Executable& e_;
  const CompiledLayer& compiled_;
  const std::map<TensorId, Array>& values_;
  Program program_;
  Image before_;
  Image after_;
};

// Values of all tensors that accelerator layers read or write, from the reference interpreter.
std::map<TensorId, Array> reference_values(const Executable& executable, const std::vector<Array>& inputs) {
  std::map<TensorId, Array> values;
  for (const CompiledStep& step : executable.steps) {
    const auto* compiled = std::get_if<CompiledLayer>(&step);
    if (compiled == nullptr) continue;
    for (const TensorId id : {compiled->layer.input, compiled->layer.residual, compiled->layer.output}) {
      if (id != kNoTensor) values[id] = Array();
    }
  }
  run_reference(executable.graph, inputs, [&](TensorId id, const Array& value) {
    const auto found = values.find(id);
    if (found != values.end()) found->second = value;
  });
  return values;
}

Json layout_json(const DeviceBuffer& buffer, const Shape& shape) {
  return {{"order", "[N/batch][C/block][H][W][block/element][batch][element]"},
          {"batch", buffer.layout.batch},
          {"block", buffer.layout.block},
          {"element", buffer.layout.element},
          {"shape", shape}};
}

Json describe(const Executable& executable, const CompiledLayer& compiled, const LayerImages& images) {
  const Program& program = images.program();
  Json segments = Json::array();
  for (const Segment& segment : program.segments) {
    segments.push_back({{"kind", to_string(segment.kind)}, {"offset", segment.address}, {"bytes", segment.bytes}});
  }
  const auto layout = [&](TensorId tensor, int index) {
    return layout_json(images.buffer(index), executable.graph.tensor(tensor).shape);
  };
  Json layouts{{"input", layout(compiled.layer.input, compiled.input_buffer)},
               {"output", layout(compiled.layer.output, compiled.output_buffer)}};
  if (compiled.residual_buffer >= 0) {
    layouts["residual"] = layout(compiled.layer.residual, compiled.residual_buffer);
  }
  if (compiled.layer.workload.kind == WorkloadKind::kConv2d) {
    layouts["weight"] = {{"order", "[CO/block_out][CI/block_in][KH][KW][block_out][block_in]"}};
    layouts["bias"] = {{"order", "int32 [CO/block_out][row][batch][block_out], rounding included"},
                       {"rows", compiled.layer.workload.bias_rows()}};
  }
  return {{"name", compiled.layer.name},
          {"instructions",
           {{"offset", program.find(SegmentKind::kInstruction)->address}, {"count", program.instructions.size()}}},
          {"micro_ops", {{"offset", program.find(SegmentKind::kUop)->address}, {"count", program.micro_ops.size()}}},
          {"segments", segments},
          {"layouts", layouts},
          {"workload", workload_to_json(compiled.layer.workload)},
          {"schedule", schedule_to_json(compiled.schedule)}};
}

// Removes what was written unless all went well.
class WrittenFiles {
 public:
  explicit WrittenFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}
  WrittenFiles(const WrittenFiles&) = delete;
  WrittenFiles& operator=(const WrittenFiles&) = delete;
  ~WrittenFiles() {
    std::error_code ignored;
    for (const auto& path : paths_) std::filesystem::remove(path, ignored);
  }
  void write(const std::string& name, std::span<const uint8_t> bytes) {
    write_file(folder_ / name, bytes);
    paths_.push_back(folder_ / name);
  }
  void keep() { paths_.clear(); }

 private:
  std::filesystem::path folder_;
  std::vector<std::filesystem::path> paths_;
};

}  // namespace

std::string file_name_for(const std::string& name) {
  constexpr size_t kMaxLength = 80;
  std::string result = name.substr(0, kMaxLength);
  for (char& c : result) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
    if (!plain || static_cast<unsigned char>(c) >= 0x80) c = '_';
  }
  return result;
}

std::vector<RawLayer> write_raw_layers(const Executable& executable, const std::vector<Array>& inputs,
                                       const std::filesystem::path& folder) {
  const std::map<TensorId, Array> values = reference_values(executable, inputs);
  WrittenFiles files(folder);
  std::vector<RawLayer> layers;
  Json descriptions = Json::array();
  for (const CompiledStep& step : executable.steps) {
    const auto* compiled = std::get_if<CompiledLayer>(&step);
    if (compiled == nullptr) continue;
    const LayerImages images(executable, *compiled, values);
    images.check();
    const std::string stem = fmt::format("{:02}_{}", layers.size(), file_name_for(compiled->layer.name));
    layers.push_back({compiled->layer.name, stem + ".before.bin", stem + ".after.bin", images.before().size()});
    files.write(layers.back().before, images.before());
    files.write(layers.back().after, images.after());
    Json description = describe(executable, *compiled, images);
    description["index"] = layers.size() - 1;
    description["before"] = layers.back().before;
    description["after"] = layers.back().after;
    description["bytes"] = layers.back().bytes;
    descriptions.push_back(std::move(description));
  }
  const Json document{{"hardware", hardware_to_json(executable.hardware)},
                      {"variant", to_string(executable.hardware.variant)},
                      {"layers", std::move(descriptions)}};
  const std::string text = document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  files.write("layers.json", {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  files.keep();
  return layers;
}

}  // namespace arco
