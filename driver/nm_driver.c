#include "nm_driver.h"

/* Writes to memory are seen before a register is written after them; others define their own. */
#ifndef NM_BARRIER
#define NM_BARRIER() __sync_synchronize()
#endif

#if NM_M <= 0 || !defined(NM_BUS_CONTROL)
#error "nm_accelerator.h must be that of an accelerator with --bus axi4"
#endif

#define COUNT_MASK 0xFFFFu /* of QUEUE_HEAD and QUEUE_TAIL */

/* A field, by its name in nm_accelerator.h, of a register's word. */
#define FIELD(word, name) (((word) & NM_##name##_MASK) >> NM_##name##_LSB)

static void clear(uint8_t *bytes, uint64_t size)
{
    uint64_t k;

    for (k = 0u; k < size; k++) {
        bytes[k] = 0u;
    }
}

static uint32_t get(const nm_device *device, uint32_t offset)
{
    return device->port.read(device->port.context, offset);
}

static void set(const nm_device *device, uint32_t offset, uint32_t value)
{
    device->port.write(device->port.context, offset, value);
}

static uint32_t read_mapped(void *context, uint32_t offset)
{
    return ((volatile uint32_t *)context)[offset / 4u];
}

static void write_mapped(void *context, uint32_t offset, uint32_t value)
{
    ((volatile uint32_t *)context)[offset / 4u] = value;
}

nm_port nm_mapped(volatile uint32_t *registers)
{
    nm_port port;

    port.context = (void *)(uintptr_t)registers; /* volatile again where it is used */
    port.read = read_mapped;
    port.write = write_mapped;
    port.pause = NULL;
    return port;
}

nm_status nm_probe(nm_device *device, nm_port port)
{
    uint32_t pattern, shape, bus;

    device->port = port;
    device->size = 0u; /* nothing can be submitted before nm_configure */
    device->control = 0u;
    if (get(device, NM_ID) != NM_ID_VALUE) {
        return NM_NO_ACCELERATOR;
    }
    pattern = get(device, NM_PATTERN);
    shape = get(device, NM_SHAPE);
    bus = get(device, NM_BUS_SHAPE);
    if ((FIELD(pattern, PATTERN_N) != NM_N) || (FIELD(pattern, PATTERN_M) != NM_M)
        || (FIELD(shape, SHAPE_ROWS) != NM_ROWS) || (FIELD(shape, SHAPE_COLUMNS) != NM_COLUMNS)
        || (FIELD(bus, BUS_SHAPE_WORD_BYTES) != NM_BUS_WIDTH / 8)
        || (FIELD(bus, BUS_SHAPE_ADDRESS_BITS) != NM_ADDRESS_WIDTH)) {
        return NM_OTHER_ACCELERATOR;
    }
    return NM_OK;
}

/* Whether bytes from an address on are all within the bus. */
static int reachable(uint64_t address, uint64_t size)
{
    const uint64_t largest = UINT64_MAX >> (64 - NM_ADDRESS_WIDTH);

    return (size == 0u) || ((address <= largest) && (size - 1u <= largest - address));
}

nm_status nm_configure(nm_device *device, void *queue, uint64_t queue_address,
                       uint32_t size_log2, int interrupt)
{
    const uint32_t size = (uint32_t)1u << (size_log2 & 15u);

    if ((queue == NULL) || (size_log2 > 15u) || ((queue_address % NM_DESCRIPTOR_SIZE) != 0u)
        || !reachable(queue_address, (uint64_t)size * NM_DESCRIPTOR_SIZE)) {
        return NM_BAD_QUEUE;
    }
    if ((get(device, NM_BUS_STATUS) & NM_BUS_STATUS_ACTIVE_MASK) != 0u) {
        return NM_BUSY;
    }
    set(device, NM_BUS_CONTROL, NM_BUS_CONTROL_ACKNOWLEDGE_MASK | NM_BUS_CONTROL_RESUME_MASK);
    device->queue = (uint8_t *)queue;
    device->size = size;
    device->submitted = get(device, NM_QUEUE_HEAD) & COUNT_MASK;
    device->control = NM_BUS_CONTROL_QUEUE_MASK
                      | ((interrupt != 0) ? NM_BUS_CONTROL_INTERRUPT_MASK : 0u);
    set(device, NM_QUEUE_TAIL, device->submitted);
    set(device, NM_QUEUE_LOW, (uint32_t)queue_address);
    set(device, NM_QUEUE_HIGH, (uint32_t)(queue_address >> 32));
    set(device, NM_QUEUE_SIZE, size_log2);
    set(device, NM_BUS_CONTROL, device->control);
    return NM_OK;
}

nm_status nm_shape(nm_job *job, uint32_t tokens, uint32_t features, uint32_t outputs)
{
    const uint64_t blocks = ((uint64_t)features + NM_M - 1u) / NM_M;
    const uint64_t tiles = ((uint64_t)outputs + NM_COLUMNS - 1u) / NM_COLUMNS;
    const uint64_t row = blocks * NM_ACT_BYTES, tile = (uint64_t)tokens * NM_RESULT_BYTES;

    clear((uint8_t *)job, sizeof *job);
    if ((blocks == 0u) || (tiles == 0u) || (tokens == 0u)
        || (blocks > NM_K_BLOCKS_K_BLOCKS_MASK) || (row > UINT32_MAX) || (tile > UINT32_MAX)) {
        return NM_BAD_SIZE;
    }
    job->k_blocks = (uint32_t)blocks;
    job->tokens = tokens;
    job->column_tiles = (uint32_t)tiles;
    job->act_stride = (uint32_t)row;
    job->result_stride = (uint32_t)tile;
    return NM_OK;
}

uint64_t nm_act_size(const nm_job *job)
{
    return (uint64_t)(job->tokens - 1u) * job->act_stride + (uint64_t)job->k_blocks * NM_ACT_BYTES;
}

uint64_t nm_weight_size(const nm_job *job)
{
    return (uint64_t)job->column_tiles * job->k_blocks * NM_WEIGHT_BYTES;
}

/* Bytes of what only some jobs bring. */
static uint64_t brought(uint32_t brings, uint32_t count, uint32_t size)
{
    return (brings != 0u) ? (uint64_t)count * size : 0u;
}

uint64_t nm_coef_size(const nm_job *job)
{
    return brought(FIELD(job->corrections, CORRECTIONS_COEF), job->k_blocks, NM_COEF_BYTES);
}

uint64_t nm_token_size(const nm_job *job)
{
    return brought(FIELD(job->corrections, CORRECTIONS_TOKEN_SCALE), job->tokens, NM_TOKEN_BYTES);
}

uint64_t nm_channel_size(const nm_job *job)
{
    return brought(FIELD(job->output, OUTPUT_OUTPUT) >= NM_OUTPUT_INT8, job->column_tiles,
                   NM_CHANNEL_BYTES);
}

uint64_t nm_result_size(const nm_job *job)
{
    return (uint64_t)(job->column_tiles - 1u) * job->result_stride
           + (uint64_t)job->tokens * NM_RESULT_BYTES;
}

/* Writes the lowest bits of a value, little-endian, from a bit of cleared bytes on. */
static void put_bits(uint8_t *bytes, uint64_t bit, uint32_t value, uint32_t width)
{
    const uint32_t kept = (width < 32u) ? (value & ((1u << width) - 1u)) : value;
    uint32_t k, taken;

    for (k = 0u; k < width; k += taken) {
        const uint64_t place = bit + k;

        taken = 8u - (uint32_t)(place % 8u); /* to the end of a byte */
        bytes[place / 8u] = (uint8_t)(bytes[place / 8u] | ((kept >> k) << (place % 8u)));
    }
}

/* Writes one of the values of an element that was cleared. */
static void put_value(uint8_t *element, uint32_t place, uint32_t value, uint32_t width)
{
    if (width == 8u) {
        element[place] = (uint8_t)value;
    } else {
        put_bits(element, (uint64_t)place * width, value, width);
    }
}

void nm_put_tokens(const nm_job *job, void *buffer, const nm_value *x, uint32_t features)
{
    uint32_t token, feature;

    for (token = 0u; token < job->tokens; token++) {
        uint8_t *row = (uint8_t *)buffer + (uint64_t)token * job->act_stride;

        clear(row, (uint64_t)job->k_blocks * NM_ACT_BYTES);
        for (feature = 0u; feature < job->k_blocks * NM_M; feature++) {
            /* What fills the last block is 0 once the shift is subtracted. */
            put_value(row + (uint64_t)(feature / NM_M) * NM_ACT_BYTES, feature % NM_M,
                      (feature < features) ? (uint32_t)*x++ : job->static_shift, NM_ACT_BITS);
        }
    }
}

void nm_put_weights(const nm_job *job, void *buffer, const nm_weight *w, uint32_t outputs,
                    uint32_t features)
{
    uint8_t *bytes = (uint8_t *)buffer;
    uint32_t output, feature;

    clear(bytes, nm_weight_size(job));
    for (output = 0u; output < outputs; output++) {
        const uint32_t tile = output / NM_COLUMNS, column = output % NM_COLUMNS;

        for (feature = 0u; feature < features; feature++) {
            const uint64_t block = (uint64_t)tile * job->k_blocks + feature / NM_M;

            put_value(bytes + block * NM_WEIGHT_BYTES, feature % NM_M * NM_WEIGHT_RUN + column,
                      (uint32_t)*w++, NM_WEIGHT_BITS);
        }
    }
}

void nm_put_weight_scales(const nm_job *job, void *buffer, const uint8_t *scales, uint32_t outputs)
{
    uint8_t *bytes = (uint8_t *)buffer + NM_WEIGHT_SCALES;
    uint32_t output, block;

    for (output = 0u; output < outputs; output++) {
        for (block = 0u; (NM_WEIGHT_SCALES != 0u) && (block < job->k_blocks); block++) {
            const uint64_t place = (uint64_t)(output / NM_COLUMNS) * job->k_blocks + block;

            bytes[place * NM_WEIGHT_BYTES + output % NM_COLUMNS] = *scales++;
        }
    }
}

void nm_put_coefficients(const nm_job *job, void *buffer, const uint8_t *factors,
                         const int8_t *shifts, uint32_t features)
{
    uint8_t *bytes = (uint8_t *)buffer;
    uint32_t feature;

    clear(bytes, (uint64_t)job->k_blocks * NM_COEF_BYTES);
    for (feature = 0u; feature < features; feature++) {
        uint8_t *element = bytes + (uint64_t)(feature / NM_M) * NM_COEF_BYTES;
        const uint32_t place = feature % NM_M;

        put_value(element, place, (factors == NULL) ? 1u : factors[feature], NM_COEFFICIENTS);
        if (shifts != NULL) {
            put_bits(element, NM_M * NM_COEFFICIENTS + place * NM_CHANNEL_SHIFT_BITS,
                     (uint8_t)shifts[feature], NM_CHANNEL_SHIFT_BITS);
        }
    }
}

void nm_put_scales(const nm_job *job, void *buffer, const uint16_t *scales)
{
    uint8_t *bytes = (uint8_t *)buffer;
    uint32_t token;

    for (token = 0u; token < job->tokens; token++) {
        bytes[2u * (uint64_t)token] = (uint8_t)scales[token];
        bytes[2u * (uint64_t)token + 1u] = (uint8_t)(scales[token] >> 8);
    }
}

void nm_put_terms(const nm_job *job, void *buffer, const nm_terms *terms, uint32_t outputs)
{
    uint8_t *bytes = (uint8_t *)buffer;
    uint32_t output;

    clear(bytes, (uint64_t)job->column_tiles * NM_CHANNEL_BYTES);
    for (output = 0u; output < outputs; output++) {
        uint8_t *element = bytes + (uint64_t)(output / NM_COLUMNS) * NM_CHANNEL_BYTES
                           + (uint64_t)(output % NM_COLUMNS) * NM_TERM_BYTES;

        put_bits(element, 0u, terms[output].scale, NM_TERM_SCALE_BITS);
        put_bits(element, NM_TERM_SCALE_BITS, terms[output].shift, NM_TERM_SHIFT_BITS);
        put_bits(element, NM_TERM_SCALE_BITS + NM_TERM_SHIFT_BITS, (uint32_t)terms[output].bias,
                 8u * NM_TERM_BYTES - NM_TERM_SCALE_BITS - NM_TERM_SHIFT_BITS);
    }
}

int64_t nm_result(const nm_job *job, const void *buffer, uint32_t token, uint32_t output)
{
    const uint8_t *element = (const uint8_t *)buffer
                             + (uint64_t)(output / NM_COLUMNS) * job->result_stride
                             + (uint64_t)token * NM_RESULT_BYTES;
    const uint64_t first = (uint64_t)(output % NM_COLUMNS) * NM_RESULT_BITS;
    const uint64_t sign = (uint64_t)1u << (NM_RESULT_BITS - 1);
    uint64_t value = 0u;
    uint32_t k;

    for (k = 0u; k < NM_RESULT_BITS; k += 8u - (uint32_t)((first + k) % 8u)) {
        value |= (uint64_t)(element[(first + k) / 8u] >> ((first + k) % 8u)) << k;
    }
    value &= (sign << 1) - 1u; /* the last byte may have bits of the next result */
    /* Not a shift to the right of a negative number, which C leaves to the compiler. */
    return ((value & sign) != 0u) ? -(int64_t)(sign - (value & (sign - 1u)) - 1u) - 1
                                  : (int64_t)value;
}

static nm_status check(const nm_job *job)
{
    const struct {
        uint64_t address, size, unit;
    } reads[] = {
        {job->act, nm_act_size(job), NM_ACT_UNIT},
        {job->weight, nm_weight_size(job), NM_WEIGHT_UNIT},
        {job->coef, nm_coef_size(job), NM_COEF_UNIT},
        {job->token, nm_token_size(job), NM_TOKEN_UNIT},
        {job->channel, nm_channel_size(job), NM_CHANNEL_UNIT},
    };
    const uint64_t result = job->result, end = result + nm_result_size(job);
    size_t k;

    if (((job->act_stride % NM_ACT_UNIT) != 0u) || ((job->result_stride % NM_RESULT_UNIT) != 0u)
        || (job->act_stride < (uint64_t)job->k_blocks * NM_ACT_BYTES)
        || (job->result_stride < (uint64_t)job->tokens * NM_RESULT_BYTES)) {
        return NM_BAD_STRIDE;
    }
    if (((result % NM_RESULT_UNIT) != 0u) || !reachable(result, nm_result_size(job))) {
        return NM_BAD_ADDRESS;
    }
    for (k = 0u; k < sizeof reads / sizeof reads[0]; k++) {
        if (reads[k].size == 0u) {
            continue;
        }
        if (((reads[k].address % reads[k].unit) != 0u)
            || !reachable(reads[k].address, reads[k].size)) {
            return NM_BAD_ADDRESS;
        }
        if ((reads[k].address < end) && (result < reads[k].address + reads[k].size)) {
            return NM_OVERLAP;
        }
    }
    return NM_OK;
}

/* A word of a descriptor, little-endian whatever the processor is. */
static void put_word(uint8_t *place, uint32_t word, uint32_t value)
{
    clear(place + 4u * word, 4u);
    put_bits(place + 4u * word, 0u, value, 32u);
}

static void put_address(uint8_t *place, uint32_t low, uint64_t address)
{
    put_word(place, low, (uint32_t)address);
    put_word(place, low + 1u, (uint32_t)(address >> 32));
}

static void put_descriptor(uint8_t *place, const nm_job *job)
{
    put_word(place, 0u, NM_DESCRIPTOR_TAG | (job->interrupt != 0u ? NM_DESCRIPTOR_INTERRUPT : 0u));
#define PUT_WORD(word, name) put_word(place, word, job->name);
    NM_JOB_WORDS(PUT_WORD)
#define PUT_ADDRESS(word, name) put_address(place, word, job->name);
    NM_JOB_ADDRESSES(PUT_ADDRESS)
#if NM_DECODE
    put_word(place, NM_WORD_DECODE_MODE, (job->decode != 0u) ? 1u : 0u);
#endif
}

nm_status nm_submit(nm_device *device, const nm_job *job)
{
    nm_status status;

    if (device->size == 0u) {
        return NM_BAD_QUEUE;
    }
    if ((job->tokens == 0u) || (job->k_blocks == 0u) || (job->column_tiles == 0u)
        || (job->k_blocks > get(device, NM_MAX_BLOCKS))) {
        return NM_BAD_SIZE;
    }
    status = (!NM_DECODE && (job->decode != 0u)) ? (nm_status)NM_ERROR_DECODE : check(job);
    if (status != NM_OK) {
        return status;
    }
    if (((device->submitted - get(device, NM_QUEUE_HEAD)) & COUNT_MASK) >= device->size) {
        return NM_FULL;
    }
    put_descriptor(&device->queue[(device->submitted % device->size) * NM_DESCRIPTOR_SIZE], job);
    NM_BARRIER();
    device->submitted = (device->submitted + 1u) & COUNT_MASK;
    set(device, NM_QUEUE_TAIL, device->submitted);
    return NM_OK;
}

nm_status nm_poll(nm_device *device, uint32_t *ended)
{
    uint32_t word, error;
    nm_status status;

    /* First acknowledged, then looked at: what ends in between raises the interrupt again. The
     * error is read after the count: that of a job which was counted is seen. */
    if ((get(device, NM_BUS_STATUS) & NM_BUS_STATUS_ENDED_MASK) != 0u) {
        set(device, NM_BUS_CONTROL, device->control | NM_BUS_CONTROL_ACKNOWLEDGE_MASK);
    }
    *ended = get(device, NM_QUEUE_HEAD) & COUNT_MASK;
    word = get(device, NM_BUS_STATUS);
    error = FIELD(word, BUS_STATUS_BUS_ERROR);
    status = (*ended == device->submitted) ? NM_OK : NM_PENDING;
    if (error != 0u) {
        status = NM_PENDING; /* the memory is still being used */
        if ((word & NM_BUS_STATUS_ACTIVE_MASK) == 0u) {
            *ended = get(device, NM_QUEUE_HEAD) & COUNT_MASK;
            set(device, NM_BUS_CONTROL, device->control | NM_BUS_CONTROL_RESUME_MASK
                                            | NM_BUS_CONTROL_ACKNOWLEDGE_MASK);
            status = (nm_status)error;
        }
    }
    NM_BARRIER();
    return status;
}

nm_status nm_wait(nm_device *device, uint32_t polls, uint32_t *ended)
{
    nm_status status = NM_PENDING;
    uint32_t k;

    for (k = 0u; (k < polls) && (status == NM_PENDING); k++) {
        if ((k != 0u) && (device->port.pause != NULL)) {
            device->port.pause(device->port.context);
        }
        status = nm_poll(device, ended);
    }
    return (status == NM_PENDING) ? NM_TIMED_OUT : status;
}

void nm_cancel(nm_device *device)
{
    set(device, NM_BUS_CONTROL, device->control | NM_BUS_CONTROL_BUS_ABORT_MASK);
}

const char *nm_text(nm_status status)
{
    switch ((int)status) {
#define TEXT(code, text) case (int)(code): return text;
    NM_ERRORS(TEXT)
    NM_STATUSES(TEXT)
#undef TEXT
    default: return "an unknown status";
    }
}
