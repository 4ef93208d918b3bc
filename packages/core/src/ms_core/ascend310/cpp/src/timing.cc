#include "ms310/timing.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <numeric>
#include <sstream>

namespace ms310 {
namespace {

// The smallest value that at least `share` of all do not exceed.
double Percentile(const std::vector<double>& sorted, double share) {
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<size_t>(rank, 1) - 1];
}

}  // namespace

std::string TimingReport(std::vector<double> milliseconds) {
  std::ostringstream report;
  report << std::fixed << std::setprecision(3);
  const size_t count = milliseconds.size();
  const double sum = std::accumulate(milliseconds.begin(), milliseconds.end(), 0.0);
  report << "NN inference cost average time: " << (count == 0 ? 0.0 : sum / static_cast<double>(count))
         << " ms of infer_count " << count << "\n";
  if (count == 0) return report.str();
  std::sort(milliseconds.begin(), milliseconds.end());
  report << "p50: " << Percentile(milliseconds, 0.50) << " ms\n";
  report << "p95: " << Percentile(milliseconds, 0.95) << " ms\n";
  return report.str();
}

}  // namespace ms310
