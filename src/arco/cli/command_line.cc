#include "arco/cli/command_line.h"

#include <algorithm>

#include "arco/base/error.h"
#include "arco/cli/commands.h"

namespace arco {

namespace {

void add_commands(CLI::App& app, Console& console) {
  add_zoo_command(app, console);
  add_tune_command(app, console);
  add_records_command(app, console);
  add_bench_command(app, console);
  add_pretrain_command(app, console);
  add_compile_command(app, console);
  add_run_command(app, console);
  add_reference_command(app, console);
  add_inspect_command(app, console);
  add_explain_command(app, console);
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

std::string suggestion(const std::string& word, const std::vector<std::string>& known) {
  const std::string nearest = nearest_word(word, known);
  return nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest);
}

void check_command(const CLI::App& app, const std::vector<std::string>& arguments) {
  if (arguments.empty()) fail_user("a command is missing; see `arco --help`");
  const std::vector<std::string> names = command_names(app);
  const std::string& first = arguments.front();
  if (first.starts_with('-') || std::find(names.begin(), names.end(), first) != names.end()) return;
  fail_user("unknown command '{}'{}; the commands are {}, see `arco --help`", first, suggestion(first, names),
            CLI::detail::join(names, ", "));
}

// CLI11 takes "--verify=" for "--verify": what a script left empty would ask for everything.
void check_values(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (argument.starts_with("--") && argument.size() > 3 && argument.find('=') == argument.size() - 1) {
      fail_user("{} needs a value after '='", argument);
    }
  }
}

// In our words, what CLI11 says of an option's value; its own where it is plain enough.
std::string describe_value(const CLI::App& command, const CLI::ParseError& error) {
  std::string text = error.what();
  const std::string converts = "Could not convert: ";
  if (text.starts_with(converts)) {  // "Could not convert: --weights = a"
    const size_t equals = text.find(" = ");
    const std::string name = text.substr(converts.size(), equals - converts.size());
    const std::string value = equals == std::string::npos ? "" : text.substr(equals + 3);
    const CLI::Option* option = command.get_option_no_throw(name);
    if (option == nullptr) return text;
    if (option->get_items_expected_max() == 0) return fmt::format("{} takes no value, not '{}'", name, value);
    const bool is_real = option->get_type_name().starts_with("FLOAT");
    return fmt::format("{}: '{}' is no {}", name, value, is_real ? "number" : "whole number");
  }
  const std::string name = text.substr(0, text.find(':'));
  if (text.find(": At Most ") != std::string::npos) return name + " is given more than once";
  if (text.find(" required ") != std::string::npos && text.ends_with(" missing")) return name + " needs a value";
  return text;
}

// What to say about arguments that CLI11 refused. A mistyped option explains the rest, so it comes first.
std::string describe(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* deepest = &app;
  std::string words = "arco";
  for (auto parsed = app.get_subcommands(); !parsed.empty(); parsed = deepest->get_subcommands()) {
    deepest = parsed.front();
    words += " " + deepest->get_name();
  }
  const CLI::App& command = *deepest;
  const std::string hint = fmt::format("; see `{} --help`", words);
  const std::vector<std::string> rest = app.remaining(true);
  for (const std::string& argument : rest) {
    if (!argument.starts_with('-') || argument.size() < 2) continue;
    const std::string name = argument.substr(0, argument.find('='));
    return fmt::format("unknown option '{}'{}{}", name, suggestion(name, option_names(command)), hint);
  }
  const std::vector<std::string> commands = command_names(command);
  const std::string expected = fmt::format("expected {} with one of {}", words, CLI::detail::join(commands, ", "));
  if (!rest.empty()) {
    return fmt::format("unexpected argument '{}'{}{}{}", rest.front(), suggestion(rest.front(), commands),
                       commands.empty() ? "" : ", " + expected, hint);
  }
  if (!commands.empty()) return expected + hint;
  return describe_value(command, error) + hint;
}

int parse_and_run(CLI::App& app, std::vector<std::string> arguments, Console& console) {
  check_command(app, arguments);
  check_values(arguments);
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    app.parse(arguments);
  } catch (const CLI::Success& help) {
    return app.exit(help, console.out, console.err);
  } catch (const CLI::ParseError& error) {
    throw UserError(describe(app, error));
  }
  return kExitDone;
}

}  // namespace

int run_command_line(const std::vector<std::string>& arguments, Console console) {
  CLI::App app("ARCO compiles a neural network (ONNX) to a co-optimised VTA-class accelerator and a bit-exact program.",
               "arco");
  app.set_version_flag("--version", "arco " ARCO_VERSION);
  app.require_subcommand(1);
  app.footer(
      "\nExample:\n  arco zoo resnet18 -o resnet18.onnx\n  arco tune resnet18.onnx -o design\n"
      "  arco compile resnet18.onnx --design design/design.json -o resnet18.arco\n"
      "  arco run resnet18.arco --verify\n\n`arco COMMAND --help` explains a command.");
  add_commands(app, console);
  try {
    return parse_and_run(app, arguments, console);
  } catch (const UserError& error) {
    console.err << "arco: error: " << error.what() << std::endl;
    return kExitWrongUse;
  } catch (const std::bad_alloc&) {
    console.err << "arco: error: not enough memory" << std::endl;
    return kExitFailed;
  } catch (const std::exception& error) {
    console.err << "arco: error: " << error.what() << std::endl;
    return kExitFailed;
  }
}

}  // namespace arco
