/* What to type: the request as jobs/submit takes it, and as jobs/submit then hands it to Slurm and
 * PBS, which it says itself. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plan.h"

enum { MOST_WORDS = 128 };

/* The words of a command, all malloc'ed. */
typedef struct words_t {
    char *word[MOST_WORDS + 1];
    int count;
    bool lost; /* out of memory, or of room */
} words_t;

static void add(words_t *words, const char *format, ...) HM_PRINTF(2, 3);
static void add(words_t *words, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *word = NULL;
    const int length = words->count < MOST_WORDS ? vasprintf(&word, format, arguments) : -1;
    va_end(arguments);
    if (length < 0) {
        words->lost = true;
    } else {
        words->word[words->count++] = word;
    }
}

static void free_words(words_t *words) {
    for (int i = 0; i < words->count; ++i) {
        free(words->word[i]);
    }
}

/* The words as they can be typed; NULL: out of memory. */
static char *typed(const words_t *words) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "_./:=+,%@-";
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        return NULL;
    }
    for (int i = 0; i < words->count; ++i) {
        const char *word = words->word[i];
        fputs(i > 0 ? " " : "", out);
        if (word[0] && word[strspn(word, plain)] == '\0') {
            fputs(word, out);
            continue;
        }
        fputc('\'', out);
        for (const char *c = word; *c; ++c) {
            if (*c == '\'') {
                fputs("'\\''", out);
            } else {
                fputc(*c, out);
            }
        }
        fputc('\'', out);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* --- where jobs/submit is
 * -----------------------------------------------------------------------*/

static bool same_file(const char *a, const char *b) {
    struct stat first;
    struct stat second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* Next to the program, in its installation, or here. */
static bool find_submit(char *path, size_t size) {
    char program[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash) {
        *slash = '\0';
    }
    const char *home = getenv("HPCMANDEL_HOME");
    const struct {
        const char *folder, *rest;
    } places[] = {{home, "/jobs/submit"},
                  {program, "/jobs/submit"},
                  {program, "/../jobs/submit"},
                  {program, "/../share/hpcmandel/jobs/submit"},
                  {".", "/jobs/submit"}};
    for (size_t i = 0; i < sizeof places / sizeof *places; ++i) {
        if (places[i].folder && places[i].folder[0]) {
            const int written = snprintf(path, size, "%s%s", places[i].folder, places[i].rest);
            if (written > 0 && (size_t)written < size && access(path, X_OK) == 0) {
                if (same_file(path, "jobs/submit")) {
                    snprintf(path, size, "jobs/submit");
                }
                return true;
            }
        }
    }
    return false;
}

/* --- the request
 * --------------------------------------------------------------------------------*/

void plan_time(double seconds, char *text, size_t size) {
    const long long all = seconds < 1e12 ? (long long)seconds : 0;
    const long long days = all / 86400;
    const int used = days > 0 ? snprintf(text, size, "%lld-", days) : 0;
    snprintf(text + used, size - (size_t)used, "%02lld:%02lld:%02lld", all / 3600 % 24,
             all / 60 % 60, all % 60);
}

/* A time limit with room for a slower day, for starting, and for stopping ahead of it, in whole
 * minutes. */
static double time_limit(double seconds) {
    return 60 * ceil((1.25 * seconds + 60) / 60);
}

/* Options of render that say how a run reports, or that the job itself takes care of. */
static bool is_for_the_job(const hm_option_t *option) {
    static const char *const others[] = {"threads", "strategy", "progress",
                                         "quiet",   "verbose",  NULL};
    for (const char *const *key = others; *key; ++key) {
        if (strcmp(option->key, *key) == 0) {
            return false;
        }
    }
    return true;
}

static void add_option(words_t *words, const hm_values_t *values, int i) {
    const char *text = values->text[i];
    if (values->table[i].type != HM_OPTION_FLAG) {
        add(words, "--%s=%s", values->table[i].key, text);
    } else if (strcmp(text, "true") == 0) {
        add(words, "--%s", values->table[i].key);
    }
}

static bool is_render_key(const char *key) {
    for (const hm_option_t *o = render_options; o->key; ++o) {
        if (strcmp(o->key, key) == 0) {
            return true;
        }
    }
    return false;
}

/* The program's arguments: what was given for render, and a data set's view without its output. */
static void add_arguments(words_t *words, const plan_t *plan, const char *strategy) {
    const hm_values_t *mine = &plan->values;
    const hm_values_t *file = &plan->file_values;
    for (int i = 0; i < file->count; ++i) {
        const hm_option_t *option = &file->table[i];
        if (file->text[i] && file->origin[i] != HM_FROM_DEFAULT && is_for_the_job(option) &&
            (!option->fallback || strcmp(option->fallback, file->text[i]) != 0) &&
            strcmp(option->key, "output") != 0 && strcmp(option->key, "png") != 0 &&
            strcmp(option->key, "isa") != 0 && !hm_options_given(mine, option->key)) {
            add_option(words, file, i);
        }
    }
    for (int i = 0; i < mine->count; ++i) {
        if (mine->text[i] && mine->origin[i] != HM_FROM_DEFAULT &&
            is_render_key(mine->table[i].key) && is_for_the_job(&mine->table[i])) {
            add_option(words, mine, i);
        }
    }
    add(words, "--strategy=%s", strategy);
}

static void add_request(words_t *words, const plan_table_t *table, const char *time) {
    const plan_request_t *request = &table->request;
    add(words, "--nodes");
    add(words, "%d", request->nodes);
    if (request->ranks % request->nodes == 0) {
        add(words, "--ranks-per-node");
        add(words, "%d", request->ranks / request->nodes);
    } else {
        add(words, "--ranks");
        add(words, "%d", request->ranks);
    }
    add(words, "--threads");
    add(words, "%d", request->threads);
    add(words, "--time");
    add(words, "%s", time);
}

/* --- what jobs/submit would run
 * -----------------------------------------------------------------*/

/* The first line that a program prints, malloc'ed; NULL when it fails. */
static char *first_line(const words_t *words) {
    posix_spawn_file_actions_t actions;
    int ends[2] = {-1, -1};
    char *line = NULL;
    size_t size = 0;
    pid_t child = 0;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return NULL;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    char *const *arguments = (char *const *)words->word;
    const bool started =
        posix_spawn(&child, words->word[0], &actions, NULL, arguments, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE *in = fdopen(ends[0], "r");
    if (!in) {
        close(ends[0]);
    }
    ssize_t length = in && started ? getline(&line, &size, in) : -1;
    if (in) {
        fclose(in);
    }
    int code = 1;
    while (started && waitpid(child, &code, 0) < 0 && errno == EINTR) {
    }
    if (length <= 0 || code != 0) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\n")] = '\0';
    return line;
}

static char *dry_run(const char *submit, const char *scheduler, const plan_t *plan,
                     const plan_table_t *table, const char *time) {
    words_t words = {.count = 0};
    add(&words, "%s", submit);
    add(&words, "--dry-run");
    add(&words, "--scheduler");
    add(&words, "%s", scheduler);
    add_request(&words, table, time);
    add(&words, "--");
    add_arguments(&words, plan, hm_strategies[table->best]->name);
    char *line = words.lost ? NULL : first_line(&words);
    free_words(&words);
    return line;
}

hm_status_t plan_commands_make(const plan_t *plan, const plan_table_t *table,
                               plan_commands_t *commands, hm_error_t *err) {
    plan_commands_t c = {.submit = NULL};
    char submit[PATH_MAX + 64];
    words_t words = {.count = 0};
    const bool found = find_submit(submit, sizeof submit);
    plan_time(time_limit(table->outcome[table->best].seconds), c.time, sizeof c.time);
    add(&words, "%s", found ? submit : "jobs/submit");
    add_request(&words, table, c.time);
    add(&words, "--");
    add_arguments(&words, plan, hm_strategies[table->best]->name);
    c.submit = words.lost ? NULL : typed(&words);
    free_words(&words);
    if (!c.submit) {
        return hm_error_set(err, HM_EMISSING, "out of memory for the command line");
    }
    if (found) {
        c.sbatch = dry_run(submit, "slurm", plan, table, c.time);
        c.qsub = dry_run(submit, "pbs", plan, table, c.time);
    } else {
        snprintf(c.problem, sizeof c.problem,
                 "jobs/submit was not found: set HPCMANDEL_HOME to the folder that holds jobs/");
    }
    *commands = c;
    return HM_OK;
}

void plan_commands_free(plan_commands_t *commands) {
    free(commands->submit);
    free(commands->sbatch);
    free(commands->qsub);
    *commands = (plan_commands_t){.submit = NULL};
}
