// SPDX-License-Identifier: Apache-2.0
#include "config/bundle.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "config/load.h"

namespace revertd {
namespace {

class ConfD : public testing::Test {
  protected:
    ConfD() {
        char name[] = "/tmp/revertd-confd-XXXXXX";
        dir_ = ::mkdtemp(name);
        std::filesystem::create_directory(dir_ + "/conf.d");
        write("revertd.yaml",
              "defaults: { rollback: off }\nservices:\n  api: { health: http://127.0.0.1:1/h }\nnotify: { webhook: "
              "http://127.0.0.1:9/x }\n");
    }

    ~ConfD() override { std::filesystem::remove_all(dir_); }

    void write(const std::string& name, const std::string& text) { std::ofstream(dir_ + "/" + name) << text; }

    std::string words() {
        std::string out;
        for (const Diagnostic& d : load_file(dir_ + "/revertd.yaml").diagnostics)
            if (d.severity == Diagnostic::Severity::Error) out += to_line(d).substr(dir_.size() + 1) + "\n";
        return out;
    }

    std::string dir_;
};

TEST_F(ConfD, adds_services_with_the_defaults_of_the_main_file) {
    write("conf.d/web.yaml", "services:\n  web: { health: http://127.0.0.1:1/w }\n");
    write("conf.d/notes.txt", "no YAML: {");
    const auto loaded = load_file(dir_ + "/revertd.yaml");
    ASSERT_TRUE(loaded.loaded) << words();
    EXPECT_EQ(loaded.loaded->settings.services.size(), 2U);
    EXPECT_NE(loaded.loaded->settings.find("web"), nullptr);
}

TEST_F(ConfD, its_text_alone_is_the_whole_configuration) {
    write("conf.d/web.yaml", "services:\n  web: { health: http://127.0.0.1:1/w }");
    const auto text = config::read_config(dir_ + "/revertd.yaml");
    ASSERT_TRUE(text);
    const auto again = load(*text, "the journal");
    ASSERT_TRUE(again.loaded);
    EXPECT_EQ(again.loaded->settings.services.size(), 2U);
    EXPECT_EQ(again.loaded->settings.hash, load_file(dir_ + "/revertd.yaml").loaded->settings.hash);
}

TEST_F(ConfD, every_finding_names_its_file_and_line) {
    write("conf.d/a.yaml", "services:\n  a:\n    helth: http://127.0.0.1:1/a\n");
    write("conf.d/b.yaml", "services:\n  api: { health: http://127.0.0.1:1/b }\nnotify: off\n");
    write("conf.d/c.yaml", "services: [\n");
    const std::string found = words();
    EXPECT_NE(found.find("conf.d/b.yaml:2:3: the service `api` is there already"), std::string::npos) << found;
    EXPECT_NE(found.find("conf.d/b.yaml:3:1: `notify` in a file of `conf.d`"), std::string::npos) << found;
    EXPECT_NE(found.find("conf.d/c.yaml:"), std::string::npos) << found;
    std::filesystem::remove(dir_ + "/conf.d/b.yaml");
    std::filesystem::remove(dir_ + "/conf.d/c.yaml");
    EXPECT_NE(words().find("conf.d/a.yaml:3:5: unknown key `helth`"), std::string::npos) << words();
    write("revertd.yaml", "services:\n  api: { health: http://127.0.0.1:1/h, bake: 5 }\n");
    EXPECT_NE(words().find("revertd.yaml:2:46: `bake`"), std::string::npos) << words();
}

TEST_F(ConfD, one_file_alone_is_the_text_as_it_stands) {
    const auto text = config::read_config(dir_ + "/revertd.yaml");
    ASSERT_TRUE(text);
    EXPECT_TRUE(text->starts_with("defaults:"));
}

}  // namespace
}  // namespace revertd
