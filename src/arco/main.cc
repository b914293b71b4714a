#include <iostream>
#include <string>
#include <vector>

#include "arco/cli/command_line.h"

int main(int argc, char** argv) {
  return arco::run_command_line(std::vector<std::string>(argv + 1, argv + argc), {std::cout, std::cerr});
}
