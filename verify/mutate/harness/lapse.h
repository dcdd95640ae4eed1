// A long time in one cycle, for the harnesses of designs with a clock.

#pragma once

// A cycle of another choice, in which all streams rest.
extern "C" EXPORT void nm_lapse(Model* model, uint32_t number) {
    const uint32_t tried = model->enter()->top.mutant;
    model->top.mutant = number;
    model->tick();
    model->top.mutant = tried;
}
