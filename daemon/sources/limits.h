// SPDX-License-Identifier: Apache-2.0
// What a target may make the daemon do, each with its reason. All are on by default.
#pragma once
#include <cstddef>

namespace revertd {

/// The longest line seen in the wild (labels with SQL text) is below 16 KiB; a partial line is kept between reads.
inline constexpr std::size_t kMaxLineBytes = 64 * 1024;

/// Decoded bytes of one scrape; the connection counts the wire (F11).
inline constexpr std::size_t kMaxScrapeBytes = 8 * 1024 * 1024;

/// Labels of one line: service meshes send 30. Bounds the search for a name that comes twice.
inline constexpr std::size_t kMaxLabels = 64;

/// A label name is a word.
inline constexpr std::size_t kMaxLabelNameBytes = 256;

/// A path or a query fits; a stack trace does not belong into a label.
inline constexpr std::size_t kMaxLabelValueBytes = 16 * 1024;

/// Lines of wanted families of one target: the Judge keeps a window for each.
inline constexpr std::size_t kMaxWantedLines = 20'000;

/// What is remembered of pages to read them faster, over all targets: some forty different ones of 1,000 series.
inline constexpr std::size_t kMaxShapeBytes = 4 * 1024 * 1024;

/// A shape that fits no longer is learned anew, the next time after twice as many pages, at most this many: pages that
/// never come alike are not worth it.
inline constexpr unsigned kMaxShapePause = 256;

/// Readings that are kept for reuse; more are in flight only when many targets hang at once.
inline constexpr std::size_t kPooledReadings = 64;

/// Health and version answers: what is longer is cut (no health answer is).
inline constexpr std::size_t kMaxJsonBytes = 1024 * 1024;

/// Nesting of a JSON answer (F17).
inline constexpr int kMaxJsonDepth = 64;

/// A buffer that a larger answer has grown is given back.
inline constexpr std::size_t kKeptBodyBytes = 16 * 1024;

/// Queries in flight to one server: it runs 20 at a time itself, for everybody.
inline constexpr std::size_t kPromInFlight = 4;

/// An answer to a query for some hundred services with their buckets, or a range of an hour for one.
inline constexpr std::size_t kMaxPromBytes = 16 * 1024 * 1024;

}  // namespace revertd
