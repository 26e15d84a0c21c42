#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace causeway::cli {

/// `text` on one line and without effect on a terminal: control characters (C0, DEL, C1), those
/// that turn the direction of writing, and octets that are no UTF-8 are written as `\x1b`,
/// `\u202e`.
[[nodiscard]] std::string visible(std::string_view text);
/// The same, but lines stay lines.
[[nodiscard]] std::string visible_lines(std::string_view text);
/// How many columns of a terminal visible text takes: 0 for marks that combine, 2 for wide letters.
[[nodiscard]] std::size_t columns(std::string_view text);
/// Visible text in at most `width` columns; where something is cut off it ends with `~`.
[[nodiscard]] std::string fit(std::string_view text, std::size_t width);
/// Visible text filled up to `width` columns, on the left or on the right; never cut.
[[nodiscard]] std::string pad_left(std::string_view text, std::size_t width);
[[nodiscard]] std::string pad_right(std::string_view text, std::size_t width);

/// What --color says.
enum class ColorChoice { Auto, Always, Never };
/// Whether to colour: `no_color` is the value of NO_COLOR, null where it is not set
/// (https://no-color.org: any text but the empty one means no).
[[nodiscard]] bool uses_color(ColorChoice choice, bool is_terminal, const char* no_color);

/// How text stands out (ECMA-48 SGR).
enum class Mark { None, Bold, Reverse, Green, Yellow, Red };
/// `text` marked, or as it is without colour.
[[nodiscard]] std::string marked(std::string_view text, Mark mark, bool is_colored);

/// Whether control sequences do what they should on this descriptor: a terminal that is not `dumb`.
[[nodiscard]] bool is_terminal(int descriptor);

/// How many characters fit.
struct ScreenSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

/// The terminal of standard output as a page that is drawn over and over: the alternate screen,
/// without cursor, keys read at once. It is as it was before when this ends, and when a signal ends
/// or stops the process (SIGINT, SIGTERM, SIGHUP, SIGTSTP). At most one at a time.
class Screen {
 public:
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  [[nodiscard]] ScreenSize size() const;
  /// Shows the lines, which must fit, instead of what was there.
  void draw(const std::vector<std::string>& lines);

  enum class Wake { Elapsed, Resized, Quit };
  /// Until the time is over, the size has changed, or `q` was pressed.
  [[nodiscard]] Wake wait(std::chrono::milliseconds span);

 private:
  bool reads_keys_;
};

/// One line on standard error that is written over and taken away at the end; nothing where that is
/// no terminal.
class StatusLine {
 public:
  StatusLine();
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;
  void show(std::string_view text);

 private:
  bool is_shown_ = false;
  const bool is_terminal_;
};

/// Says what is waited for and for how long, from the second second on, for as long as it lives.
class Waiting {
 public:
  Waiting(std::string what, std::chrono::seconds limit);
  ~Waiting();
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  void run();

  const std::string what_;
  const std::chrono::seconds limit_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool is_over_ = false;
  std::thread thread_;  ///< Only where standard error is a terminal.
};

}  // namespace causeway::cli
