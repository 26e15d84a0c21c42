#pragma once

/// The room's two doors: SrtpReceiver opens, SrtpSender seals.
#include "relay/srtp/receiver.h"
#include "relay/srtp/sender.h"
