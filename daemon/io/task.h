// SPDX-License-Identifier: Apache-2.0
// Coroutines of the I/O edge. Costs two seconds of compile time: include it in .cpp files only.
#pragma once
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>

namespace revertd {

class Loop;

/// Tasks return a Result and do not throw; parameters by value (GCC 12).
template <class T = void>
using Task = boost::asio::awaitable<T>;

/// The only way to start a task: by name, so that a failure says whose it was (Loop::on_task_failure). The function is
/// kept until the task ends, so it may capture.
void spawn(Loop& loop, std::string name, std::function<Task<>()> task);

}  // namespace revertd
