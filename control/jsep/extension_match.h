#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/jsep/agreed.h"

namespace causeway::jsep {

/// What of the `a=extmap` of an offer's section the relay takes (RFC 8285): what it knows, under
/// ids of the one-byte form, both ways. A MID only in a bundle; the numbers of transport-wide
/// congestion control only where they are answered, of video.
[[nodiscard]] std::vector<Extension> match_extensions(const SessionDescription& offer,
                                                      const MediaSection& section);
/// What the relay offers for a section of `kind`. `before`: what was agreed last, which is all that
/// is offered again, under its ids; null: nothing. `bundled`: those of the section beside it; what
/// both have is of one id (RFC 8843 7.1.3).
[[nodiscard]] std::vector<Extension> extensions_to_offer(std::string_view kind,
                                                         const std::vector<Extension>* before,
                                                         const std::vector<Extension>& bundled);
/// What of our offer an answer has taken.
[[nodiscard]] std::vector<Extension> match_answered_extensions(
    const SessionDescription& answer, const MediaSection& section,
    const std::vector<Extension>& offered);

/// Takes the feedback away that is about an extension which was not agreed on, and the extension
/// that nobody gives feedback about.
void settle_transport_cc(Video& video);

/// Whether packets say which section of their bundle they are of.
[[nodiscard]] bool says_mid(const std::vector<Extension>& extensions);

}  // namespace causeway::jsep
