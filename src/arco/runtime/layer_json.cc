#include "arco/runtime/layer_json.h"

#include <nlohmann/json.hpp>

namespace arco {

using Json = nlohmann::json;

namespace {
const std::vector<std::string> kOrders{"spatial-outer", "channel-outer"};  // by LoopOrder
}  // namespace

Json schedule_to_json(const Schedule& s) {
  return {{"tile_b", s.tile_b},         {"tile_h", s.tile_h},
          {"tile_w", s.tile_w},         {"tile_ci", s.tile_ci},
          {"tile_co", s.tile_co},       {"h_threads", s.h_threads},
          {"oc_threads", s.oc_threads}, {"order", kOrders[static_cast<size_t>(s.order)]}};
}

Schedule schedule_from_json(const JsonView& json) {
  constexpr int64_t kMaxTile = int64_t{1} << 31;
  const auto tile = [&](const char* key) { return json.at(key).integer(1, kMaxTile); };
  Schedule s;
  s.tile_b = tile("tile_b");
  s.tile_h = tile("tile_h");
  s.tile_w = tile("tile_w");
  s.tile_ci = tile("tile_ci");
  s.tile_co = tile("tile_co");
  s.h_threads = static_cast<int>(json.at("h_threads").integer(1, 2));
  s.oc_threads = static_cast<int>(json.at("oc_threads").integer(1, 2));
  s.order = static_cast<LoopOrder>(json.at("order").one_of(kOrders));
  return s;
}

namespace {
Json pool_to_json(const std::optional<PoolStage>& pool) {
  if (!pool) return nullptr;
  return {{"kind", to_string(pool->kind)},
          {"input", {{"height", pool->h}, {"width", pool->w}}},
          {"kernel", {pool->kh, pool->kw}},
          {"strides", {pool->stride_h, pool->stride_w}},
          {"pads", pool->pads}};
}

Json addition_to_json(const std::optional<AddStage>& add) {
  if (!add) return nullptr;
  return {{"operand_shifted", add->shift_operand}, {"multiplied", add->scales}};
}
}  // namespace

Json workload_to_json(const Workload& w) {
  return {{"kind", to_string(w.kind)},
          {"text", w.to_string()},
          {"n", w.n},
          {"input", {{"channels", w.ci}, {"height", w.h}, {"width", w.w}, {"plane", w.plane}}},
          {"output", {{"channels", w.co}, {"height", w.oh}, {"width", w.ow}}},
          {"kernel", {w.kh, w.kw}},
          {"groups", w.groups},
          {"strides", {w.stride_h, w.stride_w}},
          {"dilations", {w.dilation_h, w.dilation_w}},
          {"pads", w.pads},
          {"bias", w.has_bias},
          {"residual", w.has_second_input()},
          {"pool", pool_to_json(w.pool)},
          {"add", addition_to_json(w.add)},
          {"channel_scales", w.channel_scales},
          {"macs", w.macs()}};
}

Json hardware_to_json(const HardwareConfig& hardware) {
  return Json::parse(to_json(hardware));
}

}  // namespace arco
