#include "relay/media/telephone_events.h"

#include <gtest/gtest.h>

#include "tests/unit/relay/media/rig.h"

namespace causeway::media {
namespace {

using namespace test;
using wire::TelephoneEvent;

Octets payload_of(const TelephoneEvent& event) {
  Octets payload(TelephoneEvent::kOctets);
  event.write(payload);
  return payload;
}

// An endpoint's events: an update every 50 ms, the end three times.
std::vector<Given> event_packets(std::uint8_t event, RtpClockRate clock, PayloadType type,
                                 Duration duration, SeqNum seq, RtpTimestamp start) {
  std::vector<Given> packets;
  RtpTimestamp segment = start;
  std::int64_t before = 0;
  for (Duration t = milliseconds(50); t <= duration; t += milliseconds(50)) {
    const std::int64_t ticks = duration_to_ticks(t, clock);
    while (ticks - before > TelephoneEvent::kMaxDuration) {
      before += TelephoneEvent::kMaxDuration;
      segment = segment.plus(TelephoneEvent::kMaxDuration);
    }
    const bool is_end = t + milliseconds(50) > duration;
    for (int i = 0; i < (is_end ? 3 : 1); ++i) {
      packets.push_back(
          {type, seq, segment,
           payload_of({event, is_end, 10, static_cast<std::uint16_t>(ticks - before)}),
           packets.empty()});
      seq = seq.plus(1);
    }
  }
  return packets;
}

// One event as an endpoint understands it: its RFC 4733 segments put together.
struct Understood {
  std::uint8_t event = 0;
  std::int64_t ticks = 0;
  int markers = 0;
  int ends = 0;
  RtpTimestamp start;
};
std::vector<Understood> understand(const std::vector<Sent>& packets) {
  std::vector<Understood> events;
  RtpTimestamp segment;
  std::int64_t before = 0;
  std::int64_t duration = 0;
  for (const Sent& packet : packets) {
    const auto event = TelephoneEvent::parse(packet.payload);
    EXPECT_TRUE(event);
    const bool continues = !events.empty() && !packet.has_marker && events.back().ends == 0 &&
                           packet.timestamp == segment.plus(0xffff) && duration == 0xffff;
    if (continues) {
      before += 0xffff;
      segment = packet.timestamp;
    } else if (events.empty() || packet.timestamp != segment) {
      events.push_back({event->event, 0, 0, 0, packet.timestamp});
      segment = packet.timestamp;
      before = 0;
    } else {
      EXPECT_GE(event->duration, duration) << "durations do not shrink";
    }
    duration = event->duration;
    events.back().ticks = before + duration;
    events.back().markers += packet.has_marker ? 1 : 0;
    events.back().ends += event->is_end ? 1 : 0;
  }
  return events;
}

constexpr Duration kFrame = milliseconds(20);
Instant due(std::size_t packet) { return at(kFrame * static_cast<int>(packet)); }

struct Clocks {
  const char* name;
  std::uint32_t from;
  std::uint32_t to;
};

class EventsAcrossClocks : public testing::TestWithParam<Clocks> {
 protected:
  [[nodiscard]] static codecs::CodecConfig codec_of(std::uint32_t clock) {
    if (clock == 48'000) return opus(16'000);
    if (clock == 16'000) return {codecs::CodecId::L16, SampleRate(16'000), 1, {}};
    return pcmu();
  }
};

TEST_P(EventsAcrossClocks, KeepsDigitsAndTheirLengths) {
  const RtpClockRate from(GetParam().from);
  const RtpClockRate to(GetParam().to);
  const PayloadType audio_in(96);
  const PayloadType audio_out(97);
  const PayloadType event_in(101);
  const PayloadType event_out(102);
  Transcoder::Config config =
      config_of(audio_in, codec_of(from.raw()), audio_out, codec_of(to.raw()));
  config.events = {{event_in, from}};
  config.output.event_payload_type = event_out;
  const auto audio =
      packets_of(codec_of(from.raw()), audio_in, speech(codec_of(from.raw()).rate.raw()), kFrame);
  const std::int64_t frame = duration_to_ticks(kFrame, from);
  for (const Duration duration :
       {milliseconds(100), milliseconds(1400), milliseconds(3000), milliseconds(9000)}) {
    Rig rig(config);
    for (std::size_t i = 0; i < 50; ++i) rig.give(due(i), audio[i]);
    const RtpTimestamp start = audio[0].timestamp.plus(frame * 50);
    const auto events = event_packets(11, from, event_in, duration, audio[50].seq, start);
    Instant now = due(50);
    for (std::size_t i = 0; i < events.size(); ++i) {
      rig.give(now, events[i]);
      if (i + 3 < events.size()) now += milliseconds(50);
    }
    // The endpoint speaks again where the event ended.
    const auto frames = static_cast<int>(duration / kFrame);
    for (int i = 0; i < 50; ++i) {
      Given packet = audio[60];
      packet.seq = events.back().seq.plus(1 + i);
      packet.timestamp = start.plus(frame * (frames + i));
      rig.give(due(50) + duration + kFrame * i, packet);
    }
    const auto sent = understand(rig.sent_as(event_out));
    ASSERT_EQ(sent.size(), 1U) << "one event, whatever its segments";
    EXPECT_EQ(sent[0].event, 11);
    EXPECT_EQ(sent[0].ticks, duration_to_ticks(duration, to));
    EXPECT_EQ(sent[0].markers, 1);
    EXPECT_EQ(sent[0].ends, 3);
    const auto sound = rig.sent_as(audio_out);
    ASSERT_EQ(sound.size(), 100U) << "no sound in place of the event, none after it missing";
    const std::int64_t out_frame = duration_to_ticks(kFrame, to);
    EXPECT_EQ(sent[0].start.distance_from(sound[0].timestamp), out_frame * 50);
    EXPECT_EQ(sound[50].timestamp.distance_from(sound[0].timestamp), out_frame * (50 + frames));
    EXPECT_EQ(rig.counters().concealed, 0U);
    EXPECT_EQ(rig.counters().lost, 0U);
    EXPECT_EQ(rig.counters().events, 1U);
    for (std::size_t i = 1; i < rig.sent().size(); ++i) {
      ASSERT_EQ(rig.sent()[i].seq, rig.sent()[i - 1].seq.plus(1));
    }
  }
}

const Clocks kClocks[] = {{"From8To8", 8000, 8000},     {"From8To16", 8000, 16000},
                          {"From8To48", 8000, 48000},   {"From16To8", 16000, 8000},
                          {"From16To48", 16000, 48000}, {"From48To8", 48000, 8000},
                          {"From48To16", 48000, 16000}, {"From48To48", 48000, 48000}};
INSTANTIATE_TEST_SUITE_P(TelephoneEvents, EventsAcrossClocks, testing::ValuesIn(kClocks),
                         [](const auto& clocks) { return std::string(clocks.param.name); });

class TelephoneEvents : public testing::Test {
 protected:
  // Long enough for the deadline to be as early as it gets.
  TelephoneEvents() : rig_(pcmu_to_opus()), audio_(packets_of(pcmu(), kPcmu, speech(), kFrame)) {
    for (std::size_t i = 0; i < 300; ++i) rig_.give(due(i), audio_[i]);
  }
  [[nodiscard]] Given event(int steps, int duration, bool is_end = false) const {
    return {kEvent8, audio_[300].seq.plus(steps), audio_[300].timestamp,
            payload_of({5, is_end, 10, static_cast<std::uint16_t>(duration)}), steps == 0};
  }

  Rig rig_;
  std::vector<Given> audio_;
};

TEST_F(TelephoneEvents, ConcealNothingWhileAnEventRuns) {
  for (int i = 0; i < 100; ++i)
    rig_.give(due(300 + static_cast<std::size_t>(i)), event(i, 160 * (i + 1)));
  EXPECT_EQ(rig_.counters().concealed, 0U);
  EXPECT_EQ(rig_.sent_as(kOpus).size(), 300U);
  EXPECT_EQ(rig_.sent_as(kEvent48).size(), 101U) << "one each, and one that closes a segment";
}

TEST_F(TelephoneEvents, SuppressSoundThatIsSentBesideThem) {
  // A sender that goes on with audio, as RFC 4733 2.5.1.1 lets it; only the event is to be heard.
  std::size_t next = 300;
  int steps = 0;
  for (int i = 0; i < 10; ++i, ++next) {
    Given sound = audio_[next];
    sound.seq = audio_[300].seq.plus(steps + 1);
    rig_.give(due(next), event(steps, 160 * (i + 1), i == 9));
    rig_.give(due(next), sound);
    steps += 2;
  }
  for (int i = 0; i < 10; ++i, ++next) {
    Given sound = audio_[next];
    sound.seq = audio_[300].seq.plus(steps++);
    rig_.give(due(next), sound);
  }
  const auto sound = rig_.sent_as(kOpus);
  EXPECT_EQ(sound[300].timestamp.distance_from(sound[299].timestamp), 960 * 10);
  EXPECT_EQ(sound.size(), 300U + 11U) << "the frame beside the end packet is sound again";
  EXPECT_EQ(rig_.counters().decoded, 320U);
  EXPECT_EQ(rig_.counters().concealed, 0U);
}

TEST_F(TelephoneEvents, EndAnEventWhoseEndWasLost) {
  for (int i = 0; i < 5; ++i)
    rig_.give(due(300 + static_cast<std::size_t>(i)), event(i, 160 * (i + 1)));
  rig_.run_until(due(320));
  const auto sent = understand(rig_.sent_as(kEvent48));
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].ends, 3);
  EXPECT_EQ(sent[0].ticks, 960 * 5);
}

TEST_F(TelephoneEvents, BeginWithoutMarkerOrFirstPackets) {
  Given middle = event(2, 480);
  middle.has_marker = false;
  rig_.give(due(302), middle);
  rig_.give(due(303), event(3, 640, true));
  rig_.run_until(due(310));
  const auto sent = understand(rig_.sent_as(kEvent48));
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].markers, 1);
  EXPECT_EQ(sent[0].ticks, 640 * 6);
}

TEST_F(TelephoneEvents, RepeatTheEndBeforeSoundThatFollowsAtOnce) {
  rig_.give(due(300), event(0, 160));
  rig_.give(due(301), event(1, 320, true));
  Given sound = audio_[302];
  rig_.give(due(302) - milliseconds(15), sound);
  const auto& sent = rig_.sent();
  ASSERT_EQ(sent.back().type, kOpus);
  EXPECT_EQ(understand(rig_.sent_as(kEvent48))[0].ends, 3);
  EXPECT_EQ(continuity_fault(sent), "");
}

TEST_F(TelephoneEvents, AreNotSentToAnEndpointWithoutThemButItsCadenceIsKept) {
  Transcoder::Config config = config_of(kPcmu, pcmu(), kPcma, pcma());
  config.output.event_payload_type.reset();
  Rig rig(config);
  for (std::size_t i = 0; i < 300; ++i) rig.give(due(i), audio_[i]);
  for (int i = 0; i < 20; ++i)
    rig.give(due(300 + static_cast<std::size_t>(i)), event(i, 160 * (i + 1)));
  EXPECT_GE(rig.sent_as(kPcma).size(), 317U);
  EXPECT_EQ(rig.counters().concealed, 0U);
  EXPECT_EQ(rig.counters().events_unheard, 1U);
}

TEST(TelephoneEventOnly, LegsThatSendNothingElseAreServed) {
  Rig rig(pcmu_to_opus());
  SeqNum seq(7);
  for (int digit = 0; digit < 3; ++digit) {
    const Instant begin = at(std::chrono::seconds(digit));
    const auto packets =
        event_packets(static_cast<std::uint8_t>(digit), RtpClockRate(8000), kEvent8,
                      milliseconds(200), seq, RtpTimestamp(8000u * static_cast<unsigned>(digit)));
    for (std::size_t i = 0; i < packets.size(); ++i) {
      rig.give(begin + milliseconds(50) * std::min<int>(static_cast<int>(i), 3), packets[i]);
    }
    seq = packets.back().seq.plus(1);
  }
  const auto sent = understand(rig.sent_as(kEvent48));
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(sent[1].start.distance_from(sent[0].start), 48'000);
  EXPECT_EQ(sent[2].start.distance_from(sent[0].start), 96'000);
  EXPECT_EQ(rig.transcoder().next_timeout().has_value(), true) << "the last end's repeats";
  rig.run_until(at(std::chrono::seconds(4)));
  EXPECT_EQ(rig.transcoder().next_timeout(), std::nullopt);
}

TEST(TelephoneEventOnly, SoundThatBeginsLongAfterwardsLiesWhereTimeSays) {
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  const auto events =
      event_packets(1, RtpClockRate(8000), kEvent8, milliseconds(100), SeqNum(7), RtpTimestamp(0));
  for (const Given& packet : events) rig.give(at(Duration(0)), packet);
  Given sound = packets_of(pcmu(), kPcmu, speech(), kFrame)[0];
  sound.seq = events.back().seq.plus(1);
  sound.timestamp = RtpTimestamp(80'000);
  rig.give(at(std::chrono::seconds(10)), sound);
  const auto& sent = rig.sent();
  EXPECT_EQ(sent.back().type, kPcma);
  EXPECT_EQ(sent.back().timestamp.distance_from(sent.front().timestamp), 80'000);
  EXPECT_EQ(continuity_fault(sent), "");
}

class Receiver : public testing::Test {
 protected:
  std::vector<HeardEvent> hear(Instant now, const Given& given) {
    std::vector<HeardEvent> events;
    auto packet = wire::OpenRtp::make(pool_.take(), given.type, given.has_marker, given.seq,
                                      given.timestamp, given.ssrc, given.payload);
    const auto heard = receiver_.handle_packet(now, packet, RtpClockRate(48000));
    if (!heard) return events;
    for (const auto& event : heard->events) {
      if (event) events.push_back(*event);
    }
    return events;
  }

  PacketPool pool_{4};
  TelephoneEventReceiver receiver_;
};

TEST_F(Receiver, TellsEachDigitOnceWithItsLength) {
  std::vector<HeardEvent> all;
  Instant now = at(Duration(0));
  for (std::uint8_t digit = 0; digit < 16; ++digit) {
    const auto packets = event_packets(digit, RtpClockRate(48000), kEvent48, milliseconds(2000),
                                       SeqNum(0), RtpTimestamp(200'000u * digit));
    for (std::size_t i = 0; i < packets.size(); ++i) {
      if (i % 7 == 3) continue;  // lost
      for (const HeardEvent& event : hear(now, packets[i])) all.push_back(event);
      for (const HeardEvent& event : hear(now, packets[i])) all.push_back(event);
      now += milliseconds(50);
    }
  }
  ASSERT_EQ(all.size(), 16U);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].event, i);
    EXPECT_EQ(all[i].duration, milliseconds(2000));
  }
}

TEST_F(Receiver, TellsADigitWhoseEndWasLostAfterAWhile) {
  const Given packet{kEvent48, SeqNum(1), RtpTimestamp(0), payload_of({3, false, 10, 4800}), true};
  EXPECT_TRUE(hear(at(Duration(0)), packet).empty());
  ASSERT_TRUE(receiver_.next_timeout());
  const auto heard = receiver_.handle_timeout(*receiver_.next_timeout());
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->event, 3);
  EXPECT_EQ(heard->duration, milliseconds(100));
  EXPECT_EQ(receiver_.next_timeout(), std::nullopt);
}

class Sender : public testing::Test {
 protected:
  Sender() : stream_(kSink, SeqNum(5), RtpTimestamp(1000), RtpClockRate(8000)) {
    packets_.reserve(64);
  }
  void run_until(Instant now) {
    for (auto due = sender_.next_timeout(); due && *due <= now; due = sender_.next_timeout()) {
      Emit out{pool_, stream_, packets_};
      sender_.handle_timeout(*due, out);
      for (const auto& packet : packets_) {
        const Bytes payload = packet.payload();
        sent_.push_back({*due, packet.payload_type(), packet.has_marker(), packet.seq(),
                         packet.timestamp(), packet.ssrc(),
                         Octets(payload.begin(), payload.end())});
      }
      packets_.clear();
    }
  }

  PacketPool pool_{64};
  rtp::OutputStream stream_;
  std::vector<wire::OpenRtp> packets_;
  std::vector<Sent> sent_;
  TelephoneEventSender sender_{kEvent8, RtpClockRate(8000), milliseconds(50)};
};

TEST_F(Sender, SendsDigitsOneAfterTheOtherWithTheirPauses) {
  for (std::uint8_t digit = 1; digit <= 3; ++digit) {
    ASSERT_TRUE(sender_.enqueue(at(Duration(0)), {.event = digit}));
  }
  run_until(at(std::chrono::seconds(2)));
  const auto events = understand(sent_);
  ASSERT_EQ(events.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(events[i].event, i + 1);
    EXPECT_EQ(events[i].ticks, 800) << "100 ms";
    EXPECT_EQ(events[i].markers, 1);
    EXPECT_EQ(events[i].ends, 3);
    EXPECT_EQ(events[i].start.distance_from(events[0].start), static_cast<int>(i) * 1200);
  }
  EXPECT_EQ(continuity_fault(sent_), "");
  EXPECT_FALSE(sender_.is_active());
  EXPECT_EQ(sender_.next_timeout(), std::nullopt);
  EXPECT_EQ(sent_.front().at, at(Duration(0)));
  EXPECT_GE(stream_.next_timestamp().distance_from(events[2].start), 800);
}

TEST_F(Sender, LeavesNothingDueHoweverLateTheWorkerIs) {
  for (const int step : {1, 30, 70, 170, 400, 1000}) {
    for (std::uint8_t digit = 1; digit <= 3; ++digit) {
      ASSERT_TRUE(sender_.enqueue(at(Duration(0)), {.event = digit}));
    }
    for (int i = 0; sender_.is_active(); ++i) {
      Emit out{pool_, stream_, packets_};
      const Instant now = at(milliseconds(step * i));
      sender_.handle_timeout(now, out);
      packets_.clear();
      ASSERT_TRUE(!sender_.next_timeout() || *sender_.next_timeout() > now) << step << ", " << i;
    }
  }
}

TEST_F(Sender, SendsALongDigitInSegments) {
  TelephoneEventSender sender(kEvent48, RtpClockRate(48000), milliseconds(50));
  sender_ = sender;
  ASSERT_TRUE(sender_.enqueue(at(Duration(0)),
                              {.event = 7, .duration = TelephoneEventSender::DigitTime(3000)}));
  run_until(at(std::chrono::seconds(4)));
  const auto events = understand(sent_);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].ticks, 144'000);
}

TEST_F(Sender, RefusesMoreDigitsThanItHasRoomFor) {
  for (std::size_t i = 0; i < TelephoneEventSender::kMaxDigits; ++i) {
    ASSERT_TRUE(sender_.enqueue(at(Duration(0)), {}));
  }
  EXPECT_FALSE(sender_.enqueue(at(Duration(0)), {}));
}

TEST_F(Sender, EndsTheDigitThatPlaysWhenItIsCancelled) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(sender_.enqueue(at(Duration(0)),
                                {.event = 1, .duration = TelephoneEventSender::DigitTime(1000)}));
  }
  run_until(at(milliseconds(320)));
  sender_.cancel(at(milliseconds(320)));
  run_until(at(std::chrono::seconds(9)));
  const auto events = understand(sent_);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].ends, 3);
  EXPECT_LE(events[0].ticks, 8 * 400);
  EXPECT_FALSE(sender_.is_active());
}

TEST(TelephoneEventSenderBesideATranscoder, LeavesOneTimelineWithoutGaps) {
  Rig rig(config_of(kPcmu, pcmu(), kPcma, pcma()));
  TelephoneEventSender sender(kEvent8, RtpClockRate(8000), kFrame);
  const auto audio = packets_of(pcmu(), kPcmu, speech(), kFrame);
  for (std::size_t i = 0; i < 200; ++i) {
    if (i == 100) {
      ASSERT_TRUE(sender.enqueue(due(i), {.event = 9}));
    }
    while (sender.next_timeout() && *sender.next_timeout() <= due(i)) {
      const Instant now = *sender.next_timeout();
      Emit out = rig.emit();
      sender.handle_timeout(now, out);
      rig.collect(now);
    }
    rig.transcoder().set_suppressed(sender.is_active());
    rig.give(due(i), audio[i]);
  }
  const auto events = understand(rig.sent_as(kEvent8));
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].ticks, 800);
  const auto sound = rig.sent_as(kPcma);
  EXPECT_EQ(events[0].start.distance_from(sound[0].timestamp), 160 * 100);
  EXPECT_EQ(sound.back().timestamp.distance_from(sound[0].timestamp), 160 * 199);
  EXPECT_EQ(sound.back().at, due(199));
  EXPECT_LT(sound.size(), 195U) << "no sound during the digit";
  EXPECT_EQ(continuity_fault(rig.sent()), "");
}

}  // namespace
}  // namespace causeway::media
