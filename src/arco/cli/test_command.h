// Running a command in tests as a user does.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "arco/cli/command_line.h"

namespace arco::testing_support {

struct Result {
  int code;
  std::string out;
  std::string err;
};

inline Result arco(const std::vector<std::string>& arguments) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = run_command_line(arguments, {out, err});
  return {code, out.str(), err.str()};
}

}  // namespace arco::testing_support
