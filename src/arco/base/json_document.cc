// The parser reports every key and every level while it works; a document that nests too deeply is dropped then, before
// anything could walk it recursively.
#include "arco/base/json_document.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

namespace arco {

using Json = nlohmann::json;

namespace {

constexpr int kMaxNesting = 64;
constexpr size_t kMaxShown = 60;
// A parsed value takes some thirty bytes for each that it has as text.
constexpr size_t kMaxTextBytes = size_t{16} << 20;

std::string cut(std::string text) {
  if (text.size() <= kMaxShown) return text;
  return text.substr(0, kMaxShown) + "...";
}

// "a list" and the like.
const char* kind_of(const Json& value) {
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  if (value.is_string()) return "a text";
  return value.is_number() ? "a number" : value.is_boolean() ? "true or false" : "null";
}

// What the parser says, without the code that its messages begin with. Long tokens it read are cut.
std::string reason_of(const Json::exception& error) {
  constexpr size_t kMaxReason = 200;
  std::string text = error.what();
  text.erase(0, text.find(']') + 2);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');  // fit for a terminal
  return text.size() > kMaxReason ? text.substr(0, kMaxReason) + "..." : text;
}

// Watches the parser: levels and repeated keys.
class Watch {
 public:
  explicit Watch(ErrorList& problems) : problems_(problems) {}

  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    too_deep_ = too_deep_ || depth > kMaxNesting;
    if (too_deep_) return false;
    const auto level = static_cast<size_t>(depth);
    if (event == Json::parse_event_t::object_start) {
      keys_.resize(std::max(keys_.size(), level + 2));
      keys_[level + 1].clear();
    } else if (event == Json::parse_event_t::key && !keys_[level].insert(parsed.get_ref<const std::string&>()).second) {
      problems_.add("key {} stands in one object more than once; keep one of them", shown(parsed));
    }
    return true;
  }
  bool too_deep() const { return too_deep_; }

 private:
  ErrorList& problems_;
  std::vector<std::set<std::string>> keys_;  // of the objects that are open, by level
  bool too_deep_ = false;
};

}  // namespace

std::string shown(const Json& value) {
  if (value.is_structured()) return kind_of(value);
  return cut(value.dump(-1, ' ', true, Json::error_handler_t::replace));
}

Json parse_json_object(std::string_view text, ErrorList& problems) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    problems.add("is empty; expected a JSON object");
    return nullptr;
  }
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    problems.add("is UTF-16 text; save it as UTF-8");
    return nullptr;
  }
  if (text.size() > kMaxTextBytes) {
    problems.add("has {} bytes of JSON; expected at most {}", text.size(), kMaxTextBytes);
    return nullptr;
  }
  Watch watch(problems);
  try {
    Json document = Json::parse(
        text, [&](int depth, Json::parse_event_t event, Json& value) { return watch(depth, event, value); });
    if (watch.too_deep()) {
      problems.add("values are nested more than {} deep", kMaxNesting);
    } else if (!document.is_object()) {
      problems.add("holds {}; expected a JSON object {{...}}", kind_of(document));
    } else {
      return document;
    }
  } catch (const Json::exception& error) {
    problems.add("is not valid JSON: {}", reason_of(error));
  }
  return nullptr;
}

}  // namespace arco
