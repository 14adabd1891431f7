/**
 * @file hm_error.h
 * Statuses and the chain of messages that goes with a failure.
 *
 * Every function that can fail returns an hm_status_t and takes an hm_error_t, in which it leaves
 * one sentence that says what is wrong and what to do. Callers may put their own context in front.
 * Nothing is printed here: the one place that prints is the command's end, after the ranks have
 * agreed whose message it is (hm_agree() in hm_cluster.h). On failure a function leaves its outputs
 * untouched.
 *
 * Not collective. No function allocates. A NULL hm_error_t is allowed everywhere: the message is
 * dropped.
 */
#ifndef HM_ERROR_H
#define HM_ERROR_H

/** What a function, a rank and the program return; the values are the documented exit codes. */
typedef enum hm_status_t {
    HM_OK = 0,        /**< done */
    HM_DIFFERENT = 1, /**< `compare`: the two files differ; not an error */
    HM_EUSAGE = 64,   /**< the command line or a config file is wrong */
    HM_EDATA = 65,    /**< a file is not what it should be */
    HM_EMISSING = 69, /**< something needed is missing: library, instruction set, memory */
    HM_EBUG = 70,     /**< a bug in this program */
    HM_ECREATE = 73,  /**< the output cannot be created */
    HM_EIO = 74,      /**< reading or writing failed */
    HM_STOPPED = 75   /**< stopped early, resumable; not an error */
} hm_status_t;

/** Longest message kept, in bytes with the final NUL; what is longer is cut at the end. */
enum { HM_ERROR_TEXT = 2048 };

/** A failure: its status and its message. Start with `hm_error_t err = HM_ERROR_NONE;`. */
typedef struct hm_error_t {
    hm_status_t status;       /**< HM_OK while nothing is wrong */
    char text[HM_ERROR_TEXT]; /**< one line, no newline, no program name */
} hm_error_t;

#define HM_ERROR_NONE \
    {                 \
        HM_OK, {      \
            0         \
        }             \
    }

#if defined(__GNUC__)
#define HM_PRINTF(format_index, first_argument) \
    __attribute__((format(printf, format_index, first_argument)))
#else
#define HM_PRINTF(format_index, first_argument)
#endif

/** Sets status and message, replacing what was there. Returns `status`. */
hm_status_t hm_error_set(hm_error_t *err, hm_status_t status, const char *format, ...)
    HM_PRINTF(3, 4);

/** Puts "context: " in front of the message. Returns the status already there. */
hm_status_t hm_error_context(hm_error_t *err, const char *format, ...) HM_PRINTF(2, 3);

/** As hm_error_set, with ": " and strerror(errnum) at the end. */
hm_status_t hm_error_errno(hm_error_t *err, hm_status_t status, int errnum, const char *format, ...)
    HM_PRINTF(4, 5);

/** A short name for a status, e.g. "usage"; never NULL. */
const char *hm_status_name(hm_status_t status);

/**
 * Inside a function with a local `hm_status_t status = HM_OK;` and a label `cleanup:` - leave on
 * failure:
 *
 *     HM_TRY(hm_grid_make(&view, &grid, err));
 */
#define HM_TRY(call)           \
    do {                       \
        status = (call);       \
        if (status != HM_OK) { \
            goto cleanup;      \
        }                      \
    } while (0)

#endif
