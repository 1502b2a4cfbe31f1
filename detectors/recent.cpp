// SPDX-License-Identifier: Apache-2.0
#include "detectors/recent.h"

#include <algorithm>

namespace revertd::detect {
namespace {

constexpr double kSameInstant = 1e-6;

}  // namespace

Recent::Recent(std::size_t ticks, std::size_t cells)
    : cells_(cells), rows_(ticks + 1), cell_rows_(rows_.size() * cells * 2, 0.0) {}

void Recent::push(double at, double dt, const Events& fresh, const Events& reference,
                  std::span<const double> fresh_cells, std::span<const double> reference_cells) {
    const std::size_t last = place(count_ - 1), now = place(count_++);
    rows_[now] = rows_[last];
    rows_[now].at = at;
    rows_[now].seconds += dt;
    rows_[now].fresh += fresh;
    rows_[now].reference += reference;
    const std::size_t width = 2 * cells_;
    for (std::size_t c = 0; c < cells_; ++c) {
        const double a = c < fresh_cells.size() ? fresh_cells[c] : 0,
                     b = c < reference_cells.size() ? reference_cells[c] : 0;
        cell_rows_[now * width + c] = cell_rows_[last * width + c] + a;
        cell_rows_[now * width + cells_ + c] = cell_rows_[last * width + cells_ + c] + b;
    }
}

Recent::Sum Recent::over(double from, double to) const {
    const std::size_t oldest = count_ > rows_.size() ? count_ - rows_.size() : 0;
    std::size_t last = count_ - 1;
    while (last > oldest && rows_[place(last)].at > to + kSameInstant) --last;
    std::size_t first = last;
    while (first > oldest && rows_[place(first)].at > from + kSameInstant) --first;
    const auto &a = rows_[place(first)], &b = rows_[place(last)];
    return {last - first, b.seconds - a.seconds, b.fresh - a.fresh, b.reference - a.reference, place(first),
            place(last)};
}

double Recent::fresh_cell(const Sum& sum, std::size_t cell) const {
    return cell_rows_[sum.to * 2 * cells_ + cell] - cell_rows_[sum.from * 2 * cells_ + cell];
}

double Recent::reference_cell(const Sum& sum, std::size_t cell) const {
    return fresh_cell(sum, cells_ + cell);
}

}  // namespace revertd::detect
