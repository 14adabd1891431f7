/** @file accounts.h What rows cost, and who computed them. Inside src/analysis only. */
#ifndef HM_ANALYSIS_ACCOUNTS_H
#define HM_ANALYSIS_ACCOUNTS_H

#include "hm_cluster.h"
#include "hm_dataset.h"
#include "reduce.h"
#include "share.h"

/** On rank 0: over all rows that are done. */
typedef struct hm_accounts_t {
    uint64_t *rows, *work; /**< [doers], of each rank of the run that made the file; owned */
    hm_wide_t *time;       /**< [doers], picoseconds; owned */
    int doers;
    hm_costly_t *costly; /**< [top], row -1 where there are fewer; owned */
    int top;
} hm_accounts_t;

/** Each rank reads its share. Collective; all ranks return the same status. HM_EDATA: an account
 * that cannot be. HM_EIO, HM_EMISSING. */
hm_status_t hm_accounts_read(const hm_cluster_t *cluster, hm_reader_t *reader, hm_share_t share,
                             int top, hm_accounts_t *accounts, hm_error_t *err);
void hm_accounts_free(hm_accounts_t *accounts);

#endif
