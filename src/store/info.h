/** @file info.h What a data set file says of itself, checked. Inside src/store only. */
#ifndef HM_STORE_INFO_H
#define HM_STORE_INFO_H

#include "layout.h"

/** Reads and checks shapes, types, attributes of an open file and counts the rows done. HM_EDATA.
 */
hm_status_t hm_info_read(hid_t file, hm_dataset_info_t *info, hm_error_t *err);

#endif
