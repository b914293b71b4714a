// The shapes the agents compute with: a matrix is [features x samples], column-major, so that a sample is contiguous.
#pragma once

#include <Eigen/Core>
#include <cstdint>

namespace arco {

using Matrix = Eigen::MatrixXf;
using MatrixRef = Eigen::Ref<Matrix>;

// Which moves are available: [3 * heads x samples], row 3 * head + move, 1 = available.
using Masks = Eigen::Matrix<uint8_t, Eigen::Dynamic, Eigen::Dynamic>;
using MasksRef = Eigen::Ref<Masks>;

// Chosen moves: [heads x samples], each kMoveDown, kMoveStay or kMoveUp.
using Moves = Eigen::Matrix<int8_t, Eigen::Dynamic, Eigen::Dynamic>;
constexpr int kMoves = 3;
constexpr int8_t kMoveDown = 0;
constexpr int8_t kMoveStay = 1;
constexpr int8_t kMoveUp = 2;

}  // namespace arco
