/* The header that is generated with an accelerator, by the names that the driver knows.
 *
 * With -DNM_DESIGN=foo it is foo.h, of an accelerator that was generated with --name foo. Its macros,
 * FOO_..., are also called NM_... then, and functions are foo_nm_... for the linker: a program can
 * have a driver for each of several accelerators, and each of its files is for one of them.
 */
#ifndef NM_NAMES_H
#define NM_NAMES_H

#ifndef NM_DESIGN

#include "nm_accelerator.h"

#else

#ifdef NM_M
#error "a file must include either nm_accelerator.h or, with NM_DESIGN, the header of that design"
#endif

#define NM_TEXT_OF(words) #words
#define NM_HEADER_OF(design) NM_TEXT_OF(design.h)
#define NM_JOINED(design, name) design##_##name
#define NM_OF(design, name) NM_JOINED(design, name)

#define NM_ALIASES
#include NM_HEADER_OF(NM_DESIGN)
#undef NM_ALIASES

#define nm_mapped NM_OF(NM_DESIGN, nm_mapped)
#define nm_probe NM_OF(NM_DESIGN, nm_probe)
#define nm_configure NM_OF(NM_DESIGN, nm_configure)
#define nm_shape NM_OF(NM_DESIGN, nm_shape)
#define nm_act_size NM_OF(NM_DESIGN, nm_act_size)
#define nm_weight_size NM_OF(NM_DESIGN, nm_weight_size)
#define nm_coef_size NM_OF(NM_DESIGN, nm_coef_size)
#define nm_token_size NM_OF(NM_DESIGN, nm_token_size)
#define nm_channel_size NM_OF(NM_DESIGN, nm_channel_size)
#define nm_result_size NM_OF(NM_DESIGN, nm_result_size)
#define nm_put_tokens NM_OF(NM_DESIGN, nm_put_tokens)
#define nm_put_weights NM_OF(NM_DESIGN, nm_put_weights)
#define nm_put_coefficients NM_OF(NM_DESIGN, nm_put_coefficients)
#define nm_put_scales NM_OF(NM_DESIGN, nm_put_scales)
#define nm_put_terms NM_OF(NM_DESIGN, nm_put_terms)
#define nm_result NM_OF(NM_DESIGN, nm_result)
#define nm_submit NM_OF(NM_DESIGN, nm_submit)
#define nm_poll NM_OF(NM_DESIGN, nm_poll)
#define nm_wait NM_OF(NM_DESIGN, nm_wait)
#define nm_cancel NM_OF(NM_DESIGN, nm_cancel)
#define nm_text NM_OF(NM_DESIGN, nm_text)

#endif
#endif
