#include "ms310/resize.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

namespace ms310 {
namespace {

constexpr int kPrecisionBits = 22;

// Which input pixels make one output pixel, and how much of each.
struct Window {
  int first;
  std::vector<int> weights;  // sum about 2^22
};

std::vector<Window> Windows(int from, int to) {
  const double scale = static_cast<double>(from) / to;
  const double reach = std::max(scale, 1.0);  // half the width of the triangle, input pixels
  std::vector<Window> windows(to);
  std::vector<double> exact;
  for (int target = 0; target < to; ++target) {
    const double centre = (target + 0.5) * scale;
    const int first = std::max(static_cast<int>(centre - reach + 0.5), 0);
    const int end = std::min(static_cast<int>(centre + reach + 0.5), from);
    exact.clear();
    double sum = 0;
    for (int source = first; source < end; ++source) {
      const double distance = std::abs((source - centre + 0.5) * (1.0 / reach));
      exact.push_back(distance < 1.0 ? 1.0 - distance : 0.0);
      sum += exact.back();
    }
    windows[target].first = first;
    for (double weight : exact) {
      if (sum != 0) weight /= sum;
      windows[target].weights.push_back(static_cast<int>(0.5 + weight * (1 << kPrecisionBits)));
    }
  }
  return windows;
}

uint8_t Rounded(int sum) { return static_cast<uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255)); }

// One output pixel of three channels from input pixels `step` bytes apart.
void Mix(const Window& window, const uint8_t* from, size_t step, uint8_t* to) {
  int sums[3];
  std::fill(std::begin(sums), std::end(sums), 1 << (kPrecisionBits - 1));
  for (const int weight : window.weights) {
    for (int channel = 0; channel < 3; ++channel) sums[channel] += from[channel] * weight;
    from += step;
  }
  for (int channel = 0; channel < 3; ++channel) to[channel] = Rounded(sums[channel]);
}

cv::Mat ResizedAcross(const cv::Mat& picture, int width) {
  const std::vector<Window> windows = Windows(picture.cols, width);
  cv::Mat result(picture.rows, width, CV_8UC3);
  for (int y = 0; y < picture.rows; ++y) {
    for (int x = 0; x < width; ++x) {
      Mix(windows[x], picture.ptr(y) + 3 * windows[x].first, 3, result.ptr(y) + 3 * x);
    }
  }
  return result;
}

cv::Mat ResizedDown(const cv::Mat& picture, int height) {
  const std::vector<Window> windows = Windows(picture.rows, height);
  cv::Mat result(height, picture.cols, CV_8UC3);
  for (int y = 0; y < height; ++y) {
    const uint8_t* first = picture.ptr(windows[y].first);
    for (int x = 0; x < picture.cols; ++x) Mix(windows[y], first + 3 * x, picture.step[0], result.ptr(y) + 3 * x);
  }
  return result;
}

int FittedSide(int side, double factor, int bound) {
  return std::max(1, std::min(static_cast<int>(std::nearbyint(side * factor)), bound));
}

}  // namespace

cv::Mat ResizeLinear(const cv::Mat& picture, cv::Size size) {
  cv::Mat result;
  cv::resize(picture, result, size, 0, 0, cv::INTER_LINEAR);
  return result;
}

cv::Mat ResizeAntialiased(const cv::Mat& picture, cv::Size size) {
  cv::Mat result = picture;
  const int less_height = picture.rows - size.height, less_width = picture.cols - size.width;
  // Pillow 13's rule (found by trying sizes); older versions always go across first, which differs by one level.
  const bool down_first = less_height > 0 && less_height > 2 * less_width;
  for (const bool down : {down_first, !down_first}) {
    if (down && size.height != result.rows) result = ResizedDown(result, size.height);
    if (!down && size.width != result.cols) result = ResizedAcross(result, size.width);
  }
  return result;
}

cv::Size FittedInto(cv::Size size, cv::Size bounds) {
  const double factor = std::min(static_cast<double>(bounds.height) / size.height,
                                 static_cast<double>(bounds.width) / size.width);
  return cv::Size(FittedSide(size.width, factor, bounds.width), FittedSide(size.height, factor, bounds.height));
}

}  // namespace ms310
