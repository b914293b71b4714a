// JSON text from outside becomes a document, or every reason why it does not.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "arco/base/error.h"

namespace arco {

// The object in `text`. Text that is empty, no JSON, no object, nested deeper than 64 levels or larger than 16 MiB adds
// a problem, and the result is null. A key that an object repeats adds a problem; its last value counts, so that
// reading can go on.
nlohmann::json parse_json_object(std::string_view text, ErrorList& problems);

// "line 3, column 7: expected a comma, or the end": where the parser stopped reading `text`, whose first line is
// numbered `first_line`, and why.
std::string json_syntax_error(std::string_view text, const nlohmann::json::exception& error, size_t first_line = 1);

// What text that is none looks like, such as "an ONNX model"; nullptr for text.
const char* binary_kind(std::string_view text);

// A value as messages show it: printable, cut after 60 characters, lists and objects by their kind alone.
std::string shown(const nlohmann::json& value);

}  // namespace arco
