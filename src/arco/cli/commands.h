// One function and one file for each command: it adds the command with its flags, help and work to the program.
#pragma once

#include <CLI/CLI.hpp>

#include "arco/cli/console.h"

namespace arco {

void add_zoo_command(CLI::App& app, Console& console);
void add_tune_command(CLI::App& app, Console& console);
void add_pretrain_command(CLI::App& app, Console& console);
void add_records_command(CLI::App& app, Console& console);
void add_bench_command(CLI::App& app, Console& console);
void add_compile_command(CLI::App& app, Console& console);
void add_run_command(CLI::App& app, Console& console);
void add_reference_command(CLI::App& app, Console& console);
void add_inspect_command(CLI::App& app, Console& console);
void add_explain_command(CLI::App& app, Console& console);

}  // namespace arco
