// SPDX-License-Identifier: Apache-2.0
// The service manager's side of the daemon: readiness, status line, watchdog, inherited sockets, credentials.
// Everything here does nothing, and says so, when systemd did not start the process.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"

namespace revertd::systemd {

/// Start-up is complete: journal replayed, configuration loaded, sockets open. `status` is shown by `systemctl status`.
/// Also ends a reload. As all of these: true if the manager was told, false if nobody listens.
bool ready(std::string_view status);

/// One line about what is being guarded; control characters in it become spaces.
bool status(std::string_view text);

/// A reload has begun; `ready` ends it. (Debian 12's systemd 252 knows no Type=notify-reload.)
bool reloading();

/// The daemon is shutting down and hands over what runs.
bool stopping();

/// Sign of life. Called from the engine's progress, not from a timer of its own: a stuck engine must be noticed.
bool watchdog();

/// The time within which a sign of life is expected, if the unit has WatchdogSec= and it is meant for this process.
[[nodiscard]] std::optional<Duration> watchdog_interval();

struct ListenSocket {
    int fd;  // owned by the caller
    std::string name;
};

/// Sockets passed by socket activation. The environment that announces them is cleared: a second call finds none.
[[nodiscard]] std::vector<ListenSocket> listen_sockets();

/// Where LoadCredential= put the secrets ($CREDENTIALS_DIRECTORY); nothing outside systemd or for a relative path.
[[nodiscard]] std::optional<std::string> credentials_directory();

}  // namespace revertd::systemd
