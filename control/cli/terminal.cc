#include "control/cli/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace causeway::cli {

namespace {

// ECMA-48, and the private modes of xterm that every terminal of today has: the alternate screen
// (1049) and the cursor (25).
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kEraseLine = "\x1b[K";
constexpr std::string_view kEraseBelow = "\x1b[J";

constexpr std::array kEnding = {SIGINT, SIGTERM, SIGHUP};

/// What the signal handlers work with; written before they are installed.
struct Shared {
  termios before{};
  termios during{};
  bool has_keys = false;
  std::array<int, 2> wake{-1, -1};
  std::array<struct sigaction, 5> old{};
};
Shared shared;

void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

// Both are made of what a signal handler may call (POSIX.1-2017 2.4.3).
void enter() {
  if (shared.has_keys) (void)::tcsetattr(STDIN_FILENO, TCSANOW, &shared.during);
  write_all(STDOUT_FILENO, kEnter);
}

void leave() {
  write_all(STDOUT_FILENO, kLeave);
  if (shared.has_keys) (void)::tcsetattr(STDIN_FILENO, TCSANOW, &shared.before);
}

void wake() { (void)!::write(shared.wake[1], "w", 1); }

/// The process dies of the signal, as its parent expects, once the handler has returned.
void on_ending(int number) {
  leave();
  (void)::signal(number, SIG_DFL);
  (void)::raise(number);
}

void on_stop(int) {
  const int error = errno;
  leave();
  (void)::raise(SIGSTOP);
  enter();
  wake();
  errno = error;
}

void on_resize(int) {
  const int error = errno;
  wake();
  errno = error;
}

void install(int number, void (*handler)(int), std::size_t place) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  (void)::sigfillset(&action.sa_mask);
  (void)::sigaction(number, &action, &shared.old[place]);
}

}  // namespace

bool uses_color(ColorChoice choice, bool is_terminal, const char* no_color) {
  if (choice != ColorChoice::Auto) return choice == ColorChoice::Always;
  return is_terminal && (no_color == nullptr || *no_color == '\0');
}

std::string marked(std::string_view text, Mark mark, bool is_colored) {
  if (!is_colored || mark == Mark::None) return std::string(text);
  constexpr std::array<std::string_view, 6> kCodes = {"0", "1", "7", "32", "33", "31"};
  return "\x1b[" + std::string(kCodes[static_cast<std::size_t>(mark)]) + "m" + std::string(text) +
         "\x1b[0m";
}

bool is_terminal(int descriptor) {
  const char* kind = std::getenv("TERM");
  return ::isatty(descriptor) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

Screen::Screen() : reads_keys_(::tcgetattr(STDIN_FILENO, &shared.before) == 0) {
  shared.has_keys = reads_keys_;
  shared.during = shared.before;
  shared.during.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  shared.during.c_cc[VMIN] = 1;
  shared.during.c_cc[VTIME] = 0;
  (void)::pipe2(shared.wake.data(), O_CLOEXEC | O_NONBLOCK);
  for (std::size_t i = 0; i < kEnding.size(); ++i) install(kEnding[i], on_ending, i);
  install(SIGTSTP, on_stop, 3);
  install(SIGWINCH, on_resize, 4);
  enter();
}

Screen::~Screen() {
  for (std::size_t i = 0; i < kEnding.size(); ++i) {
    (void)::sigaction(kEnding[i], &shared.old[i], nullptr);
  }
  (void)::sigaction(SIGTSTP, &shared.old[3], nullptr);
  (void)::sigaction(SIGWINCH, &shared.old[4], nullptr);
  leave();
  for (const int each : shared.wake) (void)::close(each);
}

ScreenSize Screen::size() const {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
    return {};
  }
  return {size.ws_col, size.ws_row};
}

void Screen::draw(const std::vector<std::string>& lines) {
  std::string page(kHome);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) page += "\r\n";
    page += lines[i];
    page += kEraseLine;
  }
  page += kEraseBelow;
  write_all(STDOUT_FILENO, page);
}

Screen::Wake Screen::wait(std::chrono::milliseconds span) {
  const auto until = std::chrono::steady_clock::now() + span;
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return Wake::Elapsed;
    std::array<pollfd, 2> waits = {pollfd{shared.wake[0], POLLIN, 0},
                                   pollfd{reads_keys_ ? STDIN_FILENO : -1, POLLIN, 0}};
    if (::poll(waits.data(), waits.size(), static_cast<int>(left.count())) <= 0) continue;
    std::array<char, 64> read{};
    if (waits[0].revents != 0) {
      while (::read(shared.wake[0], read.data(), read.size()) > 0) continue;
      return Wake::Resized;
    }
    const ssize_t count = ::read(STDIN_FILENO, read.data(), read.size());
    if (count == 0) return Wake::Quit;  // the terminal is gone
    for (ssize_t i = 0; i < count; ++i) {
      if (read[static_cast<std::size_t>(i)] == 'q') return Wake::Quit;
    }
  }
}

StatusLine::StatusLine() : is_terminal_(is_terminal(STDERR_FILENO)) {}

StatusLine::~StatusLine() {
  if (is_shown_) write_all(STDERR_FILENO, "\r" + std::string(kEraseLine));
}

void StatusLine::show(std::string_view text) {
  if (!is_terminal_) return;
  winsize size{};
  const bool is_known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  is_shown_ = true;
  write_all(STDERR_FILENO,
            "\r" + fit(visible(text), is_known ? size.ws_col - 1U : 79U) + std::string(kEraseLine));
}

Waiting::Waiting(std::string what, std::chrono::seconds limit)
    : what_(std::move(what)), limit_(limit) {
  if (is_terminal(STDERR_FILENO)) thread_ = std::thread([this] { run(); });
}

Waiting::~Waiting() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void Waiting::run() {
  StatusLine line;
  std::unique_lock lock(mutex_);
  const auto began = std::chrono::steady_clock::now();
  for (int seconds = 1;; ++seconds) {
    if (ended_.wait_until(lock, began + std::chrono::seconds(seconds),
                          [this] { return is_over_; })) {
      return;
    }
    line.show("waiting for " + what_ + ": " + std::to_string(seconds) + " s of at most " +
              std::to_string(limit_.count()) + " s");
  }
}

}  // namespace causeway::cli
