// The harness of the accelerator, for designs with mutants. A reset lasts one cycle, which must do.

#define nm_reset nm_reset_longer
#include "../../../sim/verilated/accelerator.cpp"
#undef nm_reset
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
