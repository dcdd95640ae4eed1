// Runs a selector over blocks of many kinds and compares every mask with a sort.
// Arguments: n, m, blocks, seed. Scores have 8 bits. Works for both forms of nm_selector.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>

#include "Vtop.h"
#include "random.h"
#include "verilated.h"

namespace {

constexpr int MAX_LANES = 64;
constexpr int KINDS = 10;

struct Block {
    std::array<uint8_t, MAX_LANES> scores{};
};

Block make(uint64_t number, int m, Random& random) {
    Block block;
    auto& s = block.scores;
    const uint8_t one = random.below(256), other = random.below(256);
    const int place = random.below(m);
    for (int k = 0; k < m; ++k) {
        switch (number % KINDS) {
            case 0: s[k] = random.below(256); break;                  // uniform
            case 1: s[k] = random.below(4); break;                    // many ties
            case 2: s[k] = one; break;                                // all equal
            case 3: s[k] = 0; break;                                  // all zero
            case 4: s[k] = random.below(2) ? one : other; break;      // two values
            case 5: case 6: s[k] = random.below(256); break;          // sorted below
            case 7: s[k] = k == place ? one : other; break;           // one outlier
            case 8: s[k] = random.below(3) ? 127 : 128; break;        // the magnitude of -128
            case 9: s[k] = one ^ (random.below(2) << (place & 7)); break;  // one bit differs
        }
    }
    if (number % KINDS == 5) std::sort(s.begin(), s.begin() + m);
    if (number % KINDS == 6) std::sort(s.begin(), s.begin() + m, std::greater<uint8_t>());
    return block;
}

// Independent of any selector: lanes are sorted, lower lanes first between equal scores.
uint64_t reference(const Block& block, int n, int m) {
    std::array<uint8_t, MAX_LANES> lanes;
    for (int k = 0; k < m; ++k) lanes[k] = k;
    for (int k = 1; k < m; ++k) {  // insertion sort is stable
        const uint8_t lane = lanes[k];
        int at = k;
        for (; at > 0 && block.scores[lanes[at - 1]] < block.scores[lane]; --at)
            lanes[at] = lanes[at - 1];
        lanes[at] = lane;
    }
    uint64_t mask = 0;
    for (int k = 0; k < n; ++k) mask |= uint64_t{1} << lanes[k];
    return mask;
}

template <typename Port>
void put(Port& port, const Block& block, int m) { std::memcpy(&port, block.scores.data(), m); }

template <typename Port>
uint64_t get(const Port& port, int m) {
    uint64_t mask = 0;
    std::memcpy(&mask, &port, sizeof port < sizeof mask ? sizeof port : sizeof mask);
    return m == 64 ? mask : mask & ((uint64_t{1} << m) - 1);
}

bool same(uint64_t number, const Block& block, uint64_t mask, int n, int m) {
    const uint64_t expected = reference(block, n, m);
    if (mask == expected) return true;
    std::printf("block %llu:", static_cast<unsigned long long>(number));
    for (int k = 0; k < m; ++k) std::printf(" %d", block.scores[k]);
    std::printf(" gives the mask %llx, expected %llx\n", static_cast<unsigned long long>(mask),
                static_cast<unsigned long long>(expected));
    return false;
}

// The combinational form.
template <typename Top>
auto run(Top& top, int n, int m, uint64_t blocks, Random random, int) -> decltype(top.scores, 0) {
    for (uint64_t number = 0; number < blocks; ++number) {
        const Block block = make(number, m, random);
        put(top.scores, block, m);
        top.eval();
        if (!same(number, block, get(top.mask, m), n, m)) return 1;
    }
    return 0;
}

// The stream; the sink pauses now and then.
template <typename Top>
int run(Top& top, int n, int m, uint64_t blocks, Random random, long) {
    const auto edge = [&top] { top.clk = 1; top.eval(); top.clk = 0; top.eval(); };
    top.clk = 0;
    top.rst = 1;
    top.s_axis_tvalid = 0;
    top.m_axis_tready = 0;
    edge();
    edge();
    top.rst = 0;
    std::deque<Block> inside;
    Block next = make(0, m, random);
    uint64_t sent = 0, idle = 0;
    for (uint64_t received = 0; received < blocks;) {
        put(top.s_axis_tdata, next, m);
        top.s_axis_tvalid = sent < blocks;
        top.m_axis_tready = random.below(8) != 0;
        top.eval();
        const bool taken = top.s_axis_tvalid && top.s_axis_tready;
        if (++idle > 10000) { std::printf("no mask after block %llu\n",
                                          static_cast<unsigned long long>(received)); return 1; }
        if (top.m_axis_tvalid && top.m_axis_tready) {
            if (inside.empty()) { std::printf("a mask without a block\n"); return 1; }
            if (!same(received, inside.front(), get(top.m_axis_tdata, m), n, m)) return 1;
            inside.pop_front();
            ++received;
            idle = 0;
        }
        if (taken) {
            inside.push_back(next);
            next = make(++sent, m, random);
        }
        edge();
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) return 2;
    const uint64_t seed = std::strtoull(argv[4], nullptr, 10);
    VerilatedContext context;
    context.randReset(2);  // flip-flops hold random bits until reset
    context.randSeed(static_cast<int>(seed));
    Vtop top{&context};
    const int failed = run(top, std::atoi(argv[1]), std::atoi(argv[2]),
                           std::strtoull(argv[3], nullptr, 10), Random{seed}, 0);
    top.final();
    return failed;
}
