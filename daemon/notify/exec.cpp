// SPDX-License-Identifier: Apache-2.0
#include "core/sha256.h"
#include "daemon/notify/bodies.h"
#include "daemon/notify/channels.h"
#include "daemon/runner/client.h"

namespace revertd {

namespace {

constexpr int kQuickStarts = 20;       // of one page: about five minutes
constexpr Duration kLongPause = 1min;  // between later ones: each is a process, and leaves a receipt

/// Exit codes of sysexits.h and of shells that the same call would give again.
bool is_final(int exit) {
    return exit == 64 || exit == 77 || exit == 78 || exit == 126 || exit == 127;
}

std::string tail(const std::string& output) {
    constexpr std::size_t kShown = 200;
    return output.size() <= kShown ? output : output.substr(output.size() - kShown);
}

}  // namespace

void ExecChannel::begin(const Message& message) {
    if (!settings().exec) return finish(Delivery::refused("other", "it is not configured any more"));
    if (parts().runner == nullptr) return finish(Delivery::refused("other", "there is no runner"));
    const std::string tries = remembered(delivery_key(message));
    start(message, tries.empty() ? 1 : std::stoi(tries));
}

/// Each start has a key of its own; the runner's receipt says after a restart of the daemon what became of it.
void ExecChannel::start(const Message& message, int number) {
    const auto s = settings().exec;
    remember(delivery_key(message), std::to_string(number));
    StepOrder order;
    order.key = "notify/" + delivery_key(message) + "/" + std::to_string(number);
    order.step.name = "notify";
    order.step.call = ExecCall{s->argv, "/", {}};
    order.step.deadline = s->timeout;
    order.context = webhook_body(message, parts().source);
    std::string all;
    for (const std::string& word : s->argv) all += word + '\0';
    order.step.digest = sha256_hex(all);
    parts().runner->start(order, guarded([this, message, number](const Receipt& receipt) {
                              ended(message, number, static_cast<int>(receipt.state), receipt.exit.value_or(-1),
                                    receipt.reason.empty() ? "exit " + std::to_string(receipt.exit.value_or(-1)) + " " +
                                                                 tail(receipt.output)
                                                           : receipt.reason);
                          }));
}

void ExecChannel::ended(const Message& message, int number, int state, int exit, const std::string& words) {
    switch (static_cast<StepState>(state)) {
        case StepState::Done:
            remember(delivery_key(message), {});
            return finish(Delivery::done("exit " + std::to_string(exit)));
        case StepState::None:      // nothing was started
        case StepState::NoAnswer:  // asked again under the same key: a second start is refused, and its receipt read
            return finish(Delivery::again("other", "the runner: " + words));
        case StepState::Running:
            return finish(Delivery::again("contextDeadlineExceeded", "it still runs"));
        case StepState::Failed:
        case StepState::Unknown:
            break;
    }
    remember(delivery_key(message), is_final(exit) ? std::string{} : std::to_string(number + 1));
    if (is_final(exit)) return finish(Delivery::refused("clientError", words));
    Delivery again = Delivery::again("serverError", words);
    if (number >= kQuickStarts) again.wait = kLongPause;
    finish(again);
}

}  // namespace revertd
