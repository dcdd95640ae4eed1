// The choice of a mutant, for the harnesses of sim/verilated. 0 is the design as it is.

#pragma once

extern "C" EXPORT void nm_mutant(Model* model, uint32_t number) {
    model->enter()->top.mutant = number;
}
