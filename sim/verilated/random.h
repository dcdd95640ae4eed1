// Random numbers of the harnesses.

#pragma once

#include <cstdint>

// A xorshift generator; the state is not 0.
struct Random {
    uint64_t state;

    uint32_t next() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return static_cast<uint32_t>(state >> 32);
    }
    uint32_t below(uint32_t limit) { return static_cast<uint64_t>(next()) * limit >> 32; }

    // Whether an event of probability `threshold` / 2^32 occurs.
    bool occurs(uint32_t threshold) { return threshold != 0 && next() < threshold; }
};
