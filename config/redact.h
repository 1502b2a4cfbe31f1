// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

namespace revertd::config {

/// A configuration for the eyes of anybody who may ask the daemon: YAML without comments, in which whatever may be a
/// secret is `<secret>`. Masks too much rather than too little: values of keys and options that are named like secrets
/// (but not names of files), all header values, passwords and tokens in URLs, and the paths of URLs that pages go to.
/// A text that is no YAML is `<secret>` as a whole.
[[nodiscard]] std::string redacted(const std::string& text);

}  // namespace revertd::config
