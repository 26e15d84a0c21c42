#include "relay/worker/mailbox.h"

#include <thread>

namespace causeway::worker {

Mailbox::Posted Mailbox::post(engine::Command& command) {
  struct Visit {
    explicit Visit(std::atomic<std::size_t>& posting) : count(posting) { ++count; }
    ~Visit() { --count; }
    std::atomic<std::size_t>& count;
  } visit(posting_);
  if (is_closed_) return Posted::Refused;
  if (engine::is_reserved(command)) {
    reserved_.push(std::move(command));
  } else {
    if (normal_count_.fetch_add(1, std::memory_order_relaxed) >= normal_capacity_) {
      normal_count_.fetch_sub(1, std::memory_order_relaxed);
      return Posted::Refused;
    }
    normal_.push(std::move(command));
  }
  return sleep_.must_wake() ? Posted::TakenWhileAsleep : Posted::Taken;
}

void Mailbox::close() {
  is_closed_ = true;
  while (posting_ != 0) std::this_thread::yield();
}

std::optional<engine::Command> Mailbox::take(bool with_normal) {
  if (auto command = reserved_.try_pop()) return command;
  if (!with_normal) return std::nullopt;
  auto command = normal_.try_pop();
  if (command) normal_count_.fetch_sub(1, std::memory_order_relaxed);
  return command;
}

bool Mailbox::may_sleep(bool with_normal) {
  sleep_.may_sleep();
  if (!has_mail(with_normal)) return true;
  sleep_.is_awake();
  return false;
}

}  // namespace causeway::worker
