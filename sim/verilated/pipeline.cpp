// Drives a design with the streams s_axis and m_axis, and s_axis_coef where there is one, without
// a simulator around it. One beat is one row of bytes, little-endian.

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "library.h"
#include "random.h"

namespace {

struct Stream {
    uint8_t* data;        // beats, each of them `data_bytes` long
    uint8_t* user;        // tuser of each beat, each `user_bytes` long; 0 bytes: no tuser
    uint8_t* last;        // tlast of each beat
    uint64_t data_bytes;
    uint64_t user_bytes;
    uint64_t count;       // beats to transfer
    uint64_t done;        // beats that were transferred
};

// Ports that only some designs have: a function with such a port where there is one.
#define OPTIONAL(NAME)                                                                        \
    template <typename Top, typename Use>                                                     \
    auto NAME(Top& top, Use use, int) -> decltype((void)top.NAME) { use(top.NAME); }          \
    template <typename Top, typename Use>                                                     \
    void NAME(Top&, Use, ...) {}
OPTIONAL(s_axis_tuser)
OPTIONAL(m_axis_tuser)
OPTIONAL(shift)
OPTIONAL(tensor)
OPTIONAL(s_axis_coef_tdata)
OPTIONAL(s_axis_coef_tlast)
OPTIONAL(s_axis_coef_tvalid)
OPTIONAL(s_axis_coef_tready)
#define WITH(NAME, ACTION) NAME(top, [&](auto& port) { ACTION; }, 0)

template <typename Port>
void put(Port& port, const uint8_t* rows, uint64_t bytes, uint64_t row) {
    std::memcpy(&port, rows + row * bytes, bytes);
}

template <typename Port>
void get(const Port& port, uint8_t* rows, uint64_t bytes, uint64_t row) {
    std::memcpy(rows + row * bytes, &port, bytes);
}

}  // namespace

extern "C" {

EXPORT void nm_reset(Model* model) {
    Vtop& top = model->enter()->top;
    put_reset(top, true);
    top.s_axis_tvalid = top.m_axis_tready = 0;
    WITH(s_axis_coef_tvalid, port = 0);
    model->tick();
    model->tick();
    put_reset(top, false);
}

// Runs until all of `out` was taken, or for `limit` cycles; returns the cycles it ran.
// Each stream pauses with probability stall / 2^32 in a cycle. `s_axis` starts after `coef`.
EXPORT uint64_t nm_run(Model* model, Stream* coef, Stream* in, Stream* out, uint64_t limit,
                       uint32_t stall, uint64_t seed, uint32_t shift_value,
                       uint32_t tensor_value) {
    Vtop& top = model->enter()->top;
    Random random{seed};
    uint64_t cycle = 0;
    bool coef_offered = false, in_offered = false;
    WITH(shift, port = shift_value);
    WITH(tensor, port = tensor_value);
    for (; out->done < out->count && cycle < limit; ++cycle) {
        if (!coef_offered && coef->done < coef->count && !random.occurs(stall)) {
            WITH(s_axis_coef_tdata, put(port, coef->data, coef->data_bytes, coef->done));
            WITH(s_axis_coef_tlast, port = coef->last[coef->done]);
            coef_offered = true;
        }
        if (!in_offered && coef->done == coef->count && in->done < in->count
            && !random.occurs(stall)) {
            put(top.s_axis_tdata, in->data, in->data_bytes, in->done);
            WITH(s_axis_tuser, put(port, in->user, in->user_bytes, in->done));
            top.s_axis_tlast = in->last[in->done];
            in_offered = true;
        }
        WITH(s_axis_coef_tvalid, port = coef_offered);
        top.s_axis_tvalid = in_offered;
        top.m_axis_tready = !random.occurs(stall);
        model->settle();
        bool coef_taken = false;
        WITH(s_axis_coef_tready, coef_taken = coef_offered && port);
        if (coef_taken) {
            ++coef->done;
            coef_offered = false;
        }
        if (in_offered && top.s_axis_tready) {
            ++in->done;
            in_offered = false;
        }
        if (top.m_axis_tvalid && top.m_axis_tready) {
            get(top.m_axis_tdata, out->data, out->data_bytes, out->done);
            WITH(m_axis_tuser, get(port, out->user, out->user_bytes, out->done));
            out->last[out->done++] = top.m_axis_tlast;
        }
        model->edge();
    }
    top.s_axis_tvalid = top.m_axis_tready = 0;
    WITH(s_axis_coef_tvalid, port = 0);
    return cycle;
}

}  // extern "C"
