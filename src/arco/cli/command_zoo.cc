// arco zoo: writes well-known networks as ONNX files.
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "arco/base/error.h"
#include "arco/cli/commands.h"
#include "arco/cli/network_inputs.h"
#include "arco/cli/table.h"
#include "arco/cli/validators.h"
#include "arco/onnx/zoo.h"

namespace arco {

namespace {

struct Options {
  std::string name;
  std::string output;
  bool list = false;
  ZooOptions zoo;
};

void run_zoo(const Options& options, Console& console) {
  if (options.list) {
    for (const std::string& name : zoo_names()) console.print("{}\n", name);
    console.print_json({{"networks", zoo_names()}});
    return;
  }
  if (options.name.empty()) fail_user("a network's name is missing; `arco zoo --list` shows them");
  if (options.output.empty()) fail_user("-o FILE is missing: where to write the network");
  check_is_no_folder(options.output);
  write_zoo_model(options.name, options.output, options.zoo);
  const auto bytes = std::filesystem::file_size(options.output);
  console.print("wrote {} ({})\n", options.output, human_bytes(bytes));
  nlohmann::json document{{"network", options.name},
                          {"output", options.output},
                          {"bytes", bytes},
                          {"seed", options.zoo.seed},
                          {"image_size", options.zoo.image_size},
                          {"batch", options.zoo.batch}};
  if (options.zoo.classes != 0) document["classes"] = options.zoo.classes;
  console.print_json(document);
}

}  // namespace

void add_zoo_command(CLI::App& app, Console& console) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("zoo", "Write a well-known network as an ONNX file, with seeded weights");
  command->footer(
      "\nExample:\n  arco zoo resnet18 -o resnet18.onnx\n  arco zoo vgg16 -o small.onnx --image-size 32 --classes 10");
  command->add_option("NAME", options->name, "Which network (see --list)");
  command->add_option("-o,--output", options->output, "File to write")->type_name("FILE");
  command->add_flag("--list", options->list, "Show the names of the networks");
  command->add_option("--seed", options->zoo.seed, "Seed of the weights")->check(whole_number())->capture_default_str();
  command->add_option("--image-size", options->zoo.image_size, "Pixels of the square input image")
      ->check(positive_number())
      ->capture_default_str();
  command->add_option("--batch", options->zoo.batch, "Images at once")->check(positive_number())->capture_default_str();
  command->add_option("--classes", options->zoo.classes, "Outputs of the classifier (default: as published)")
      ->check(positive_number());
  command->add_flag("--json", console.json, "Print JSON for machines");
  command->callback([options, &console] { run_zoo(*options, console); });
}

}  // namespace arco
