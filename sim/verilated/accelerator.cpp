// Drives nm_accelerator without a simulator around it: AXI4-Lite accesses, and runs that feed
// both input streams and collect the results. One beat is one row of bytes, little-endian.

#include <cstdint>
#include <cstring>

#include "library.h"
#include "random.h"

namespace {

constexpr uint32_t ACCESS_LIMIT = 1000;  // cycles that an AXI4-Lite access may take

struct Stream {
    uint8_t* data;   // beats, each of them `bytes` long
    uint8_t* last;   // tlast of each beat
    uint64_t bytes;
    uint64_t count;  // beats to transfer
    uint64_t done;   // beats that were transferred
};

template <typename Port>
void put(Port& port, const Stream& stream) {
    std::memcpy(&port, stream.data + stream.done * stream.bytes, stream.bytes);
}

template <typename Port>
void get(const Port& port, const Stream& stream) {
    std::memcpy(stream.data + stream.done * stream.bytes, &port, stream.bytes);
}

// No stream offers or takes anything.
void silence(Vtop& top) {
    top.s_axis_act_tvalid = top.s_axis_weight_tvalid = top.m_axis_result_tready = 0;
#ifdef NM_EPILOGUE
    top.s_axis_token_tvalid = top.s_axis_channel_tvalid = 0;
#endif
#ifdef NM_COEF
    top.s_axis_coef_tvalid = 0;
#endif
}

}  // namespace

extern "C" {

EXPORT void nm_reset(Model* model) {
    Vtop& top = model->enter()->top;
    top.rst = 1;
    silence(top);
    top.s_axil_awvalid = top.s_axil_wvalid = top.s_axil_bready = 0;
    top.s_axil_arvalid = top.s_axil_rready = 0;
    top.s_axil_awprot = top.s_axil_arprot = 0;
    model->tick();
    model->tick();
    top.rst = 0;
}

// Returns the response, or -1 if there was none.
EXPORT int nm_write(Model* model, uint32_t address, uint32_t value) {
    Vtop& top = model->enter()->top;
    top.s_axil_awaddr = address;
    top.s_axil_wdata = value;
    top.s_axil_wstrb = 0xF;
    top.s_axil_awvalid = top.s_axil_wvalid = top.s_axil_bready = 1;
    int response = -1;
    for (uint32_t cycle = 0; response < 0 && cycle < ACCESS_LIMIT; ++cycle) {
        model->settle();
        const bool address_taken = top.s_axil_awready, data_taken = top.s_axil_wready;
        if (top.s_axil_bvalid) response = top.s_axil_bresp;
        model->edge();
        if (address_taken) top.s_axil_awvalid = 0;
        if (data_taken) top.s_axil_wvalid = 0;
    }
    top.s_axil_bready = 0;
    return response;
}

// Returns the response, or -1 if there was none.
EXPORT int nm_read(Model* model, uint32_t address, uint32_t* value) {
    Vtop& top = model->enter()->top;
    top.s_axil_araddr = address;
    top.s_axil_arvalid = top.s_axil_rready = 1;
    int response = -1;
    for (uint32_t cycle = 0; response < 0 && cycle < ACCESS_LIMIT; ++cycle) {
        model->settle();
        const bool taken = top.s_axil_arready;
        if (top.s_axil_rvalid) {
            response = top.s_axil_rresp;
            *value = top.s_axil_rdata;
        }
        model->edge();
        if (taken) top.s_axil_arvalid = 0;
    }
    top.s_axil_rready = 0;
    return response;
}

// An input stream of a run, and whether a beat of it is on offer.
struct Source {
    Stream* stream;
    bool offered;
};

// Offers the next beat, unless the stream pauses; TREADY is looked at after the model has settled.
#define OFFER(source, port) \
    if (!source.offered && source.stream->done < source.stream->count \
        && !random.occurs(stall)) { \
        put(top.port##_tdata, *source.stream); \
        top.port##_tlast = source.stream->last[source.stream->done]; \
        source.offered = true; \
    } \
    top.port##_tvalid = source.offered;

#define TAKE(source, port) \
    if (source.offered && top.port##_tready) { \
        ++source.stream->done; \
        source.offered = false; \
    }

// Streams that not every design has.
#ifdef NM_EPILOGUE
#define EPILOGUE_INPUTS(DO) DO(token, s_axis_token) DO(channel, s_axis_channel)
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

// Runs until all results were taken, or for `limit` cycles; returns the cycles it ran.
// Each stream pauses with probability stall / 2^32 in a cycle.
EXPORT uint64_t nm_run(Model* model, Stream* act_beats, Stream* weight_beats, Stream* coef_beats,
                       Stream* token_beats, Stream* channel_beats, Stream* result,
                       uint64_t limit, uint32_t stall, uint64_t seed) {
    Vtop& top = model->enter()->top;
    Random random{seed};
    Source act{act_beats, false}, weight{weight_beats, false};
    [[maybe_unused]] Source coef{coef_beats, false};
    [[maybe_unused]] Source token{token_beats, false}, channel{channel_beats, false};
    uint64_t cycle = 0;
    for (; result->done < result->count && cycle < limit; ++cycle) {
        EACH_INPUT(OFFER)
        top.m_axis_result_tready = !random.occurs(stall);
        model->settle();
        EACH_INPUT(TAKE)
        if (top.m_axis_result_tvalid && top.m_axis_result_tready) {
            get(top.m_axis_result_tdata, *result);
            result->last[result->done++] = top.m_axis_result_tlast;
        }
        model->edge();
    }
    silence(top);
    return cycle;
}

}  // extern "C"
