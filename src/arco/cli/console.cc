#include "arco/cli/console.h"

#include <nlohmann/json.hpp>

namespace arco {

void Console::print_json(const nlohmann::json& document) {
  // Names in other people's models need not be UTF-8.
  if (json) out << document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
}

}  // namespace arco
