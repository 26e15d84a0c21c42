#pragma once

#include <atomic>
#include <optional>
#include <utility>

namespace causeway::worker {

/// A queue from any number of threads to one, without a bound and without a lock. Each writer's
/// elements come out in the order in which it put them in.
///
/// The writer brings the node that its element travels in, and writers take spent nodes back:
/// the reader neither allocates nor frees.
///
///     writers --push--> incoming_ (newest first) --all at once, turned round--> reader
///     writers <--all at once, freed-- spent_ <--one by one-- reader
///
/// Both lists are only ever extended at the head or taken whole, so no node can come back under a
/// writer's compare-and-swap (no ABA).
template <typename T>
class MpscQueue {
 public:
  MpscQueue() = default;
  MpscQueue(const MpscQueue&) = delete;
  MpscQueue& operator=(const MpscQueue&) = delete;
  ~MpscQueue() {
    free_all(incoming_.load());
    free_all(spent_.load());
    free_all(in_order_);
  }

  /// Any thread but the reader's. Allocates, and frees what the reader has read.
  void push(T value) {
    free_all(spent_.exchange(nullptr, std::memory_order_acquire));
    prepend(incoming_, new Node{std::move(value), nullptr});
  }

  /// The oldest element, or nothing. Reader only.
  [[nodiscard]] std::optional<T> try_pop() {
    if (in_order_ == nullptr) in_order_ = take_incoming();
    if (in_order_ == nullptr) return std::nullopt;
    Node* const node = std::exchange(in_order_, in_order_->next);
    std::optional<T> value(std::move(node->value));
    prepend(spent_, node);
    return value;
  }
  /// Reader only.
  [[nodiscard]] bool is_empty() const {
    return in_order_ == nullptr && incoming_.load(std::memory_order_acquire) == nullptr;
  }

 private:
  struct Node {
    T value;
    Node* next;
  };

  static void prepend(std::atomic<Node*>& list, Node* node) {
    node->next = list.load(std::memory_order_relaxed);
    while (!list.compare_exchange_weak(node->next, node, std::memory_order_release,
                                       std::memory_order_relaxed)) {
    }
  }
  [[nodiscard]] Node* take_incoming() {
    Node* newest_first = incoming_.exchange(nullptr, std::memory_order_acquire);
    Node* oldest_first = nullptr;
    while (newest_first != nullptr) {
      Node* const node = std::exchange(newest_first, newest_first->next);
      node->next = std::exchange(oldest_first, node);
    }
    return oldest_first;
  }
  static void free_all(Node* list) {
    while (list != nullptr) delete std::exchange(list, list->next);
  }

  // Each on a cache line of its own: writers meet on the first, the reader works on the last.
  alignas(64) std::atomic<Node*> incoming_{nullptr};
  alignas(64) std::atomic<Node*> spent_{nullptr};
  alignas(64) Node* in_order_ = nullptr;
};

}  // namespace causeway::worker
