// Accesses to registers over AXI4-Lite, for the harnesses of designs that have some.

#pragma once

#include <cstdint>

#include "library.h"

constexpr uint32_t ACCESS_LIMIT = 1000;  // cycles that an access may take

inline void idle_registers(Vtop& top) {
    top.s_axil_awvalid = top.s_axil_wvalid = top.s_axil_bready = 0;
    top.s_axil_arvalid = top.s_axil_rready = 0;
    top.s_axil_awprot = top.s_axil_arprot = 0;
}

// Both return the response, or -1 if there was none. `begin` does, up to the rising edge, what a
// cycle has for the other ports.
template <typename Begin>
int write_register(Model& model, uint32_t address, uint32_t value, uint32_t strobe, Begin begin) {
    Vtop& top = model.enter()->top;
    top.s_axil_awaddr = address;
    top.s_axil_wdata = value;
    top.s_axil_awprot = value & 7;  // ignored, whatever it is
    top.s_axil_wstrb = strobe;
    top.s_axil_awvalid = top.s_axil_wvalid = top.s_axil_bready = 1;
    int response = -1;
    for (uint32_t cycle = 0; response < 0 && cycle < ACCESS_LIMIT; ++cycle) {
        begin();
        const bool address_taken = top.s_axil_awready, data_taken = top.s_axil_wready;
        if (top.s_axil_bvalid) response = top.s_axil_bresp;
        model.edge();
        if (address_taken) top.s_axil_awvalid = 0;
        if (data_taken) top.s_axil_wvalid = 0;
    }
    top.s_axil_bready = 0;
    return response;
}

template <typename Begin>
int read_register(Model& model, uint32_t address, uint32_t* value, Begin begin) {
    Vtop& top = model.enter()->top;
    top.s_axil_araddr = address;
    top.s_axil_arprot = address >> 2 & 7;  // ignored, whatever it is
    top.s_axil_arvalid = top.s_axil_rready = 1;
    int response = -1;
    for (uint32_t cycle = 0; response < 0 && cycle < ACCESS_LIMIT; ++cycle) {
        begin();
        const bool taken = top.s_axil_arready;
        if (top.s_axil_rvalid) {
            response = top.s_axil_rresp;
            *value = top.s_axil_rdata;
        }
        model.edge();
        if (taken) top.s_axil_arvalid = 0;
    }
    top.s_axil_rready = 0;
    return response;
}
