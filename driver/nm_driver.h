/* Driver of an accelerator with an AXI4 master: python -m hw.generate --bus axi4.
 *
 * C99, without allocation or libraries, for bare metal and user space. It takes the header that is
 * generated with the accelerator: nm_accelerator.h, or with -DNM_HEADER='"foo.h"' that of --name
 * foo; then functions are foo_nm_... for the linker, so that a program can have several of them.
 *
 * Memory has two kinds of addresses: pointers, by which this program sees it, and addresses of the
 * bus, uint64_t, by which the accelerator does. Caches, where they are not coherent, are the
 * caller's: clean what was written before a job is submitted, invalidate results before reading.
 */
#ifndef NM_DRIVER_H
#define NM_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#ifndef NM_HEADER
#define NM_HEADER "nm_accelerator.h"
#endif
#define NM_ALIASES /* its macros by the names of the default, and functions by its own name */
#include NM_HEADER
#undef NM_ALIASES

#ifdef __cplusplus
extern "C" {
#endif

/* What the driver itself says, beside NM_OK and the errors of the hardware, which are 1 to 127. */
#define NM_STATUSES(X) \
    X(NM_NO_ACCELERATOR, "there is no accelerator at these registers") \
    X(NM_OTHER_ACCELERATOR, "the accelerator is not that of the header") \
    X(NM_BAD_QUEUE, "the queue is no place for descriptors") \
    X(NM_BAD_SIZE, "a size of the job is 0 or too large") \
    X(NM_BAD_ADDRESS, "an address is no multiple of its unit, or outside of the bus") \
    X(NM_BAD_STRIDE, "a stride is no multiple of its unit, or shorter than its rows") \
    X(NM_OVERLAP, "results would be written where something is read") \
    X(NM_BUSY, "jobs are queued or running") \
    X(NM_FULL, "there is no room in the queue: wait for a job") \
    X(NM_PENDING, "jobs have not ended") \
    X(NM_TIMED_OUT, "no job ended while it was waited for")

/* What a call comes to. */
typedef enum {
    NM_OK = 0,
    NM_LAST_ERROR = 127, /* of the hardware: NM_ERROR_... of its header */
#define NM_AS_VALUE(status, text) status,
    NM_STATUSES(NM_AS_VALUE)
#undef NM_AS_VALUE
} nm_status;

/* How registers are reached. For mapped ones see nm_mapped. */
typedef struct {
    void *context;
    uint32_t (*read)(void *context, uint32_t offset);
    void (*write)(void *context, uint32_t offset, uint32_t value);
    void (*pause)(void *context); /* between two looks at a job that runs; may be NULL */
} nm_port;

typedef struct {
    nm_port port;
    uint8_t *queue;       /* descriptors, as this program sees them */
    uint32_t size;        /* of them */
    uint32_t submitted;   /* jobs so far, modulo 65,536 */
    uint32_t control;     /* BUS_CONTROL, without what acts once */
} nm_device;

/* A job. Words are those of the registers of the same name; addresses are of the bus. */
typedef struct {
    uint32_t k_blocks, tokens, column_tiles;
    uint32_t output, corrections, static_shift, job_pattern, threshold, activate, tensor_scale;
    uint64_t act, weight, coef, token, channel, result;
    uint32_t act_stride, result_stride;
    uint32_t interrupt;   /* not 0: its end is told, also where it is not the last one */
    uint32_t decode;      /* not 0: read only the weights of features that some token keeps */
} nm_job;

/* Terms of an output channel; see docs/hw/epilogue.md. */
typedef struct {
    uint16_t scale;
    uint8_t shift;
    int32_t bias;         /* 24 bits. In floats bits of a bias and, by integer weights, a scale */
} nm_terms;

/* A value of a token, and a weight: integers, or the bits of floats. */
#define NM_AS_TYPES(value, weight) typedef value nm_value; typedef weight nm_weight;
NM_TYPES(NM_AS_TYPES)
#undef NM_AS_TYPES

/* Port of registers that are mapped at an address of this program. */
nm_port nm_mapped(volatile uint32_t *registers);

/* Looks whether the accelerator is there, and is the one of nm_accelerator.h. */
nm_status nm_probe(nm_device *device, nm_port port);

/* Takes memory for 2 to the power of size_log2 (0 to 15) descriptors, NM_DESCRIPTOR_SIZE bytes
 * each, and lets the queue run. With interrupt, irq is high until nm_poll has seen what ended. */
nm_status nm_configure(nm_device *device, void *queue, uint64_t queue_address,
                       uint32_t size_log2, int interrupt);

/* Sets sizes and strides of a job; all else becomes 0. */
nm_status nm_shape(nm_job *job, uint32_t tokens, uint32_t features, uint32_t outputs);

/* Bytes of the buffers of a job. */
uint64_t nm_act_size(const nm_job *job);
uint64_t nm_weight_size(const nm_job *job);
uint64_t nm_coef_size(const nm_job *job);
uint64_t nm_token_size(const nm_job *job);
uint64_t nm_channel_size(const nm_job *job);
uint64_t nm_result_size(const nm_job *job);

/* Put rows into the buffers of a job: x[tokens][features], w[outputs][features], in block formats
 * then scales[outputs][k_blocks] of weights; scales of tokens, terms of outputs; factors and shifts
 * of the input channels, each NULL where there are none. */
void nm_put_tokens(const nm_job *job, void *buffer, const nm_value *x, uint32_t features);
void nm_put_weights(const nm_job *job, void *buffer, const nm_weight *w, uint32_t outputs,
                    uint32_t features);
void nm_put_weight_scales(const nm_job *job, void *buffer, const uint8_t *scales, uint32_t outputs);
void nm_put_coefficients(const nm_job *job, void *buffer, const uint8_t *factors,
                         const int8_t *shifts, uint32_t features);
void nm_put_scales(const nm_job *job, void *buffer, const uint16_t *scales);
void nm_put_terms(const nm_job *job, void *buffer, const nm_terms *terms, uint32_t outputs);

/* A result, sign-extended; floats are their bits. */
int64_t nm_result(const nm_job *job, const void *buffer, uint32_t token, uint32_t output);

/* Queues a job. Refuses what the hardware would, and what it cannot see: overlaps. */
nm_status nm_submit(nm_device *device, const nm_job *job);

/* Says how many jobs have ended since nm_configure, modulo 65,536. The status is NM_OK, NM_PENDING
 * while some have not, or the error of the last one that ended, after which the queue goes on. */
nm_status nm_poll(nm_device *device, uint32_t *ended);

/* Polls until all jobs have ended or one has an error, at most polls times. */
nm_status nm_wait(nm_device *device, uint32_t polls, uint32_t *ended);

/* Ends the job that runs, with NM_ERROR_ABORT; the queue goes on once nm_poll has seen it. */
void nm_cancel(nm_device *device);

/* What a status says, in English. */
const char *nm_text(nm_status status);

#ifdef __cplusplus
}
#endif

#endif
