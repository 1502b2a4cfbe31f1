// SPDX-License-Identifier: Apache-2.0
// Every limit of the I/O edge, with its reason. All are on by default.
#pragma once
#include <cstddef>

#include "core/clock.h"

namespace revertd {

/// Timers are rounded up to slots: most of a small scrape is the wake-up, and 10 ms of a 1 s interval is 1 %.
inline constexpr Duration kSlot = 10ms;

/// Heads of real servers are below 8 KiB; gateways with cookies reach 16.
inline constexpr std::size_t kMaxHeadBytes = 64 * 1024;

/// A /metrics page of 100,000 series; more is a mistake or an attack.
inline constexpr std::size_t kMaxBodyBytes = 8 * 1024 * 1024;

/// JSON answers of platforms, notifiers and query servers.
inline constexpr std::size_t kMaxApiBodyBytes = 1024 * 1024;

/// One read takes a whole page of 1,000 series (91 KB); one buffer serves all connections of the loop.
inline constexpr std::size_t kReadBufferBytes = 128 * 1024;

/// Reads of one connection before others get their turn: a target that sends without end must not delay its neighbours.
inline constexpr int kReadsPerTurn = 4;

/// Longer than any URL that people write.
inline constexpr std::size_t kMaxUrlBytes = 2048;

/// An address is used this long before its name is asked again (F14).
inline constexpr Duration kResolveTtl = 30s;

/// Lookups that may hang at the same time; further ones wait for a free thread.
inline constexpr std::size_t kResolverThreads = 4;

/// A secret's file is not read again earlier: a fleet that shares a token asks for it in every slot of every service.
inline constexpr Duration kSecretAge = 1s;

/// How long readings of secrets may hold a start, all together, and a page each; a local file takes less than a
/// millisecond.
inline constexpr Duration kSecretPatience = 500ms;

/// Tokens of identity providers reach a few KiB.
inline constexpr std::size_t kMaxSecretBytes = 64 * 1024;

/// Reads of secrets that may hang at the same time; further files wait for a free thread.
inline constexpr std::size_t kSecretThreads = 4;

/// Addresses of one name that are tried.
inline constexpr std::size_t kMaxAddresses = 8;

/// Name, TCP and TLS of an API call together (2 + 3 + 5 s), and the whole call.
inline constexpr Duration kApiConnectLimit = 10s;
inline constexpr Duration kApiWholeLimit = 30s;

/// Above the number of targets: curl closes idle connections beyond it without a word.
inline constexpr long kCurlIdleConnections = 8192;

}  // namespace revertd
