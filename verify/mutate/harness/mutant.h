// The choice of a mutant, for the harnesses of sim/verilated. 0 is the design as it is.

#pragma once

extern "C" EXPORT void nm_mutant(Model* model, uint32_t number) {
    model->enter()->top.mutant = number;
}

// A cycle of another choice, in which all streams rest.
extern "C" EXPORT void nm_lapse(Model* model, uint32_t number) {
    const uint32_t tried = model->enter()->top.mutant;
    model->top.mutant = number;
    model->tick();
    model->top.mutant = tried;
}
