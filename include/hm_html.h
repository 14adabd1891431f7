/**
 * @file hm_html.h
 * HTML pages that need nothing but themselves: style, pictures and figures are inside, no script,
 * no address is ever asked.
 *
 * All writes go to a stream; its error flag says in the end whether they arrived.
 */
#ifndef HM_HTML_H
#define HM_HTML_H

#include <stdio.h>

#include "hm_error.h"

/**
 * Writes text as text, in elements and in quoted attributes: & < > " ' as entities; control
 * characters other than tab and line end, and bytes that are no UTF-8, as U+FFFD.
 */
void hm_html_text(FILE *out, const char *text);

/** hm_html_text() of what printf would print, cut at 4095 bytes. */
void hm_html_print(FILE *out, const char *format, ...) HM_PRINTF(2, 3);

/** Everything up to and with the page's heading, `lead`, may be NULL, a line below it; and all that
 * ends it, with a last line. */
void hm_html_begin(FILE *out, const char *title, const char *lead);
void hm_html_end(FILE *out, const char *foot);

/** A file as a data: address of this type, "image/png" say. HM_EIO, HM_EMISSING. */
hm_status_t hm_html_data(FILE *out, const char *path, const char *type, hm_error_t *err);

/**
 * The drawing in an SVG file as part of the page: without prologue, title and size (so it is as
 * wide as its place), names in it with `prefix` in front, so that several drawings keep apart.
 * `label` is read to those who cannot see it. HM_EIO, HM_EMISSING; HM_EDATA: no SVG, or one with a
 * script or an address in it.
 */
hm_status_t hm_html_svg(FILE *out, const char *path, const char *prefix, const char *label,
                        hm_error_t *err);

#endif
