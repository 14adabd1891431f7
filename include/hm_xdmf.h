/**
 * @file hm_xdmf.h
 * XDMF: a small XML file by which ParaView and VisIt open a data set file.
 *
 * https://www.xdmf.org/index.php/XDMF_Model_and_Format (version 2, which readers of version 3 take
 * too). The grid is a uniform one of height x width nodes in the plane Z = 0, X the real and Y the
 * imaginary part, so Y goes down along with the rows. Channels are its values at the nodes, by
 * reference: nothing is copied.
 */
#ifndef HM_XDMF_H
#define HM_XDMF_H

#include "hm_error.h"

/**
 * Writes the sidecar of the data set file at `h5_path`, which may be unfinished or compressed, to
 * `xdmf_path`, replacing what is there at once by rename. The reference is the bare name where both
 * lie in one folder, which may then be moved as a whole, else the full path. One rank alone,
 * serial. HM_EUSAGE: a name with a colon, as XDMF cannot say it; HM_ECREATE, HM_EIO, and as
 * hm_reader_open().
 */
hm_status_t hm_xdmf_write(const char *h5_path, const char *xdmf_path, hm_error_t *err);

#endif
