/* One linear layer on the accelerator, for a bare RISC-V core: lay out, submit, sleep until the
 * interrupt, read the results. The simulator has put the task into memory, and reads from it what it
 * came to. */
#include "nm_driver.h"

/* As in sim/verilated/core.h. */
#define REGISTERS ((volatile uint32_t *)0xF0000000u)
#define TIME (*(volatile uint32_t *)0xF0001000u) /* cycles */
#define END (*(volatile uint32_t *)0xF0001004u)  /* what is written ends the simulation */

#define EXTERNAL 11u         /* of mie, and with the sign of mcause */
#define INTERRUPT 0x80000000u
#define GLOBAL_ENABLE 8u     /* of mstatus */
#define TRAPPED 0xFFu        /* status of a program that did what the core cannot do */

/* Words, in the order of sim/core/firmware.py. Addresses are the same for core and accelerator. */
typedef struct {
    uint32_t tokens, features, outputs, corrections, job_pattern, decode;
    uint32_t x, w;           /* rows, int8; without w the weights are laid out already */
    uint32_t queue, act, weight, coef, result;
    uint32_t y;              /* int64 y[tokens][outputs] */
    uint32_t status;         /* what it came to, nm_status */
    uint32_t cause, place;   /* of a trap */
    uint32_t began, laid_out, submitted, told, read; /* times */
} nm_task;

extern volatile nm_task task;

static nm_device device;
static volatile uint32_t status = NM_PENDING;

static void finish(uint32_t code)
{
    task.status = code;
    END = 1u;
    for (;;) {
    }
}

/* Takes the interrupt of the accelerator; whatever else comes here is a fault of the program. */
__attribute__((interrupt("machine"))) void trap(void)
{
    uint32_t cause, place, ended;

    task.told = TIME;
    __asm__ volatile("csrr %0, mcause" : "=r"(cause));
    if (cause != (INTERRUPT | EXTERNAL)) {
        __asm__ volatile("csrr %0, mepc" : "=r"(place));
        task.cause = cause;
        task.place = place;
        finish(TRAPPED);
    }
    status = (uint32_t)nm_poll(&device, &ended);
}

static void enable_interrupt(void)
{
    __asm__ volatile("csrw 0xBC0, %0" : : "r"(1u)); /* VexRiscv: which of its 32 lines */
    __asm__ volatile("csrs mie, %0" : : "r"(1u << EXTERNAL));
    __asm__ volatile("csrs mstatus, %0" : : "r"(GLOBAL_ENABLE));
}

/* Ends the program with the first call that fails. */
static void check(nm_status code)
{
    if (code != NM_OK) {
        finish((uint32_t)code);
    }
}

static void lay_out(nm_job *job)
{
    check(nm_shape(job, task.tokens, task.features, task.outputs));
    job->corrections = task.corrections;
    job->job_pattern = task.job_pattern;
    job->decode = task.decode;
    job->act = task.act;
    job->weight = task.weight;
    job->coef = task.coef;
    job->result = task.result;
    nm_put_tokens(job, (void *)task.act, (const int8_t *)task.x, task.features);
    if (task.w != 0u) {
        nm_put_weights(job, (void *)task.weight, (const int8_t *)task.w, task.outputs,
                       task.features);
    }
    if (nm_coef_size(job) != 0u) {
        nm_put_coefficients(job, (void *)task.coef, NULL, NULL, task.features);
    }
}

static void read_results(const nm_job *job)
{
    int64_t *y = (int64_t *)task.y;
    const uint32_t tokens = task.tokens, outputs = task.outputs;
    uint32_t token, output;

    for (token = 0u; token < tokens; token++) {
        for (output = 0u; output < outputs; output++) {
            *y = nm_result(job, (const void *)task.result, token, output);
            y++;
        }
    }
}

int main(void)
{
    nm_job job;

    task.began = TIME;
    check(nm_probe(&device, nm_mapped(REGISTERS)));
    check(nm_configure(&device, (void *)task.queue, task.queue, 0u, 1));
    enable_interrupt();
    lay_out(&job);
    task.laid_out = TIME;
    check(nm_submit(&device, &job));
    task.submitted = TIME;
    while (status == (uint32_t)NM_PENDING) {
        __asm__ volatile("wfi");
    }
    check((nm_status)status);
    read_results(&job);
    __asm__ volatile("" : : : "memory"); /* results are there before the end is told */
    task.read = TIME;
    finish(NM_OK);
    return 0;
}
