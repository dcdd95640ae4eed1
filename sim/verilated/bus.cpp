// Drives nm_accelerator with an AXI4 master without a simulator around it: AXI4-Lite accesses, and
// a memory that answers with a latency, a limited bandwidth, pauses, out of order between IDs, and
// with errors. It watches over the protocol and over what is written where. Where the model has a
// core, that runs out of the same memory.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>

#include "axi_lite.h"
#include "core.h"
#include "library.h"
#include "random.h"

namespace {

constexpr int IDS = 8, RESULT_ID = 6;
constexpr uint64_t PAGE = 4096;
constexpr uint32_t SLAVE_ERROR = 2, DECODE_ERROR = 3;

// What must never be seen; bits of Memory::violations.
enum Violation : uint64_t {
    CROSSES_PAGE = 1, TOO_LONG = 2, WRONG_SIZE = 4, WRITES_OUTSIDE = 8, WRONG_LAST = 16,
    NOT_READY = 32, CHANGES = 64, UNKNOWN_ID = 128, TOO_MANY = 256,
};

struct Memory {
    uint8_t* data;
    uint64_t base, size;            // addresses that it answers to
    uint64_t low, high;             // the only bytes that may be written
    uint64_t latency;               // cycles from a request to its first answer
    uint64_t bandwidth;             // bytes per 2^16 cycles; 0: no limit
    uint64_t stall;                 // chance of a pause, in 2^-32
    uint64_t mixes;                 // whether answers to different IDs come in any order
    uint64_t error;                 // chance that a burst fails, in 2^-32
    uint64_t error_ids;             // IDs whose bursts may fail
    uint64_t longest, in_flight;    // beats of a burst, and bursts that the master may have
    Random random;
    uint64_t violations, failed, cycles;
    uint64_t read_beats[IDS], written_beats;
};

struct Read { uint64_t address, beats, done, at, failing; };
struct Write { uint64_t address, beats, done; };
struct Answer { uint64_t at; uint32_t response; };

struct Channels {
    std::deque<Read> reads[IDS];
    std::deque<Write> writes;
    std::deque<Answer> answers;
    uint64_t reading = 0;
    int64_t credit = 0;             // bytes that may be moved, times 2^16
    int serving = -1;               // ID whose word is on offer
    bool answering = false, asked = false, asked_write = false, offered = false;
    uint64_t asked_address = 0, asked_write_address = 0;
    Core core;
};

// What is on its way between each model and its memory.
std::map<const Model*, Channels> channels;

constexpr uint64_t NEVER = ~uint64_t{0};

bool inside(const Memory& memory, uint64_t address, uint64_t bytes) {
    return address >= memory.base && address + bytes <= memory.base + memory.size;
}

bool fails(Memory& memory, int id) {
    return (memory.error_ids >> id & 1) && memory.random.occurs(memory.error);
}

template <typename Address>
void check_request(Memory& memory, Address address, uint64_t beats, uint64_t size, uint64_t width,
                   uint64_t burst) {
    const uint64_t first = address, last = first + beats * width - 1;
    if (first / PAGE != last / PAGE) memory.violations |= CROSSES_PAGE;
    if (beats > memory.longest) memory.violations |= TOO_LONG;
    if ((uint64_t{1} << size) != width || burst != 1 || first % width)
        memory.violations |= WRONG_SIZE;
}

// What the memory offers in this cycle.
void offer(Vtop& top, Memory& memory, Channels& now) {
    const uint64_t width = sizeof top.m_axi_rdata;
    Random& random = memory.random;
    top.m_axi_arready = !random.occurs(memory.stall);
    top.m_axi_awready = !random.occurs(memory.stall);
    top.m_axi_wready = !now.writes.empty() && !random.occurs(memory.stall);
    if (memory.bandwidth) {
        now.credit += memory.bandwidth;
        now.credit = std::min<int64_t>(now.credit, (width << 16) + memory.bandwidth);
    }
    const bool affords = !memory.bandwidth || now.credit >= int64_t(width) << 16;
    if (!affords) top.m_axi_wready = 0;
    if (now.serving < 0 && affords && !random.occurs(memory.stall)) {
        uint64_t best = NEVER;
        int ready = 0;
        for (int id = 0; id < IDS; ++id) {
            if (now.reads[id].empty() || now.reads[id].front().at > memory.cycles) continue;
            const bool first = memory.mixes ? !random.below(++ready)
                                            : now.reads[id].front().at < best;
            if (first) { now.serving = id; best = now.reads[id].front().at; }
        }
    }
    top.m_axi_rvalid = now.serving >= 0;
    if (now.serving >= 0) {
        const Read& read = now.reads[now.serving].front();
        const uint64_t address = read.address + read.done * width;
        const bool there = inside(memory, address, width);
        if (there) std::memcpy(&top.m_axi_rdata, memory.data + (address - memory.base), width);
        top.m_axi_rid = now.serving;
        top.m_axi_rlast = read.done + 1 == read.beats;
        top.m_axi_rresp = !there ? DECODE_ERROR : read.done == read.failing ? SLAVE_ERROR : 0;
    }
    if (!now.answering && !now.answers.empty() && now.answers.front().at <= memory.cycles
        && !random.occurs(memory.stall))
        now.answering = true;
    top.m_axi_bvalid = now.answering;
    if (now.answering) {
        top.m_axi_bid = RESULT_ID;
        top.m_axi_bresp = now.answers.front().response;
    }
}

void take_reads(Vtop& top, Memory& memory, Channels& now) {
    const uint64_t width = sizeof top.m_axi_rdata;
    if (now.asked && (!top.m_axi_arvalid || top.m_axi_araddr != now.asked_address))
        memory.violations |= CHANGES;
    now.asked = top.m_axi_arvalid && !top.m_axi_arready;
    now.asked_address = top.m_axi_araddr;
    if (top.m_axi_rvalid) {
        if (!top.m_axi_rready) memory.violations |= NOT_READY;
        Read& read = now.reads[now.serving].front();
        if (memory.bandwidth) now.credit -= width << 16;
        if (top.m_axi_rresp) ++memory.failed;
        ++memory.read_beats[now.serving];
        // Words of other IDs may come between those of a burst.
        if (++read.done == read.beats) {
            now.reads[now.serving].pop_front();
            --now.reading;
        }
        now.serving = -1;
    }
    if (top.m_axi_arvalid && top.m_axi_arready) {
        const int id = top.m_axi_arid;
        const uint64_t beats = top.m_axi_arlen + 1;
        check_request(memory, top.m_axi_araddr, beats, top.m_axi_arsize, width,
                      top.m_axi_arburst);
        now.reads[id].push_back({top.m_axi_araddr, beats, 0, memory.cycles + memory.latency,
                                 fails(memory, id) ? memory.random.below(beats) : NEVER});
        if (++now.reading > memory.in_flight) memory.violations |= TOO_MANY;
    }
}

void take_writes(Vtop& top, Memory& memory, Channels& now) {
    const uint64_t width = sizeof top.m_axi_wdata;
    if (now.asked_write && (!top.m_axi_awvalid || top.m_axi_awaddr != now.asked_write_address))
        memory.violations |= CHANGES;
    now.asked_write = top.m_axi_awvalid && !top.m_axi_awready;
    now.asked_write_address = top.m_axi_awaddr;
    if (now.offered && !top.m_axi_wvalid) memory.violations |= CHANGES;
    now.offered = top.m_axi_wvalid && !top.m_axi_wready;
    if (top.m_axi_wvalid && top.m_axi_wready) {
        if (memory.bandwidth) now.credit -= width << 16;
        Write& write = now.writes.front();
        const uint64_t address = write.address + write.done * width;
        uint8_t bytes[sizeof top.m_axi_wdata];
        std::memcpy(bytes, &top.m_axi_wdata, width);
        for (uint64_t byte = 0; byte < width; ++byte) {
            if (!(static_cast<uint64_t>(top.m_axi_wstrb) >> byte & 1)) continue;
            const uint64_t place = address + byte;
            if (place < memory.low || place >= memory.high) memory.violations |= WRITES_OUTSIDE;
            if (inside(memory, place, 1)) memory.data[place - memory.base] = bytes[byte];
        }
        ++memory.written_beats;
        const bool last = ++write.done == write.beats;
        if (last != top.m_axi_wlast) memory.violations |= WRONG_LAST;
        if (last) {
            uint32_t response = inside(memory, write.address, write.beats * width)
                                    ? 0 : DECODE_ERROR;
            if (fails(memory, RESULT_ID)) response = SLAVE_ERROR;
            now.answers.push_back({memory.cycles + memory.latency, response});
            now.writes.pop_front();
        }
    }
    if (top.m_axi_bvalid) {
        if (!top.m_axi_bready) memory.violations |= NOT_READY;
        if (top.m_axi_bresp) ++memory.failed;
        now.answers.pop_front();
        now.answering = false;
    }
    if (top.m_axi_awvalid && top.m_axi_awready) {
        const uint64_t beats = top.m_axi_awlen + 1;
        check_request(memory, top.m_axi_awaddr, beats, top.m_axi_awsize, width,
                      top.m_axi_awburst);
        if (top.m_axi_awid != RESULT_ID) memory.violations |= UNKNOWN_ID;
        now.writes.push_back({top.m_axi_awaddr, beats, 0});
    }
}

// The first half of a cycle: outputs are settled, and the memory has taken what was offered.
void begin_cycle(Model& model, Memory& memory) {
    Channels& now = channels[&model];
    offer(model.top, memory, now);
    offer_core(model.top, now.core, 0);
    model.settle();
    take_reads(model.top, memory, now);
    take_writes(model.top, memory, now);
    take_core(model.top, memory, now.core, 0);
    ++memory.cycles;
}

}  // namespace

extern "C" {

EXPORT void nm_reset(Model* model) {
    Vtop& top = model->enter()->top;
    channels[model] = Channels{};
    put_reset(top, true);
    idle_registers(top);
    top.m_axi_arready = top.m_axi_awready = top.m_axi_wready = 0;
    top.m_axi_rvalid = top.m_axi_bvalid = 0;
    offer_core(top, channels[model].core, 0);
    model->tick();
    model->tick();
    put_reset(top, false);
}

EXPORT int nm_write(Model* model, Memory* memory, uint32_t address, uint32_t value,
                    uint32_t strobe) {
    return write_register(*model, address, value, strobe, [=] { begin_cycle(*model, *memory); });
}

EXPORT int nm_read(Model* model, Memory* memory, uint32_t address, uint32_t* value) {
    return read_register(*model, address, value, [=] { begin_cycle(*model, *memory); });
}

// Runs until an interrupt, or for `limit` cycles; returns the cycles it ran.
EXPORT uint64_t nm_run(Model* model, Memory* memory, uint64_t limit) {
    model->enter();
    uint64_t cycle = 0;
    for (; cycle < limit; ++cycle) {
        begin_cycle(*model, *memory);
        const bool irq = model->top.irq;
        model->edge();
        if (irq) break;
    }
    return cycle;
}

// Runs until the program of the core ends, or for `limit` cycles; returns 1 if it has ended, and 2 if
// it has accessed what is not there, or what may not be.
EXPORT uint32_t nm_run_core(Model* model, Memory* memory, uint64_t limit) {
    model->enter();
    const Core& core = channels[model].core;
    for (uint64_t cycle = 0; !core.ended && !core.strayed && cycle < limit; ++cycle) {
        begin_cycle(*model, *memory);
        model->edge();
    }
    return core.strayed ? 2 : core.ended;
}

// Whether anything is asked for that was not answered.
EXPORT uint32_t nm_pending(Model* model) {
    const Channels& now = channels[model];
    return now.reading || !now.writes.empty() || !now.answers.empty() || now.asked
           || now.asked_write || now.offered;
}

}  // extern "C"
