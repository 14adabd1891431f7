/* The commands there are: one line here and one in the table of command.c for a new one. */
#ifndef HM_COMMANDS_H
#define HM_COMMANDS_H

#include "hm_command.h"

extern const hm_command_t hm_command_render;
extern const hm_command_t hm_command_analyze;
extern const hm_command_t hm_command_compare;
extern const hm_command_t hm_command_export;
extern const hm_command_t hm_command_potential;
extern const hm_command_t hm_command_bench;
extern const hm_command_t hm_command_plan;
extern const hm_command_t hm_command_report;
extern const hm_command_t hm_command_check;

#endif
