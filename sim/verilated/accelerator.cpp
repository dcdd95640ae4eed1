// Drives nm_accelerator without a simulator around it: AXI4-Lite accesses, and runs that collect
// the results. Input streams offer what is queued in every cycle, also while registers are
// accessed. One beat is one row of bytes, little-endian.

#include <cstdint>
#include <cstring>

#include "axi_lite.h"
#include "library.h"
#include "random.h"

namespace {

struct Stream {
    uint8_t* data;   // beats, each of them `bytes` long
    uint8_t* last;   // tlast of each beat
    uint64_t bytes;
    uint64_t count;  // beats to transfer
    uint64_t done;   // beats that were transferred
    uint64_t wait;   // cycles until the next beat may be offered
    uint64_t offered;  // whether a beat is on offer: it stays so until it is taken
};

// All that surrounds a model. A stream pauses with probability stall / 2^32 in a cycle.
struct Bench {
    Stream act, weight, coef, token, channel, result;
    Random random;
    uint64_t stall;
};

template <typename Port>
void put(Port& port, const Stream& stream) {
    std::memcpy(&port, stream.data + stream.done * stream.bytes, stream.bytes);
}

template <typename Port>
void get(const Port& port, const Stream& stream) {
    std::memcpy(stream.data + stream.done * stream.bytes, &port, stream.bytes);
}

// Offers the next beat, unless the stream pauses; TREADY is looked at after the model has settled.
#define OFFER(name, port) { \
    Stream& stream = bench.name; \
    if (stream.wait) { \
        --stream.wait; \
    } else if (!stream.offered && stream.done < stream.count \
               && !bench.random.occurs(bench.stall)) { \
        put(top.port##_tdata, stream); \
        top.port##_tlast = stream.last[stream.done]; \
        stream.offered = true; \
    } \
    top.port##_tvalid = stream.offered; \
}

#define TAKE(name, port) \
    if (bench.name.offered && top.port##_tready) { \
        ++bench.name.done; \
        bench.name.offered = false; \
    }

// Streams that not every design has.
#ifdef NM_EPILOGUE
#define EPILOGUE_INPUTS(DO) DO(token, s_axis_token) DO(channel, s_axis_channel)
#elif defined(NM_BIAS)
#define EPILOGUE_INPUTS(DO) DO(channel, s_axis_channel)
#else
#define EPILOGUE_INPUTS(DO)
#endif
#ifdef NM_COEF
#define COEF_INPUTS(DO) DO(coef, s_axis_coef)
#else
#define COEF_INPUTS(DO)
#endif
#define EACH_INPUT(DO) \
    DO(act, s_axis_act) DO(weight, s_axis_weight) COEF_INPUTS(DO) EPILOGUE_INPUTS(DO)

#define IDLE(name, port) top.port##_tvalid = 0;

// The first half of a cycle: outputs are settled, and what was taken is counted.
void begin_cycle(Model& model, Bench& bench, bool taking) {
    Vtop& top = model.top;
    EACH_INPUT(OFFER)
    top.m_axis_result_tready = taking && !bench.random.occurs(bench.stall);
    model.settle();
    EACH_INPUT(TAKE)
    if (top.m_axis_result_tvalid && top.m_axis_result_tready) {
        get(top.m_axis_result_tdata, bench.result);
        bench.result.last[bench.result.done++] = top.m_axis_result_tlast;
    }
}

}  // namespace

extern "C" {

EXPORT void nm_reset(Model* model) {
    Vtop& top = model->enter()->top;
    put_reset(top, true);
    EACH_INPUT(IDLE)
    top.m_axis_result_tready = 0;
    idle_registers(top);
    model->tick();
    model->tick();
    put_reset(top, false);
}

EXPORT int nm_write(Model* model, Bench* bench, uint32_t address, uint32_t value,
                    uint32_t strobe) {
    return write_register(*model, address, value, strobe, [=] { begin_cycle(*model, *bench, false); });
}

EXPORT int nm_read(Model* model, Bench* bench, uint32_t address, uint32_t* value) {
    return read_register(*model, address, value, [=] { begin_cycle(*model, *bench, false); });
}

// Runs until all results were taken, or for `limit` cycles; returns the cycles it ran.
EXPORT uint64_t nm_run(Model* model, Bench* bench, uint64_t limit) {
    model->enter();
    uint64_t cycle = 0;
    for (; bench->result.done < bench->result.count && cycle < limit; ++cycle) {
        begin_cycle(*model, *bench, true);
        model->edge();
    }
    return cycle;
}

}  // extern "C"
