// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/peer.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

#include <array>
#include <mutex>
#include <system_error>
#include <thread>

#include "daemon/io/loop.h"

namespace revertd::api {
namespace {

constexpr std::size_t kEntryBytes = 64 * 1024;  // of a group with thousands of members
constexpr int kMaxGroups = 1024;

std::optional<std::string> group_name(gid_t gid) {
    std::vector<char> buffer(kEntryBytes);
    group entry{};
    group* found = nullptr;
    if (::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::nullopt;
    return std::string(found->gr_name);
}

}  // namespace

std::optional<PeerIds> peer_of(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
    return PeerIds{peer.uid, peer.gid};
}

Peer look_up_peer(PeerIds ids) {
    Peer peer;
    peer.uid = ids.uid;
    std::vector<char> buffer(kEntryBytes);
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(ids.uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return peer;
    peer.user = found->pw_name;
    std::vector<gid_t> groups(kMaxGroups);
    int count = kMaxGroups;
    if (::getgrouplist(found->pw_name, found->pw_gid, groups.data(), &count) < 0) count = kMaxGroups;
    for (int i = 0; i < count; ++i)
        if (auto name = group_name(groups[static_cast<std::size_t>(i)])) peer.groups.push_back(std::move(*name));
    return peer;
}

/// What the helper threads see; they may outlive the directory.
struct PeerDirectory::Shared {
    std::mutex mutex;
    Loop* loop = nullptr;  // null when the directory is gone
    Lookup lookup;
    std::size_t asking = 0;
};

PeerDirectory::PeerDirectory(Loop& loop, std::size_t most, Lookup lookup)
    : loop_(loop), most_(most), shared_(std::make_shared<Shared>()) {
    shared_->loop = &loop;
    shared_->lookup = std::move(lookup);
}

PeerDirectory::~PeerDirectory() {
    const std::lock_guard lock(shared_->mutex);
    shared_->loop = nullptr;
}

void PeerDirectory::find(PeerIds ids, Found found) {
    const std::lock_guard lock(shared_->mutex);
    const auto refuse = [&] { loop_.post([found] { found(std::nullopt); }); };
    if (shared_->asking >= most_) return refuse();
    try {
        std::thread([shared = shared_, ids, found] {
            auto peer = std::make_shared<Peer>(shared->lookup(ids));
            const std::lock_guard own(shared->mutex);
            --shared->asking;
            if (shared->loop != nullptr) shared->loop->post([found, peer] { found(std::move(*peer)); });
        }).detach();
        ++shared_->asking;
    } catch (const std::system_error&) {
        refuse();
    }
}

}  // namespace revertd::api
