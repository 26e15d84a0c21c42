#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "relay/base/spsc_ring.h"
#include "relay/base/time.h"
#include "relay/dtls/associations.h"
#include "relay/engine/dtls_transport.h"
#include "relay/io/wake_signal.h"

namespace causeway::worker {

struct DtlsPoolConfig {
  std::size_t workers = 1;
  std::size_t threads = 1;
  /// That wait, of each worker for each thread: datagrams, of 2 KiB each, and all other jobs.
  std::size_t datagrams = 512;
  std::size_t orders = 8'192;
  /// Legs whose handshakes are under way in one thread; of more, the one that was quiet longest is
  /// forgotten.
  std::size_t max_handshakes = 4'096;
  /// And whoever was quiet for so long is, in any case. Legs give up sooner.
  Duration longest_silence = std::chrono::seconds(40);
};

/// Numbers of a pool, as they were at about the same moment.
struct DtlsPoolStats {
  std::uint64_t jobs = 0;
  std::uint64_t refused_jobs = 0;    ///< There was no room for them: lost, as on a wire.
  std::uint64_t refused_closes = 0;  ///< Of those: what they would have ended stays for ever.
  std::uint64_t up = 0;              ///< Handshakes that have succeeded.
  std::uint64_t failed = 0;
  std::uint64_t forgotten = 0;     ///< For want of room, or after a long silence.
  std::uint64_t associations = 0;  ///< Legs that have one now, under way or complete.
};

/// The threads that do the arithmetic of DTLS (law 1), at the lowest priority and interrupted by
/// any other, so that no call waits for a handshake.
///
///     worker --post()--+-> datagrams --+-> thread: Associations of the leg --Report--> sink
///                      +-> orders -----+
///
/// All jobs of a leg go to one thread, and each worker's are carried out in the order in which they
/// were posted: they are numbered, and the thread takes the next number from whichever ring has it.
/// Datagrams may be lost, so their ring is short; a lost Close would keep its association for ever,
/// so that ring is long, and its last quarter is for Settings and Close alone.
///
/// post(): the worker that `worker` names, and nobody else; it never waits, allocates or frees. The
/// sink runs on the pool's threads.
class DtlsPool {
 public:
  using Sink = std::function<void(const engine::DtlsComponent& component, std::uint32_t association,
                                  dtls::Report&& report)>;

  /// Errors: Internal DTLS_POOL (no eventfd).
  [[nodiscard]] static Result<std::unique_ptr<DtlsPool>, Error> create(DtlsPoolConfig config,
                                                                       Sink sink);
  DtlsPool(const DtlsPool&) = delete;
  DtlsPool& operator=(const DtlsPool&) = delete;
  ~DtlsPool();
  /// Stops the threads and waits for them; the sink is not called any more. Idempotent, one thread.
  void stop();

  /// Hands a job over. False: there is no room for it, it is counted, and its settings stay.
  bool post(WorkerId worker, engine::DtlsWish& wish);

  [[nodiscard]] DtlsPoolStats stats() const;

 private:
  struct Job {
    std::uint64_t number = 0;
    engine::DtlsComponent component;
    std::uint32_t association = 0;
    dtls::JobKind kind = dtls::JobKind::Datagram;
    SocketAddress from;
    std::shared_ptr<const dtls::Settings> settings;
  };
  struct DatagramJob {
    Job job;
    std::uint16_t octets = 0;
    std::array<std::byte, dtls::kMaxDatagram> datagram;
  };
  /// From one worker to one thread.
  struct Lane {
    Lane(std::size_t datagrams_that_wait, std::size_t orders_that_wait)
        : datagrams(datagrams_that_wait), orders(orders_that_wait) {}
    SpscRing<DatagramJob> datagrams;
    SpscRing<Job> orders;
    std::uint64_t next_posted = 0;  // the worker's own
    // The thread's own: what it is to take next, and what it has taken out too early.
    alignas(64) std::uint64_t next_taken = 0;
    std::optional<DatagramJob> datagram;
    std::optional<Job> order;
  };
  using Quiet = std::list<engine::DtlsComponent>;
  struct Entry {
    std::uint32_t association = 0;
    std::unique_ptr<dtls::Associations> associations;
    Instant used_at;
    std::optional<Quiet::iterator> place;  ///< Among those under way.
  };
  using Entries = std::map<engine::DtlsComponent, Entry>;
  struct Thread {
    std::unique_ptr<io::WakeSignal> signal;
    std::vector<std::unique_ptr<Lane>> lanes;  // one a worker
    Entries entries;                           // the thread's own
    Quiet under_way;                           // its own; the one that was quiet longest first
    std::thread thread;
  };

  DtlsPool(DtlsPoolConfig config, Sink sink);
  [[nodiscard]] bool refuse(dtls::JobKind kind);

  void run(Thread& self);
  [[nodiscard]] bool take_jobs(Thread& self);
  [[nodiscard]] bool take_job(Thread& self, Lane& lane);
  void carry_out(Thread& self, const Job& job, Bytes datagram);
  [[nodiscard]] Entry* entry_of(Thread& self, const Job& job);
  void note_use(Thread& self, const engine::DtlsComponent& component, Entry& entry);
  void forget_the_quiet(Thread& self, Instant now);
  void erase(Thread& self, Entries::iterator entry);

  const DtlsPoolConfig config_;
  const Sink sink_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::atomic<bool> is_stopping_{false};
  std::atomic<std::uint64_t> jobs_{0};
  std::atomic<std::uint64_t> refused_jobs_{0};
  std::atomic<std::uint64_t> refused_closes_{0};
  std::atomic<std::uint64_t> up_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> forgotten_{0};
  std::atomic<std::uint64_t> associations_{0};
};

}  // namespace causeway::worker
