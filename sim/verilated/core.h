// A RISC-V core beside the accelerator, where a model has one: its two Wishbone buses, answered one
// request at a time, one cycle later, by the memory of the accelerator, by the registers of the
// accelerator over AXI4-Lite, and by a timer.

#pragma once

#include <cstdint>
#include <cstring>

// As in sim/core/firmware/main.c.
constexpr uint32_t REGISTERS = 0xF0000000, REGISTER_BYTES = 4096;
constexpr uint32_t TIMER = 0xF0001000, END = 0xF0001004;

struct Reply { bool given = false, error = false; uint32_t word = 0; };

struct Core {
    enum Access { NONE, WRITING, READING, DONE };
    Reply fetch, data;              // in this cycle
    Access access = NONE;           // to registers
    bool address_taken = false, data_taken = false;
    bool ended = false;             // whether the program has said so
    bool strayed = false;           // whether an access had an error: the core has no trap for it
};

template <typename Memory>
uint8_t* core_bytes(Memory& memory, uint64_t address) {
    const bool there = address >= memory.base && address + 4 <= memory.base + memory.size;
    return there ? memory.data + (address - memory.base) : nullptr;
}

template <typename Memory>
Reply core_read(Memory& memory, uint64_t address) {
    if (address == TIMER) return {true, false, static_cast<uint32_t>(memory.cycles)};
    const uint8_t* const bytes = core_bytes(memory, address);
    Reply reply{true, !bytes, 0};
    if (bytes) std::memcpy(&reply.word, bytes, 4);
    return reply;
}

template <typename Memory>
Reply core_write(Memory& memory, Core& core, uint64_t address, uint32_t word, uint32_t select) {
    if (address == END) core.ended = true;
    uint8_t* const bytes = core_bytes(memory, address);
    for (int byte = 0; bytes && byte < 4; ++byte)
        if (select >> byte & 1) bytes[byte] = word >> 8 * byte;
    return {true, !bytes && address != END, 0};
}

// Registers are accessed as a host does it; its ports are left alone where the core does not.
template <typename Top>
void offer_access(Top& top, Core& core) {
    const bool writing = core.access == Core::WRITING, reading = core.access == Core::READING;
    if (core.access == Core::NONE) return;
    top.s_axil_awaddr = top.s_axil_araddr = (top.dBusWishbone_ADR << 2) % REGISTER_BYTES;
    top.s_axil_wdata = top.dBusWishbone_DAT_MOSI;
    top.s_axil_wstrb = top.dBusWishbone_SEL;
    top.s_axil_awvalid = writing && !core.address_taken;
    top.s_axil_wvalid = writing && !core.data_taken;
    top.s_axil_bready = writing;
    top.s_axil_arvalid = reading && !core.address_taken;
    top.s_axil_rready = reading;
    if (core.access == Core::DONE) core.access = Core::NONE;
}

template <typename Top>
void take_access(Top& top, Core& core) {
    const bool writing = core.access == Core::WRITING;
    core.address_taken |= writing ? top.s_axil_awready : top.s_axil_arready;
    core.data_taken |= writing && top.s_axil_wready;
    if (writing ? !top.s_axil_bvalid : !top.s_axil_rvalid) return;
    core.data = {true, (writing ? top.s_axil_bresp : top.s_axil_rresp) != 0, top.s_axil_rdata};
    core.access = Core::DONE;
}

// Before a cycle settles: replies to the core, and its access to registers. Models without a core
// have the other one of each pair.
template <typename Top>
auto offer_core(Top& top, Core& core, int) -> decltype(top.dBusWishbone_ADR, void()) {
    top.iBusWishbone_ACK = core.fetch.given;
    top.iBusWishbone_ERR = core.fetch.error;
    top.iBusWishbone_DAT_MISO = core.fetch.word;
    top.dBusWishbone_ACK = core.data.given;
    top.dBusWishbone_ERR = core.data.error;
    top.dBusWishbone_DAT_MISO = core.data.word;
    core.strayed |= core.data.error;
    offer_access(top, core);
}

template <typename Top>
void offer_core(Top&, Core&, long) {}

// Once it has settled: what the core asks for. What is replied to in this cycle is no new request.
template <typename Top, typename Memory>
auto take_core(Top& top, Memory& memory, Core& core, int)
    -> decltype(top.dBusWishbone_ADR, void()) {
    const bool fetches = top.iBusWishbone_STB && !core.fetch.given;
    core.fetch = fetches ? core_read(memory, uint64_t{top.iBusWishbone_ADR} << 2) : Reply{};
    if (core.access != Core::NONE) return take_access(top, core);
    const bool asks = top.dBusWishbone_STB && !core.data.given;
    const uint64_t address = uint64_t{top.dBusWishbone_ADR} << 2;
    core.data = Reply{};
    if (!asks) return;
    if (address / REGISTER_BYTES == REGISTERS / REGISTER_BYTES) {
        core.access = top.dBusWishbone_WE ? Core::WRITING : Core::READING;
        core.address_taken = core.data_taken = false;
    } else if (top.dBusWishbone_WE) {
        core.data = core_write(memory, core, address, top.dBusWishbone_DAT_MOSI,
                               top.dBusWishbone_SEL);
    } else {
        core.data = core_read(memory, address);
    }
}

template <typename Top, typename Memory>
void take_core(Top&, Memory&, Core&, long) {}
