/**
 * @file driver.h
 * How one process reads and writes a data set file: a driver of HDF5's for which no write fails.
 * Inside src/store only.
 *
 * HDF5 does not recover from headers that could not be written: it keeps the file that it could not
 * close, half taken down, and breaks on it when MPI ends, so that the program dies with another
 * exit code than its own. With this driver HDF5 hears nothing of a write that failed: the first
 * error is noted, what is written later is dropped, so that nothing reaches the file behind it, and
 * whoever opened the file asks at its end. The file's bytes are those that HDF5's own driver
 * writes. No locks: a reader that looks at a running job's file must not stop it.
 */
#ifndef HM_STORE_DRIVER_H
#define HM_STORE_DRIVER_H

#include <hdf5.h>

/**
 * Makes `access`, a list of file access properties, use this driver. *unwritten, which has to be
 * there until the file is closed, becomes the errno of the first write that failed; until then it
 * is left as it is. Negative on failure.
 */
herr_t hm_driver_use(hid_t access, int *unwritten);

#endif
