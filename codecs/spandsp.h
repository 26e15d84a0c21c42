#pragma once

/// The one door to spandsp's headers, which have two traps: each needs telephony.h before it, and
/// telephony.h makes lrint() a macro that truncates, which breaks <cmath> after it and rounding
/// everywhere else.

#include <cmath>
#include <cstdint>

#include <spandsp/telephony.h>

#include <spandsp/bit_operations.h>
#include <spandsp/g711.h>
#include <spandsp/g722.h>
#include <spandsp/plc.h>

#undef lrint
#undef lrintf
