// SPDX-License-Identifier: Apache-2.0
// The options of revertd-runner in words: for --help and for the manual.
#pragma once
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace revertd::runner {

struct UsageOption {
    std::string_view name, words;
};

inline constexpr std::string_view kSynopsis = "--storage DIR [--socket PATH] [options]";
inline constexpr std::string_view kPurpose =
    "Executes the steps that revertd decided on. Without --socket it takes the one passed by systemd.";

inline constexpr std::array<UsageOption, 8> kOptions{
    UsageOption{"--socket PATH", "unix socket to listen at (mode 0660)"},
    UsageOption{"--storage DIR", "where receipts are kept; --storage.path is the same"},
    UsageOption{"--allow-user USER", "may speak, beside root, the own user and the owner of DIR; repeatable"},
    UsageOption{"--detach", "goes to the background, and returns when it listens"},
    UsageOption{"--idle-exit TIME", "ends when so long nobody is connected and no step runs"},
    UsageOption{"--grace TIME", "between SIGTERM and SIGKILL (10s)"},
    UsageOption{"--version", "prints the version"},
    UsageOption{"--help", "prints this"},
};

[[nodiscard]] inline std::string usage() {
    constexpr std::size_t kColumns = 20;
    std::string out = "usage: revertd-runner " + std::string(kSynopsis) + "\n\n" + std::string(kPurpose) + "\n\n";
    for (const auto& option : kOptions) {
        std::string name(option.name);
        name.resize(std::max(name.size() + 1, kColumns), ' ');
        out += "  " + name + std::string(option.words) + "\n";
    }
    return out;
}

}  // namespace revertd::runner
