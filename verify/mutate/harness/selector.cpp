// The harness of selectors as a library, for designs with mutants. Selectors without a clock have
// no use for library.h.

#define main selector_main
#include "../../../sim/verilated/selector.cpp"
#undef main

#define EXPORT __attribute__((visibility("default")))

struct Model {
    VerilatedContext context;
    Vtop top{&context};

    Model* enter() { Verilated::threadContextp(&context); return this; }
};

extern "C" {

EXPORT Model* nm_open(int seed) {
    Model* model = new Model;
    model->context.randReset(2);
    model->context.randSeed(seed);
    return model;
}

EXPORT void nm_close(Model* model) {
    model->enter()->top.final();
    delete model;
    Verilated::threadContextp(Verilated::defaultContextp());
}

EXPORT void nm_reset(Model*) {}  // a run begins with one, where there is a reset

// Whether a mask differs from a sort, or does not come.
EXPORT uint64_t nm_run(Model* model, int n, int m, uint64_t blocks, uint64_t seed) {
    return run(model->enter()->top, n, m, blocks, Random{seed}, 0);
}

}  // extern "C"

#include "mutant.h"
