// The program `arco`: arguments in, exit code out.
#pragma once

#include <string>
#include <vector>

#include "arco/cli/console.h"

namespace arco {

enum ExitCode { kExitDone = 0, kExitFailed = 1, kExitWrongUse = 2 };

// `arguments` without the program's name. Errors are printed as "arco: error: ..." on console.err.
//   0  done
//   1  could not be done: output not writable, a wrong bit found, a bug
//   2  wrong use or wrong input
int run_command_line(const std::vector<std::string>& arguments, Console console);

}  // namespace arco
