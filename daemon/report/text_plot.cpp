// SPDX-License-Identifier: Apache-2.0
#include "daemon/report/text_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/words.h"

namespace revertd {
namespace {

constexpr std::size_t kRows = 5;
constexpr std::size_t kSteps = 8;  // of one character
constexpr std::array<const char*, kSteps + 1> kBlocks = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr double kHeadroom = 1.05;
constexpr double kUnseen = std::numeric_limits<double>::quiet_NaN();

/// "03:12"
std::string clock_words(WallTime at) {
    return to_rfc3339(at).substr(11, 5);
}

class Grid {
  public:
    Grid(const TextPlot& plot, std::size_t columns) : plot_(plot), columns_(columns) {
        from_ = plot.points.front().at, to_ = plot.points.back().at;
        for (const TextPlot::Mark& mark : plot.marks) from_ = std::min(from_, mark.at), to_ = std::max(to_, mark.at);
        if (to_ <= from_) to_ = from_ + Duration(1s);
        average();
        for (const double value : values_)
            if (std::isfinite(value)) top_ = std::max(top_, value);
        if (std::isfinite(plot.limit) && plot.limit < 4 * top_) top_ = std::max(top_, plot.limit);
        top_ = top_ > 0 ? top_ * kHeadroom : 1;
    }

    [[nodiscard]] std::size_t column(WallTime at) const {
        const double share = seconds(at - from_) / seconds(to_ - from_);
        return std::min(columns_ - 1, static_cast<std::size_t>(std::max(0.0, share) * static_cast<double>(columns_)));
    }

    /// From the top, `row` of kRows.
    [[nodiscard]] std::string line(std::size_t row) const {
        const double unit = top_ / static_cast<double>(kRows * kSteps);
        const auto floor = static_cast<double>((kRows - 1 - row) * kSteps);
        const bool has_limit = std::isfinite(plot_.limit) && plot_.limit <= top_;
        const auto limit_row = kRows - 1 - std::min(kRows - 1, static_cast<std::size_t>(plot_.limit / unit) / kSteps);
        std::string out;
        for (const double value : values_) {
            const double filled = std::isfinite(value) ? value / unit - floor : 0;
            // What is there and is little is seen, too.
            const bool trace = row == kRows - 1 && std::isfinite(value) && filled < 1;
            const auto step = trace ? 1 : static_cast<std::size_t>(std::clamp(filled, 0.0, double{kSteps}));
            out += step == 0 && has_limit && row == limit_row ? "-" : kBlocks[step];
        }
        return out;
    }

    [[nodiscard]] double top() const { return top_; }

    [[nodiscard]] WallTime from() const { return from_; }

    [[nodiscard]] WallTime to() const { return to_; }

  private:
    /// The mean of each column; one that nothing fell into has what was before, as long as points are that far apart.
    void average() {
        std::vector<double> sums(columns_, 0.0), counts(columns_, 0.0);
        for (const TextPlot::Point& point : plot_.points) {
            if (!std::isfinite(point.value)) continue;
            sums[column(point.at)] += point.value;
            counts[column(point.at)] += 1;
        }
        const std::size_t reach = 1 + 2 * columns_ / std::max<std::size_t>(1, plot_.points.size());
        std::size_t last = 0;
        values_.assign(columns_, kUnseen);
        for (std::size_t i = 0; i < columns_; ++i) {
            if (counts[i] > 0)
                last = i, values_[i] = sums[i] / counts[i];
            else if (counts[last] > 0 && i - last <= reach)
                values_[i] = values_[last];
        }
    }

    const TextPlot& plot_;
    std::size_t columns_;
    WallTime from_{}, to_{};
    double top_ = 0;
    std::vector<double> values_;
};

/// Marks under the axis, in as many lines as they need: "^ deploy 03:05".
std::vector<std::string> mark_lines(const TextPlot& plot, const Grid& grid, const std::string& indent,
                                    std::size_t columns) {
    std::vector<std::string> lines;
    for (const TextPlot::Mark& mark : plot.marks) {
        std::string words = "^ " + mark.words + " " + clock_words(mark.at);
        std::size_t at = indent.size() + grid.column(mark.at);
        if (at + words.size() > columns && at + 1 >= words.size()) {  // no room to its right
            words = mark.words + " " + clock_words(mark.at) + " ^";
            at = at + 1 - words.size();
        }
        auto line = std::ranges::find_if(lines, [at](const std::string& l) { return l.size() < at; });
        if (line == lines.end()) line = lines.insert(lines.end(), std::string{});
        line->append(at - line->size(), ' ');
        *line += words;
    }
    return lines;
}

}  // namespace

std::vector<std::string> to_text(const TextPlot& plot, std::size_t columns) {
    constexpr std::size_t kLabel = 9;
    constexpr std::size_t kFewest = kLabel + 20;
    const auto seen = [](const TextPlot::Point& p) { return std::isfinite(p.value); };
    if (columns < kFewest || std::ranges::count_if(plot.points, seen) < 2) return {};
    const Grid grid(plot, columns - kLabel - 2);
    std::vector<std::string> lines;
    for (std::size_t row = 0; row < kRows; ++row) {
        const bool first = row == 0, last = row == kRows - 1;
        std::string label = first ? value_words(grid.top(), plot.unit) : last ? "0" : "";
        label.resize(std::max(kLabel, label.size()), ' ');
        lines.push_back(label + "|" + grid.line(row));
    }
    const std::string indent(kLabel + 1, ' ');
    std::string axis = indent + clock_words(grid.from());
    const std::string end = clock_words(grid.to()) + " UTC";
    axis.append(columns - 1 - std::min(columns - 1, axis.size() + end.size()), ' ');
    lines.push_back(axis + end);
    for (std::string& line : mark_lines(plot, grid, indent, columns)) lines.push_back(std::move(line));
    return lines;
}

}  // namespace revertd
