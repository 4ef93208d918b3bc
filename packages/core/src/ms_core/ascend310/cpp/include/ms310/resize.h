// Changing the size of pictures, bit for bit as the Python packages do it.
#pragma once

#include <opencv2/core.hpp>

namespace ms310 {

// CV_8UC3 stretched to `size` by cv::resize, INTER_LINEAR: what SSD and SegFormer were trained with.
cv::Mat ResizeLinear(const cv::Mat& picture, cv::Size size);

// CV_8UC3 stretched to `size` by Pillow's bilinear filter, which averages over all pixels where a picture shrinks: what
// DeFRCN was trained with. Fixed-point arithmetic with 22 bits, rounded after each of the two passes, as Pillow's.
// The picture itself where it has that size already.
cv::Mat ResizeAntialiased(const cv::Mat& picture, cv::Size size);

// The largest size of the proportions of `size` inside `bounds`, at least 1 pixel a side; halves go to even.
cv::Size FittedInto(cv::Size size, cv::Size bounds);

}  // namespace ms310
