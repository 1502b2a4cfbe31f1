// SPDX-License-Identifier: Apache-2.0
#include "config/load.h"

#include <map>

#include "config/bundle.h"
#include "config/document.h"
#include "config/http_reader.h"
#include "config/keys.h"
#include "config/notify_reader.h"
#include "config/policy_reader.h"
#include "config/service_reader.h"
#include "config/values.h"
#include "core/sha256.h"

namespace revertd {

namespace {

class Loader {
  public:
    Loader(const LoadOptions& options, Diagnostics& diagnostics) : options_(options), diagnostics_(diagnostics) {}

    Loaded read(const config::Node& root) {
        config::read_people(root, out_.settings, diagnostics_);
        out_.notify = config::read_notify(root, options_, diagnostics_);
        policy(root);
        if (const config::Node* ladder = root.find("escalate"); ladder != nullptr && ladder->is_list())
            (void)config::read_ladder(*ladder, out_.notify,
                                      diagnostics_);  // wrong also where every service has its own
        services(root);
        out_.report = config::read_report(root, diagnostics_);
        if (!diagnostics_.has_errors()) remarks(root);
        return std::move(out_);
    }

  private:
    void policy(const config::Node& root) {
        common_.settings = &out_.settings;
        common_.options = &options_;
        if (const config::Node* http = root.find("http"))
            config::read_http(*http, options_, common_.http, diagnostics_);
        common_.notify = &out_.notify;
        common_.root = &root;
        common_.severity = config::default_severity();
        if (const config::Node* defaults = root.find("defaults"); defaults != nullptr && defaults->is_map())
            common_.defaults = defaults;
        if (const config::Node* limits = root.find("limits")) config::read_limits(*limits, common_.limits);
        if (const config::Node* severity = root.find("severity")) {
            config::read_severity(*severity, common_.severity);
            config::check_roles(*severity, out_.settings, diagnostics_);
        }
        if (const config::Node* alpha = root.find("alpha"))
            common_.alpha = alpha->is_off() ? 0 : config::parse_number(alpha->text).value_or(common_.alpha);
        out_.alpha = common_.alpha;
        out_.settings.overall = common_.limits.overall;
    }

    void services(const config::Node& root) {
        const config::Node* services = root.find("services");
        if (services == nullptr) return diagnostics_.error({1, 1}, "`services` is missing", "it names what is guarded");
        if (!services->is_map()) return;
        if (services->entries.empty())
            diagnostics_.error(services->at, "`services` is empty", "it names what is guarded");
        for (const config::Node::Entry& entry : services->entries) {
            if (!entry.value.is_map()) continue;
            config::ReadService read = config::read_service(entry, common_, alike_, diagnostics_);
            asks_ = asks_ || asks(*read.settings);
            if (read.channels) out_.notify.routes.emplace(entry.key, std::move(*read.channels));
            if (wants_issue_ == nullptr) wants_issue_ = wants_issue(root, entry.value);
            if (read.exhausted) out_.exhausted.emplace(entry.key, std::move(*read.exhausted));
            if (read.rollback) out_.rollbacks.emplace(entry.key, std::move(*read.rollback));
            same_targets(entry, *read.settings);
            out_.settings.services.emplace(entry.key, std::move(read.settings));
        }
    }

    /// A block that was copied, and its targets not changed: both services would be blamed for one.
    void same_targets(const config::Node::Entry& entry, const ServiceSettings& service) {
        if (service.health.empty() || service.metrics.empty()) return;
        std::string all;
        for (const HealthTarget& target : service.health) all += target.url + '\n';
        for (const std::string& url : service.metrics) all += url + '\n';
        const auto [first, is_new] = targets_.emplace(std::move(all), entry.key);
        if (!is_new)
            diagnostics_.warning(entry.at,
                                 "`" + entry.key + "` has the very targets of `" + first->second +
                                     "`: a deploy of one is judged by what the other shows",
                                 "name its own under `health` and `metrics`");
    }

    /// Someone will be asked, but the configuration does not say who may answer.
    static bool asks(const ServiceSettings& service) {
        return service.has_rollback && service.policy(Severity::P1).by.empty() && !service.policy(Severity::P1).anyone;
    }

    /// Where it is written, not by default.
    static const config::Node* wants_issue(const config::Node& root, const config::Node& service) {
        for (const config::Node* holder : {&service, &root}) {
            const config::Node* severity = holder->find("severity");
            if (severity == nullptr) continue;
            for (const config::Node::Entry& row : severity->entries) {
                const config::Node* issue = row.value.find("issue");
                if (issue != nullptr && issue->text == "true") return issue;
            }
        }
        return nullptr;
    }

    /// What is no mistake of one line.
    void remarks(const config::Node& root) {
        const config::Node* notify = root.find("notify");
        if (out_.notify.empty() && (notify == nullptr || !notify->is_off()))
            diagnostics_.warning({1, 1}, "no `notify`: nobody is told",
                                 "for example `notify: { pagerduty: { routing_key_file: pagerduty } }`");
        if (asks_)
            diagnostics_.notice({1, 1}, "root and the members of the group revertd may approve, the deployer included",
                                "name others by `people` and `severity: { P1: { by: ... } }`");
        if (wants_issue_ != nullptr && !out_.notify.github)
            diagnostics_.warning(wants_issue_->at, "`issue: true`, but no channel can open one",
                                 "configure `notify: { github: ... }`");
        const config::Node* limits = root.find("limits");
        const config::Node* storm = limits == nullptr ? nullptr : limits->find("storm");
        if (storm == nullptr)
            diagnostics_.notice({1, 1},
                                "defaults that are not built yet and inactive: holding in a storm (`storm: 30%`)");
    }

    const LoadOptions& options_;
    Diagnostics& diagnostics_;
    config::CommonSettings common_;
    config::Alike alike_;
    Loaded out_;
    std::map<std::string, std::string> targets_;  ///< who has them first
    bool asks_ = false;
    const config::Node* wants_issue_ = nullptr;
};

}  // namespace

LoadResult load(const std::string& text, const std::string& filename, const LoadOptions& options) {
    Diagnostics diagnostics(filename, text);
    LoadResult result;
    const auto parts = config::split_bundle(text, filename);
    for (const config::BundlePart& part : parts)
        if (parts.size() > 1) diagnostics.begin_file(part.first_line, part.name);
    if (const auto root = config::parse_bundle(parts, diagnostics)) {
        config::check_keys(*root, diagnostics);
        if (root->is_map()) {
            Loaded loaded = Loader(options, diagnostics).read(*root);
            loaded.settings.hash = sha256_hex(text);
            if (!diagnostics.has_errors()) result.loaded = std::move(loaded);
        }
    }
    result.diagnostics = diagnostics.take();
    return result;
}

LoadResult load_file(const std::string& path, const LoadOptions& options) {
    const auto text = config::read_config(path);
    if (text) return load(*text, path, options);
    LoadResult result;
    const std::string prefix = path + ": ", &message = text.error().message;
    const std::string what = message.starts_with(prefix) ? "cannot be read: " + message.substr(prefix.size()) : message;
    result.diagnostics.push_back({path, 1, 1, Diagnostic::Severity::Error, what, text.error().hint, {}});
    return result;
}

}  // namespace revertd
