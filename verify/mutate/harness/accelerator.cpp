// The harness of the accelerator, for designs with mutants. A reset lasts one cycle, which must do.

#include <algorithm>

#define nm_reset nm_reset_longer
#include "../../../sim/verilated/accelerator.cpp"
#undef nm_reset
#include "lapse.h"
#include "mutant.h"

extern "C" EXPORT void nm_reset(Model* model) {
    Vtop& top = model->enter()->top;
    put_reset(top, true);
    EACH_INPUT(IDLE)
    top.m_axis_result_tready = 0;
    idle_registers(top);
    model->tick();
    put_reset(top, false);
}

// Writes `count` words and reads them back, each channel of the bus at its own pace: address and
// data of a write come in any order, one before the other is taken, and responses are taken late.
// Returns how many words and responses are wrong, do not come, or do not stay until they are taken.
// Of `places` addresses, each is read before it is written again.
extern "C" EXPORT uint32_t nm_apart(Model* model, uint64_t seed, uint32_t places, uint32_t count,
                                    const uint32_t* addresses, const uint32_t* words) {
    Vtop& top = model->enter()->top;
    Random random{seed};
    uint32_t wrong = 0, address = 0, data = 0, written = 0, asked = 0, got = 0, held = 0;
    bool answered = false, waits = false;
    for (uint32_t cycle = 0; got < count && cycle < 200 * count; ++cycle) {
        if (!top.s_axil_awvalid)
            top.s_axil_awvalid = address < std::min(count, got + places) && !random.below(3);
        if (!top.s_axil_wvalid) top.s_axil_wvalid = data < count && !random.below(3);
        // A word is asked for once it was written, so that reads meet later writes.
        if (!top.s_axil_arvalid) top.s_axil_arvalid = asked < written && !random.below(2);
        top.s_axil_awaddr = top.s_axil_awvalid ? addresses[address] : random.next() & 0xFFF;
        top.s_axil_wdata = top.s_axil_wvalid ? words[data] : random.next();
        top.s_axil_wstrb = top.s_axil_wvalid ? 0xF : random.next() & 0xF;
        top.s_axil_araddr = top.s_axil_arvalid ? addresses[asked] : random.next() & 0xFFF;
        top.s_axil_bready = !random.below(3);
        top.s_axil_rready = !random.below(4);
        model->settle();
        wrong += answered && !top.s_axil_bvalid;
        wrong += waits && !(top.s_axil_rvalid && top.s_axil_rdata == held);
        answered = top.s_axil_bvalid && !top.s_axil_bready;
        waits = top.s_axil_rvalid && !top.s_axil_rready;
        held = top.s_axil_rdata;
        if (top.s_axil_rvalid && top.s_axil_rready) {
            wrong += top.s_axil_rdata != words[got] || top.s_axil_rresp != 0;
            ++got;
        }
        if (top.s_axil_bvalid && top.s_axil_bready) {
            wrong += top.s_axil_bresp != 0;
            ++written;
        }
        const bool address_taken = top.s_axil_awvalid && top.s_axil_awready;
        const bool data_taken = top.s_axil_wvalid && top.s_axil_wready;
        const bool asked_taken = top.s_axil_arvalid && top.s_axil_arready;
        model->edge();
        if (address_taken) { ++address; top.s_axil_awvalid = 0; }
        if (data_taken) { ++data; top.s_axil_wvalid = 0; }
        if (asked_taken) { ++asked; top.s_axil_arvalid = 0; }
    }
    idle_registers(top);
    return wrong + (count - got) + (count - written);
}

// Whether an interrupt is raised.
extern "C" EXPORT int nm_irq(Model* model) {
    Vtop& top = model->enter()->top;
    model->settle();
    return top.irq;
}
