// Whole networks: how fast the functional simulator runs ResNet-18 on the default VTA, and what VGG-16 takes from its
// ONNX file to the program (as `arco compile` works: import, passes, calibration on noise, quantisation, lowering,
// saving), in time and memory.
//
// The way of VGG-16 runs in a process of its own, so that its peak memory is its own, too.
#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <sstream>

#include "arco/base/error.h"
#include "arco/cli/command_line.h"
#include "arco/onnx/importer.h"
#include "arco/onnx/zoo.h"
#include "arco/passes/pass_manager.h"
#include "arco/quant/quantize.h"
#include "arco/runtime/executable.h"
#include "arco/sim/functional.h"

namespace arco {
namespace {

namespace fs = std::filesystem;

// A folder that goes away with the benchmark.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / fmt::format("arco_networks_bench_{}", getpid())) {
    fs::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

// Runs `arco` with these arguments in another process; its resources, or nothing if it failed.
std::optional<rusage> run_in_child(const std::vector<std::string>& arguments) {
  const pid_t child = fork();
  if (child == 0) {
    std::ostringstream ignored;
    _exit(run_command_line(arguments, {ignored, ignored}));
  }
  int status = 0;
  rusage used{};
  if (child < 0 || wait4(child, &status, 0, &used) != child) return std::nullopt;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? std::optional(used) : std::nullopt;
}

void vgg16_import_to_program(benchmark::State& state) {
  const Folder folder;
  const std::string model = folder / "vgg16.onnx";
  if (!run_in_child({"zoo", "vgg16", "-o", model})) return state.SkipWithError("the model cannot be written");
  double peak_bytes = 0;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    const auto used = run_in_child({"compile", model, "-o", folder / "vgg16.arco"});
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    if (!used) return state.SkipWithError("compiling failed");
    state.SetIterationTime(time.count());
    peak_bytes = std::max(peak_bytes, 1024.0 * static_cast<double>(used->ru_maxrss));
    const double cpu = static_cast<double>(used->ru_utime.tv_sec) + 1e-6 * static_cast<double>(used->ru_utime.tv_usec);
    state.counters["cpu_seconds"] = cpu;
  }
  state.counters["peak_GB"] = peak_bytes * 1e-9;
}
// The first of this program: a process with threads cannot be forked soundly.
BENCHMARK(vgg16_import_to_program)->UseManualTime()->Unit(benchmark::kSecond)->Iterations(1);

Executable compiled(const std::string& network, const Folder& folder) {
  write_zoo_model(network, folder / "network.onnx");
  Graph graph = import_onnx(folder / "network.onnx");
  simplify(graph);
  return compile(quantize(graph, calibrate(graph, noise_calibration(graph, 0, 1))), HardwareConfig{});
}

// Multiply-accumulates of the network itself, without those that only fill blocks.
void resnet18_functional(benchmark::State& state) {
  const Folder folder;
  const Executable executable = compiled("resnet18", folder);
  std::vector<uint8_t> dram = initial_dram(executable);
  double macs = 0;
  for (auto _ : state) {
    for (const CompiledStep& step : executable.steps) {
      const auto* layer = std::get_if<CompiledLayer>(&step);
      if (layer == nullptr) continue;
      const Segment* code = layer->program.find(SegmentKind::kInstruction);
      run_functional(executable.hardware, dram, code->address, layer->program.instructions.size());
      macs += static_cast<double>(layer->layer.workload.macs());
    }
  }
  state.counters["GMAC/s"] = benchmark::Counter(macs * 1e-9, benchmark::Counter::kIsRate);
}
BENCHMARK(resnet18_functional)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace arco
