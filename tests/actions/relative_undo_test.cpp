// SPDX-License-Identifier: Apache-2.0
#include "actions/relative_undo.h"

#include <gtest/gtest.h>

namespace revertd {
namespace {

using Argv = std::vector<std::string>;

// What stands in real runbooks under "how to roll back".
TEST(RelativeUndo, is_found_in_every_shape_of_the_runbooks) {
    const std::vector<Argv> corpus{
        {"/usr/bin/kubectl", "rollout", "undo", "deployment/api"},
        {"/usr/bin/kubectl", "-n", "prod", "rollout", "undo", "deployment/api", "--to-revision=0"},
        {"/usr/bin/kubectl", "rollout", "undo", "deployment/api", "--to-revision", "0"},
        {"/usr/bin/helm", "rollback", "api"},
        {"/usr/bin/helm", "rollback", "api", "0"},
        {"/usr/bin/helm", "-n", "prod", "rollback", "api", "--wait", "--timeout", "5m"},
        {"/usr/local/bin/argocd", "app", "rollback", "api"},
        {"/usr/bin/git", "revert", "--no-edit", "HEAD~1"},
        {"/usr/bin/git", "reset", "--hard", "HEAD^"},
        {"/usr/bin/git", "reset", "--hard", "HEAD@{1}"},
        {"/usr/bin/git", "reset", "--hard", "ORIG_HEAD"},
        {"/usr/bin/git", "checkout", "-"},
        {"/usr/bin/git", "checkout", "@{-1}"},
        {"/usr/bin/git", "push", "-f", "origin", "origin/HEAD~2:main"},
        {"/usr/bin/alembic", "downgrade", "-1"},
        {"/usr/bin/alembic", "downgrade", "-2"},
        {"/usr/bin/flyway", "undo", "-1"},
        {"/usr/bin/php", "artisan", "migrate:rollback"},
        {"/usr/bin/rails", "db:rollback"},
        {"/usr/bin/cap", "production", "deploy:rollback"},
        {"/usr/bin/docker", "service", "rollback", "api"},
        {"/usr/bin/docker", "service", "update", "--rollback", "api"},
        {"/usr/local/bin/switch", "previous"},
        {"/bin/sh", "-c", "cd /srv && kubectl rollout undo deploy/api; echo done"},
        {"/bin/bash", "-ec", "git checkout \"HEAD~1\""},
    };
    for (const Argv& argv : corpus) {
        const auto found = find_relative_undo(argv);
        EXPECT_TRUE(found.has_value()) << argv.back() << " of " << argv.front();
        EXPECT_FALSE(found && found->hint.empty());
    }
}

TEST(RelativeUndo, is_not_seen_where_a_version_is_named) {
    const std::vector<Argv> corpus{
        {"/usr/bin/kubectl", "rollout", "undo", "deployment/api", "--to-revision={to}"},
        {"/usr/bin/kubectl", "rollout", "undo", "deployment/api", "--to-revision", "{to}"},
        {"/usr/bin/kubectl", "set", "image", "deployment/api", "api=registry/api:{to}"},
        {"/usr/bin/helm", "rollback", "api", "{to}"},
        {"/usr/bin/helm", "-n", "prod", "rollback", "--wait", "--timeout", "5m", "api", "{to}"},
        {"/usr/local/bin/argocd", "app", "rollback", "api", "{to}"},
        {"/usr/bin/git", "checkout", "{to}"},
        {"/usr/bin/git", "show", "HEAD"},
        {"/usr/bin/alembic", "downgrade", "{to}"},
        {"/usr/local/bin/rollback", "{to}", "-v", "-9"},
        {"/usr/local/bin/previous-tool", "--to={to}"},
        {"/usr/bin/kamal", "rollback", "{to}"},
    };
    for (const Argv& argv : corpus) {
        const auto found = find_relative_undo(argv);
        EXPECT_FALSE(found.has_value()) << argv.front() << ": " << (found ? found->message : "");
    }
}

TEST(ShellText, is_refused_with_a_placeholder_in_it) {
    EXPECT_TRUE(find_shell_text({"/bin/sh", "-c", "deploy {to}"}));
    EXPECT_TRUE(find_shell_text({"/bin/bash", "-ec", "deploy {to}"}));
    EXPECT_TRUE(find_shell_text({"/usr/bin/env", "bash", "-c", "deploy '{to}'"}));
    EXPECT_FALSE(find_shell_text({"/bin/sh", "-c", "deploy \"$1\"", "sh", "{to}"}));
    EXPECT_FALSE(find_shell_text({"/usr/bin/psql", "-c", "{to}"})) << "no shell";
    EXPECT_FALSE(find_shell_text({"/bin/sh", "/opt/rollback.sh", "{to}"}));
}

}  // namespace
}  // namespace revertd
