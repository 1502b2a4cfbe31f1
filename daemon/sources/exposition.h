// SPDX-License-Identifier: Apache-2.0
// Reads one body of /metrics as its bytes arrive: every line is validated, only lines of wanted names are kept, and
// nothing is used before the last byte was good.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/judge.h"
#include "daemon/sources/families.h"
#include "daemon/sources/line.h"
#include "daemon/sources/page_shape.h"
#include "daemon/sources/selector.h"
#include "daemon/sources/series_name.h"

namespace revertd {

/// The wanted lines of a target's last good body, in its order: a line whose bytes up to the value are known needs no
/// names, no labels and no matching. 8 bytes a line with a shape, else 16, because there is one layout a target; the
/// bytes themselves would be a hundred times more.
struct Layout {
    struct Entry {
        SeriesId series = kNoSeries;  ///< none: the name is wanted, the series is not
        std::uint32_t more : 1 = 0;   ///< the next entry is of the same line: another signal wants it, too
        std::uint32_t row : 31 = 0;   ///< of the shape, if there is one

        [[nodiscard]] bool operator==(const Entry&) const = default;
    };

    /// In the order of the body. Targets whose pages are alike share theirs.
    [[nodiscard]] const std::vector<Entry>& entries() const { return shared ? *shared : own; }

    std::vector<Entry> own;
    std::shared_ptr<const std::vector<Entry>> shared;
    std::vector<std::uint64_t> hashes;  ///< of the entries' lines up to the value; a shape has the bytes themselves

    [[nodiscard]] std::uint64_t hash_of(std::size_t entry, std::uint64_t seed) const;
    [[nodiscard]] std::uint64_t hash_of_row(std::uint32_t row, std::uint64_t seed) const;

    /// Of the same body as the entries: a line of it that has no entry is not wanted. None: every line is looked at.
    std::shared_ptr<const PageShape> shape;
};

/// The reading of one body, reused for many: allocates nothing once it has seen bodies of the size.
class Exposition {
  public:
    /// A wanted line; lines that several signals claim come several times.
    struct Value {
        std::uint64_t hash = 0;  ///< none if it was read by the shape: its row says which line it is
        double value = 0;
        std::uint32_t series = kNoSeries;  ///< SeriesId, or an index into `claims` if `is_new`
        bool is_new = false;
        bool more = false;
        std::uint32_t row = 0;  ///< of the shape
    };

    /// `seed` is secret to the process, see bytes::hash; it must be the same for all that read with one layout.
    explicit Exposition(std::uint64_t seed) : seed_(seed), families_(seed) {}

    /// Both must outlive the reading; the layout must not change during it. `learn`: the shape of this body is noted.
    void begin(const SeriesSelector& selector, const Layout& layout, bool learn = false, Format format = Format::Text);

    /// From `begin` on: the names of new series are kept for their labels.
    void keep_names() { keeps_names_ = true; }

    /// The next bytes of the body, cut anywhere. False: `fault` says why, and nothing of the body counts.
    bool feed(std::span<const char> chunk);

    /// After the last byte.
    bool end();

    [[nodiscard]] std::string_view fault() const { return fault_; }

    /// Lines with a value, wanted or not.
    [[nodiscard]] std::uint64_t samples() const { return samples_; }

    /// In the order of the body; a series may come twice.
    [[nodiscard]] std::span<const Value> values() const { return values_; }

    [[nodiscard]] std::uint64_t hash_of(const Value& value) const {
        return value.hash != 0 ? value.hash : layout_->hash_of_row(value.row, seed_);
    }

    /// The claims to series that the layout does not know.
    [[nodiscard]] const std::vector<Claim>& claims() const { return claims_; }

    /// Of Claim::name; empty unless they are kept.
    [[nodiscard]] const std::vector<SeriesName>& names() const { return names_; }

    /// The wanted lines were those of the layout, in its order.
    [[nodiscard]] bool layout_held() const { return layout_held_ && expected_ == layout_->entries().size(); }

    /// Too many lines are not where the layout's shape has them: another would save more work.
    [[nodiscard]] bool shape_is_stale() const;

    /// After a whole body, if it was to be learned.
    [[nodiscard]] const PageShape& learned() const { return learned_; }

    /// Gives back what only learning needs.
    void forget_learned() { const PageShape forgotten = std::move(learned_); }

  private:
    const char* read_lines(std::string_view text);
    const char* read_known(const char* p, const char* end);
    const char* read_known_value(std::size_t row, const char* start, const char* p, const char* end);
    const char* match(const char* p, const char* end);
    void learn(const Line& line);

    /// Of the line that is being kept.
    [[nodiscard]] std::uint32_t learned_row() const {
        return learning_ ? static_cast<std::uint32_t>(learned_.size() - 1) : 0;
    }

    bool complete_carried_line(std::string_view& chunk);
    bool carry(std::string_view rest);
    bool take(const Line& line);
    bool check_family(const Line& line);
    bool check_families_of_shape();
    bool is_wanted(const Line& line) const;
    bool keep(const Line& line);
    void expect(std::size_t entry);
    void keep_known(std::size_t entry, std::uint64_t hash, std::uint32_t row, double value);
    void keep_new(const Line& line, std::uint64_t hash, double value);
    [[nodiscard]] std::size_t find(std::uint64_t hash);
    void build_index();
    bool fail(std::string_view what);

    std::uint64_t seed_;
    const SeriesSelector* selector_ = nullptr;
    const Layout* layout_ = nullptr;
    std::span<const Layout::Entry> entries_;  // of the layout
    std::size_t expected_ = 0;                // the entry that comes next if all is as it was
    std::size_t wanted_row_ = 0;              // its row; none: beyond the shape
    bool layout_held_ = true;
    Format format_ = Format::Text;
    bool ended_ = false;  // by `# EOF`
    Families families_;
    std::size_t familiar_ = 0;                   // rows of the shape whose families were looked at
    std::vector<std::uint32_t> absent_;          // rows of the shape that the body does not have
    const PageShape* families_shape_ = nullptr;  // of OpenMetrics
    const PageShape* shape_ = nullptr;           // of the layout, while the wanted lines are where it has them
    std::size_t row_ = 0;                        // that comes next
    std::size_t strange_ = 0;                    // lines that the shape does not have there
    bool had_shape_ = false;
    bool learning_ = false;
    PageShape learned_;
    std::vector<std::uint32_t> index_;  // from hash to entry, made at the first line that was not expected
    std::vector<Value> values_;
    std::vector<Claim> claims_;
    bool keeps_names_ = false;
    std::vector<SeriesName> names_;
    std::string carry_;  // the start of a line whose end has not arrived
    std::uint64_t bytes_ = 0, lines_ = 0, samples_ = 0;
    std::string fault_;
};

}  // namespace revertd
