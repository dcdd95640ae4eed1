/* From reset to main: a stack, traps, and variables that are 0. */
    .section .start, "ax"
    .globl start
start:
    la sp, stack_end
    la t0, trap
    csrw mtvec, t0
    la t0, bss_begin
    la t1, bss_end
1:  bgeu t0, t1, 2f
    sw zero, 0(t0)
    addi t0, t0, 4
    j 1b
2:  call main
3:  j 3b
