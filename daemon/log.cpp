// SPDX-License-Identifier: Apache-2.0
#include "daemon/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace revertd::log {

namespace {

enum class Format { Logfmt, Json, Journal };

Format g_format = Format::Logfmt;  // set once, before anything is written

/// Quoted and escaped as JSON does it, which logfmt readers take, too: nothing from outside can begin a line.
std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            out += {'\\', c};
        else if (byte < 0x20 || byte == 0x7f)
            out += fmt::format("\\u{:04x}", byte);
        else
            out += c;
    }
    return out + '"';
}

std::string line(std::string_view message, Fields fields) {
    const bool json = g_format == Format::Json;
    std::string out = json ? "\"msg\":" + quoted(message) : "msg=" + quoted(message);
    for (const auto& [key, value] : fields) {
        if (value.empty()) continue;
        out += json ? ",\"" + std::string(key) + "\":" + quoted(value) : " " + std::string(key) + "=" + quoted(value);
    }
    return out;
}

spdlog::level::level_enum level_of(Level level) {
    switch (level) {
        case Level::Debug:
            return spdlog::level::debug;
        case Level::Info:
            return spdlog::level::info;
        case Level::Warn:
            return spdlog::level::warn;
        case Level::Error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

const char* priority_of(Level level) {
    switch (level) {
        case Level::Debug:
            return "<7>";
        case Level::Info:
            return "<6>";
        case Level::Warn:
            return "<4>";
        case Level::Error:
            return "<3>";
    }
    return "<6>";
}

}  // namespace

void configure(const std::string& level, const std::string& format) {
    auto logger = std::make_shared<spdlog::logger>("revertd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    g_format = format == "json" ? Format::Json : format == "journal" ? Format::Journal : Format::Logfmt;
    if (g_format == Format::Json)
        logger->set_pattern(R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})", spdlog::pattern_time_type::utc);
    if (g_format == Format::Logfmt)
        logger->set_pattern("ts=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v", spdlog::pattern_time_type::utc);
    if (g_format == Format::Journal) logger->set_pattern("%v");
    logger->set_level(spdlog::level::from_str(level == "warn" ? "warning" : level));
    logger->flush_on(spdlog::level::debug);
    spdlog::set_default_logger(std::move(logger));
}

void write(Level level, std::string_view message, Fields fields) {
    if (!spdlog::should_log(level_of(level))) return;
    const std::string text = line(message, fields);
    spdlog::default_logger_raw()->log(level_of(level), g_format == Format::Journal ? priority_of(level) + text : text);
}

}  // namespace revertd::log
