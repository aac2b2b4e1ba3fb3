/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_BYTES_H
#define ASSAY_BYTES_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define ASSAY_MUST_USE __attribute__((warn_unused_result))
#else
#define ASSAY_MUST_USE
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A slice of somebody else's memory. It borrows: nothing is ever freed through it, and it must
 * not outlive what it points into. An empty slice has len 0; ptr may then be NULL.
 */
struct assay_bytes {
	const uint8_t *ptr;
	size_t len;
};

#ifdef __cplusplus
}
#endif

#endif
