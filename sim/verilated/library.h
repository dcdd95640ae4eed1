// What the harnesses that become a library of the Python process share, see library.py.

#pragma once

#include "Vtop.h"
#include "verilated.h"
#include "verilated_sym_props.h"
#ifdef NM_COVERAGE
#include "verilated_cov.h"
#endif

#define EXPORT __attribute__((visibility("default")))

// Verilator looks up the scopes of a model in the context of the thread, whichever model is meant:
// every use of a model makes its own context that one, and none is left behind when it goes.
struct Model {
    // Flip-flops and memories hold random bits until reset, or a write, gives them a value.
    static VerilatedContext* power_up(VerilatedContext* context, int seed) {
#ifdef NM_COVERAGE
        context->randReset(0);  // what was random before no bit of a run has moved
#else
        context->randReset(2);
#endif
        context->randSeed(seed);
        return context;
    }

    VerilatedContext context;
    Vtop top;

    explicit Model(int seed) : top{power_up(&context, seed)} {}
    Model* enter() { Verilated::threadContextp(&context); return this; }
    ~Model() { enter()->top.final(); }

    // Inputs are set while the clock is low; outputs are then read before the rising edge.
    void settle() { top.clk = 0; top.eval(); }
    void edge() { top.clk = 1; top.eval(); }
    void tick() { settle(); edge(); }
};

// Sets the reset, which is `rst` or, active low, `rst_n`.
template <typename Top>
auto put_reset(Top& top, bool on) -> decltype(top.rst, void()) { top.rst = on; }
template <typename Top>
auto put_reset(Top& top, bool on) -> decltype(top.rst_n, void()) { top.rst_n = !on; }

extern "C" {

EXPORT Model* nm_open(int seed) { return new Model(seed); }

EXPORT void nm_close(Model* model) {
    delete model;
    Verilated::threadContextp(Verilated::defaultContextp());
}

// Sets bits of a register that the model shows; returns whether there is none.
EXPORT int nm_poke(Model* model, const char* scope, const char* name, uint32_t low,
                   uint32_t width, uint64_t value) {
    const VerilatedScope* const found = model->enter()->context.scopeFind(scope);
    VerilatedVar* const variable = found ? found->varFind(name) : nullptr;
    if (!variable) return 1;
    uint8_t* const bytes = static_cast<uint8_t*>(variable->datap());
    for (uint32_t bit = low; bit < low + width; ++bit, value >>= 1)
        bytes[bit / 8] = (bytes[bit / 8] & ~(1 << bit % 8)) | (value & 1) << bit % 8;
    return 0;
}

#ifdef NM_COVERAGE
EXPORT void nm_coverage(Model* model, const char* path) {
    VerilatedCovContext* const counts = model->enter()->context.coveragep();
    counts->forcePerInstance(true);
    counts->write(path);
}
#endif

}  // extern "C"
