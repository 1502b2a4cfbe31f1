// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/task.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>

#include "daemon/io/loop.h"

namespace revertd {

void spawn(Loop& loop, std::string name, std::function<Task<>()> task) {
    boost::asio::co_spawn(loop.context(), std::move(task), [&loop, name = std::move(name)](std::exception_ptr failure) {
        if (!failure) return;
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& error) {
            loop.task_failed(name, error.what());
        } catch (...) {
            loop.task_failed(name, "an exception of no known type");
        }
    });
}

}  // namespace revertd
