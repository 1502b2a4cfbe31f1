// SPDX-License-Identifier: Apache-2.0
#include "daemon/app.h"
#include "daemon/log.h"

int main(int argc, char** argv) {
    const auto options = revertd::parse_options(argc, argv);
    if (const int* code = std::get_if<int>(&options)) return *code;
    const auto& given = std::get<revertd::Options>(options);
    revertd::log::configure(given.log_level, given.log_format);
    return revertd::run_daemon(given);
}
