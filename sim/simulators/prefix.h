// What every model and harness includes first, compiled once: most of the work of a small model.
#include "verilated.h"
#include "verilated_vpi.h"
