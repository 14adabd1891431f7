/**
 * @file simulate.h
 * The events of a simulated run, and what a model of a strategy is. Private to src/analysis/.
 *
 * A rank is idle, computes a band, or writes one. When it has computed, the model delivers the
 * band; when that is done, the model finds it another one. A model is a file and a line in the
 * table of simulate.c.
 */
#ifndef HM_ANALYSIS_SIMULATE_H
#define HM_ANALYSIS_SIMULATE_H

#include "hm_simulate.h"

typedef enum sim_doing_t { SIM_IDLE, SIM_COMPUTING, SIM_WRITING } sim_doing_t;

typedef enum sim_kind_t {
    SIM_NEXT,     /* a rank has nothing in hand */
    SIM_COMPUTED, /* a rank has computed its band */
    SIM_ARRIVED   /* a rank's question has come to rank 0 */
} sim_kind_t;

typedef struct sim_event_t {
    double time;
    int64_t order; /* of equal times the one that was made first comes first */
    int32_t rank;
    sim_kind_t kind;
} sim_event_t;

/* A heap of four children a node, earliest first. */
typedef struct sim_queue_t {
    sim_event_t *event;
    int64_t count, room, made;
} sim_queue_t;

/* HM_EMISSING. */
hm_status_t sim_queue_push(sim_queue_t *queue, double time, int rank, sim_kind_t kind,
                           hm_error_t *err);
/* False: there is none. */
bool sim_queue_pop(sim_queue_t *queue, sim_event_t *event);

typedef struct sim_rank_t {
    double start, end; /* of what it is doing */
    double busy, work;
    double kept;                 /* by others while it wrote: made up for afterwards */
    double answer;               /* when the portion asked for is known */
    double freed[HM_PIPE_AHEAD]; /* when its buffers for bands that it sends are free */
    double served;               /* it takes bands of others until then */
    int64_t place, last;         /* left of the portion in hand: [place, last] */
    int64_t number;              /* the portion asked for */
    int32_t node;
    sim_doing_t doing : 8;
    bool asked : 1, answered : 1, awaits : 1, ahead : 1, draws : 1;
    unsigned slot : 1;
    uint8_t saved; /* bands, for the next round */
} sim_rank_t;

typedef struct sim_t {
    const hm_simulation_t *plan;
    const struct sim_model_t *model;
    sim_queue_t queue;
    sim_rank_t *rank; /* [plan->ranks] */
    hm_portions_t portions;
    void *own;       /* the model's, free()d at the end */
    int64_t next;    /* portion to hand out */
    double attended; /* rank 0 answers its last question until then */
    double filed;    /* the file system is at work until then */
    double round;    /* the last round is over then */
    double ended;    /* the last rank has ended, so far */
    double writing;
    int64_t messages;
    hm_status_t status; /* HM_EMISSING, once an event found no room */
    hm_error_t *err;
} sim_t;

typedef struct sim_model_t {
    const char *strategy;
    hm_status_t (*open)(sim_t *sim); /* NULL: nothing to prepare */
    void (*next)(sim_t *sim, int rank, double now);
    void (*deliver)(sim_t *sim, int rank, double now); /* NULL: the rank writes the band itself */
    void (*arrived)(sim_t *sim, int rank, double now); /* a question; NULL: nobody asks */
    double (*memory)(const hm_simulation_t *plan);     /* bytes beside a buffer for one band */
} sim_model_t;

extern const sim_model_t sim_block, sim_cyclic, sim_predict, sim_pipeline, sim_pool, sim_counter,
    sim_hier;

/* Makes an event. */
void sim_push(sim_t *sim, double time, int rank, sim_kind_t kind);

/* The rank begins to compute a band. */
void sim_compute(sim_t *sim, int rank, int64_t band, double now);

/* The rank writes its band; SIM_NEXT follows. */
void sim_write(sim_t *sim, int rank, double now);

/* A band reaches the file system: when it has taken it, at the earliest after `own` seconds. */
double sim_file(sim_t *sim, double now, double own);

/* Seconds that writing a band takes a rank itself. */
double sim_write_seconds(const sim_t *sim);

/* A band goes from the rank, where the strategy wants it, the way that is asked for; SIM_NEXT
 * follows. */
void sim_deliver(sim_t *sim, int rank, double now);

/* A band goes to `writer`, who takes it when it looks: when it begins to. */
double sim_send(sim_t *sim, int writer, double now);

/* ROUNDS: the last one, when all are done. Seconds. */
double sim_last_round(sim_t *sim);

/* Bytes that the way of the bands takes on the rank that holds most. */
double sim_delivery_memory(const hm_simulation_t *plan);

/* The first rank of a node; of one behind the last: how many ranks there are. */
int sim_node_first(const hm_simulation_t *plan, int node);

/* When the rank looks at its messages at or after `now`. */
double sim_attends(const sim_t *sim, int rank, double now);

/* The rank does something for others, for so long. */
void sim_delay(sim_t *sim, int rank, double seconds);

/* The same of what `served` or `round` tell, which it does before it begins anything else. */
void sim_interrupt(sim_t *sim, int rank, double seconds);

/* The rank has nothing more to do. */
void sim_end(sim_t *sim, double now);

/* Nobody computes before. */
void sim_begin_at(sim_t *sim, double time);

/* Seconds of a message from this rank to rank 0, or back. */
double sim_latency(const sim_t *sim, int rank);

/* Seconds of something that takes as many messages in a row as a tree of all ranks is high. */
double sim_tree(const hm_simulation_t *plan);

/*
 * Draws from a common counter: the next portion's number, at once for rank 0, and for all where
 * `at_once`; else the question travels, and the answer is there after sim_answer().
 */
void sim_ask(sim_t *sim, int rank, double now, bool at_once);
void sim_answer(sim_t *sim, int rank, double now);

#endif
