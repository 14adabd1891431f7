/** @file annotate.c Figures of an analysis, put into the room that files have for them. */
#include <stdint.h>

#include "edit.h"
#include "info.h"
#include "table.h"

static hm_status_t set_valid(hid_t group, uint8_t valid, hm_edit_t *edit, hm_error_t *err) {
    hm_status_t status = HM_OK;
    HM_TRY(hm_h5_set(group, "valid", HM_H5_U8, &valid, err));
    HM_TRY(hm_edit_barrier(edit, err));
cleanup:
    return status;
}

hm_status_t hm_dataset_annotate(const char *path, const hm_finding_t *figures, int count,
                                hm_error_t *err) {
    hm_status_t status = HM_OK;
    hm_edit_t edit = HM_EDIT_NONE;
    hm_dataset_info_t info;
    hid_t group = H5I_INVALID_HID;
    int64_t rows = count;
    if (count < 1) {
        HM_TRY(hm_error_set(err, HM_EBUG, "no figures"));
    }
    HM_TRY(hm_edit_open(path, &edit, err));
    HM_TRY(hm_info_read(edit.file, &info, err));
    if (H5Lexists(edit.file, HM_PATH_ANALYSIS, H5P_DEFAULT) > 0) {
        group = H5Gopen2(edit.file, HM_PATH_ANALYSIS, H5P_DEFAULT);
    }
    if (group < 0) {
        HM_TRY(hm_error_set(err, HM_EDATA,
                            "it was made without room for figures: print them instead"));
    }
    HM_TRY(hm_edit_begin(&edit, err));
    HM_TRY(set_valid(group, 0, &edit, err));
    HM_TRY(hm_table_resize(edit.file, hm_layout_figures(), &rows, err));
    HM_TRY(hm_table_write(edit.file, hm_layout_figures(), 0, rows, figures, err));
    HM_TRY(hm_edit_barrier(&edit, err));
    HM_TRY(set_valid(group, 1, &edit, err));
    hm_h5_close(&group);
    HM_TRY(hm_edit_close(&edit, err));
cleanup:
    if (status != HM_OK) {
        (void)hm_error_context(err, "writing the analysis into '%s'", path);
    }
    hm_h5_close(&group);
    hm_edit_abandon(&edit);
    return status;
}
