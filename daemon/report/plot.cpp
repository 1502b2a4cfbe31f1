// SPDX-License-Identifier: Apache-2.0
#include "daemon/report/plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace revertd {
namespace {

constexpr double kWidth = 640, kHeight = 160, kLeft = 8, kRight = 8, kTop = 18, kBottom = 20;

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", value);
    return text;
}

std::string coordinate(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", value);
    return text;
}

/// From times and values to the picture.
class Canvas {
  public:
    explicit Canvas(const Plot& plot) : plot_(plot), top_(0) {
        for (const Plot::Point& point : plot.points)
            for (const double value : {point.value, point.limit})
                if (std::isfinite(value)) top_ = std::max(top_, value);
        if (top_ <= 0) top_ = 1;
    }

    [[nodiscard]] double x(WallTime at) const {
        const double whole = seconds(plot_.to - plot_.from);
        const double share = whole > 0 ? seconds(at - plot_.from) / whole : 0;
        return kLeft + std::clamp(share, 0.0, 1.0) * (kWidth - kLeft - kRight);
    }

    [[nodiscard]] double y(double value) const {
        const double share = std::clamp(value / (top_ * 1.1), 0.0, 1.0);
        return kHeight - kBottom - share * (kHeight - kTop - kBottom);
    }

    /// Steps: a value holds until the next one; unknown is a gap.
    template <class Value>
    [[nodiscard]] std::string steps(Value value) const {
        std::string path;
        bool drawing = false;
        for (std::size_t i = 0; i < plot_.points.size(); ++i) {
            const double here = value(plot_.points[i]);
            const WallTime until = i + 1 < plot_.points.size() ? plot_.points[i + 1].at : plot_.to;
            if (!std::isfinite(here)) {
                drawing = false;
                continue;
            }
            path += (drawing ? "L" : "M") + coordinate(x(plot_.points[i].at)) + " " + coordinate(y(here)) + "L" +
                    coordinate(x(until)) + " " + coordinate(y(here));
            drawing = true;
        }
        return path;
    }

  private:
    const Plot& plot_;
    double top_;
};

std::string text_at(double x, double y, const std::string& text, const char* anchor) {
    return "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" text-anchor=\"" + anchor + "\">" +
           html_text(text) + "</text>";
}

/// So that words near an end are not cut.
const char* anchor_at(double x) {
    constexpr double kNear = 50;
    return x < kNear ? "start" : x > kWidth - kNear ? "end" : "middle";
}

/// "03:12:07"
std::string clock_words(WallTime at) {
    return to_rfc3339(at).substr(11, 8);
}

std::string description(const Plot& plot) {
    const auto larger = [](const Plot::Point& a, const Plot::Point& b) { return a.value < b.value; };
    const auto most = std::max_element(plot.points.begin(), plot.points.end(), larger);
    std::string out = "at most " + number(most->value) + " at " + clock_words(most->at);
    if (std::isfinite(most->limit)) out += ", limit " + number(most->limit);
    return out;
}

}  // namespace

std::string html_text(const std::string& text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') out += c;
        }
    }
    return out;
}

std::string to_svg(const Plot& plot) {
    const bool any =
        std::any_of(plot.points.begin(), plot.points.end(), [](const auto& p) { return std::isfinite(p.value); });
    if (!any || plot.to <= plot.from) return {};
    const Canvas canvas(plot);
    std::string out = "<svg role=\"img\" viewBox=\"0 0 640 160\" xmlns=\"http://www.w3.org/2000/svg\"><title>" +
                      html_text(plot.title) + "</title><desc>" + html_text(description(plot)) + "</desc>";
    for (const Plot::Mark& mark : plot.marks) {
        const std::string x = coordinate(canvas.x(mark.at));
        out += "<path class=\"mark\" d=\"M" + x + " " + coordinate(kTop) + "V" + coordinate(kHeight - kBottom) + "\"/>";
        out += text_at(canvas.x(mark.at), kTop - 6, mark.words, anchor_at(canvas.x(mark.at)));
    }
    out += "<path class=\"limit\" d=\"" + canvas.steps([](const auto& p) { return p.limit; }) + "\"/>";
    out += "<path class=\"value\" d=\"" + canvas.steps([](const auto& p) { return p.value; }) + "\"/>";
    out += text_at(kLeft, kHeight - 6, clock_words(plot.from), "start");
    out += text_at(kWidth - kRight, kHeight - 6, clock_words(plot.to), "end");
    return out + "</svg>\n";
}

}  // namespace revertd
