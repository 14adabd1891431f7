/**
 * @file kernel_state.h
 * What the kernel body works on: queues of points, lanes in flight, the tile. See kernel_body.h for
 * the whole of it.
 *
 * Everything a lane has is a double, whole numbers included (exact to 2^53), so that one kind of
 * vector moves it all.
 */
#ifndef HM_KERNEL_STATE_H
#define HM_KERNEL_STATE_H

#include <math.h>
#include <string.h>

#include "kernel_finish.h"
#include "kernel_known.h"
#include "kernel_private.h"
#include "kernel_total.h"

enum {
    VECTORS_FLIGHT = V_WINGS * V_FLIGHT,
    VECTORS_SLOPE = VECTORS_FLIGHT / V_SLOPE * V_SLOPE, /* in a flight with derivatives */
    LANES_TESTED = V_TESTED * V_LANES,                  /* points prepared, or replayed, at once */
    LANES_SWEEP = V_SWEEP * V_LANES, /* the same where kernel_sweep.h prepares them */
    VECTORS_MOST = VECTORS_FLIGHT > V_TESTED ? VECTORS_FLIGHT : V_TESTED,
    LANES_MOST = VECTORS_MOST * V_LANES,
    ALL_LANES = (1 << V_LANES) - 1,
    LANES_PREPARED = LANES_SWEEP > LANES_TESTED ? LANES_SWEEP : LANES_TESTED,
    POOL = 4 * LANES_MOST + LANES_PREPARED + V_LANES,
    /* Updates between two states kept: whole steps of kernel_finish.h. With channels points board
     * after whole steps too. */
    ROUND = 2 * HM_FAR_STEP,
    ROUNDS_MOST = 6,    /* in a block */
    ROUNDS_CAREFUL = 2, /* in a block of the careful flight */
    PRELUDE_MOST = 32,  /* updates in a prelude, but for those that lead far away */
    /* Every so many updates a flight looks up: orbits that repeat are found, blocks get their
     * length. It has many divisors: an orbit whose period is one of them is found at once. */
    LOOK_EVERY = 120,
    /* Updates in which a disc is to come back to itself. Few need more, and hold up the others. */
    TRAP_MOST = 24,
    /* Preludes are thought over after so many points; where they find little, so many more go
     * without. */
    SAMPLE = 1024,
    RAW_RUN = 8 * SAMPLE,
    UPDATES_PER_POLL = 1 << 22
};

/* What a waiting point has. */
typedef enum field_t {
    FIELD_X, /* z */
    FIELD_Y,
    FIELD_CR, /* c */
    FIELD_CI,
    FIELD_PLACE, /* index into the outputs */
    FIELD_LEFT,  /* max_iter less the updates behind z */
    FIELD_DX,    /* the derivative of z, where distances are asked for */
    FIELD_DY,
    FIELDS,
    FIELDS_PLAIN = FIELD_DX
} field_t;

/* What is computed of a point that escapes; each includes those before. */
typedef enum level_t { LEVEL_COUNT, LEVEL_SMOOTH, LEVEL_DISTANCE } level_t;

/* A queue of points, consecutive in arrays: vectors are stored and loaded at any place. */
typedef struct points_t {
    double field[FIELDS][POOL];
    int first, count;
} points_t;

/* One vector's lanes in flight. */
typedef struct group_t {
    _Alignas(64) double x[V_LANES];
    double y[V_LANES];
    double cr[V_LANES], ci[V_LANES];
    double place[V_LANES];
    double due[V_LANES];                     /* when max_iter is reached; infinite: free */
    double seen_x[V_LANES], seen_y[V_LANES]; /* an earlier z; not a number: none yet */
    double renew[V_LANES];                   /* when that is to be replaced */
    struct {
        double x[V_LANES], y[V_LANES];
    } kept[ROUNDS_MOST];     /* z at the starts of the last block's rounds */
    int64_t counts[V_LANES]; /* careful: updates survived in the last block */
} group_t;

/* Its derivatives, apart, because they are seldom asked for. */
typedef struct slopes_t {
    _Alignas(64) double x[V_LANES]; /* or vectors lie across cache lines */
    double y[V_LANES];
    struct {
        double x[V_LANES], y[V_LANES];
    } kept[ROUNDS_MOST];
} slopes_t;

/* A flight. Sets of lanes are words of 64 bits, lane 0 of vector 0 lowest. */
typedef struct flight_t {
    group_t group[VECTORS_MOST];
    _Alignas(64) double limit[V_LANES]; /* bailout^2 */
    double add[V_LANES];                /* what the derivative gains at every update */
    points_t pool;
    uint64_t flown;    /* lanes in use */
    uint64_t all;      /* lanes there are */
    int64_t time;      /* updates made by every lane so far */
    int64_t next_due;  /* a lower bound of all `due` */
    int64_t next_look; /* a multiple of LOOK_EVERY */
    int64_t escapes;   /* since the last look */
    int vectors;
    int rounds; /* in a block, whose updates are a divisor of LOOK_EVERY */
    bool careful;
    bool scout; /* see kernel_scout.h */
    slopes_t slope[VECTORS_SLOPE];
} flight_t;

/* What is being computed. */
typedef struct body_t {
    const hm_formula_t *formula;
    const hm_poll_t *poll;
    const double *re, *im;
    int64_t width;
    hm_channels_t out; /* of this portion */
    level_t level;
    double far;              /* |z|^2 from which on an orbit is far away */
    double far_first;        /* the same of the first z that the scalar kernel must take */
    double far_most;         /* updates after which an orbit must be far away */
    double unit;             /* of distances: finish_unit() */
    uint64_t *saved;         /* per row: updates that a short cut made unnecessary; may be NULL */
    int64_t points;          /* in this portion of the tile */
    int64_t at, row, column; /* next point to prepare */
    form_t mixed;            /* FORM_MIXED or FORM_FUSED: what suits the processor */
    form_t form, form_tested;
    form_t form_scout;
    bool exact;             /* short cuts? */
    bool knowable;          /* does known_inside() hold for this formula? */
    bool known;             /* and is it of use here? */
    double limit;           /* bailout^2 */
    double surely, no_more; /* |c|^2 between these: careful */
    bool all_careful;
    bool traps;            /* are discs looked for? See kernel_trap.h */
    int64_t traps_tried;   /* lately: orbits whose discs were looked for */
    int64_t traps_closed;  /* of them: found */
    unsigned traps_passed; /* looks at times when that is seldom */
    bool sweeps;           /* counts alone, without exceptions: see kernel_sweep.h */
    bool suits_channels;   /* can the flights lead points far away with this bailout? */
    bool may_board_raw;    /* may points board without a prelude? No care needed, none far away */
    bool from_c;           /* every |c| is within the bailout: orbits may begin with z = c */
    double left_first;     /* max_iter, less the one update that is made then */
    int64_t raw;           /* so many of the next points are to board without a prelude */
    int patience;          /* updates of a prelude in any case */
    int prepared;          /* points since patience was last thought over */
    int early;             /* of them: escaped late in the prelude or soon after it */
    int finished;          /* of them: escaped at once, or known_inside() */
    int prelude_longest;   /* updates that a point may have behind it when it boards */
    uint64_t since_poll;
    points_t replay;
    points_t periods; /* points of the set whose period is asked for; FIELD_DX: does it repeat? */
    flight_t fast, scout, careful;
    flight_t *next;       /* of these: the one that the next points board */
    double flown, stayed; /* updates in that flight: all, and those of points that stayed */
} body_t;

static inline bool asked_to_stop(body_t *b) {
    if (b->since_poll < UPDATES_PER_POLL) {
        return false;
    }
    b->since_poll = 0;
    return hm_poll_stops(b->poll);
}

/* --- queues ---------------------------------------------------------------------------------- */

/* Keeps the compiler from carrying what it points to in registers, and from making a pointer of its
 * own for every array. */
#define HM_OPAQUE(pointer) __asm__ volatile("" : "+r"(pointer))

/* Makes room for LANES_PREPARED more points behind the last one. */
static inline void points_make_room(points_t *q) {
    if (q->first + q->count + LANES_PREPARED + V_LANES > POOL) {
        for (int k = 0; k < FIELDS; ++k) {
            memmove(q->field[k], q->field[k] + q->first, (size_t)q->count * sizeof(double));
        }
        q->first = 0;
    }
}

/* Appends the `lanes` of a vector, values[fields]. */
HM_INLINE void points_push(points_t *q, unsigned lanes, const v_double_t *values, int fields) {
    double *to = q->field[0] + q->first + q->count;
    HM_OPAQUE(to);
    const v_route_t route = v_route_compress(lanes);
    HM_UNROLL for (int k = 0; k < fields; ++k) {
        v_store(to + k * POOL, v_compress(values[k], route));
    }
    q->count += __builtin_popcount(lanes);
}

#endif
