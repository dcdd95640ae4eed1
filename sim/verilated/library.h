// What the harnesses that become a library of the Python process share, see library.py.

#pragma once

#include "Vtop.h"
#include "verilated.h"

#define EXPORT __attribute__((visibility("default")))

// Verilator looks up the scopes of a model in the context of the thread, whichever model is meant:
// every use of a model makes its own context that one, and none is left behind when it goes.
struct Model {
    // Flip-flops and memories hold random bits until reset, or a write, gives them a value.
    static VerilatedContext* power_up(VerilatedContext* context) {
        context->randReset(2);
        context->randSeed(1);
        return context;
    }

    VerilatedContext context;
    Vtop top{power_up(&context)};

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

EXPORT Model* nm_open() { return new Model; }

EXPORT void nm_close(Model* model) {
    delete model;
    Verilated::threadContextp(Verilated::defaultContextp());
}

}  // extern "C"
