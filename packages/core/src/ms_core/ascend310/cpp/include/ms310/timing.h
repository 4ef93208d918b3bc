// How long the model took.
#pragma once

#include <string>
#include <vector>

namespace ms310 {

// The text of test_perform_static.txt: mean and count in the words of the old programs, then median and 95th
// percentile (nearest rank). `milliseconds` may be empty.
std::string TimingReport(std::vector<double> milliseconds);

}  // namespace ms310
