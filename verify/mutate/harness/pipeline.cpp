// The harness of designs with a stream in and one out, for designs with mutants. A reset lasts one
// cycle, which must do: in a second one blocks would move on into stages that are being reset.

#define nm_reset nm_reset_longer
#include "../../../sim/verilated/pipeline.cpp"
#undef nm_reset
#include "lapse.h"
#include "mutant.h"

extern "C" EXPORT void nm_reset(Model* model) {
    Vtop& top = model->enter()->top;
    put_reset(top, true);
    top.s_axis_tvalid = top.m_axis_tready = 0;
    WITH(s_axis_coef_tvalid, port = 0);
    model->tick();
    put_reset(top, false);
}
