// One step of a walk in a space of two agents, a: knobs 0 and 1, b: knob 2:
//
//     at (3,1,4)   a: up, stay   b: down    ->  (4,1,3)   legal: go there       reward: its fitness, less penalty
//                  a: up, up     b: down    ->  (4,2,3)   illegal: stay          reward: penalty only
//
// What is known of a configuration (which moves are open, resources, penalty, what the model thinks of it) is kept,
// since walks come back to the same places.
#include "arco/search/knob_environment.h"

#include <algorithm>
#include <cmath>

#include "arco/base/error.h"

namespace arco {
namespace {
constexpr int kResources = 5;
constexpr int kObservedBesideKnobs = kResources + 2 + kAgentCount;  // resources, fitness, time, one-hot
constexpr int kStateBesideKnobs = kResources + 3;                   // resources, fitness, spread, time
constexpr size_t kMostPoints = 200'000;                             // kept; about 300 bytes each

float* put_resources(const Resources& r, float* out) {
  for (const float value : {r.area, r.memory, r.inp, r.wgt, r.acc}) *out++ = value;
  return out;
}
}  // namespace

KnobEnvironment::KnobEnvironment(const SearchSpace& space, const KnobEnvironmentOptions& options, uint64_t seed)
    : space_(space), options_(options), random_(seed), descriptor_(space.workload_descriptor()) {
  ARCO_CHECK(options.episodes > 0 && options.steps > 0, "walks need a number and a length");
  for (int a = 0; a < kAgentCount; ++a) {
    std::vector<int> owned;
    for (size_t j = 0; j < space.knobs().size(); ++j) {
      if (space.knobs()[j].owner == static_cast<Agent>(a)) owned.push_back(static_cast<int>(j));
    }
    if (owned.empty()) continue;
    agents_.push_back(static_cast<Agent>(a));
    knobs_of_agents_.push_back(std::move(owned));
  }
  ARCO_CHECK(!agents_.empty(), "a space without knobs");
}

void KnobEnvironment::set_model(FitnessModel model, float best_measured, StartStates starts) {
  model_ = std::move(model);
  ++model_number_;
  best_measured_ = best_measured;
  starts_ = std::move(starts);
}

EnvironmentShape KnobEnvironment::shape() const {
  const int descriptor = static_cast<int>(descriptor_.size());
  EnvironmentShape shape{.episodes = options_.episodes,
                         .state_size = static_cast<int>(space_.knobs().size()) + descriptor + kStateBesideKnobs,
                         .agents = {}};
  for (const std::vector<int>& knobs : knobs_of_agents_) {
    const int heads = static_cast<int>(knobs.size());
    shape.agents.push_back({.observation_size = heads + descriptor + kObservedBesideKnobs, .heads = heads});
  }
  return shape;
}

KnobEnvironment::Point* KnobEnvironment::point_at(uint64_t index) {
  const auto [entry, is_new] = points_.try_emplace(index);
  Point& point = entry->second;
  if (!is_new) return &point;
  point.index = index;
  point.choice = space_.decode(index);
  point.resources = space_.resources(point.choice);
  point.penalty = penalty_of(point.resources, true);
  Choice neighbour = point.choice;
  const auto open = [&](size_t knob, int position) {
    neighbour[knob] = position;
    const bool legal =
        position >= 0 && position < static_cast<int>(space_.knobs()[knob].values.size()) && space_.legal(neighbour);
    neighbour[knob] = point.choice[knob];
    return static_cast<uint8_t>(legal);
  };
  for (size_t j = 0; j < point.choice.size(); ++j) {
    point.down.push_back(open(j, point.choice[j] - 1));
    point.up.push_back(open(j, point.choice[j] + 1));
  }
  return &point;
}

float KnobEnvironment::penalty_of(const Resources& resources, bool legal) const {
  const double penalty = options_.area_penalty * std::max(0.0, resources.area - 1.0) +
                         options_.memory_penalty * std::max(0.0, resources.memory - 1.0) +
                         (legal ? 0 : options_.illegal_penalty);
  return static_cast<float>(std::min(penalty, options_.most_penalty));
}

void KnobEnvironment::predict(const std::vector<Point*>& points) {
  std::vector<Point*> unknown;
  std::vector<uint64_t> indices;
  for (Point* point : points) {
    if (point->model == model_number_) continue;
    point->model = model_number_;
    unknown.push_back(point);
    indices.push_back(point->index);
  }
  if (unknown.empty()) return;
  const Fitness fitness = model_(indices);
  for (size_t i = 0; i < unknown.size(); ++i) {
    unknown[i]->mean = fitness.mean[i];
    unknown[i]->spread = fitness.spread[i];
  }
}

uint64_t KnobEnvironment::start_of(int episode) {
  const int measured = static_cast<int>(options_.measured_starts * options_.episodes);
  const int predicted = static_cast<int>(options_.predicted_starts * options_.episodes);
  if (episode < measured && !starts_.measured.empty()) {
    return starts_.measured[static_cast<size_t>(episode) % starts_.measured.size()];
  }
  if (episode >= measured && episode < measured + predicted && !starts_.predicted.empty()) {
    return starts_.predicted[static_cast<size_t>(episode - measured) % starts_.predicted.size()];
  }
  return starts_.draw(random_);
}

void KnobEnvironment::reset() {
  ARCO_CHECK(model_ && starts_.draw, "reset() before set_model()");
  if (points_.size() > kMostPoints) points_.clear();
  if (illegal_penalties_.size() > kMostPoints) illegal_penalties_.clear();
  at_.clear();
  for (int e = 0; e < options_.episodes; ++e) at_.push_back(point_at(start_of(e)));
  predict(at_);
  step_ = 0;
  best_in_walk_.clear();
  for (const Point* point : at_) {
    best_in_walk_.push_back(point->mean - point->penalty);
    if (met_set_.insert(point->index).second) met_.push_back(point->index);
  }
}

void KnobEnvironment::fill_observation(const Point& point, int agent, float time, float* out) const {
  for (const int knob : knobs_of_agents_[static_cast<size_t>(agent)]) {
    const size_t options = space_.knobs()[static_cast<size_t>(knob)].values.size();
    *out++ = static_cast<float>(point.choice[static_cast<size_t>(knob)]) /
             static_cast<float>(std::max<size_t>(options - 1, 1));
  }
  out = std::ranges::copy(descriptor_, out).out;
  out = put_resources(point.resources, out);
  *out++ = point.mean - best_measured_;
  *out++ = time;
  for (int a = 0; a < kAgentCount; ++a)
    *out++ = agents_[static_cast<size_t>(agent)] == static_cast<Agent>(a) ? 1.0F : 0.0F;
}

void KnobEnvironment::fill_state(const Point& point, float time, float* out) const {
  for (size_t j = 0; j < point.choice.size(); ++j) {
    const size_t options = space_.knobs()[j].values.size();
    *out++ = static_cast<float>(point.choice[j]) / static_cast<float>(std::max<size_t>(options - 1, 1));
  }
  out = std::ranges::copy(descriptor_, out).out;
  out = put_resources(point.resources, out);
  *out++ = point.mean;
  *out++ = point.spread;
  *out++ = time;
}

void KnobEnvironment::observe(int agent, MatrixRef out) const {
  for (size_t e = 0; e < at_.size(); ++e)
    fill_observation(*at_[e], agent, time(), &out(0, static_cast<Eigen::Index>(e)));
}

void KnobEnvironment::state(MatrixRef out) const {
  for (size_t e = 0; e < at_.size(); ++e) fill_state(*at_[e], time(), &out(0, static_cast<Eigen::Index>(e)));
}

void KnobEnvironment::masks(int agent, MasksRef out) const {
  const std::vector<int>& knobs = knobs_of_agents_[static_cast<size_t>(agent)];
  for (size_t e = 0; e < at_.size(); ++e) {
    uint8_t* mask = &out(0, static_cast<Eigen::Index>(e));
    for (const int knob : knobs) {
      mask[kMoveDown] = at_[e]->down[static_cast<size_t>(knob)];
      mask[kMoveStay] = 1;
      mask[kMoveUp] = at_[e]->up[static_cast<size_t>(knob)];
      mask += kMoves;
    }
  }
}

KnobEnvironment::Point* KnobEnvironment::moved(const Point& from, const std::vector<Moves>& moves, int episode,
                                               float& penalty) {
  Choice choice = from.choice;
  for (size_t a = 0; a < knobs_of_agents_.size(); ++a) {
    for (size_t h = 0; h < knobs_of_agents_[a].size(); ++h) {
      const auto knob = static_cast<size_t>(knobs_of_agents_[a][h]);
      const int position = choice[knob] + moves[a](static_cast<Eigen::Index>(h), episode) - kMoveStay;
      choice[knob] = std::clamp(position, 0, static_cast<int>(space_.knobs()[knob].values.size()) - 1);
    }
  }
  const uint64_t index = space_.encode(choice);
  if (points_.contains(index)) return point_at(index);
  auto illegal = illegal_penalties_.find(index);
  if (illegal == illegal_penalties_.end()) {
    if (space_.legal(choice)) return point_at(index);
    illegal = illegal_penalties_.emplace(index, penalty_of(space_.resources(choice), false)).first;
  }
  penalty = illegal->second;
  return nullptr;
}

void KnobEnvironment::step(const std::vector<Moves>& moves, std::span<float> rewards, std::span<uint8_t> terminal) {
  (void)terminal;  // walks end by their length only
  std::vector<Point*> next(at_.size());
  std::vector<float> penalties(at_.size(), 0.0F);
  for (size_t e = 0; e < at_.size(); ++e) {
    Point* reached = moved(*at_[e], moves, static_cast<int>(e), penalties[e]);
    next[e] = reached ? reached : at_[e];
  }
  predict(next);
  ++step_;
  for (size_t e = 0; e < at_.size(); ++e) {
    const float before = at_[e]->mean - at_[e]->penalty, after = next[e]->mean - next[e]->penalty;
    rewards[e] = (options_.paper_reward ? after : after - before) - penalties[e];
    best_in_walk_[e] = std::max(best_in_walk_[e], after);
    if (step_ == options_.steps && !options_.paper_reward) {
      rewards[e] += std::max(0.0F, best_in_walk_[e] - best_measured_);
    }
    if (met_set_.insert(next[e]->index).second) met_.push_back(next[e]->index);
  }
  at_ = std::move(next);
}

void KnobEnvironment::clear_met() {
  met_.clear();
  met_set_.clear();
}

void KnobEnvironment::describe(std::span<const uint64_t> indices, std::vector<Matrix>& observations, Matrix& states) {
  std::vector<Point*> points;
  for (const uint64_t index : indices) points.push_back(point_at(index));
  predict(points);
  const EnvironmentShape sizes = shape();
  const auto count = static_cast<Eigen::Index>(points.size());
  observations.resize(agents_.size());
  states.resize(sizes.state_size, count);
  for (size_t a = 0; a < agents_.size(); ++a) observations[a].resize(sizes.agents[a].observation_size, count);
  for (Eigen::Index i = 0; i < count; ++i) {
    const Point& point = *points[static_cast<size_t>(i)];
    fill_state(point, 1, &states(0, i));
    for (size_t a = 0; a < agents_.size(); ++a) fill_observation(point, static_cast<int>(a), 1, &observations[a](0, i));
  }
}

Fitness KnobEnvironment::fitness(std::span<const uint64_t> indices) {
  std::vector<Point*> points;
  for (const uint64_t index : indices) points.push_back(point_at(index));
  predict(points);
  Fitness fitness;
  for (const Point* point : points) {
    fitness.mean.push_back(point->mean);
    fitness.spread.push_back(point->spread);
  }
  return fitness;
}

std::vector<uint64_t> KnobEnvironment::positions() const {
  std::vector<uint64_t> indices;
  for (const Point* point : at_) indices.push_back(point->index);
  return indices;
}

}  // namespace arco
